/* What only values tell: how a log writes its times, and whether columns without names are what
 * their order says. Decided from the first rows, before any is handed out. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/ingest_sample_ids.h"
#include "ingest/internal.h"

#define ENOUGH_BYTES (256u << 10)
#define ENOUGH_ROWS  1000
/* A log in order of time may take long to a 13th of a month, and only that tells days from months.
 */
#define OPEN_BYTES (32u << 20)

enum { LOG_COLUMNS = 4, FEW_ROWS = 10, LARGEST_RATING = 1000, SMALLEST_RATINGS = 10 };

typedef struct sample {
    twi_time_sample times;
    twi_type_sample *types; /* (plan.n) of a table's columns, owned; NULL: of no interest */
    twi_type_sample ratings;
    twi_ids ids;
    int64_t rows, clocks;
    struct {
        int64_t stamps; /* values that could be a time since 1970 */
        double most;    /* the greatest number */
        char text[TWI_TIME_SHOWN];
    } columns[LOG_COLUMNS]; /* of a log without a header */
} sample;

static void look_at_columns(const tw_reader *r, sample *s)
{
    for (int i = 0; i < LOG_COLUMNS && i < r->n_cells; i++) {
        const char *text = r->cells[i].data;
        double number;
        s->columns[i].stamps += twi_time_is_stamp(text) ? 1 : 0;
        if (s->rows == 1)
            (void) snprintf(s->columns[i].text, sizeof s->columns[i].text, "%.40s", text);
        if (tw_parse_f64(text, &number) && number > s->columns[i].most)
            s->columns[i].most = number;
    }
}

static void look_at_values(const tw_reader *r, sample *s)
{
    const int rating = r->plan.at[TWI_RATING];
    for (int i = 0; s->types != NULL && i < r->n_cells; i++)
        twi_type_add(&s->types[i], r->cells[i].data, r->cells[i].len);
    if (rating >= 0 && rating < r->n_cells && r->cells[rating].json == NULL)
        twi_type_add(&s->ratings, r->cells[rating].data, r->cells[rating].len);
}

static void add_row(tw_reader *r, sample *s)
{
    const char *text = "";

    s->rows++;
    if (r->doc != NULL || (s->rows == 1 && r->plan.kind == TW_INGEST_EVENTS))
        twi_note_columns(r);
    look_at_values(r, s);
    twi_ids_add(&s->ids, r);
    if (r->numbered)
        look_at_columns(r, s);
    if (r->plan.kind != TW_INGEST_EVENTS || r->plan.at[TWI_TIME] < 0 ||
        twi_time_text(r, &text, NULL) != TW_OK)
        return;
    r->has_times = true;
    s->clocks += twi_time_is_clock(text);
    if (text[0] != '\0')
        twi_time_add(&s->times, text, r->raw.line);
}

static bool is_enough(const tw_reader *r, const sample *s, int64_t steps)
{
    const size_t bytes = twi_source_pinned(&r->src);
    if (r->plan.kind != TW_INGEST_EVENTS && s->types == NULL && s->rows > 0)
        return true;
    return bytes >= OPEN_BYTES ||
           ((bytes >= ENOUGH_BYTES || steps >= ENOUGH_ROWS) && !twi_time_is_open(&s->times));
}

/* Bad rows tell nothing here; whoever reads them has the sentence. So it is with a file that cannot
 * be read further. */
static tw_status read_rows(tw_reader *r, sample *s, tw_error *err)
{
    bool got = true;
    for (int64_t n = 0; got && !is_enough(r, s, n); n++) {
        const tw_status st = twi_reader_step(r, &got, err);
        if (st == TW_OK && got)
            add_row(r, s);
        else if (st == TW_ENOMEM)
            return st;
        else if (st != TW_OK && st != TW_EINVAL)
            break;
    }
    return TW_OK;
}

#define BUT_NAMED                                                                                  \
    "'%.150s' has no header, so its columns are taken for user, item, rating and time; but "
#define TO_DO "; name them as they stand with --header, as in --header %s"

/* A log without a header whose columns come in another order than the format's. */
static tw_status check_order(const tw_reader *r, const sample *s, tw_error *err)
{
    static const char *const orders[] = {"time,user,item,rating", "user,time,item,rating",
                                         "user,item,time,rating"};
    if (!r->numbered || r->plan.n != LOG_COLUMNS || s->rows == 0)
        return TW_OK;
    for (int i = 0; i < LOG_COLUMNS - 1 && r->time.unit == TWI_TIME_NUMBERS; i++) {
        if (s->columns[i].stamps == s->rows) {
            return tw_fail(err, TW_EINVAL,
                           BUT_NAMED "the time '%s' is a small number, and '%s' in column %d could "
                                     "be one" TO_DO,
                           r->path, s->columns[3].text, s->columns[i].text, i + 1, orders[i]);
        }
    }
    if (s->rows >= FEW_ROWS && s->columns[2].most > LARGEST_RATING &&
        s->columns[1].most <= SMALLEST_RATINGS) {
        return tw_fail(err, TW_EINVAL,
                       BUT_NAMED "the ratings go to %g, and no item is above %g" TO_DO, r->path,
                       s->columns[2].most, s->columns[1].most, "user,rating,item,time");
    }
    return TW_OK;
}

