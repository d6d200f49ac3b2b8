/* similar and next. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

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

int cmd_similar(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS};
    asking shown = {0};
    int64_t k = 10;
    bool exact = false, json = false;
    const flag flags[] = {
        BACKEND_FLAGS(at),
        ASKING_FLAGS(shown),
        {"k", 'k', FLAG_INT, &k, "N", "how many (10)", 1, TW_ENGINE_MAX_K},
        {"exact", 0, FLAG_BOOL, &exact, NULL, "scan everything instead of the index", 0, 0},
        {"json", 0, FLAG_BOOL, &json, NULL, "answer as JSON", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "similar DIR|URL (ITEM | --text T | --image F | --audio F) "
                    "[-k N] [--json]",
        .about = "Finds the items most like an item (named by id or by exact title), or like what\n"
                 "is shown: a text, an image, an audio file, or several of them at once.\n"
                 "The score is the cosine of the tower vectors.",
        .example = "  twindex similar films \"Toy Story (1995)\" -k 5\n"
                   "  twindex similar shop --image photo.jpg --text red\n"
                   "  twindex similar tcp://127.0.0.1:7700 --text \"space adventure\"",
        .flags = flags,
        .at = &at.at,
    };
    tw_error err = {0};
    tw_answer answer;
    tw_embed_query what;
    backend b = {0};
    int rc = parse_args(&u, &argc, argv, 0, 1);
    if (rc < 0 && (argc == 1) == asking_shows(&shown))
        rc = wrong_usage(&u, "give either an ITEM or --text, --image, --audio");
    if (rc >= 0)
        return rc;
    rc = asking_read(&shown, argc == 1 ? argv[0] : NULL, &what);
    if (rc == 0)
        rc = backend_open(&b, &u, &at);
    if (rc != 0)
        goto done;
    tw_answer_init(&answer);
    const tw_similar_query q = {what.item, what.text,           (int) k,
                                exact,     .image = what.image, .audio = what.audio};
    if (backend_similar(&b, &q, &answer, &err) == TW_OK)
        print_answer(&answer, heading(&answer), json);
    else
        rc = failed(&err);
    tw_answer_fini(&answer);
done:
    backend_close(&b);
    asking_fini(&shown);
    return rc;
}

const char **split_history(char *list, int *n)
{
    size_t commas = 1;
    for (const char *s = list; *s != '\0'; s++)
        commas += *s == ',';
    const char **out = tw_alloc(commas, sizeof *out);
    if (out == NULL)
        return NULL;
    char *to = list;
    out[0] = list;
    *n = 1;
    for (const char *s = list; *s != '\0'; s++) {
        if (*s == '\\' && s[1] == ',') {
            *to++ = *++s;
        } else if (*s == ',') {
            *to++ = '\0';
            out[(*n)++] = to;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
    return out;
}

int cmd_next(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS};
    const char *user = NULL, *history = NULL;
    int64_t k = 10;
    double diversity = 0, discount = 0;
    bool seen = false, json = false;
    const flag flags[] = {
        BACKEND_FLAGS(at),
        {"user", 'u', FLAG_TEXT, &user, "ID", "this user, with all that is recorded", 0, 0},
        {"history", 0, FLAG_TEXT, &history, "A,B,...",
         "anybody who consumed these, oldest first (\\, in a title)", 0, 0},
        {"k", 'k', FLAG_INT, &k, "N", "how many (10)", 1, TW_ENGINE_MAX_K},
        {"seen", 0, FLAG_BOOL, &seen, NULL, "items of the history may come again", 0, 0},
        {"diversity", 0, FLAG_REAL, &diversity, "W",
         "0..1: how much an item must differ from those above it (0)", 0, 1},
        {"popularity-discount", 0, FLAG_REAL, &discount, "P",
         "0..10: how much what everybody knows gives way (0); try 0.5", 0, TW_ENGINE_MAX_DISCOUNT},
        {"json", 0, FLAG_BOOL, &json, NULL, "answer as JSON", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "next DIR|URL (--user U | --history A,B,C) [-k N] [--json]",
        .about = "What SSE-PT expects next for a user or a history. A user who was not there in "
                 "training\n"
                 "counts as the trained unknown user; one without history gets what is popular.",
        .example = "  twindex next films --user 42\n"
                   "  twindex next films --history 50,172\n"
                   "  twindex next films --user 42 --diversity 0.3 --popularity-discount 0.5",
        .flags = flags,
        .at = &at.at,
    };
    tw_error err = {0};
    tw_answer answer;
    backend b;
    int n = 0;
    int rc = parse_args(&u, &argc, argv, 0, 0);
    if (rc < 0 && (user != NULL) == (history != NULL))
        rc = wrong_usage(&u, "give either --user or --history");
    if (rc >= 0)
        return rc;
    rc = backend_open(&b, &u, &at);
    if (rc != 0)
        return rc;
    tw_answer_init(&answer);
    char *list = history != NULL ? tw_strdup(history) : NULL;
    const char **items = list != NULL ? split_history(list, &n) : NULL;
    const tw_next_query q = {.user = user,
                             .history = items,
                             .n_history = n,
                             .k = (int) k,
                             .include_seen = seen,
                             .diversity = diversity,
                             .popularity_discount = discount};
    if (backend_next(&b, &q, &answer, &err) == TW_OK)
        print_answer(&answer, "next", json);
    else
        rc = failed(&err);
    tw_free(items);
    tw_free(list);
    tw_answer_fini(&answer);
    backend_close(&b);
    return rc;
}
