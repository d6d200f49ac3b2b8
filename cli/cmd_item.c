/* put, get, delete, record: one item or event at a time. */
#include "base/event_time.h"
#include "cli/commands.h"
#include "ingest/ingest.h"

/* ---- put ------------------------------------------------------------------------------------- */

typedef struct put_values {
    basics b;
    tw_item item;
} put_values;

static tw_status put(call *c, tw_error *err)
{
    static const char *const names[] = {"created", "replaced", "unchanged"};
    put_values *v = c->values;
    tw_put_kind kind = TW_PUT_CREATED;

    v->item.id = c->words[0];
    tw_status st = backend_put(&c->backend, &v->item, &kind, err);
    if (st == TW_OK)
        (void) printf(v->b.json ? "{\"result\": \"%s\"}\n" : "%s\n", names[kind]);
    return st;
}

static const flag put_flags[] = {
    BACKEND_FLAGS,
    {"title", 0, FLAG_TEXT, offsetof(put_values, item.title), "T", "its title", 0, 0},
    {"text", 0, FLAG_TEXT, offsetof(put_values, item.text), "T", "its description", 0, 0},
    {"attributes", 0, FLAG_TEXT, offsetof(put_values, item.attributes), "JSON", "an object", 0, 0},
    {"image", 0, FLAG_TEXT, offsetof(put_values, item.image), "PATH",
     "its image, a file (see above)", 0, 0},
    {"audio", 0, FLAG_TEXT, offsetof(put_values, item.audio), "PATH", "its audio, likewise", 0, 0},
    JSON_FLAG,
    END_OF_FLAGS};

const command put_command = {
    .name = "put",
    .summary = "insert or replace one item",
    .synopsis = "put DIR|URL ID [--title T] [--text T] [--attributes JSON]",
    .about = "Inserts an item, or replaces the whole of the one with this id. When it\n"
             "returns, the item is on disk and the next query finds it. Images and audio\n"
             "files stay where they are: with a directory any that you can read, with a\n"
             "server files of its own, named by their paths below its media root (twindex\n"
             "serve --media-root).",
    .example = "  twindex put films 9001 --title \"Robot Toys (1998)\" "
               "--attributes '{\"genres\": [\"Animation\"]}'",
    .flags = put_flags,
    .size = sizeof(put_values),
    .least = 1,
    .most = 1,
    .opens = OPENS_TO_CHANGE,
    .run = put,
};

/* ---- get ------------------------------------------------------------------------------------- */

static void print_item(const tw_item *item, const char *also, bool json)
{
    const struct {
        const char *name, *value;
    } fields[] = {{"id", item->id},
                  {"title", item->title},
                  {"text", item->text},
                  {"image", item->image},
                  {"audio", item->audio}};
    (void) printf(json ? "{" : "");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *value = fields[i].value != NULL ? fields[i].value : "";
        if (json) {
            (void) printf("\"%s\": ", fields[i].name);
            print_json_string(stdout, value);
            (void) printf(", ");
        } else if (value[0] != '\0') {
            (void) printf("%-11s %s\n", fields[i].name, value);
        }
    }
    const char *attributes = item->attributes != NULL ? item->attributes : "{}";
    if (!json) {
        (void) printf("attributes  %s\n", attributes);
        if (also[0] != '\0')
            (void) printf("also called so: %s\n", also);
        return;
    }
    (void) printf("\"attributes\": ");
    (void) print_json_text(stdout, attributes);
    if (also[0] != '\0') {
        (void) printf(", \"also\": [");
        (void) print_json_text(stdout, also);
        (void) printf("]");
    }
    (void) printf("}\n");
}

static tw_status get(call *c, tw_error *err)
{
    const basics *b = c->values;
    tw_item item;
    char also[TW_ALSO_MAX] = "";
    tw_status st = backend_get(&c->backend, c->words[0], &item, also, err);
    if (st == TW_OK) {
        print_item(&item, also, b->json);
        tw_item_fini(&item);
    }
    return st;
}

static const flag get_flags[] = {BACKEND_FLAGS, JSON_FLAG, END_OF_FLAGS};

const command get_command = {
    .name = "get",
    .summary = "show one item",
    .synopsis = "get DIR|URL ITEM [--json]",
    .about = "Shows an item, named by id or by exact title. Where several items have the\n"
             "title, it is the first, and the ids of the others are shown.",
    .example = "  twindex get films \"Toy Story (1995)\"",
    .flags = get_flags,
    .least = 1,
    .most = 1,
    .opens = OPENS_TO_ASK,
    .run = get,
};

/* ---- delete ---------------------------------------------------------------------------------- */

static tw_status delete_item(call *c, tw_error *err)
{
    tw_status st = backend_delete(&c->backend, c->words[0], err);
    if (st == TW_OK)
        (void) printf("deleted %s\n", c->words[0]);
    return st;
}

static const flag delete_flags[] = {BACKEND_FLAGS, END_OF_FLAGS};

const command delete_command = {
    .name = "delete",
    .summary = "remove one item",
    .synopsis = "delete DIR|URL ID",
    .about = "Removes an item. Its id must be given, for titles need not be unique.",
    .example = "  twindex delete films 9001",
    .flags = delete_flags,
    .least = 1,
    .most = 1,
    .opens = OPENS_TO_CHANGE,
    .run = delete_item,
};

/* ---- record ---------------------------------------------------------------------------------- */

typedef struct record_values {
    basics b;
    const char *time;
    bool allow_future;
} record_values;

static tw_status record(call *c, tw_error *err)
{
    const record_values *v = c->values;
    bool added = false;
    int64_t us = 0;
    tw_status st = TW_OK;
    if (v->time != NULL)
        st = tw_ingest_parse_time(v->time, v->allow_future, &us, err);
    if (st == TW_OK && v->time != NULL && us == 0) { /* which the calls below take for now */
        st =
            tw_fail(err, TW_EINVAL,
                    "the time '%.60s' is the beginning of 1970; without --time it is now", v->time);
    }
    if (st == TW_OK) {
        st = backend_record(&c->backend, c->words[0], c->words[1],
                            (double) us / (double) TW_TIME_SECOND, v->allow_future, &added, err);
    }
    if (st == TW_OK)
        (void) printf("%s\n", added ? "recorded" : "was there already");
    return st;
}

static const flag record_flags[] = {BACKEND_FLAGS,
                                    {"time", 0, FLAG_TEXT, offsetof(record_values, time), "T",
                                     "seconds since 1970, or a date (now)", 0, 0},
                                    {"allow-future", 0, FLAG_BOOL,
                                     offsetof(record_values, allow_future), NULL,
                                     "take a time before 1970 or beyond 2200, too", 0, 0},
                                    END_OF_FLAGS};

const command record_command = {
    .name = "record",
    .summary = "note that a user consumed an item",
    .synopsis = "record DIR|URL USER ITEM [--time T]",
    .about = "Notes that a user consumed an item: it counts from the next `next` on. A time is\n"
             "seconds since 1970 with or without a fraction, or a date like 2024-05-01T12:30:00Z.",
    .example = "  twindex record films 42 \"Toy Story (1995)\" --time 2024-05-01T21:30",
    .flags = record_flags,
    .size = sizeof(record_values),
    .least = 2,
    .most = 2,
    .opens = OPENS_TO_CHANGE,
    .run = record,
};
