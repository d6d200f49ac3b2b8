/* From cells to a row: fields by role, templates, media paths, numbers, and attributes from the
 * rest. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/event_time.h"
#include "ingest/ingest_sample_ids.h"
#include "ingest/internal.h"

/* The field's text, or "" where the row has no such column. Its NUL-terminated copy lives in
 * r->fields[role] unless the cell is NUL-terminated already. */
static tw_status field(tw_reader *r, twi_role role, const char **out, tw_error *err)
{
    const int at = r->plan.at[role];
    size_t len;
    tw_error why = {0};

    *out = "";
    if (at < 0)
        return TW_OK;
    tw_status st = twi_cell_text(&r->cells[at], &r->fields[role], out, &len, &why);
    if (st == TW_EINVAL)
        return tw_fail(err, st, "the %s is not usable: %s", twi_role_name(role), why.msg);
    return st == TW_OK ? st : tw_fail(err, st, "%s", why.msg);
}

/* A field that may be missing, whatever word stands for that. */
static tw_status optional(tw_reader *r, twi_role role, const char **out, tw_error *err)
{
    tw_status st = field(r, role, out, err);
    if (st == TW_OK && twi_is_missing(*out)) {
        r->doubts.missing++;
        *out = "";
    }
    return st;
}

/* A value that cannot be read is no reason to lose its row. */
static void leave_out(tw_reader *r, const char *why)
{
    if (r->doubts.unreadable++ == 0)
        (void) snprintf(r->doubts.first_unreadable, sizeof r->doubts.first_unreadable,
                        "line %" PRId64 ": %.220s", r->raw.line, why);
}

static void note_text(tw_reader *r, const char *why)
{
    if (r->doubts.as_text++ == 0)
        (void) snprintf(r->doubts.first_as_text, sizeof r->doubts.first_as_text,
                        "line %" PRId64 ": %.220s", r->raw.line, why);
}

static void note_odd_id(tw_reader *r, twi_role role, const char *s)
{
    if (r->doubts.odd_ids++ == 0)
        (void) snprintf(r->doubts.first_odd_id, sizeof r->doubts.first_odd_id,
                        "line %" PRId64 ": the %s is '%s'", r->raw.line, twi_role_name(role), s);
}

/* 17.0 is 17 where the whole column is written so. */
static tw_status whole_id(tw_reader *r, twi_role role, const char **s, tw_error *err)
{
    char whole[24];
    if (!twi_whole_id(*s, whole))
        return TW_OK;
    tw_text_clear(&r->fields[role]);
    tw_status st = tw_text_adds(&r->fields[role], whole, err);
    *s = tw_text_cstr(&r->fields[role]);
    return st;
}

static tw_status needed(tw_reader *r, twi_role role, const char **out, tw_error *err)
{
    tw_status st = field(r, role, out, err);
    if (st == TW_OK && twi_may_be_missing(*out))
        note_odd_id(r, role, *out);
    if (st == TW_OK && r->whole[role])
        st = whole_id(r, role, out, err);
    if (st == TW_OK && (*out)[0] == '\0')
        return tw_fail(err, TW_EINVAL, "the %s is empty", twi_role_name(role));
    if (st == TW_OK && r->plan.at[role] >= 0) {
        const json_t *json = r->cells[r->plan.at[role]].json;
        if (json != NULL && !json_is_string(json) && !json_is_integer(json))
            return tw_fail(err, TW_EINVAL, "the %s is neither a string nor a whole number",
                           twi_role_name(role));
    }
    return st;
}

/* Appends a column to what a template makes. An empty one takes brackets around it along, with the
 * space before them. Returns how many bytes of the following literal are spent. */
static tw_status expand_column(tw_reader *r, tw_text *out, const twi_part *part, const char *next,
                               size_t *spent, tw_error *err)
{
    const char *s = "";
    size_t len = 0;
    tw_status st = TW_OK;

    *spent = 0;
    if (part->column >= 0)
        st = twi_cell_text(&r->cells[part->column], &r->fields[TWI_IMAGE], &s, &len, err);
    if (st != TW_OK)
        return st;
    if (len > 0)
        return tw_text_add(out, s, len, err);
    const char open = out->len > 0 ? out->data[out->len - 1] : ' ';
    if ((open == '(' && next[0] == ')') || (open == '[' && next[0] == ']')) {
        *spent = 1;
        out->len--;
        while (out->len > 0 && out->data[out->len - 1] == ' ')
            out->len--;
        out->data[out->len] = '\0';
    }
    return TW_OK;
}

