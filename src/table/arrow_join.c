/* arrow_join.c: two batches of as many rows side by side (arrow.h). */
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

/* Both batches live on behind the one. */

typedef struct joined {
    struct ArrowArray left, right;
    struct ArrowArray **children;
    const void *buffers[1];
} joined;

static void joined_release(struct ArrowArray *a)
{
    joined *j = a->private_data;
    if (j->left.release) j->left.release(&j->left);
    if (j->right.release) j->right.release(&j->right);
    mem_free(j->children);
    mem_free(j);
    a->release = NULL;
}

int arrow_join(struct ArrowArray *left, struct ArrowArray *right, struct ArrowArray *out, shoal_error *err)
{
    joined *j = mem_calloc(1, sizeof *j);
    if (j) j->children = mem_calloc((size_t)(left->n_children + right->n_children), sizeof *j->children);
    if (!j || !j->children) {
        mem_free(j);
        left->release(left);
        right->release(right);
        return error_nomem(err, sizeof *j, "a batch");
    }
    for (int64_t i = 0; i < left->n_children; i++) j->children[i] = left->children[i];
    for (int64_t i = 0; i < right->n_children; i++) j->children[left->n_children + i] = right->children[i];
    memset(out, 0, sizeof *out);
    out->length = left->length;
    out->n_buffers = 1;
    out->buffers = j->buffers;
    out->n_children = left->n_children + right->n_children;
    out->children = j->children;
    out->release = joined_release;
    out->private_data = j;
    j->left = *left;
    j->right = *right;
    return 0;
}

int arrow_join_built(struct ArrowArray *left, arrow_builder *b, int filled, struct ArrowArray *out, shoal_error *err)
{
    struct ArrowArray right;
    int r = filled < 0 ? filled : arrow_builder_finish(b, &right, err);
    if (r < 0) {
        left->release(left);
        return r;
    }
    r = arrow_join(left, &right, out, err);
    return r < 0 ? r : 1;
}
