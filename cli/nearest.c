#include "cli/nearest.h"

#include <string.h>

static int least(int a, int b) { return a < b ? a : b; }

/* Optimal string alignment: three rows of the table of distances of all beginnings. */
int word_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int rows[3][NEAREST_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    if (a_len >= NEAREST_MAX || b_len >= NEAREST_MAX)
        return NEAREST_MAX;
    for (size_t j = 0; j <= b_len; j++)
        above[j] = (int) j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = (int) i;
        for (size_t j = 1; j <= b_len; j++) {
            const int replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], 1 + before[j - 2]);
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

void nearest_offer(nearest *n, const char *name)
{
    const int most = n->len < 6 ? 1 : (int) (n->len / 3);
    const int d = word_distance(n->word, n->len, name, strlen(name));
    if (d > most || (n->name != NULL && d >= n->distance))
        return;
    n->name = name;
    n->distance = d;
}
