#include "nn/kernels/attention.h"

#include <assert.h>
#include <stdbool.h>

#include "nn/blas.h"
#include "nn/kernels/exp.h"
#include "nn/kernels/hash_rng.h"
#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

enum { BLOCK = TW_ATTENTION_BLOCK, LANES = 16 };

/* One block of queries of one head of one sequence. */
typedef struct tile {
    size_t rows0; /* first query row, in the packed arrays */
    int column;   /* the head's first column */
    int n;        /* queries */
    int m;        /* keys: up to the last query's own, or all */
} tile;

static int stride(const tw_attention *a) { return a->ld > 0 ? a->ld : a->D; }

/* The block that begins `first` rows into the sequence. */
static tile tile_at(const tw_attention *a, int s, int head, int first)
{
    int begin = a->offsets[s], len = a->offsets[s + 1] - begin;
    int n = len - first < BLOCK ? len - first : BLOCK;
    return (tile){.rows0 = (size_t) begin + (size_t) first,
                  .column = head * (a->D / a->heads),
                  .n = n,
                  .m = a->both ? len : first + n};
}

size_t tw_attention_kept(const tw_attention *a)
{
    size_t sum = 0;
    for (int s = 0; s < a->S; s++) {
        for (int r = 0; r < a->offsets[s + 1] - a->offsets[s]; r += BLOCK) {
            tile t = tile_at(a, s, 0, r);
            sum += (size_t) t.n * (size_t) t.m;
        }
    }
    return sum * (size_t) a->heads;
}

size_t tw_attention_work(const tw_attention *a)
{
    int longest = 0;
    for (int s = 0; s < a->S; s++) {
        int len = a->offsets[s + 1] - a->offsets[s];
        longest = len > longest ? len : longest;
    }
    return (size_t) (2 * BLOCK + a->D / a->heads) * (size_t) longest;
}

