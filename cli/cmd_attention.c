/* attention: which items of a history the sequential model looks at. */
#include <string.h>

#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/plot/plot.h"
#include "cli/query_args.h"
#include "engine/inspection.h"

typedef struct attention_values {
    basics b;
    const char *user, *history, *path;
    int64_t block, head, last, k;
} attention_values;

static const char *name_of(const tw_attention_map *m, int i)
{
    const tw_answer_row *row = &m->items.rows[i];
    return row->title[0] != '\0' ? row->title : row->id;
}

static void format_part(char *out, size_t size, const tw_attention_map *m)
{
    int n = snprintf(out, size, "block %d of %d", m->block, m->blocks);
    if (m->head > 0)
        (void) snprintf(out + n, size - (size_t) n, ", head %d of %d", m->head, m->heads);
    else if (m->heads > 1)
        (void) snprintf(out + n, size - (size_t) n, ", mean of %d heads", m->heads);
}

/* ---- in words -------------------------------------------------------------------------------- */

static void print_json(const tw_attention_map *m)
{
    (void) printf("{\"model\": %d, \"block\": %d, \"blocks\": %d, \"head\": %d, \"heads\": %d, "
                  "\"skipped\": [%s], \"items\": [",
                  m->items.model, m->block, m->blocks, m->head, m->heads, m->items.skipped);
    for (int i = 0; i < m->n; i++) {
        (void) printf("%s\n  {\"id\": ", i > 0 ? "," : "");
        print_json_string(stdout, m->items.rows[i].id);
        (void) printf(", \"title\": ");
        print_json_string(stdout, m->items.rows[i].title);
        (void) printf(", \"weight\": %.6g}", (double) m->items.rows[i].score);
    }
    (void) printf("],\n\"weights\": [");
    for (int i = 0; i < m->n; i++) {
        (void) printf("%s\n  [", i > 0 ? "," : "");
        for (int j = 0; j < m->n; j++)
            (void) printf("%s%.6g", j > 0 ? ", " : "",
                          (double) m->weights[(size_t) i * (size_t) m->n + (size_t) j]);
        (void) printf("]");
    }
    (void) printf("]}\n");
}

/* Of those left, the item that the last one looks at most; the later of two equals. */
static int most_attended(const tw_attention_map *m, const bool *printed)
{
    int best = -1;
    for (int i = m->n - 1; i >= 0; i--)
        if (!printed[i] && (best < 0 || m->items.rows[i].score > m->items.rows[best].score))
            best = i;
    return best;
}

static tw_status print_text(const tw_attention_map *m, int k, tw_error *err)
{
    char part[64];
    bool *printed = tw_alloc((size_t) m->n, sizeof *printed);
    if (printed == NULL)
        return tw_fail(err, TW_ENOMEM, "list of %d items", m->n);
    format_part(part, sizeof part, m);
    if (m->items.skipped[0] != '\0')
        (void) printf("skipped, for no item has the id or title: %s\n", m->items.skipped);
    (void) printf("what the last of %d items looks at (%s), %s\n  weight    ago  item\n", m->n,
                  part, name_of(m, m->n - 1));
    for (int i = 0; i < k && i < m->n; i++) {
        int at = most_attended(m, printed);
        printed[at] = true;
        (void) printf("  %6.4f  %5d  %-6s  %s\n", (double) m->items.rows[at].score, m->n - 1 - at,
                      m->items.rows[at].id, m->items.rows[at].title);
    }
    tw_free(printed);
    return TW_OK;
}

/* ---- as an image ---------------------------------------------------------------------------- */

/* The lower right corner (shown, shown), and what each of its rows gives to all that is older. */
static void fill_cells(float *cells, float *older, const tw_attention_map *m, int shown)
{
    int skipped = m->n - shown;
    for (int i = 0; i < shown; i++) {
        const float *row = m->weights + (size_t) (skipped + i) * (size_t) m->n;
        double sum = 0;
        for (int j = 0; j < skipped; j++)
            sum += (double) row[j];
        older[i] = (float) sum;
        memcpy(cells + (size_t) i * (size_t) shown, row + skipped, (size_t) shown * sizeof *row);
    }
}

