/* put, get, delete, record: one item or event at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

int cmd_put(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS, .write = true};
    tw_item item = {0};
    bool json = false;
    const flag flags[] = {
        BACKEND_FLAGS(at),
        {"title", 0, FLAG_TEXT, &item.title, "T", "its title", 0, 0},
        {"text", 0, FLAG_TEXT, &item.text, "T", "its description", 0, 0},
        {"attributes", 0, FLAG_TEXT, &item.attributes, "JSON", "an object", 0, 0},
        {"image", 0, FLAG_TEXT, &item.image, "PATH", "its image, a file (see below)", 0, 0},
        {"audio", 0, FLAG_TEXT, &item.audio, "PATH", "its audio, likewise", 0, 0},
        {"json", 0, FLAG_BOOL, &json, NULL, "answer as JSON", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "put DIR|URL ID [--title T] [--text T] [--attributes JSON]",
        .about =
            "Inserts an item, or replaces the whole of the one with this id. When it returns, the\n"
            "item is on disk and the next query finds it. Images and audio files are files that "
            "stay\n"
            "where they are: with --dir any that you can read, with --connect files of the "
            "server,\n"
            "named by their paths below its media root (twindex serve --media-root).",
        .example = "  twindex put films 9001 --title \"Robot Toys (1998)\" "
                   "--attributes '{\"genres\": [\"Animation\"]}'",
        .flags = flags,
        .at = &at.at,
    };
    static const char *const names[] = {"created", "replaced", "unchanged"};
    tw_error err = {0};
    tw_put_kind kind = TW_PUT_CREATED;
    backend b;
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc < 0)
        rc = backend_open(&b, &u, &at);
    else
        return rc;
    if (rc != 0)
        return rc;
    item.id = argv[0];
    if (backend_put(&b, &item, &kind, &err) != TW_OK)
        rc = failed(&err);
    else
        (void) printf(json ? "{\"result\": \"%s\"}\n" : "%s\n", names[kind]);
    backend_close(&b);
    return rc;
}

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

int cmd_get(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS};
    bool json = false;
    const flag flags[] = {
        BACKEND_FLAGS(at), {"json", 0, FLAG_BOOL, &json, NULL, "answer as JSON", 0, 0}, {0}};
    const usage u = {
        .synopsis = "get DIR|URL ITEM [--json]",
        .about = "Shows an item, named by id or by exact title. Where several items have the "
                 "title, it is\n"
                 "the first, and the ids of the others are told.",
        .example = "  twindex get films \"Toy Story (1995)\"",
        .flags = flags,
        .at = &at.at,
    };
    tw_error err = {0};
    tw_item item;
    char also[TW_ALSO_MAX] = "";
    backend b;
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    rc = backend_open(&b, &u, &at);
    if (rc != 0)
        return rc;
    if (backend_get(&b, argv[0], &item, also, &err) != TW_OK) {
        rc = failed(&err);
    } else {
        print_item(&item, also, json);
        tw_item_fini(&item);
    }
    backend_close(&b);
    return rc;
}

int cmd_delete(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS, .write = true};
    const flag flags[] = {BACKEND_FLAGS(at), {0}};
    const usage u = {
        .synopsis = "delete DIR|URL ID",
        .about = "Removes an item. Its id must be given, for titles need not be unique.",
        .example = "  twindex delete films 9001",
        .flags = flags,
        .at = &at.at,
    };
    tw_error err = {0};
    backend b;
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    rc = backend_open(&b, &u, &at);
    if (rc != 0)
        return rc;
    if (backend_delete(&b, argv[0], &err) != TW_OK)
        rc = failed(&err);
    else
        (void) printf("deleted %s\n", argv[0]);
    backend_close(&b);
    return rc;
}

int cmd_record(int argc, char **argv)
{
    backend_options at = {.timeout_ms = TW_CLIENT_TIMEOUT_MS, .write = true};
    int64_t time = 0;
    const flag flags[] = {
        BACKEND_FLAGS(at),
        {"time", 0, FLAG_INT, &time, "T", "seconds since 1970 (now)", 1, INT64_MAX},
        {0}};
    const usage u = {
        .synopsis = "record DIR|URL USER ITEM [--time T]",
        .about = "Notes that a user consumed an item: it counts from the next `next` on.",
        .example = "  twindex record films 42 \"Toy Story (1995)\"",
        .flags = flags,
        .at = &at.at,
    };
    tw_error err = {0};
    bool added = false;
    backend b;
    int rc = parse_args(&u, &argc, argv, 2, 2);
    if (rc >= 0)
        return rc;
    rc = backend_open(&b, &u, &at);
    if (rc != 0)
        return rc;
    if (backend_record(&b, argv[0], argv[1], time, &added, &err) != TW_OK)
        rc = failed(&err);
    else
        (void) printf("%s\n", added ? "recorded" : "was there already");
    backend_close(&b);
    return rc;
}
