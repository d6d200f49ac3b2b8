/* Arbitrary bytes as a tower file, and as a JSON recipe. What loads must embed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/towers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const tw_tower *t)
{
    tw_tower_session *s = NULL;
    float *v = tw_alloc((size_t) tw_tower_dim(t), sizeof *v);
    if (v == NULL || tw_tower_session_create(&s, t, NULL) != TW_OK)
        abort();
    (void) !tw_tower_embed_text(s, "Toy Story (1995)", 16, v, NULL, NULL);
    tw_tower_session_destroy(s);
    tw_free(v);
}

static void reread(const tw_tower_recipe *r)
{
    tw_tower_recipe again = TW_TOWER_RECIPE_DEFAULT;
    tw_text one, two;
    tw_text_init(&one, 1 << 14);
    tw_text_init(&two, 1 << 14);
    if (tw_tower_recipe_format(r, &one, NULL) != TW_OK ||
        tw_tower_recipe_parse(&again, one.data, one.len, NULL) != TW_OK ||
        tw_tower_recipe_format(&again, &two, NULL) != TW_OK || strcmp(one.data, two.data) != 0)
        abort();
    tw_text_fini(&one);
    tw_text_fini(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
    tw_tower *t = NULL;

    if (tw_tower_parse(&t, data, size, NULL) == TW_OK)
        use(t);
    else if (t != NULL)
        abort();
    tw_tower_destroy(t);
    if (tw_tower_recipe_parse(&r, (const char *) data, size, NULL) == TW_OK)
        reread(&r);
    return 0;
}
