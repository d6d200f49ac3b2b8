/* A binary heap in the caller's buffer, worst hit first, sorted in place at the end. */
#include "index/index_topk.h"

/* Lower score, or the same with the larger id. */
static bool worse(int64_t id_a, float a, int64_t id_b, float b)
{
    return a < b || (a == b && id_a > id_b);
}

static bool worse_hit(const tw_hit *a, const tw_hit *b)
{
    return worse(a->item, a->score, b->item, b->score);
}

static void swap(tw_hit *a, tw_hit *b)
{
    tw_hit t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(tw_hit *h, int n, int at)
{
    for (;;) {
        int low = at, left = 2 * at + 1;
        if (left < n && worse_hit(&h[left], &h[low]))
            low = left;
        if (left + 1 < n && worse_hit(&h[left + 1], &h[low]))
            low = left + 1;
        if (low == at)
            return;
        swap(&h[at], &h[low]);
        at = low;
    }
}

static void sift_up(tw_hit *h, int at)
{
    while (at > 0 && worse_hit(&h[at], &h[(at - 1) / 2])) {
        swap(&h[at], &h[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

bool twi_topk_wants(const twi_topk *t, int64_t id, float score)
{
    return t->n < t->k || worse(t->hits[0].item, t->hits[0].score, id, score);
}

void twi_topk_push(twi_topk *t, int64_t id, float score)
{
    if (t->n < t->k) {
        t->hits[t->n] = (tw_hit){.item = id, .score = score};
        sift_up(t->hits, t->n++);
        return;
    }
    t->hits[0] = (tw_hit){.item = id, .score = score};
    sift_down(t->hits, t->n, 0);
}

void twi_topk_sort(twi_topk *t)
{
    /* Each step moves the worst of what is left behind it: best first at the end. */
    for (int left = t->n - 1; left > 0; left--) {
        swap(&t->hits[0], &t->hits[left]);
        sift_down(t->hits, left, 0);
    }
}
