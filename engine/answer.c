#include "engine/answer.h"

#include <string.h>

#include "base/alloc.h"

/* Strings live in chunks that never move, so pointers handed out stay valid as more are added. */
typedef struct chunk {
    struct chunk *next;
    size_t used, room;
    char bytes[];
} chunk;

struct tw_answer_memory {
    chunk *first, *at;
    int room; /* rows */
};

#define CHUNK_BYTES ((size_t) 16 * 1024)

void tw_answer_init(tw_answer *a)
{
    *a = (tw_answer){.query_id = "", .query_title = "", .basis = ""};
}

void tw_answer_fini(tw_answer *a)
{
    if (a->memory != NULL) {
        for (chunk *c = a->memory->first; c != NULL;) {
            chunk *next = c->next;
            tw_free(c);
            c = next;
        }
        tw_free(a->memory);
    }
    tw_free(a->rows);
    tw_answer_init(a);
}

tw_status tw_answer_clear(tw_answer *a, int rows, tw_error *err)
{
    if (a->memory == NULL) {
        a->memory = tw_alloc(1, sizeof *a->memory);
        if (a->memory == NULL)
            return tw_fail(err, TW_ENOMEM, "answer");
    }
    if (rows > a->memory->room) {
        tw_answer_row *more = tw_realloc(a->rows, (size_t) rows, sizeof *more);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "answer of %d rows", rows);
        a->rows = more;
        a->memory->room = rows;
    }
    for (chunk *c = a->memory->first; c != NULL; c = c->next)
        c->used = 0;
    a->memory->at = a->memory->first;
    a->n = 0;
    a->query_id = a->query_title = a->basis = "";
    a->model = 0;
    a->also[0] = a->skipped[0] = '\0';
    return TW_OK;
}

static const char *keep(struct tw_answer_memory *m, const char *s)
{
    size_t len = s == NULL ? 0 : strlen(s);
    if (len == 0)
        return "";
    while (m->at != NULL && m->at->room - m->at->used < len + 1 && m->at->next != NULL)
        m->at = m->at->next;
    if (m->at == NULL || m->at->room - m->at->used < len + 1) {
        size_t room = len + 1 > CHUNK_BYTES ? len + 1 : CHUNK_BYTES;
        chunk *c = tw_alloc(1, sizeof *c + room);
        if (c == NULL)
            return NULL;
        c->room = room;
        if (m->at == NULL)
            m->first = c;
        else
            m->at->next = c;
        m->at = c;
    }
    char *copy = m->at->bytes + m->at->used;
    memcpy(copy, s, len + 1);
    m->at->used += len + 1;
    return copy;
}

tw_status tw_answer_add(tw_answer *a, const char *id, const char *title, float score, tw_error *err)
{
    if (a->memory == NULL || a->n >= a->memory->room)
        return tw_fail(err, TW_EINVAL, "answer has no room for row %d", a->n + 1);
    tw_answer_row row = {keep(a->memory, id), keep(a->memory, title), score};
    if (row.id == NULL || row.title == NULL)
        return tw_fail(err, TW_ENOMEM, "answer row %d", a->n + 1);
    a->rows[a->n++] = row;
    return TW_OK;
}

tw_status tw_answer_set_query(tw_answer *a, const char *id, const char *title, tw_error *err)
{
    const char *kept_id = keep(a->memory, id), *kept_title = keep(a->memory, title);
    if (kept_id == NULL || kept_title == NULL)
        return tw_fail(err, TW_ENOMEM, "answer");
    a->query_id = kept_id;
    a->query_title = kept_title;
    return TW_OK;
}

const char *tw_answer_basis(const char *name)
{
    static const char *const known[] = {"item",  "text", "image",   "audio",
                                        "mixed", "user", "history", "popular"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], name) == 0)
            return known[i];
    return "";
}