static tw_status draw(const tw_attention_map *m, const attention_values *f, tw_error *err)
{
    tw_status st = TW_OK;
    char title[600], subtitle[160], part[64], older_name[48];
    const int shown = m->n < f->last ? m->n : (int) f->last, skipped = m->n - shown;
    float *cells = tw_alloc((size_t) shown * (size_t) shown, sizeof *cells);
    float *older = tw_alloc((size_t) shown, sizeof *older);
    const char **names = tw_alloc((size_t) shown, sizeof *names);

    if (cells == NULL || older == NULL || names == NULL) {
        st = tw_fail(err, TW_ENOMEM, "image of %d items", shown);
        goto done;
    }
    for (int i = 0; i < shown; i++)
        names[i] = name_of(m, skipped + i);
    fill_cells(cells, older, m, shown);
    format_part(part, sizeof part, m);
    if (f->user != NULL)
        (void) snprintf(title, sizeof title, "What user %.500s's history looks at", f->user);
    else
        (void) snprintf(title, sizeof title, "What a history looks at");
    (void) snprintf(subtitle, sizeof subtitle,
                    "model %d, %s; each row sums to 1; the latest item is the last row",
                    m->items.model, part);
    (void) snprintf(older_name, sizeof older_name, "%d older items together", skipped);
    const plot_map map = {.title = title,
                          .subtitle = subtitle,
                          .value_title = "attention weight",
                          .names = names,
                          .n = shown,
                          .values = cells,
                          .beside = skipped > 0 ? older : NULL,
                          .beside_name = older_name};
    TW_TRY(plot_map_draw(f->path, &map, err));
done:
    tw_free(cells);
    tw_free(older);
    tw_free(names);
    return st;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int check(call *c)
{
    const attention_values *v = c->values;
    tw_error err = {0};
    if ((v->user != NULL) == (v->history != NULL))
        return wrong_usage(c->of, "give either --user or --history");
    return v->path == NULL || plot_check(v->path, &err) == TW_OK ? -1 : failed(&err);
}

static tw_status run(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    const attention_values *v = c->values;
    tw_attention_map map;
    history h = {0};

    tw_attention_map_init(&map);
    TW_TRY(history_split(&h, v->history, err));
    const tw_attention_query q = {.user = v->user,
                                  .history = h.items,
                                  .n_history = h.n,
                                  .block = (int) v->block,
                                  .head = (int) v->head};
    TW_TRY(tw_engine_attention(c->engine, &q, &map, err));
    if (v->path != NULL)
        TW_TRY(draw(&map, v, err));
    if (v->b.json)
        print_json(&map);
    else
        TW_TRY(print_text(&map, (int) v->k, err));
done:
    tw_attention_map_fini(&map);
    history_fini(&h);
    return st;
}

static const flag flags[] = {
    {"user", 'u', FLAG_TEXT, offsetof(attention_values, user), "ID", "this user's history", 0, 0},
    {"history", 0, FLAG_TEXT, offsetof(attention_values, history), "A,B,...",
     "these items, oldest first (\\, in a title)", 0, 0},
    {"out", 'o', FLAG_TEXT, offsetof(attention_values, path), "FILE",
     "draw the map, a .png or .svg", 0, 0},
    {"last", 0, FLAG_INT, offsetof(attention_values, last), "N",
     "items in the image, from the latest back (25)", 1, 200},
    {"block", 0, FLAG_INT, offsetof(attention_values, block), "B",
     "of the model, from 1 (the last)", 1, 16},
    {"head", 0, FLAG_INT, offsetof(attention_values, head), "H",
     "of the block, from 1 (the mean of all)", 1, 1024},
    {"k", 'k', FLAG_INT, offsetof(attention_values, k), "N", "lines of text (10)", 1,
     TW_ENGINE_MAX_K},
    {"json", 0, FLAG_BOOL, offsetof(basics, json), NULL, "every weight as JSON", 0, 0},
    END_OF_FLAGS};
static const attention_values defaults = {.last = 25, .k = 10};

const command attention_command = {
    .name = "attention",
    .summary = "show which items of a history the model looks at",
    .synopsis = "attention DIR (--user U | --history A,B,C) [-o FILE] [--json]",
    .about = "Shows which earlier items each position of a history looks at in the sequential\n"
             "model: a list for the last one, a map of all in the image. Titles are the\n"
             "store's. What is looked at is mixed into the prediction; how it acts there, it\n"
             "does not say.",
    .example = "  twindex attention films --user 42 -o map.png",
    .flags = flags,
    .size = sizeof(attention_values),
    .defaults = &defaults,
    .opens = OPENS_TO_READ,
    .check = check,
    .run = run,
};
