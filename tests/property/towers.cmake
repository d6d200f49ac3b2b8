tw_test(property prop_tower_learning.c DEPENDS tw_towers)
tw_test(property prop_tower_scripts.c DEPENDS tw_towers)
