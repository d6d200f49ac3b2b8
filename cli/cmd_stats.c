/* stats: what a directory or a server holds. */
#include <string.h>

#include "cli/commands.h"

/* A number, or null where there is no graph. */
static const char *recall_json(double recall, char out[32])
{
    (void) snprintf(out, 32, recall > 0 ? "%.4f" : "null", recall);
    return out;
}

/* "HNSW32 index (recall 0.996 when it was built)"; why an index is exact where a graph was due. */
static void print_index(const char *title, const char *kind, double recall, bool lacks_graph)
{
    (void) printf("%-8s %s index", title, kind);
    if (lacks_graph)
        (void) printf(" (its graph is not built yet; a server builds it while it answers)");
    else if (recall > 0 && strcmp(kind, "exact") == 0)
        (void) printf(" (its graph found only %.2f of the nearest, so it is not used)", recall);
    else if (recall > 0)
        (void) printf(" (recall %.3f when it was built)", recall);
}

static void print_json(const tw_engine_stats *s)
{
    char tower[32], seq[32];
    (void) printf("{\"items\": %lld, \"deleted_items\": %lld, \"users\": %lld, \"events\": %lld, "
                  "\"seq\": %lld, \"store_bytes\": %lld, \"model\": %d, \"has_towers\": %s, "
                  "\"has_seq\": %s, \"tower_dim\": %d, \"seq_dim\": %d, \"seq_items\": %lld, "
                  "\"seq_users\": %lld, \"seq_indexed\": %lld, \"seq_item_features\": %s, "
                  "\"seq_item_features_live\": %s, \"tower_index\": \"%s\", \"seq_index\": \"%s\", "
                  "\"tower_recall\": %s, \"seq_recall\": %s, \"tower_lacks_graph\": %s, "
                  "\"seq_lacks_graph\": %s, "
                  "\"indexed\": %lld, \"delta\": %lld, \"dead\": %lld, \"unread\": %lld, "
                  "\"index_bytes\": %lld",
                  (long long) s->items, (long long) s->deleted_items, (long long) s->users,
                  (long long) s->events, (long long) s->seq, (long long) s->store_bytes, s->model,
                  s->has_towers ? "true" : "false", s->has_seq ? "true" : "false", s->tower_dim,
                  s->seq_dim, (long long) s->seq_items, (long long) s->seq_users,
                  (long long) s->seq_indexed, s->seq_item_features ? "true" : "false",
                  s->seq_item_features_live ? "true" : "false", s->tower_index, s->seq_index,
                  recall_json(s->tower_recall, tower), recall_json(s->seq_recall, seq),
                  s->tower_lacks_graph ? "true" : "false", s->seq_lacks_graph ? "true" : "false",
                  (long long) s->indexed, (long long) s->delta, (long long) s->dead,
                  (long long) s->unread, (long long) s->index_bytes);
    (void) printf(", \"towers_problem\": ");
    print_json_string(stdout, s->towers_problem);
    (void) printf(", \"seq_problem\": ");
    print_json_string(stdout, s->seq_problem);
    (void) printf("}\n");
}

static void print_text(const tw_engine_stats *s)
{
    (void) printf("items    %lld (%lld deleted), %lld users, %lld events, change number %lld\n",
                  (long long) s->items, (long long) s->deleted_items, (long long) s->users,
                  (long long) s->events, (long long) s->seq);
    (void) printf("store    %.1f MB\n", (double) s->store_bytes / 1e6);
    if (s->model == 0)
        (void) printf("model    none yet\n");
    else
        (void) printf("model    %d: %s%s%s\n", s->model, s->has_towers ? "towers" : "",
                      s->has_towers && s->has_seq ? " and " : "", s->has_seq ? "SSE-PT" : "");
    if (s->towers_problem[0] != '\0' || s->seq_problem[0] != '\0') {
        (void) printf("damaged  %s; put the file back from a copy, or: twindex rollback DIR, or: "
                      "twindex train\n",
                      s->towers_problem[0] != '\0' ? s->towers_problem : s->seq_problem);
    }
    if (s->has_towers) {
        print_index("similar", s->tower_index, s->tower_recall, s->tower_lacks_graph);
        (void) printf(" of %lld vectors, %d wide, %lld of them since the last merge, %lld dead\n",
                      (long long) s->indexed, s->tower_dim, (long long) s->delta,
                      (long long) s->dead);
        if (s->unread > 0)
            (void) printf("unread   %lld items of which the towers read nothing: in no list\n",
                          (long long) s->unread);
    }
    if (s->has_seq) {
        print_index("next", s->seq_index, s->seq_recall, s->seq_lacks_graph);
        (void) printf(", %d wide; %lld items and %lld users were there in training\n", s->seq_dim,
                      (long long) s->seq_items, (long long) s->seq_users);
        if (s->seq_item_features) {
            (void) printf(
                "features %lld items, new ones %s\n", (long long) s->seq_indexed,
                s->seq_item_features_live
                    ? "enter by their tower vectors"
                    : "wait for: twindex train seq DIR --item-features (the towers changed)");
        }
    }
}

static tw_status run(call *c, tw_error *err)
{
    const basics *b = c->values;
    tw_engine_stats s;
    tw_status st = backend_stats(&c->backend, &s, err);
    if (st == TW_OK && b->json)
        print_json(&s);
    else if (st == TW_OK)
        print_text(&s);
    return st;
}

static const flag flags[] = {BACKEND_FLAGS, JSON_FLAG, END_OF_FLAGS};

const command stats_command = {
    .name = "stats",
    .summary = "counts, models, indexes",
    .synopsis = "stats DIR|URL [--json]",
    .about = "Counts, models and indexes.",
    .example = "  twindex stats films",
    .flags = flags,
    .opens = OPENS_TO_ASK,
    .run = run,
};
