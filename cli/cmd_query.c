/* similar and next. */
#include <string.h>

#include "cli/commands.h"
#include "cli/query_args.h"

/* ---- similar --------------------------------------------------------------------------------- */

typedef struct similar_values {
    basics b;
    shown_query shown;
    int64_t k;
    bool exact;
} similar_values;

static const char *heading(const tw_answer *a)
{
    static const char *const of[][2] = {{"item", "like"},
                                        {"text", "like this text"},
                                        {"image", "like this image"},
                                        {"audio", "like this audio file"}};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        if (strcmp(a->basis, of[i][0]) == 0)
            return of[i][1];
    return "like all this";
}

static int check_similar(call *c)
{
    const similar_values *v = c->values;
    if ((c->n == 1) == shown_any(&v->shown))
        return wrong_usage(c->of, "give either an ITEM or --text, --image, --audio");
    return -1;
}

static tw_status similar(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    similar_values *v = c->values;
    tw_answer answer;
    tw_embed_query what;

    tw_answer_init(&answer);
    TW_TRY(shown_read(&v->shown, c->n == 1 ? c->words[0] : NULL, &what, err));
    const tw_similar_query q = {.item = what.item,
                                .text = what.text,
                                .k = (int) v->k,
                                .exact = v->exact,
                                .image = what.image,
                                .audio = what.audio};
    TW_TRY(shown_named(&v->shown, backend_similar(&c->backend, &q, &answer, err), err));
    print_answer(&answer, heading(&answer), v->b.json);
done:
    tw_answer_fini(&answer);
    return st;
}

static void forget_similar(call *c) { shown_fini(&((similar_values *) c->values)->shown); }

static const flag similar_flags[] = {
    BACKEND_FLAGS,
    SHOWN_FLAGS(offsetof(similar_values, shown)),
    {"k", 'k', FLAG_INT, offsetof(similar_values, k), "N", "how many (10)", 1, TW_ENGINE_MAX_K},
    {"exact", 0, FLAG_BOOL, offsetof(similar_values, exact), NULL,
     "scan everything instead of the index", 0, 0},
    JSON_FLAG,
    END_OF_FLAGS};
static const similar_values similar_defaults = {.k = 10};

const command similar_command = {
    .name = "similar",
    .summary = "items like this item, text, image or audio",
    .synopsis = "similar DIR|URL (ITEM | --text T | --image F | --audio F) [-k N]",
    .about = "Finds the items most like an item (named by id or by exact title), or like what\n"
             "is shown: a text, an image, an audio file, or several of them at once.\n"
             "The score is the cosine of the tower vectors.",
    .example = "  twindex similar films \"Toy Story (1995)\" -k 5\n"
               "  twindex similar shop --image photo.jpg --text red\n"
               "  twindex similar tcp://127.0.0.1:7700 --text \"space adventure\"",
    .flags = similar_flags,
    .size = sizeof(similar_values),
    .defaults = &similar_defaults,
    .most = 1,
    .opens = OPENS_TO_ASK,
    .check = check_similar,
    .run = similar,
    .fini = forget_similar,
};

/* ---- next ------------------------------------------------------------------------------------ */

typedef struct next_values {
    basics b;
    const char *user, *history;
    int64_t k;
    double diversity, discount;
    bool seen;
} next_values;

static int check_next(call *c)
{
    const next_values *v = c->values;
    if ((v->user != NULL) == (v->history != NULL))
        return wrong_usage(c->of, "give either --user or --history");
    return -1;
}

static tw_status next(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    const next_values *v = c->values;
    tw_answer answer;
    history h = {0};

    tw_answer_init(&answer);
    TW_TRY(history_split(&h, v->history, err));
    const tw_next_query q = {.user = v->user,
                             .history = h.items,
                             .n_history = h.n,
                             .k = (int) v->k,
                             .include_seen = v->seen,
                             .diversity = v->diversity,
                             .popularity_discount = v->discount};
    TW_TRY(backend_next(&c->backend, &q, &answer, err));
    print_answer(&answer, "next", v->b.json);
done:
    history_fini(&h);
    tw_answer_fini(&answer);
    return st;
}

static const flag next_flags[] = {
    BACKEND_FLAGS,
    {"user", 'u', FLAG_TEXT, offsetof(next_values, user), "ID",
     "this user, with all that is recorded", 0, 0},
    {"history", 0, FLAG_TEXT, offsetof(next_values, history), "A,B,...",
     "a user of these items, oldest first (\\, in a title)", 0, 0},
    {"k", 'k', FLAG_INT, offsetof(next_values, k), "N", "how many (10)", 1, TW_ENGINE_MAX_K},
    {"seen", 0, FLAG_BOOL, offsetof(next_values, seen), NULL, "items of the history may come again",
     0, 0},
    {"diversity", 0, FLAG_REAL, offsetof(next_values, diversity), "W",
     "0..1: how much an item must differ from those above it (0)", 0, 1},
    {"popularity-discount", 0, FLAG_REAL, offsetof(next_values, discount), "P",
     "0..10: how much popular items give way (0); try 0.5", 0, TW_ENGINE_MAX_DISCOUNT},
    JSON_FLAG,
    END_OF_FLAGS};
static const next_values next_defaults = {.k = 10};

const command next_command = {
    .name = "next",
    .summary = "what comes next for a user or a history",
    .synopsis = "next DIR|URL (--user U | --history A,B,C) [-k N] [--json]",
    .about = "What SSE-PT expects next for a user or a history. A user who was not there in\n"
             "training counts as the trained unknown user; one without history gets what is\n"
             "popular.",
    .example = "  twindex next films --user 42\n"
               "  twindex next films --history 50,172\n"
               "  twindex next films --user 42 --diversity 0.3 --popularity-discount 0.5",
    .flags = next_flags,
    .size = sizeof(next_values),
    .defaults = &next_defaults,
    .opens = OPENS_TO_ASK,
    .check = check_next,
    .run = next,
};
