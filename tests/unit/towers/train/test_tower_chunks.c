/* A step in chunks against the plain step. Weights, inputs and dL/dz are small whole numbers and
 * dropout keeps a half, so every sum is exact in float and the two must agree to the bit, whatever
 * the brackets; a wrong row, a wrong random number or a gradient counted twice would show. */
#include "tests/support/test.h"

#include <string.h>

#include "base/rng.h"
#include "towers/train/tower_chunks.h"

enum { ROWS = 37, IN = 6, OUT = 4, WORKERS = 3 };

typedef struct model {
    tw_params *ps;
    tw_param *table, *w, *b;
    tw_trainer *tr;
    tw_real x[ROWS * IN], z[ROWS * OUT], dz[ROWS * OUT];
    twi_chunks chunks;
    double dropout;
    int calls[WORKERS], largest[WORKERS];
    int fail_at; /* a row whose chunk fails; -1: none */
} model;

static tw_status embed(void *ctx, int worker, int begin, int end, tw_tape *tape, tw_tensor **z,
                       tw_error *err)
{
    model *m = ctx;
    const int n = end - begin;
    int32_t *ids = tw_tape_take(tape, (size_t) n, sizeof *ids);

    m->calls[worker]++;
    m->largest[worker] = n > m->largest[worker] ? n : m->largest[worker];
    if (m->fail_at >= begin && m->fail_at < end)
        return tw_fail(err, TW_EINVAL, "row %d", m->fail_at);
    if (ids == NULL)
        return tw_tape_status(tape, err);
    for (int i = 0; i < n; i++) /* row by row, as a text's features are hidden */
        ids[i] = (int32_t) tw_rng_below(tw_tape_rng(tape), 5);
    tw_tensor *x = tw_op_input(tape, m->x + (size_t) begin * IN, n, IN);
    tw_tensor *y = tw_op_add(tape, x, tw_op_gather(tape, m->table, ids, n, 1));
    *z = tw_op_linear(tape, tw_op_dropout(tape, y, m->dropout), m->w, m->b);
    return TW_OK;
}

static void fill_whole(tw_real *x, size_t n, tw_rng *rng)
{
    for (size_t k = 0; k < n; k++)
        x[k] = (tw_real) ((double) tw_rng_below(rng, 9) - 4);
}

static void open_model(model *m, int chunk)
{
    const tw_trainer_config cfg = {.threads = WORKERS, .seed = 5, .adam = TW_ADAM_DEFAULT};
    tw_rng rng;
    tw_rng_seed(&rng, 9);
    *m = (model){.fail_at = -1};
    assert_ok(tw_params_create(&m->ps, err));
    assert_ok(tw_params_add(m->ps, &m->table, "table", 5, IN, TW_TABLE, err));
    assert_ok(tw_params_add(m->ps, &m->w, "w", OUT, IN, TW_DENSE, err));
    assert_ok(tw_params_add(m->ps, &m->b, "b", 1, OUT, TW_DENSE, err));
    fill_whole(m->table->value, 5 * IN, &rng);
    fill_whole(m->w->value, OUT * IN, &rng);
    fill_whole(m->b->value, OUT, &rng);
    fill_whole(m->x, ROWS * IN, &rng);
    assert_ok(tw_trainer_create(&m->tr, m->ps, &cfg, err));
    m->chunks = (twi_chunks){.rows = ROWS,
                             .width = OUT,
                             .chunk = chunk,
                             .z = m->z,
                             .dz = m->dz,
                             .embed = embed,
                             .ctx = m};
}

static void close_model(model *m)
{
    tw_trainer_destroy(m->tr);
    tw_params_destroy(m->ps);
}

/* dL/dz depends on all rows, as that of an in-batch loss does. */
static void step(model *m)
{
    assert_ok(twi_chunks_embed(&m->chunks, m->tr, err));
    for (int k = 0; k < ROWS * OUT; k++)
        m->dz[k] = (tw_real) (((int) m->z[k] + (int) m->z[(k + 11) % (ROWS * OUT)]) % 5);
    assert_ok(twi_chunks_play(&m->chunks, m->tr, err));
    assert_ok(tw_trainer_update(m->tr, 0.5, err));
}

