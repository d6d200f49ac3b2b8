/* Built with TW_REAL_DOUBLE. Towers of audio files: what is kept of one, what is learnt of all,
 * every gradient, the file. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "towers/audio/audio_logmel.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"

enum { N = 5, D = 3, RATE = 8000, LONGEST = 8000, FRAMES = 64, BANDS = 40 };

static float room[4][LONGEST];
/* A tone, a longer one at another rate, the first one louder, nothing, and silence. */
static tw_audio recordings[4] = {{.rate = RATE, .frames = 1600, .samples = room[0]},
                                 {.rate = 11025, .frames = LONGEST, .samples = room[1]},
                                 {.rate = RATE, .frames = 1600, .samples = room[2]},
                                 {.rate = RATE, .frames = 800, .samples = room[3]}};

static void make_sounds(void)
{
    for (int i = 0; i < LONGEST; i++) {
        room[0][i] = (float) (0.2 * sin(0.31 * i) + 0.05 * sin(1.7 * i));
        room[1][i] = (float) (0.3 * sin(0.11 * i + 1e-5 * i * i));
        room[2][i] = 2 * room[0][i];
        room[3][i] = 0;
    }
}

static tw_status load(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    static const int which[N] = {0, 1, 2, -1, 3};
    (void) ctx;
    (void) worker;
    (void) err;
    *out = (tw_tower_item){.audio = which[i] >= 0 ? &recordings[which[i]] : NULL};
    return TW_OK;
}

static const tw_tower_source source = {.n = N, .load = load};

static tw_tower_config small(void)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.text = TW_TEXT_NONE;
    cfg.audio = TW_AUDIO_CNN;
    cfg.audio_width = 8;
    cfg.audio_depth = 2;
    cfg.dim = D;
    return cfg;
}

static tw_tower_samples *prepare(const tw_tower *t)
{
    tw_tower_samples *s = NULL;
    assert_ok(tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, err));
    return s;
}

static tw_tower *make(const tw_tower_config *cfg)
{
    tw_tower *t = NULL;
    tw_rng rng;
    assert_ok(tw_tower_create(&t, cfg, NULL, err));
    tw_tower_samples *s = prepare(t);
    assert_ok(tw_tower_fit(t, s, err));
    tw_tower_samples_destroy(s);
    tw_rng_seed(&rng, 7);
    for (int i = 0; i < tw_params_count(t->params); i++) {
        tw_param *p = tw_params_at(t->params, i);
        if (strstr(p->name, ".gain") == NULL)
            tw_param_init_normal(p, 0.3, &rng);
    }
    twi_tower_refresh(t);
    return t;
}

static tw_tower *make_small(void)
{
    const tw_tower_config cfg = small();
    return make(&cfg);
}

static int32_t frames_of(twi_sample s)
{
    int32_t n;
    memcpy(&n, s.data, sizeof n);
    return n;
}