static tw_status expand(tw_reader *r, const twi_template *t, tw_text *out, const char **s,
                        tw_error *err)
{
    tw_status st = TW_OK;
    size_t spent = 0;

    tw_text_clear(out);
    for (int i = 0; i < t->n && st == TW_OK; i++) {
        const twi_part *part = &t->parts[i];
        const char *text = t->text.data + part->from;
        const char *next = i + 1 < t->n && t->parts[i + 1].column == TWI_LITERAL
                               ? t->text.data + t->parts[i + 1].from
                               : "";
        if (part->column != TWI_LITERAL) {
            st = expand_column(r, out, part, next, &spent, err);
            continue;
        }
        st = tw_text_add(out, text + spent, part->len - spent, err);
        spent = 0;
    }
    *s = tw_text_cstr(out);
    return st;
}

/* A relative path is taken from the file's folder. An address is left out. */
static tw_status media(tw_reader *r, twi_role role, const char **out, tw_error *err)
{
    const char *s;
    tw_status st = optional(r, role, &s, err);
    if (st == TW_OK && strstr(s, "://") != NULL) {
        tw_error why = {0};
        char q[TWI_QUOTE_MAX];
        (void) tw_fail(&why, TW_EINVAL, "the %s %s is an address, and nothing is ever fetched",
                       twi_role_name(role), twi_quote(q, s, strlen(s)));
        leave_out(r, why.msg);
        s = "";
    }
    if (st != TW_OK || s[0] == '\0' || s[0] == '/') {
        *out = s;
        return st;
    }
    /* fields[role] may hold s itself; items have no use for the fields of pairs. */
    tw_text *path = role == TWI_IMAGE ? &r->fields[TWI_A] : &r->fields[TWI_B];
    tw_text_clear(path);
    st = tw_text_addf(path, err, "%s/%s", r->folder, s);
    if (st == TW_OK && path->len >= TW_PATH_MAX)
        st = tw_fail(err, TW_EINVAL, "the %s path of %zu bytes is longer than %d",
                     twi_role_name(role), path->len, TW_PATH_MAX - 1);
    *out = tw_text_cstr(path);
    return st;
}

/* What a template makes, or the column as it is. */
static tw_status text_field(tw_reader *r, twi_role role, const twi_template *t, const char **out,
                            tw_error *err)
{
    return t->n > 0 ? expand(r, t, &r->fields[role], out, err) : optional(r, role, out, err);
}

/* A title without the spaces around it, or it would not be found by name. */
static tw_status trim(tw_reader *r, const char **s, tw_error *err)
{
    tw_text *room = &r->fields[TWI_ANCHOR]; /* of triplets; items have no use for it */
    *s += strspn(*s, " ");
    size_t len = strlen(*s);
    if (len == 0 || (*s)[len - 1] != ' ')
        return TW_OK;
    while (len > 0 && (*s)[len - 1] == ' ')
        len--;
    tw_text_clear(room);
    tw_status st = tw_text_add(room, *s, len, err);
    *s = tw_text_cstr(room);
    return st;
}

static tw_status build_attributes(tw_reader *r, const char **json, tw_error *err)
{
    const twi_plan *p = &r->plan;
    tw_text_clear(&r->attributes);
    tw_status st = tw_text_add(&r->attributes, "{", 1, err);
    for (int i = 0; i < p->n && st == TW_OK; i++) {
        tw_error why = {0};
        twi_attribute_fate fate = TWI_TAKEN;
        if (p->columns[i].role != TWI_ATTRIBUTE)
            continue;
        st = twi_attribute_add(&r->attributes, &p->columns[i], &r->cells[i], &fate, &why);
        r->doubts.missing += fate == TWI_MISSING;
        if (fate == TWI_AS_TEXT)
            note_text(r, why.msg);
        if (st == TW_EINVAL) {
            leave_out(r, why.msg);
            st = TW_OK;
        } else if (st != TW_OK) {
            return tw_fail(err, st, "%s", why.msg);
        }
    }
    if (st == TW_OK)
        st = tw_text_add(&r->attributes, "}", 1, err);
    *json = tw_text_cstr(&r->attributes);
    return st;
}