/* The norm of the gradient comes first: Adam's first step would hide its length. */
static void chunks_and_whole_are_the_same_step(void **state)
{
    static const int sizes[] = {1, 2, 5, 12};
    (void) state;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        model whole, parts;
        open_model(&whole, 0);
        open_model(&parts, sizes[k]);
        step(&whole);
        step(&parts);
        assert_memory_equal(whole.z, parts.z, sizeof whole.z);
        assert_true(tw_trainer_grad_norm(whole.tr) > 0);
        assert_true(tw_trainer_grad_norm(whole.tr) == tw_trainer_grad_norm(parts.tr));
        for (int i = 0; i < tw_params_count(whole.ps); i++) {
            const tw_param *a = tw_params_at(whole.ps, i), *b = tw_params_at(parts.ps, i);
            const size_t bytes = (size_t) a->rows * (size_t) a->cols * sizeof *a->value;
            assert_memory_equal(a->m, b->m, bytes);
            assert_memory_equal(a->value, b->value, bytes);
        }
        for (int w = 0; w < WORKERS; w++)
            assert_true(parts.largest[w] <= sizes[k]);
        close_model(&whole);
        close_model(&parts);
    }
}

/* With dropout a chunk draws one key, so the plain step's masks are others; but both passes over
 * the chunks must see the same. Gradient of the bias: the sum of dz. Of w: dz' times what dropout
 * left, which z itself shows: sum over rows of <dz, z - b> = <w, dw>. */
static void both_passes_draw_the_same_numbers(void **state)
{
    double from_z = 0, from_w = 0;
    model m;
    (void) state;
    open_model(&m, 4);
    m.dropout = 0.5;
    tw_real w[OUT * IN], b[OUT];
    memcpy(w, m.w->value, sizeof w);
    memcpy(b, m.b->value, sizeof b);
    step(&m);
    for (int k = 0; k < ROWS * OUT; k++)
        from_z += (double) m.dz[k] * (double) (m.z[k] - b[k % OUT]);
    for (int k = 0; k < OUT * IN; k++) /* after one step m = (1 - beta1) * gradient */
        from_w += (double) w[k] * (double) m.w->m[k] / (1 - 0.9);
    assert_near(from_w, from_z, 1e-3);
    assert_true(from_z != 0);
    close_model(&m);
}

static void a_share_in_one_chunk_is_embedded_once(void **state)
{
    model m;
    (void) state;
    open_model(&m, 13); /* shares of 13, 12, 12 */
    step(&m);
    for (int w = 0; w < WORKERS; w++)
        assert_int_equal(m.calls[w], 1);
    close_model(&m);
    open_model(&m, 12); /* worker 0 needs two chunks, and both twice */
    step(&m);
    assert_int_equal(m.calls[0] + m.calls[1] + m.calls[2], 4 + 1 + 1);
    close_model(&m);
}

static void fewer_rows_than_workers_are_fine(void **state)
{
    model m;
    (void) state;
    open_model(&m, 0);
    m.chunks.rows = 2;
    step(&m);
    assert_true(tw_trainer_grad_norm(m.tr) > 0);
    close_model(&m);
}

static void a_chunk_that_fails_ends_the_step(void **state)
{
    model m;
    (void) state;
    open_model(&m, 3);
    m.fail_at = 20;
    assert_status(twi_chunks_embed(&m.chunks, m.tr, err), TW_EINVAL);
    m.fail_at = -1;
    assert_ok(twi_chunks_embed(&m.chunks, m.tr, err));
    m.fail_at = 36;
    assert_status(twi_chunks_play(&m.chunks, m.tr, err), TW_EINVAL);
    close_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_whole_are_the_same_step),
        cmocka_unit_test(both_passes_draw_the_same_numbers),
        cmocka_unit_test(a_share_in_one_chunk_is_embedded_once),
        cmocka_unit_test(fewer_rows_than_workers_are_fine),
        cmocka_unit_test(a_chunk_that_fails_ends_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
