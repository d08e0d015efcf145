/* arrow_builder.c: batches column by column (arrow.h). A column is a node; the items of a list are its child node. The
 * buffers of a finished array are the builder's own, handed over. */
#include <string.h>

#include "base/mem.h"
#include "table/arrow_node.h"

#define DEPTH_MAX 16

typedef arrow_node node;

struct arrow_builder {
    int64_t columns;
    node *column;
};

static inline int has_offsets(const node *n) { return n->is_text || n->is_list; }

static void node_release(node *n)
{
    buf_release(&n->valid);
    buf_release(&n->values);
    buf_release(&n->bytes);
    for (int64_t i = 0; n->item && i < n->n_items; i++) node_release(&n->item[i]);
    mem_free(n->item);
    n->item = NULL;
}

static int node_init(node *n, const struct ArrowSchema *field, int depth, shoal_error *err)
{
    char name[96];
    n->type = arrow_type_of(field);
    n->is_list = arrow_type_is_list(n->type);
    n->is_text = arrow_type_is_text(n->type);
    n->is_wide = n->type == ARROW_LARGE_UTF8 || n->type == ARROW_LARGE_BINARY || n->type == ARROW_LARGE_LIST;
    if (n->type == ARROW_OTHER || n->type == ARROW_MAP || n->type == ARROW_DECIMAL128 || depth > DEPTH_MAX)
        return error_set(err, SHOAL_DATA, "column '%s': rows of type %s cannot be built", field->name, arrow_type_name(field, name, sizeof name));
    if (!n->is_list && n->type != ARROW_STRUCT) return 0;
    if (!(n->item = mem_calloc((size_t)field->n_children + 1, sizeof *n->item))) return error_nomem(err, sizeof *n, "a list column");
    int r = 0;
    for (int64_t i = 0; r == 0 && i < field->n_children; i++) {
        n->n_items = i + 1;
        r = node_init(&n->item[i], field->children[i], depth + 1, err);
    }
    return r;
}

int arrow_builder_new(const struct ArrowSchema *schema, arrow_builder **out, shoal_error *err)
{
    *out = NULL;
    arrow_builder *b = mem_calloc(1, sizeof *b);
    if (!b) return error_nomem(err, sizeof *b, "a batch builder");
    int r = 0;
    b->column = mem_calloc((size_t)schema->n_children + 1, sizeof *b->column);
    if (!b->column) r = error_nomem(err, (size_t)schema->n_children * sizeof *b->column, "a batch builder");
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        b->columns = i + 1;
        r = node_init(&b->column[i], schema->children[i], 0, err);
    }
    if (r < 0) {
        arrow_builder_free(b);
        return r;
    }
    *out = b;
    return 0;
}

void arrow_builder_free(arrow_builder *b)
{
    if (!b) return;
    for (int64_t i = 0; i < b->columns; i++) node_release(&b->column[i]);
    mem_free(b->column);
    mem_free(b);
}

static inline int put(buf *b, const void *p, size_t n, shoal_error *err)
{
    if (b->cap - b->len < n) {
        int r = buf_reserve(b, n > b->cap ? n : b->cap, err);
        if (r < 0) return r;
    }
    memcpy(b->data + b->len, p, n);
    b->len += n;
    return 0;
}

static int put_zeros(buf *b, size_t n, shoal_error *err)
{
    int r = buf_reserve(b, n, err);
    if (r < 0) return r;
    memset(b->data + b->len, 0, n);
    b->len += n;
    return 0;
}

/* Notes whether the row that is being added has a value. */
static inline int note(node *n, int is_null, shoal_error *err)
{
    if (is_null && n->nulls == 0 && n->type != ARROW_NULL) {
        /* the first null: all rows so far were valid */
        size_t bytes = (size_t)n->rows / 8 + 1;
        int r = put_zeros(&n->valid, bytes, err);
        if (r < 0) return r;
        memset(n->valid.data, 0xff, bytes);
        n->valid.data[bytes - 1] = (uint8_t)((1u << (n->rows & 7)) - 1);
    } else if (n->valid.len > 0) {
        if ((size_t)n->rows / 8 >= n->valid.len) {
            uint8_t zero = 0;
            int r = put(&n->valid, &zero, 1, err);
            if (r < 0) return r;
        }
        if (!is_null) n->valid.data[n->rows >> 3] |= (uint8_t)(1u << (n->rows & 7));
    }
    n->nulls += is_null;
    n->rows++;
    return 0;
}

int arrow_node_rows(arrow_node *n, const uint8_t *present, size_t rows, shoal_error *err)
{
    size_t some = present && n->type != ARROW_NULL ? rows : 0, i = 0;
    while (i < some && present[i]) i++;
    if (i == some && n->valid.len == 0) {
        n->nulls += n->type == ARROW_NULL ? (int64_t)rows : 0;
        n->rows += (int64_t)rows;
        return 0;
    }
    int r = 0;
    for (i = 0; r == 0 && i < rows; i++) r = note(n, present && !present[i], err);
    return r;
}

/* Offsets are written in front of a row; the last one when the array is finished. */
static int put_offset(node *n, shoal_error *err)
{
    int64_t at = n->is_list ? n->item->rows : (int64_t)n->bytes.len;
    if (n->is_wide) return put(&n->values, &at, 8, err);
    if (at > INT32_MAX) return error_set(err, SHOAL_DATA, "a batch holds more than 2 GiB of one column");
    int32_t narrow = (int32_t)at;
    return put(&n->values, &narrow, 4, err);
}

