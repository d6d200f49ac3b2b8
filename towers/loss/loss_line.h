/* towers/loss/loss_line.h — a row or a column of a batch of pairs, for losses that go both ways.
 * Internal to towers/. */
#ifndef TW_TOWERS_LOSS_LOSS_LINE_H
#define TW_TOWERS_LOSS_LOSS_LINE_H

#include <stddef.h>

/* Cells start + k * step, k < n, of a matrix (B,C); `own` is the pair's own. */
typedef struct twi_line {
    size_t start, step;
    int n, own;
} twi_line;

static inline twi_line twi_row_line(int i, int C)
{
    return (twi_line){(size_t) i * (size_t) C, 1, C, i};
}
static inline twi_line twi_column_line(int i, int B, int C)
{
    return (twi_line){(size_t) i, (size_t) C, B, i};
}
static inline size_t twi_line_at(const twi_line *l, int k)
{
    return l->start + (size_t) k * l->step;
}

#endif
