/* pairs: how alike are these two? */
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "cli/commands.h"
#include "ingest/ingest.h"

/* Vectors are unit or zero, so the inner product is the cosine, 0 where nothing is known. */
static tw_status score(backend *b, const char *one, const char *other, double *cosine,
                       tw_error *err)
{
    static float x[TW_ENGINE_MAX_DIM], y[TW_ENGINE_MAX_DIM];
    int dim, model, second;
    *cosine = 0;
    tw_status st = backend_embed(b, &(tw_embed_query){.item = one}, x, &dim, &model, err);
    if (st == TW_OK)
        st = backend_embed(b, &(tw_embed_query){.item = other}, y, &dim, &second, err);
    if (st == TW_OK && model != second)
        st = tw_fail(err, TW_EBUSY, "the towers changed between the two items; try again");
    for (int i = 0; st == TW_OK && i < dim; i++)
        *cosine += (double) x[i] * (double) y[i];
    return st;
}

static void print_cell(const char *s)
{
    const size_t len = strlen(s);
    if (strpbrk(s, ",\"") == NULL) {
        (void) printf("%s", s);
        return;
    }
    (void) printf("\"");
    for (size_t at = 0, used; at < len; at += used) {
        char bytes[TW_PRINTABLE_MAX];
        const size_t n = tw_printable_next(s + at, len - at, false, &used, bytes);
        (void) printf("%s", s[at] == '"' ? "\"" : "");
        (void) fwrite(bytes, 1, n, stdout);
    }
    (void) printf("\"");
}

/* A row that names what is not there is said and left out. */
static tw_status score_row(backend *b, const tw_row *r, int64_t *left_out, tw_error *first)
{
    tw_error why = {0};
    double cosine;
    tw_status st = score(b, r->a, r->b, &cosine, &why);
    if (st == TW_OK) {
        print_cell(r->a);
        (void) printf(",");
        print_cell(r->b);
        (void) printf(",%g,%.6f\n", r->label, cosine);
    } else if ((*left_out)++ == 0) {
        *first = why;
    }
    return st == TW_EINVAL || st == TW_ENOTFOUND ? TW_OK : st;
}

static tw_status score_file(call *c, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error first = {0}, why = {0};
    tw_reader *r = NULL;
    tw_row row;
    bool got = true;
    int64_t left_out = 0;

    TW_TRY(tw_reader_open(&r, c->words[0], TW_INGEST_PAIRS, NULL, err));
    (void) printf("a,b,label,cosine\n");
    while (got) {
        st = tw_reader_next(r, &row, &got, &why);
        if (st == TW_EINVAL) {
            if (left_out++ == 0)
                first = why;
            continue;
        }
        if (st == TW_OK && got)
            st = score_row(&c->backend, &row, &left_out, &first);
        if (st != TW_OK)
            TW_TRY(tw_fail(err, st, "%s", first.msg[0] != '\0' ? first.msg : why.msg));
    }
    st = TW_OK;
done:
    tw_reader_close(r);
    if (st == TW_OK && left_out > 0) {
        (void) fprintf(stderr, "twindex: %lld rows could not be scored; the first: %s\n",
                       (long long) left_out, first.msg);
        c->exit_code = EXIT_FAILURE;
    }
    return st;
}

static tw_status score_two(call *c, tw_error *err)
{
    const basics *b = c->values;
    double cosine;
    tw_status st = score(&c->backend, c->words[0], c->words[1], &cosine, err);
    if (st == TW_OK)
        (void) printf(b->json ? "{\"cosine\": %.6f}\n" : "%.6f\n", cosine);
    return st;
}

static tw_status run(call *c, tw_error *err)
{
    return c->n == 2 ? score_two(c, err) : score_file(c, err);
}

static const flag flags[] = {BACKEND_FLAGS, JSON_FLAG, END_OF_FLAGS};

const command pairs_command = {
    .name = "pairs",
    .summary = "how alike two items are",
    .synopsis = "pairs DIR|URL (ITEM ITEM | FILE) [--json]",
    .about = "Scores how alike two items are: the cosine of their tower vectors, in [-1, 1].\n"
             "Of a FILE of pairs (a,b,label) each row comes back as CSV with its cosine.",
    .example = "  twindex pairs shop 4711 4712\n"
               "  twindex pairs shop same.csv >scored.csv",
    .flags = flags,
    .least = 1,
    .most = 2,
    .opens = OPENS_TO_ASK,
    .run = run,
};