/* Its name looked like a time, its values do not. */
static void take_no_time(tw_reader *r)
{
    r->plan.guess_time = false;
    r->has_times = false;
    if (r->plan.at[TWI_TIME] >= 0)
        r->plan.columns[r->plan.at[TWI_TIME]].role = TWI_IGNORED;
    r->plan.at[TWI_TIME] = -1;
    if (r->doc != NULL)
        r->plan.n = 0; /* the next row's keys are looked at anew */
}

static bool is_guess(const tw_reader *r)
{
    for (int i = 0; i < r->n_taken; i++) {
        if (strcmp(r->taken[i].field, twi_role_name(TWI_TIME)) == 0)
            return r->taken[i].guessed;
    }
    return false;
}

static tw_status look_ahead(tw_reader *r, sample *s, tw_error *err)
{
    twi_type_sample *types = s->types;
    *s = (sample){.types = types};
    twi_ids_init(&s->ids, r);
    if (types != NULL)
        memset(types, 0, (size_t) r->plan.n * sizeof *types);
    twi_source_pin(&r->src);
    tw_status st = read_rows(r, s, err);
    if (st != TW_OK)
        return st;
    st = twi_source_unpin(&r->src, err);
    r->place = r->first;
    r->raw = (twi_span){.data = ""};
    return st;
}

static bool holds_no_time(const sample *s)
{
    int64_t times = 0;
    for (int u = 0; u < TWI_TIME_UNITS; u++)
        times += s->times.units[u].n;
    return times == 0 && s->times.unreadable > 0;
}

/* None of the values is a time: then the next best column's may be, perhaps as the date that the
 * hours in this one are of. */
static tw_status look_elsewhere(tw_reader *r, sample *s, tw_error *err)
{
    sample other = {.types = NULL};
    int before, at;
    if (r->doc != NULL || !holds_no_time(s) || !twi_plan_other_time(&r->plan, &before))
        return TW_OK;
    r->clock = s->clocks == s->times.unreadable ? before : -1;
    tw_status st = look_ahead(r, &other, err);
    if (st != TW_OK)
        return st;
    if (!holds_no_time(&other)) {
        *s = other;
        return TW_OK;
    }
    at = r->plan.at[TWI_TIME];
    r->plan.columns[at].role = TWI_IGNORED;
    r->plan.columns[before].role = TWI_TIME;
    r->plan.at[TWI_TIME] = before;
    r->clock = -1;
    return TW_OK;
}

/* The columns that have no type yet. */
static void decide_types(tw_reader *r, const sample *s)
{
    for (int i = 0; i < r->plan.n; i++) {
        twi_column *c = &r->plan.columns[i];
        if (c->type == TWI_GUESS)
            c->type = twi_type_decide(&s->types[i], c->name, &c->style);
        else if (c->type == TWI_NUMBER)
            c->style = twi_number_style_of(&s->types[i]);
    }
}

static tw_status sample_items(tw_reader *r, tw_error *err)
{
    sample s = {.types = NULL};
    if (r->is_table) {
        s.types = tw_alloc((size_t) r->plan.n, sizeof *s.types);
        if (s.types == NULL)
            return tw_fail(err, TW_ENOMEM, "no memory to look at %d columns", r->plan.n);
    }
    tw_status st = look_ahead(r, &s, err);
    if (st == TW_OK && r->is_table) {
        decide_types(r, &s);
        twi_ids_decide_whole(&s.ids, r);
    }
    tw_free(s.types);
    return st;
}

tw_status twi_sample(tw_reader *r, tw_error *err)
{
    sample s = {.types = NULL};
    tw_error why = {0};
    const bool given = r->time.unit != TWI_TIME_UNITS; /* JSON still does not say who has times */

    if (r->plan.kind != TW_INGEST_EVENTS)
        return sample_items(r, err);
    tw_status st = look_ahead(r, &s, err);
    if (st == TW_OK)
        twi_ids_decide(&s.ids, r);
    r->rating = twi_number_style_of(&s.ratings);
    if (st != TW_OK || given || !r->has_times)
        return st;
    st = look_elsewhere(r, &s, err);
    if (st != TW_OK)
        return st;
    st = twi_time_decide(&s.times, &r->time, &why);
    if (st != TW_OK)
        return tw_fail(err, st, "'%.150s': %.340s", r->path, why.msg);
    if (r->time.unit == TWI_TIME_NUMBERS && is_guess(r))
        take_no_time(r);
    return check_order(r, &s, err);
}