static tw_status build_item(tw_reader *r, tw_row *row, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(needed(r, TWI_ID, &row->id, err));
    TW_TRY(text_field(r, TWI_TITLE, &r->plan.title, &row->title, err));
    TW_TRY(trim(r, &row->title, err));
    TW_TRY(text_field(r, TWI_TEXT, &r->plan.text, &row->text, err));
    TW_TRY(media(r, TWI_IMAGE, &row->image, err));
    TW_TRY(media(r, TWI_AUDIO, &row->audio, err));
    TW_TRY(build_attributes(r, &row->attributes, err));
done:
    return st;
}

static tw_status bad_value(twi_role role, const char *s, const char *what, tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "the %s %s is %s", twi_role_name(role),
                   twi_quote(q, s, strlen(s)), what);
}

tw_status twi_time_text(tw_reader *r, const char **s, tw_error *err)
{
    tw_text *both = &r->fields[TWI_ANCHOR]; /* of triplets; events have no use for it */
    tw_status st = field(r, TWI_TIME, s, err);
    if (st != TW_OK || (*s)[0] == '\0' || r->clock < 0)
        return st;
    tw_text_clear(both);
    st = tw_text_addf(both, err, "%s %s", *s, r->cells[r->clock].data);
    *s = tw_text_cstr(both);
    return st;
}

/* The time column, or the row's number, for the order of the rows is then the order in time. */
static tw_status event_time(tw_reader *r, int64_t *out, tw_error *err)
{
    const char *s = "";
    char q[TWI_QUOTE_MAX];

    *out = r->place.row * TW_TIME_SECOND;
    if ((r->plan.at[TWI_TIME] >= 0) != r->has_times)
        return tw_fail(err, TW_EINVAL, "the row has %s time, unlike the first ones of the file",
                       r->has_times ? "no" : "a");
    if (!r->has_times)
        return TW_OK;
    tw_status st = twi_time_text(r, &s, err);
    if (st == TW_OK && s[0] == '\0')
        st = tw_fail(err, TW_EINVAL, "the time is empty");
    if (st == TW_OK)
        st = twi_time_read(&r->time, s, out, err);
    return st == TW_OK ? tw_time_check(*out, twi_quote(q, s, strlen(s)), r->any_time, err) : st;
}

static tw_status event_rating(tw_reader *r, double *out, tw_error *err)
{
    const char *s = "";
    char text[TWI_NUMBER_MAX];
    tw_error why = {0};
    tw_status st = field(r, TWI_RATING, &s, err);
    if (st != TW_OK || s[0] == '\0')
        return st;
    if (twi_number_text(r->rating, s, text) && tw_parse_f64(text, out))
        return TW_OK;
    if (twi_may_be_missing(s)) {
        r->doubts.missing++;
        return TW_OK;
    }
    (void) bad_value(TWI_RATING, s, "no number", &why);
    leave_out(r, why.msg);
    return TW_OK;
}

static tw_status build_event(tw_reader *r, tw_row *row, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(needed(r, TWI_USER, &row->user, err));
    TW_TRY(needed(r, TWI_ITEM, &row->item, err));
    TW_TRY(event_time(r, &row->time, err));
    st = event_rating(r, &row->rating, err);
done:
    return st;
}

static tw_status build_pair(tw_reader *r, tw_row *row, tw_error *err)
{
    const char *s = "";
    tw_status st = TW_OK;

    TW_TRY(needed(r, TWI_A, &row->a, err));
    TW_TRY(needed(r, TWI_B, &row->b, err));
    row->label = 1;
    if (r->plan.at[TWI_LABEL] < 0)
        return TW_OK;
    TW_TRY(field(r, TWI_LABEL, &s, err));
    if (twi_boolean(s) >= 0)
        row->label = twi_boolean(s);
    else if (!tw_parse_f64(s, &row->label))
        TW_TRY(bad_value(TWI_LABEL, s, "neither a number nor true or false", err));
done:
    return st;
}

static tw_status build_triplet(tw_reader *r, tw_row *row, tw_error *err)
{
    tw_status st = needed(r, TWI_ANCHOR, &row->anchor, err);
    if (st == TW_OK)
        st = needed(r, TWI_POSITIVE, &row->positive, err);
    return st == TW_OK ? needed(r, TWI_NEGATIVE, &row->negative, err) : st;
}

tw_status twi_row_build(tw_reader *r, tw_row *row, tw_error *err)
{
    switch (r->plan.kind) {
    case TW_INGEST_ITEMS: return build_item(r, row, err);
    case TW_INGEST_EVENTS: return build_event(r, row, err);
    case TW_INGEST_PAIRS: return build_pair(r, row, err);
    case TW_INGEST_TRIPLETS: break;
    }
    return build_triplet(r, row, err);
}
