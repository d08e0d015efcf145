#include "features/batch.h"

#include <string.h>

#include "base/mem.h"
#include "features/batch_store.h"

void batch_init(batch *b)
{
    memset(b, 0, sizeof *b);
}

void batch_release(batch *b)
{
    struct batch_store *s = b->store;
    if (s) {
        for (uint32_t i = 0; i < s->n_lanes; i++) {
            mem_free(s->lane[i].offset);
            mem_free(s->lane[i].id);
            mem_free(s->lane[i].weight);
        }
        mem_free(s->lane);
        mem_free(s->field);
        mem_free(s->dense);
        mem_free(s->label);
        mem_free(s->weight);
        mem_free(s->key);
        mem_free(s);
    }
    batch_init(b);
}

int batch_room(void *p, size_t *cap, size_t n, size_t size, shoal_error *err)
{
    void **at = p;
    if (n <= *cap)
        return 0;
    size_t want = n + n / 4;
    void *fresh = mem_alloc(want * size);
    if (!fresh)
        return error_nomem(err, want * size, "a batch");
    mem_free(*at);
    *at = fresh;
    *cap = want;
    return 0;
}

static int lanes_room(struct batch_store *s, uint32_t n, shoal_error *err)
{
    if (n <= s->n_lanes)
        return 0;
    batch_lane *lane = mem_realloc(s->lane, n * sizeof *lane);
    if (!lane)
        return error_nomem(err, n * sizeof *lane, "a batch");
    s->lane = lane;
    batch_field *field = mem_realloc(s->field, n * sizeof *field);
    if (!field)
        return error_nomem(err, n * sizeof *field, "a batch");
    s->field = field;
    memset(lane + s->n_lanes, 0, (n - s->n_lanes) * sizeof *lane);
    s->n_lanes = n;
    return 0;
}

int batch_shape(batch *b, uint32_t rows, uint32_t n_dense, uint32_t n_fields, shoal_error *err)
{
    if (!b->store) {
        b->store = mem_calloc(1, sizeof *b->store);
        if (!b->store)
            return error_nomem(err, sizeof *b->store, "a batch");
    }
    struct batch_store *s = b->store;
    int rc = lanes_room(s, n_fields, err);
    if (!rc)
        rc = batch_room(&s->dense, &s->dense_cap, (size_t)rows * n_dense, sizeof(float), err);
    if (!rc)
        rc = batch_room(&s->label, &s->label_cap, rows, sizeof(float), err);
    if (!rc)
        rc = batch_room(&s->weight, &s->weight_cap, rows, sizeof(float), err);
    if (!rc)
        rc = batch_room(&s->key, &s->key_cap, rows, sizeof(uint64_t), err);
    if (rc)
        return rc;
    b->rows = rows;
    b->n_dense = n_dense;
    b->n_fields = n_fields;
    b->dense = n_dense ? s->dense : NULL;
    b->field = s->field;
    b->label = s->label;
    b->weight = s->weight;
    return 0;
}
