/* layer_kinds.c: the table of layer kinds. A new kind is one file and one line here. */
#include "model/layer.h"

#include <string.h>

#define LAYER_KINDS(X) \
    X(linear)          \
    X(embedding)       \
    X(fm)              \
    X(ffm)             \
    X(cin)             \
    X(cross)           \
    X(cross_v2)        \
    X(dense)           \
    X(add)             \
    X(concat)          \
    X(activation)      \
    X(dropout)         \
    X(batch_norm)      \
    X(layer_norm)      \
    X(bi_interaction)  \
    X(pairs)           \
    X(bilinear_pairs)  \
    X(outer)           \
    X(stack)           \
    X(pool)            \
    X(multiply)        \
    X(self_attention)  \
    X(attention_pool)  \
    X(constant)        \
    X(slice)           \
    X(bilinear)

#define DECLARE(kind) extern const layer_kind layer_##kind;
#define LIST(kind) &layer_##kind,
LAYER_KINDS(DECLARE)
const layer_kind *const layer_kinds[] = {LAYER_KINDS(LIST) NULL};

const layer_kind *layer_kind_find(const char *name)
{
    for (size_t i = 0; layer_kinds[i]; i++)
        if (strcmp(layer_kinds[i]->name, name) == 0) return layer_kinds[i];
    return NULL;
}