static size_t width_of(enum arrow_type t)
{
    switch (t) {
    case ARROW_I8:
    case ARROW_U8: return 1;
    case ARROW_I16:
    case ARROW_U16: return 2;
    case ARROW_I32:
    case ARROW_U32:
    case ARROW_F32:
    case ARROW_DATE32: return 4;
    default: return 8;
    }
}

size_t arrow_node_width(const arrow_node *n) { return has_offsets(n) || n->type == ARROW_STRUCT || n->type == ARROW_BOOL || n->type == ARROW_NULL ? 0 : width_of(n->type); }

arrow_node *arrow_builder_column(arrow_builder *b, int64_t column) { return &b->column[column]; }

static inline int add_i64(node *n, int64_t v, shoal_error *err)
{
    int r;
    if (n->type == ARROW_BOOL) {
        if ((n->rows & 7) == 0 && (r = put_zeros(&n->values, 1, err)) < 0) return r;
        if (v) n->values.data[n->rows >> 3] |= (uint8_t)(1u << (n->rows & 7));
        return 0;
    }
    return put(&n->values, &v, width_of(n->type), err); /* little endian: the low bytes are the narrow value */
}

static inline node *target(arrow_builder *b, int64_t column)
{
    node *n = &b->column[column];
    while (n->item) n = n->item;
    return n;
}

int arrow_node_null(arrow_node *n, shoal_error *err)
{
    int r = 0;
    if (n->type == ARROW_STRUCT) {
        for (int64_t i = 0; r == 0 && i < n->n_items; i++) r = arrow_node_null(&n->item[i], err);
    } else if (n->type != ARROW_NULL) {
        r = has_offsets(n) ? put_offset(n, err) : add_i64(n, 0, err);
    }
    return r < 0 ? r : note(n, 1, err);
}

int arrow_node_i64(arrow_node *n, int64_t v, shoal_error *err)
{
    int r = add_i64(n, v, err);
    return r < 0 ? r : note(n, 0, err);
}

int arrow_node_f64(arrow_node *n, double v, shoal_error *err)
{
    float f = (float)v;
    int r = n->type == ARROW_F32 ? put(&n->values, &f, 4, err) : put(&n->values, &v, 8, err);
    return r < 0 ? r : note(n, 0, err);
}

int arrow_node_text(arrow_node *n, view v, shoal_error *err)
{
    int r = put_offset(n, err);
    if (r == 0 && v.n > 0) r = put(&n->bytes, v.p, v.n, err);
    return r < 0 ? r : note(n, 0, err);
}

int arrow_node_open(arrow_node *n, shoal_error *err) { return n->is_list ? put_offset(n, err) : 0; }
int arrow_node_close(arrow_node *n, shoal_error *err) { return note(n, 0, err); }

int arrow_builder_null(arrow_builder *b, int64_t column, shoal_error *err) { return arrow_node_null(&b->column[column], err); }
int arrow_builder_i64(arrow_builder *b, int64_t column, int64_t v, shoal_error *err) { return arrow_node_i64(target(b, column), v, err); }
int arrow_builder_f64(arrow_builder *b, int64_t column, double v, shoal_error *err) { return arrow_node_f64(target(b, column), v, err); }
int arrow_builder_text(arrow_builder *b, int64_t column, view v, shoal_error *err) { return arrow_node_text(target(b, column), v, err); }
int arrow_builder_list_open(arrow_builder *b, int64_t column, shoal_error *err) { return arrow_node_open(&b->column[column], err); }
int arrow_builder_list_close(arrow_builder *b, int64_t column, shoal_error *err) { return arrow_node_close(&b->column[column], err); }
int arrow_builder_inner_open(arrow_builder *b, int64_t column, shoal_error *err) { return put_offset(b->column[column].item, err); }
int arrow_builder_inner_close(arrow_builder *b, int64_t column, int is_null, shoal_error *err) { return note(b->column[column].item, is_null, err); }

static void node_clear(node *n)
{
    buf_clear(&n->valid);
    buf_clear(&n->values);
    buf_clear(&n->bytes);
    n->rows = n->nulls = 0;
    for (int64_t i = 0; i < n->n_items; i++) node_clear(&n->item[i]);
}

void arrow_builder_clear(arrow_builder *b)
{
    for (int64_t i = 0; i < b->columns; i++) node_clear(&b->column[i]);
}

/* ---- handing over ------------------------------------------------------------------------------------------------- */

static int node_finish(node *n, struct ArrowArray *a, shoal_error *err)
{
    int r = has_offsets(n) ? put_offset(n, err) : 0;
    if (r == 0) r = arrow_array_own(a, &n->valid, &n->values, &n->bytes, n->n_items, err);
    if (r < 0) return r;
    a->n_buffers = n->type == ARROW_NULL ? 0 : n->is_text ? 3 : n->type == ARROW_STRUCT ? 1 : 2;
    a->length = n->rows;
    a->null_count = n->nulls;
    n->rows = n->nulls = 0;
    for (int64_t i = 0; r == 0 && i < n->n_items; i++) r = node_finish(&n->item[i], a->children[i], err);
    return r;
}

int arrow_builder_finish(arrow_builder *b, struct ArrowArray *out, shoal_error *err)
{
    buf none[3] = {BUF_INIT, BUF_INIT, BUF_INIT};
    int r = arrow_array_own(out, &none[0], &none[1], &none[2], b->columns, err);
    if (r == 0) {
        out->n_buffers = 1;
        out->length = b->columns > 0 ? b->column[0].rows : 0;
    }
    for (int64_t i = 0; r == 0 && i < b->columns; i++) r = node_finish(&b->column[i], out->children[i], err);
    if (r < 0 && out->release) out->release(out);
    return r;
}
