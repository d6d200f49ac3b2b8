/* cli/plot/plot_none.c — what is there instead of images where cairo is not. */
#include "cli/plot/plot.h"

bool plot_available(void) { return false; }

tw_status plot_check(const char *path, tw_error *err)
{
    return tw_fail(err, TW_EUNSUPPORTED,
                   "cannot draw '%s': this twindex was built without cairo (on Debian: "
                   "libcairo2-dev); install it and build again",
                   path);
}

tw_status plot_chart_draw(const char *path, const plot_chart *c, tw_error *err)
{
    (void) c;
    return plot_check(path, err);
}

tw_status plot_map_draw(const char *path, const plot_map *m, tw_error *err)
{
    (void) m;
    return plot_check(path, err);
}

tw_status plot_groups_draw(const char *path, const plot_groups *g, tw_error *err)
{
    (void) g;
    return plot_check(path, err);
}
