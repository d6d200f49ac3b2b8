/* What each column was taken for, for whoever loads the file to see. */
#include <string.h>

#include "ingest/internal.h"

static tw_field_source *field_of(tw_reader *r, const char *name)
{
    for (int i = 0; i < r->n_taken; i++) {
        if (strcmp(r->taken[i].field, name) == 0)
            return &r->taken[i];
    }
    tw_field_source *new = &r->taken[r->n_taken++];
    *new = (tw_field_source){.column = ""};
    (void) snprintf(new->field, sizeof new->field, "%s", name);
    return new;
}

static void note_role(tw_reader *r, twi_role role)
{
    const twi_plan *p = &r->plan;
    tw_field_source *f = field_of(r, twi_role_name(role));
    const bool made = (role == TWI_TITLE && p->title.n > 0) || (role == TWI_TEXT && p->text.n > 0);
    if (f->column[0] != '\0' || (!made && (p->at[role] < 0 || p->at[role] >= p->n)))
        return;
    if (r->numbered && !made)
        (void) snprintf(f->column, sizeof f->column, "#%d", p->at[role] + 1);
    else
        (void) snprintf(f->column, sizeof f->column, "%s",
                        made ? "<template>" : p->columns[p->at[role]].name);
    f->guessed = !made && p->score[role] < TWI_SCORE_GUESSED;
}

/* As a header would say it. */
static const char *suffix(twi_type type)
{
    switch (type) {
    case TWI_NUMBER: return ":number";
    case TWI_BOOLEAN: return ":boolean";
    case TWI_LIST_BAR:
    case TWI_LIST_COMMA:
    case TWI_LIST_SEMI:
    case TWI_LIST_SPACE:
    case TWI_LIST_NUMBER:
    case TWI_LIST_JSON: return ":list";
    case TWI_GUESS:
    case TWI_TOKEN:
    case TWI_STRING: break;
    }
    return "";
}

static void note_attributes(tw_reader *r)
{
    const twi_plan *p = &r->plan;
    tw_field_source *f = field_of(r, "attributes");
    size_t len = 0;
    if (f->column[0] != '\0')
        return;
    for (int i = 0; i < p->n; i++) {
        if (p->columns[i].role != TWI_ATTRIBUTE)
            continue;
        const int n =
            snprintf(f->column + len, sizeof f->column - len, "%s%s%s", len > 0 ? "," : "",
                     p->columns[i].name, r->is_table ? suffix(p->columns[i].type) : "");
        len += (size_t) n;
        if (len >= sizeof f->column) {
            memcpy(f->column + sizeof f->column - 4, "...", 4);
            return;
        }
    }
}

void twi_note_columns(tw_reader *r)
{
    twi_role first, last;
    twi_roles_of(r->plan.kind, &first, &last);
    for (twi_role role = first; role <= last; role++)
        note_role(r, role);
    if (r->plan.kind == TW_INGEST_ITEMS)
        note_attributes(r);
}

static void note_times(tw_reader *r)
{
    tw_field_source *f = field_of(r, twi_role_name(TWI_TIME));
    if (r->has_times && r->doc == NULL &&
        !r->numbered) { /* it may have been looked for elsewhere */
        *f->column = '\0';
        note_role(r, TWI_TIME);
    }
    if (r->clock >= 0) {
        const size_t len = strlen(f->column);
        (void) snprintf(f->column + len, sizeof f->column - len, "+%s",
                        r->plan.columns[r->clock].name);
    }
    if (r->has_times)
        (void) snprintf(f->how, sizeof f->how, "%s", twi_time_rule_name(&r->time));
    else
        *f->column = '\0'; /* what a name promised and the values did not hold */
}

/* What the values of ids decided. */
static void note_ids(tw_reader *r)
{
    static const twi_role ids[] = {TWI_ID, TWI_USER, TWI_ITEM};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        if (!r->whole[ids[i]] && !r->by_catalogue)
            continue;
        tw_field_source *f = field_of(r, twi_role_name(ids[i]));
        const bool chosen = ids[i] == TWI_ITEM && r->by_catalogue;
        if (chosen) {
            *f->column = '\0';
            note_role(r, ids[i]);
            f->guessed = false;
        }
        if (chosen || r->whole[ids[i]])
            (void) snprintf(f->how, sizeof f->how, "%s", chosen ? "by catalogue" : "17.0 is 17");
    }
}

void twi_note_all(tw_reader *r)
{
    twi_note_columns(r);
    note_ids(r);
    if (r->plan.kind == TW_INGEST_EVENTS)
        note_times(r);
    if (r->json.from[0] != '\0') {
        tw_field_source *f = field_of(r, "rows");
        (void) snprintf(f->column, sizeof f->column, "%s", r->json.from);
    }
    tw_fields_describe(r->taken, r->n_taken, r->describe, sizeof r->describe);
}

void tw_fields_describe(const tw_field_source *fields, int n, char *out, size_t room)
{
    size_t len = (size_t) snprintf(out, room, "columns:");
    for (int i = 0; i < n && len < room; i++) {
        const tw_field_source *f = &fields[i];
        const bool none = f->column[0] == '\0', how = f->how[0] != '\0';
        len += (size_t) snprintf(out + len, room - len, " %s=%s%s%s%s%s", f->field,
                                 none ? "-" : f->column, how ? " (" : "", f->how, how ? ")" : "",
                                 f->guessed && !none ? " (guessed)" : "");
    }
}

const tw_field_source *tw_reader_fields(const tw_reader *r, int *n)
{
    *n = r->n_taken;
    return r->taken;
}

const char *tw_reader_describe(const tw_reader *r) { return r->describe; }
