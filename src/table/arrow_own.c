/* arrow_own.c: arrays whose memory is our own (arrow.h). */
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

typedef struct owned { const void *buffers[3]; } owned;

static void owned_release(struct ArrowArray *a)
{
    owned *own = a->private_data;
    for (int64_t i = 0; a->children && i < a->n_children; i++) {
        if (a->children[i] && a->children[i]->release) a->children[i]->release(a->children[i]);
        mem_free(a->children[i]);
    }
    for (int i = 0; own && i < 3; i++) mem_free((void *)own->buffers[i]);
    mem_free(own);
    mem_free(a->children);
    memset(a, 0, sizeof *a);
}

static const void *taken(buf *b)
{
    const void *p = b->data;
    buf_init(b);
    return p;
}

int arrow_array_own(struct ArrowArray *a, buf *valid, buf *values, buf *bytes, int64_t n_children, shoal_error *err)
{
    memset(a, 0, sizeof *a);
    a->release = owned_release;
    owned *own = a->private_data = mem_calloc(1, sizeof *own);
    int nomem = !own || (n_children > 0 && !(a->children = mem_calloc((size_t)n_children, sizeof *a->children)));
    for (int64_t i = 0; !nomem && i < n_children; i++) {
        nomem = !(a->children[i] = mem_calloc(1, sizeof **a->children));
        a->n_children = i + 1;
    }
    if (nomem) return error_nomem(err, sizeof *own, "a batch");
    own->buffers[0] = taken(valid);
    own->buffers[1] = taken(values);
    own->buffers[2] = taken(bytes);
    a->buffers = own->buffers;
    return 0;
}

int arrow_array_take(struct ArrowArray *out, int64_t length, buf *values, int64_t n_children, shoal_error *err)
{
    buf none[2] = {BUF_INIT, BUF_INIT};
    int r = arrow_array_own(out, &none[0], values ? values : &none[1], &none[0], n_children, err);
    out->n_buffers = values ? 2 : 1;
    out->length = length;
    if (r < 0) out->release(out);
    return r;
}
