tw_test(oom oom_towers.c DEPENDS tw_towers)
tw_test(oom oom_metrics.c DEPENDS tw_metrics)
