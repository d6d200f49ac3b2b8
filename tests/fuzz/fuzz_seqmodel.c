/* Arbitrary bytes as a model file. What loads must answer a query. */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "seqmodel/seqmodel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void query(const tw_seq_model *m)
{
    tw_seq_session *s = NULL;
    int dim = 0;
    int64_t rows = 0;
    const int32_t history[] = {1, tw_seq_model_items(m), 1};

    (void) tw_seq_item_vectors(m, &rows, &dim);
    if (rows != (int64_t) tw_seq_model_items(m) + 1)
        abort();
    tw_real *q = tw_alloc((size_t) dim, sizeof *q);
    if (q == NULL || tw_seq_session_create(&s, m, NULL) != TW_OK)
        abort();
    if (tw_seq_query(s, tw_seq_model_users(m), history, 3, q, NULL) != TW_OK)
        abort();
    tw_seq_session_destroy(s);
    tw_free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_seq_model *m = NULL;

    if (tw_seq_model_parse(&m, data, size, NULL) == TW_OK) {
        query(m);
        tw_seq_model_destroy(m);
    } else if (m != NULL) {
        abort();
    }
    return 0;
}
