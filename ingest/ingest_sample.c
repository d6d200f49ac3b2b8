/* How a log writes its times, decided from its first rows before any is handed out. */
#include "ingest/internal.h"

#define ENOUGH_BYTES (1u << 20)
#define ENOUGH_ROWS  20000
/* A log in order of time may take long to a 13th of a month, and only that tells days from months.
 */
#define OPEN_BYTES (32u << 20)

static void add_row(tw_reader *r, twi_time_sample *sample)
{
    const int at = r->plan.at[TWI_TIME];
    const char *s = "";
    size_t len = 0;

    if (at < 0 || twi_cell_text(&r->cells[at], &r->fields[TWI_TIME], &s, &len, NULL) != TW_OK)
        return;
    r->has_times = true;
    if (len > 0)
        twi_time_add(sample, s, r->raw.line);
}

/* Bad rows tell nothing here; whoever reads them has the sentence. So it is with a file that cannot
 * be read further. */
static tw_status read_rows(tw_reader *r, twi_time_sample *sample, tw_error *err)
{
    bool got = true;
    for (int64_t n = 0; got; n++) {
        const size_t bytes = twi_source_pinned(&r->src);
        const bool enough = bytes >= ENOUGH_BYTES || n >= ENOUGH_ROWS;
        if (bytes >= OPEN_BYTES || (enough && !twi_time_is_open(sample)))
            break;
        const tw_status st = twi_reader_step(r, &got, err);
        if (st == TW_OK && got)
            add_row(r, sample);
        else if (st == TW_ENOMEM)
            return st;
        else if (st != TW_OK && st != TW_EINVAL)
            break;
    }
    return TW_OK;
}

tw_status twi_sample(tw_reader *r, tw_error *err)
{
    twi_time_sample sample = {0};
    tw_error why = {0};
    const bool given = r->time.unit != TWI_TIME_UNITS; /* JSON still does not say who has times */

    twi_source_pin(&r->src);
    tw_status st = read_rows(r, &sample, err);
    if (st != TW_OK)
        return st;
    st = twi_source_unpin(&r->src, err);
    if (st != TW_OK)
        return st;
    r->place = r->first;
    r->raw = (twi_span){.data = ""};
    if (given)
        return TW_OK;
    st = twi_time_decide(&sample, &r->time, &why);
    return st == TW_OK ? st : tw_fail(err, st, "'%.150s': %.340s", r->path, why.msg);
}
