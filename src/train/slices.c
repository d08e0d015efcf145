/* slices.c: see slices.h. */
#include "train/slices.h"

#include <math.h>

#include "base/mem.h"
#include "features/counter.h"
#include "features/keys.h"
#include "train/ranks.h"

#define MISSING UINT32_MAX /* of an entry: none */

struct slices {
    column_keys *keys;
    counter *counter;
    ranks *ranks;
    size_t memory; /* of the counter */
    uint32_t top;
    vocabulary *names;
    slice *slice; /* one an entry of names, and one for the missing */
    uint64_t rows;
    /* the value at hand, while the rows go by */
    uint64_t key, values, others, other_rows, value_rows;
    uint32_t entry;
    int missing;
    auc_sums auc;
    loss_sums loss;
};

int slices_new(const char *column, const struct ArrowSchema *schema, size_t memory, const char *spool_dir, uint32_t top, slices **out,
               shoal_error *err)
{
    *out = NULL;
    slices *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "slices");
    s->memory = memory / 2;
    s->top = top;
    int rc = column_keys_new(column, schema, &s->keys, err);
    if (rc == 0) rc = counter_new(spool_dir, &s->counter, err);
    if (rc == 0) rc = ranks_new(memory / 2, spool_dir, 1, &s->ranks, err);
    if (rc) slices_free(s);
    else *out = s;
    return rc;
}

void slices_free(slices *s)
{
    if (!s) return;
    column_keys_free(s->keys);
    counter_free(s->counter);
    ranks_free(s->ranks);
    vocabulary_free(s->names);
    mem_free(s->slice);
    mem_free(s);
}

static int count(slices *s, const struct ArrowArray *from, int64_t row, uint64_t key, shoal_error *err)
{
    char scratch[COLUMN_KEYS_SCRATCH];
    int rc = key ? counter_add(s->counter, key, err) : 0;
    return rc == 1 ? counter_name(s->counter, column_keys_text(s->keys, from, row, scratch), err) : rc;
}

int slices_add(slices *s, const struct ArrowArray *from, const float *logit, const float *label, const float *weight, size_t n,
               shoal_error *err)
{
    const uint64_t *key;
    int64_t bad;
    int rc = column_keys_take(s->keys, from, &key, &bad, err);
    if (rc && bad >= 0) return error_where(err, rc, "row %llu", (unsigned long long)(s->rows + (uint64_t)bad)), rc;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = count(s, from, (int64_t)i, key[i], err);
        if (rc == 0) rc = ranks_add(s->ranks, key[i], rank_pack(logit[i], label[i] > 0.5f, weight ? weight[i] : 1.0f), err);
    }
    s->rows += n;
    if (rc == 0 && counter_bytes(s->counter) > s->memory) rc = counter_spill(s->counter, err);
    return rc;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

static void value_close(slices *s)
{
    if (s->entry == MISSING && s->key) {
        s->others++;
        s->other_rows += s->value_rows;
        return;
    }
    slice *x = &s->slice[s->key ? s->entry : vocabulary_size(s->names)];
    loss_result(&s->loss, &x->quality);
    x->quality.auc = auc_result(&s->auc);
    x->quality.gauc = NAN;
}

static void value_open(slices *s, uint64_t key)
{
    static const vocabulary_rows LISTED = {.missing = MISSING};
    s->key = key;
    s->value_rows = 0;
    s->values++;
    s->missing |= key == 0;
    s->auc = (auc_sums){0};
    s->loss = (loss_sums){0};
    vocabulary_lookup(s->names, &key, 1, &LISTED, &s->entry);
}

static void add_row(void *ctx, uint64_t key, uint64_t row)
{
    slices *s = ctx;
    if (s->values == 0 || key != s->key) {
        if (s->values) value_close(s);
        value_open(s, key);
    }
    s->value_rows++;
    if (s->entry == MISSING && key) return;
    auc_add(&s->auc, row);
    loss_add(&s->loss, rank_logit(row), rank_positive(row), rank_weight(row));
}

int slices_finish(slices *s, slices_result *out, shoal_error *err)
{
    const uint8_t *bytes;
    const uint64_t *offsets;
    uint32_t n;
    int rc = counter_finish(s->counter, NULL, 1, s->top, 0, &s->names, err);
    if (rc) return rc;
    vocabulary_entries(s->names, &bytes, &offsets, &n);
    s->slice = mem_calloc((size_t)n + 1, sizeof *s->slice);
    if (!s->slice) return error_nomem(err, n * sizeof *s->slice, "slices");
    for (uint32_t i = 0; i < n; i++) s->slice[i].name = view_of((const char *)bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]));
    rc = ranks_each(s->ranks, add_row, s, err);
    if (rc == 0 && s->values) value_close(s);
    *out = (slices_result){s->slice, n + (s->missing ? 1 : 0), s->values, s->rows, s->others, s->other_rows};
    return rc;
}
