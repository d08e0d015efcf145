/* keys.c: see keys.h. The column is the one feature of a table of its own. */
#include "features/binding.h" /* before what knows a type named batch */
#include "features/keys.h"

#include "features/features_private.h"

struct column_keys {
    features *f;
    binding *binding;
    raw_block rows;
    uint64_t *key;
    size_t cap;
};

_Static_assert(COLUMN_KEYS_SCRATCH >= CELL_SCRATCH, "numbers must fit");

int column_keys_new(const char *column, const struct ArrowSchema *schema, column_keys **out, shoal_error *err)
{
    feature *x;
    *out = NULL;
    column_keys *k = mem_calloc(1, sizeof *k);
    if (!k)
        return error_nomem(err, sizeof *k, "the keys of a column");
    raw_block_init(&k->rows);
    int rc = features_new(&k->f, err);
    if (!rc)
        rc = features_add(k->f, column, column, FEATURE_CATEGORICAL, &x, err);
    if (!rc)
        rc = features_link(k->f, err);
    if (!rc)
        rc = binding_new(k->f, schema, 0, &k->binding, err);
    if (!rc)
        CHECK(features_raw_layout(k->f).stride == COLUMN_KEYS_STRIDE);
    if (rc)
        column_keys_free(k);
    else
        *out = k;
    return rc;
}

void column_keys_free(column_keys *k)
{
    if (!k)
        return;
    binding_free(k->binding);
    features_free(k->f);
    raw_block_release(&k->rows);
    mem_free(k->key);
    mem_free(k);
}

void column_keys_of_rows(const raw_block *rows, uint64_t *keys)
{
    for (uint32_t i = 0; i < rows->rows; i++)
        memcpy(&keys[i], rows->records.data + (size_t)i * COLUMN_KEYS_STRIDE + 8, sizeof *keys);
}

int column_keys_take(column_keys *k, const struct ArrowArray *from, const uint64_t **keys, int64_t *bad_row, shoal_error *err)
{
    const size_t n = (size_t)from->length;
    *bad_row = -1;
    if (n > k->cap) {
        uint64_t *grown = mem_realloc(k->key, n * sizeof *grown);
        if (!grown)
            return error_nomem(err, n * sizeof *grown, "the keys of a column");
        k->key = grown;
        k->cap = n;
    }
    raw_block_clear(&k->rows);
    int rc = binding_extract(k->binding, from, 0, from->length, &k->rows, bad_row, err);
    if (!rc)
        column_keys_of_rows(&k->rows, k->key);
    *keys = k->key;
    return rc;
}

const raw_block *column_keys_rows(const column_keys *k)
{
    return &k->rows;
}

view column_keys_text(const column_keys *k, const struct ArrowArray *from, int64_t row, char *scratch)
{
    const bag_cells c = binding_cells(k->binding, 0, from);
    view v;
    cell_category(&c.rows, row, scratch, &v);
    return v;
}