static void a_sample_is_a_log_mel(void **state)
{
    tw_tower *t = make_small();
    tw_tower_samples *s = prepare(t);
    twi_logmel_config cfg;
    twi_logmel *front = NULL;
    float *rows = NULL;
    int n;
    (void) state;
    assert_int_equal(tw_tower_samples_with(s, TW_MODALITY_AUDIO), 4);
    assert_true(tw_tower_samples_empty(s, 3));
    assert_ok(twi_logmel_preset(&cfg, "fsdd", err));
    cfg.seconds = 2;
    cfg.loudness = true;
    assert_ok(twi_logmel_create(&front, &cfg, err));
    assert_ok(twi_logmel_run(front, &recordings[1], &rows, &n, err));
    const twi_sample x = twi_sample_of(s, TW_MODALITY_AUDIO, 1);
    assert_int_equal(frames_of(x), n);
    assert_true(n > FRAMES);
    assert_int_equal(x.len, 8 + (size_t) n * BANDS * sizeof *rows);
    assert_memory_equal(x.data + 8, rows, x.len - 8);
    tw_free(rows);
    twi_logmel_destroy(front);
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

/* An item whose audio has no samples lacks it; it does not stop the others. */
static void an_empty_recording_is_none(void **state)
{
    tw_tower *t = make_small();
    tw_tower_session *s = NULL;
    const tw_audio empty = {.rate = RATE, .frames = 0, .samples = room[0]};
    float v[D];
    int found = -1;
    (void) state;
    assert_ok(tw_tower_session_create(&s, t, err));
    assert_ok(tw_tower_embed(s, &(tw_tower_item){.audio = &empty}, v, &found, err));
    assert_int_equal(found, 0);
    assert_ok(tw_tower_embed(s, &(tw_tower_item){.audio = &recordings[0]}, v, &found, err));
    assert_int_equal(found, 1 << TW_MODALITY_AUDIO);
    tw_tower_session_destroy(s);
    tw_tower_destroy(t);
}

/* How loud it was recorded does not count, unless audio_loudness is off. */
static void loudness_does_not_count(void **state)
{
    (void) state;
    for (int on = 0; on < 2; on++) {
        tw_tower_config cfg = small();
        cfg.audio_loudness = on == 1;
        tw_tower *t = make(&cfg);
        float v[N][D];
        double apart = 0;
        assert_ok(tw_tower_embed_many(t, NULL, &source, v[0], NULL, NULL, err));
        for (int d = 0; d < D; d++)
            apart += fabs((double) v[0][d] - (double) v[2][d]);
        assert_true(on ? apart < 1e-5 : apart > 1e-3);
        tw_tower_destroy(t);
    }
}

/* What the net reads has mean 0 and deviation 1. */
static void the_level_is_of_all_samples(void **state)
{
    tw_tower *t = make_small();
    tw_tower_samples *s = prepare(t);
    const char *path = tw_test_path("level.safetensors");
    tw_st_file *f = NULL;
    tw_st_tensor level;
    float scale[2], x;
    double n = 0, sum = 0, square = 0;
    (void) state;
    assert_ok(tw_tower_save(t, path, err));
    assert_ok(tw_st_open(&f, path, err));
    assert_ok(tw_st_find(f, "sound.level", TW_F32, &level, err));
    memcpy(scale, level.data, sizeof scale);
    for (int i = 0; i < N; i++) {
        const twi_sample of = twi_sample_of(s, TW_MODALITY_AUDIO, i);
        for (size_t at = 8; at < of.len; at += sizeof x) {
            memcpy(&x, of.data + at, sizeof x);
            const double read = (double) (scale[0] * x + scale[1]);
            n += 1;
            sum += read;
            square += read * read;
        }
    }
    assert_near(sum / n, 0, 1e-5);
    assert_near(square / n, 1, 1e-5);
    tw_st_close(f);
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

static void serving_equals_the_tape(void **state)
{
    tw_tower *t = make_small();
    tw_tower_samples *samples = prepare(t);
    tw_tape *tape = NULL;
    const int32_t all[N] = {0, 1, 2, 3, 4};
    float v[N][D];
    (void) state;
    assert_ok(tw_tape_create(&tape, NULL, err));
    const tw_tensor *z =
        twi_tower_forward(tape, t, &(twi_input){.samples = samples, .items = all, .n = N});
    assert_non_null(z);
    assert_ok(tw_tower_embed_many(t, NULL, &source, v[0], NULL, NULL, err));
    for (int i = 0; i < N; i++)
        for (int d = 0; d < D; d++)
            assert_near(v[i][d], z->v[i * D + d], 1e-6);
    tw_tape_destroy(tape);
    tw_tower_samples_destroy(samples);
    tw_tower_destroy(t);
}

typedef struct model {
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_grads *grads;
    tw_tape *tape;
} model;

/* A sum of all numbers, each with its own weight; the row of nothing has no direction and no say.
 * The audio files are disturbed, each time alike. */
static double run(const model *m, tw_real *weights)
{
    static const int32_t rows[N] = {0, 1, 2, 4, 3};
    static const twi_augment augment = {.strength = 1};
    double sum = 0;
    tw_tape_reset(m->tape, 1, 1, 0);
    tw_tensor *z = twi_tower_forward(
        m->tape, m->tower,
        &(twi_input){.samples = m->samples, .items = rows, .n = N, .augment = &augment});
    assert_non_null(z);
    for (int i = 0; i < 4 * D; i++)
        sum += (double) (weights[i] * z->v[i]);
    tw_tape_seed(m->tape, z, weights);
    return sum;
}

static void every_weight_has_its_gradient(void **state)
{
    const tw_real h = 1e-6;
    tw_real weights[N * D] = {0};
    int moved = 0;
    (void) state;
    model m = {.tower = make_small()};
    for (int i = 0; i < 4 * D; i++)
        weights[i] = (tw_real) (0.3 * (i % 4) - 0.4);
    m.samples = prepare(m.tower);
    assert_ok(tw_grads_create(&m.grads, m.tower->params, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
    (void) run(&m, weights);
    assert_ok(tw_tape_backward(m.tape, err));
    for (int i = 0; i < tw_params_count(m.tower->params); i++) {
        tw_param *p = tw_params_at(m.tower->params, i);
        const int64_t all = p->rows * p->cols, step = all > 200 ? 37 : 1;
        for (int64_t k = 0; k < all; k += step) {
            const double have = (double) tw_grads_peek(m.grads, p, k / p->cols)[k % p->cols];
            const tw_real keep = p->value[k];
            p->value[k] = keep + h;
            const double up = run(&m, weights);
            p->value[k] = keep - h;
            const double down = run(&m, weights);
            p->value[k] = keep;
            if (fabs(have - (up - down) / (2 * (double) h)) > 1e-6)
                fail_msg("%s[%lld] is %.9g, difference %.9g", p->name, (long long) k, have,
                         (up - down) / (2 * (double) h));
            moved += have != 0;
        }
    }
    assert_true(moved > 100);
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_tower_samples_destroy(m.samples);
    tw_tower_destroy(m.tower);
}

/* The vector of item 1, alone or before another. */
static void embed_disturbed(const tw_tower *t, const tw_tower_samples *s, int n, double strength,
                            uint64_t step, tw_real *out)
{
    static const int32_t rows[2] = {1, 0};
    const twi_augment augment = {.strength = strength};
    tw_tape *tape = NULL;
    assert_ok(tw_tape_create(&tape, NULL, err));
    tw_tape_reset(tape, 1, step, 0);
    const tw_tensor *z = twi_tower_forward(
        tape, t, &(twi_input){.samples = s, .items = rows, .n = n, .augment = &augment});
    assert_non_null(z);
    memcpy(out, z->v, D * sizeof *out);
    tw_tape_destroy(tape);
}

static void training_disturbs_by_the_strength(void **state)
{
    tw_tower *t = make_small();
    tw_tower_samples *s = prepare(t);
    float served[N][D];
    tw_real a[D], b[D], c[D];
    (void) state;
    assert_ok(tw_tower_embed_many(t, NULL, &source, served[0], NULL, NULL, err));
    embed_disturbed(t, s, 1, 0, 1, a);
    for (int d = 0; d < D; d++)
        assert_near(a[d], served[1][d], 1e-6);
    embed_disturbed(t, s, 1, 1, 1, a);
    embed_disturbed(t, s, 2, 1, 1, b);
    embed_disturbed(t, s, 1, 1, 2, c);
    for (int d = 0; d < D; d++)
        assert_near(a[d], b[d], 1e-9); /* its neighbour is disturbed elsewhere */
    assert_memory_not_equal(a, c, sizeof a);
    tw_tower_samples_destroy(s);
    tw_tower_destroy(t);
}

static void a_tower_of_audio_comes_back_from_its_file(void **state)
{
    tw_tower_config cfg = small();
    tw_tower *u = NULL;
    const char *path = tw_test_path("audio files.safetensors");
    float a[N * D], b[N * D];
    (void) state;
    cfg.audio_front = TW_FRONT_VGGISH;
    tw_tower *t = make(&cfg);
    assert_ok(tw_tower_save(t, path, err));
    assert_ok(tw_tower_load(&u, path, err));
    assert_int_equal(tw_tower_config_of(u).audio_front, TW_FRONT_VGGISH);
    assert_int_equal(tw_tower_config_of(u).audio_depth, 2);
    assert_ok(tw_tower_embed_many(t, NULL, &source, a, NULL, NULL, err));
    assert_ok(tw_tower_embed_many(u, NULL, &source, b, NULL, NULL, err));
    assert_memory_equal(a, b, sizeof a);
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

/* Replaces text in the file by as much other text. */
static void rewrite(const char *path, const char *from, const char *to)
{
    char *data = NULL, *at = NULL;
    size_t len;
    assert_int_equal(strlen(from), strlen(to));
    assert_ok(tw_file_read(path, 1 << 20, &data, &len, err));
    for (size_t i = 0; i + strlen(from) <= len && at == NULL; i++)
        if (memcmp(data + i, from, strlen(from)) == 0)
            at = data + i;
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    assert_ok(tw_file_replace(path, data, len, err));
    tw_free(data);
}

/* The front end that stands in the file is the one that is used, and it is checked. */
static void the_front_end_is_the_files(void **state)
{
    static const struct {
        const char *from, *to;
        tw_status want;
    } rows[] = {
        {"\\\"hop\\\": 80", "\\\"hop\\\": 40", TW_OK},
        {"\\\"hop\\\": 80", "\\\"hop\\\": \\\"", TW_ECORRUPT},
        {"\\\"fft\\\": 256", "\\\"fft\\\": 255", TW_ECORRUPT},
        {"\\\"bands\\\": 40", "\\\"bands\\\": 04", TW_ECORRUPT},
        {"\\\"bands\\\": 40", "\\\"bands\\\":  4", TW_ECORRUPT},
        {"twindex.sound", "twindex.souns", TW_ECORRUPT},
        {"sound.level", "sound.levem", TW_ECORRUPT},
    };
    const char *path = tw_test_path("front.safetensors");
    tw_tower *t = make_small();
    float a[N * D], b[N * D];
    (void) state;
    assert_ok(tw_tower_embed_many(t, NULL, &source, a, NULL, NULL, err));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower *u = NULL;
        assert_ok(tw_tower_save(t, path, err));
        rewrite(path, rows[i].from, rows[i].to);
        assert_status(tw_tower_load(&u, path, err), rows[i].want);
        if (u != NULL) {
            assert_ok(tw_tower_embed_many(u, NULL, &source, b, NULL, NULL, err));
            assert_memory_not_equal(a, b, sizeof a);
        }
        tw_tower_destroy(u);
    }
    tw_tower_destroy(t);
}

static void figures_outside_their_range_are_refused(void **state)
{
    tw_tower *t = NULL;
    tw_tower_config cfg = small();
    (void) state;
    cfg.audio_width = 12;
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    cfg = small();
    cfg.audio_depth = 6;
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    cfg = small();
    cfg.audio_seconds = 0.05;
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_a_log_mel),
        cmocka_unit_test(an_empty_recording_is_none),
        cmocka_unit_test(loudness_does_not_count),
        cmocka_unit_test(the_level_is_of_all_samples),
        cmocka_unit_test(serving_equals_the_tape),
        cmocka_unit_test(every_weight_has_its_gradient),
        cmocka_unit_test(training_disturbs_by_the_strength),
        cmocka_unit_test(a_tower_of_audio_comes_back_from_its_file),
        cmocka_unit_test(the_front_end_is_the_files),
        cmocka_unit_test(figures_outside_their_range_are_refused),
    };
    make_sounds();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