/* p (m) holds scores: turns its first w into their softmax and the rest into zeros. */
TW_BODY void softmax_row(tw_real *restrict p, int w, int m)
{
    /* A maximum over lanes: a plain one does not vectorise while NaN is honoured. */
    tw_real lane[LANES], max = p[0];
    int j = 0;
    for (int l = 0; l < LANES; l++)
        lane[l] = p[0];
    for (; j + LANES <= w; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = p[j + l] > lane[l] ? p[j + l] : lane[l];
    for (; j < w; j++)
        max = p[j] > max ? p[j] : max;
    for (int l = 0; l < LANES; l++)
        max = lane[l] > max ? lane[l] : max;

    tw_real sum = 0;
    for (j = 0; j < w; j++) {
        p[j] = tw_exp_lane(p[j] - max);
        sum += p[j];
    }
    tw_real r = 1 / sum;
    for (j = 0; j < w; j++)
        p[j] *= r;
    for (j = w; j < m; j++)
        p[j] = 0;
}

/* P (n,m): scores in, softmax out, the coin in the sign. A (n,m): P where kept, else 0, not yet
 * divided by 1 - p. Row i sees its first m-n+i+1 keys, with `both` all m. A is not written without
 * dropout. */
TW_BODY void softmax_body(tw_real *restrict P, tw_real *restrict A, int n, int m, bool both,
                          double dropout, uint64_t key)
{
    const uint32_t limit = tw_coin_threshold(dropout);
    for (int i = 0; i < n; i++) {
        tw_real *p = P + (size_t) i * (size_t) m;
        softmax_row(p, both ? m : m - n + i + 1, m);
        if (limit == 0)
            continue;
        assert(A != NULL);
        tw_real *out = A + (size_t) i * (size_t) m;
        uint64_t k = tw_coin_key(key, (uint64_t) i);
        uint32_t lo = (uint32_t) k, hi = (uint32_t) (k >> 32);
        for (int j = 0; j < m; j++) {
            bool drop = tw_coin(lo, hi, (uint32_t) j) < limit;
            out[j] = drop ? 0 : p[j];
            p[j] = drop ? -p[j] : p[j];
        }
    }
}
TW_DISPATCH_STATIC(softmax, softmax_body,
                   (tw_real * P, tw_real *A, int n, int m, bool both, double dropout, uint64_t key),
                   (P, A, n, m, both, dropout, key))

/* In: P (n,m) with its signs, G (n,m) = dL/dA times 1 - p. Out: G = dL/dS / scale and A (n,m) as in
 * softmax_body.
 *
 *   dP = dA where kept, else 0;  dS = P * (dP - sum_j P dP) */
TW_BODY void softmax_back_body(tw_real *restrict G, tw_real *restrict A, const tw_real *restrict P,
                               int n, int m, double keep)
{
    const tw_real k = (tw_real) keep;
    for (int i = 0; i < n; i++) {
        const tw_real *p = P + (size_t) i * (size_t) m;
        tw_real *g = G + (size_t) i * (size_t) m;
        tw_real *out = A + (size_t) i * (size_t) m;
        tw_real sum = 0;
        for (int j = 0; j < m; j++) {
            tw_real kept = p[j] > 0 ? p[j] : 0;
            out[j] = kept;
            sum += kept * g[j];
        }
        for (int j = 0; j < m; j++)
            g[j] = k * (out[j] * g[j] - (p[j] < 0 ? -p[j] : p[j]) * sum);
    }
}
TW_DISPATCH_STATIC(softmax_back, softmax_back_body,
                   (tw_real * G, tw_real *A, const tw_real *P, int n, int m, double keep),
                   (G, A, P, n, m, keep))

/* Where the parts of work lie: two blocks of scores, and the transposed keys or values of one head
 * of one sequence. OpenBLAS is fastest where the second operand is stored by rows. */
typedef struct parts {
    tw_real *scores, *kept, *across; /* (BLOCK, T) twice, (D/heads, T) */
} parts;

static parts parts_of(tw_real *work, const tw_attention *a)
{
    size_t one = tw_attention_work(a) / (size_t) (2 * BLOCK + a->D / a->heads) * BLOCK;
    return (parts){.scores = work, .kept = work + one, .across = work + 2 * one};
}

void tw_attention_forward(tw_real *o, tw_real *P, tw_real *work, const tw_real *q, const tw_real *k,
                          const tw_real *v, const tw_attention *a)
{
    const int D = a->D, w = D / a->heads, ld = stride(a);
    const bool drops = tw_coin_threshold(a->dropout) != 0;
    const tw_real keep = drops ? (tw_real) (1 / (1 - a->dropout)) : 1;
    const parts x = parts_of(work, a);
    uint64_t block = 0;

    for (int s = 0; s < a->S; s++) {
        const int len = a->offsets[s + 1] - a->offsets[s];
        for (int h = 0; h < a->heads; h++) {
            const size_t ko = (size_t) a->offsets[s] * (size_t) ld + (size_t) (h * w);
            tw_transpose(x.across, len, k + ko, ld, len, w);
            for (int r = 0; r < len; r += BLOCK) {
                tile t = tile_at(a, s, h, r);
                size_t qo = t.rows0 * (size_t) ld + (size_t) t.column;
                size_t oo = t.rows0 * (size_t) D + (size_t) t.column;
                tw_real *p = P != NULL ? P : x.scores;

                tw_gemm(0, 0, t.n, t.m, w, (tw_real) a->scale, q + qo, ld, x.across, len, 0, p,
                        t.m);
                softmax(p, x.kept, t.n, t.m, a->both, drops ? a->dropout : 0,
                        tw_coin_key(a->key, block++));
                tw_gemm(0, 0, t.n, w, t.m, keep, drops ? x.kept : p, t.m, v + ko, ld, 0, o + oo, D);
                if (P != NULL)
                    P += (size_t) t.n * (size_t) t.m;
            }
        }
    }
}

void tw_attention_last(tw_real *o, tw_real *work, const tw_real *q, const tw_real *k,
                       const tw_real *v, const tw_attention *a)
{
    const int D = a->D, w = D / a->heads;

    for (int s = 0; s < a->S; s++) {
        const int len = a->offsets[s + 1] - a->offsets[s];
        for (int h = 0; h < a->heads; h++) {
            const size_t qo = (size_t) s * (size_t) D + (size_t) (h * w);
            const size_t ko = (size_t) a->offsets[s] * (size_t) D + (size_t) (h * w);
            tw_gemm(0, 1, 1, len, w, (tw_real) a->scale, q + qo, D, k + ko, D, 0, work, len);
            softmax(work, NULL, 1, len, true, 0, 0);
            tw_gemm(0, 0, 1, w, len, 1, work, len, v + ko, D, 0, o + qo, D);
        }
    }
}

void tw_attention_backward(tw_real *dq, tw_real *dk, tw_real *dv, tw_real *work,
                           const tw_real *dout, const tw_real *P, const tw_real *q,
                           const tw_real *k, const tw_real *v, const tw_attention *a)
{
    const int D = a->D, w = D / a->heads, ld = stride(a);
    const bool drops = tw_coin_threshold(a->dropout) != 0;
    const double keep = drops ? 1 / (1 - a->dropout) : 1;
    const tw_real scale = (tw_real) a->scale;
    const parts x = parts_of(work, a);
    tw_real *G = x.scores, *A = x.kept;

    for (int s = 0; s < a->S; s++) {
        const int len = a->offsets[s + 1] - a->offsets[s];
        for (int h = 0; h < a->heads; h++) {
            const size_t ko = (size_t) a->offsets[s] * (size_t) ld + (size_t) (h * w);
            tw_transpose(x.across, len, v + ko, ld, len, w);
            for (int r = 0; r < len; r += BLOCK) {
                tile t = tile_at(a, s, h, r);
                size_t qo = t.rows0 * (size_t) ld + (size_t) t.column;
                size_t oo = t.rows0 * (size_t) D + (size_t) t.column;

                /* o = keep * A v  =>  dA = keep * dout v',  dv = keep * A' dout */
                tw_gemm(0, 0, t.n, t.m, w, 1, dout + oo, D, x.across, len, 0, G, t.m);
                softmax_back(G, A, P, t.n, t.m, keep);
                tw_gemm(1, 0, t.m, w, t.n, (tw_real) keep, A, t.m, dout + oo, D, 1, dv + ko, ld);
                /* S = scale * q k'  =>  dq = scale * dS k,  dk = scale * dS' q */
                tw_gemm(0, 0, t.n, w, t.m, scale, G, t.m, k + ko, ld, 1, dq + qo, ld);
                tw_gemm(1, 0, t.m, w, t.n, scale, G, t.m, q + qo, ld, 1, dk + ko, ld);
                P += (size_t) t.n * (size_t) t.m;
            }
        }
    }
}
