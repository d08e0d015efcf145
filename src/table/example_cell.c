#include "table/example_cell.h"

#include <inttypes.h>

int example_cell_set(example_cell *c, const struct ArrowSchema *field, shoal_error *err)
{
    char name[120];
    c->key = view_of(field->name, strlen(field->name));
    c->type = arrow_type_of(field);
    c->is_list = arrow_type_is_list(c->type);
    const struct ArrowSchema *item = c->is_list ? field->children[0] : field;
    c->is_lists = c->is_list && arrow_type_is_list(arrow_type_of(item));
    c->item = arrow_type_of(c->is_lists ? item->children[0] : item);
    c->inner = arrow_type_of(item);
    c->kind = arrow_type_is_text(c->item) ? EXAMPLE_BYTES : arrow_type_is_float(c->item) ? EXAMPLE_FLOAT : EXAMPLE_INT64;
    switch (c->item) {
    case ARROW_OTHER:
    case ARROW_STRUCT:
    case ARROW_MAP:
    case ARROW_DURATION:
    case ARROW_DECIMAL128:
    case ARROW_LIST:
    case ARROW_LARGE_LIST:
        return error_set(err, SHOAL_DATA, "column '%s' has the type %s, which TFRecord cannot hold; leave it out or cast it by --sql, as CAST(x AS DOUBLE)",
                         field->name, arrow_type_name(field, name, sizeof name));
    default: break;
    }
    if (c->key.n > KEY_MAX) return 0;
    uint8_t *p = c->head;
    *p++ = 1 << 3 | 2;
    *p++ = 0;
    *p++ = 1 << 3 | 2;
    *p++ = (uint8_t)c->key.n;
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p += c->key.n;
    *p++ = 2 << 3 | 2;
    *p++ = 0;
    *p++ = (uint8_t)(c->kind << 3 | 2);
    *p++ = 0;
    *p++ = 1 << 3 | 2;
    *p++ = 0;
    c->head_n = (uint32_t)(p - c->head);
    c->head_chunks = (c->head_n + CHUNK - 1) / CHUNK;
    return 0;
}

size_t example_cell_long_size(const example_cell *c, size_t n) { return field_size(field_size(c->key.n) + field_size(field_size(field_size(n)))); }

uint8_t *example_cell_put_heads(uint8_t *p, const example_cell *c, size_t list)
{
    size_t value = field_size(list), entry = field_size(c->key.n) + field_size(value);
    p = field_put(p, 1, entry);
    p = field_put(p, 1, c->key.n);
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p = field_put(p + c->key.n, 2, value);
    return field_put(p, (unsigned)c->kind, list);
}

static int refuse_float(uint64_t row, const example_cell *c, double x, shoal_error *err)
{
    char text[F64_TEXT];
    int n = (int)c->key.n;
    return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %s has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"%.*s\" AS FLOAT) AS \"%.*s\") FROM src'",
                     n, c->key.p, row, f64_text(x, text), n, c->key.p, n, c->key.p);
}

int example_cell_refuse_integer(uint64_t row, const example_cell *c, uint64_t x, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %" PRIu64 " is above the int64 that TFRecord holds; cast it to VARCHAR by --sql",
                     (int)c->key.n, c->key.p, row, x);
}

int example_cell_check_float(uint64_t row, const example_cell *c, double x, shoal_error *err)
{
    return (double)(float)x != x && x == x ? refuse_float(row, c, x, err) : 0;
}

static int read_integer(uint64_t row, const example_cell *c, const struct ArrowArray *a, int64_t i, uint64_t *out, shoal_error *err)
{
    *out = (uint64_t)arrow_i64(c->item, a, i);
    return c->item == ARROW_U64 && *out > INT64_MAX ? example_cell_refuse_integer(row, c, *out, err) : 0;
}

int example_cell_list_size(uint64_t row, const example_cell *c, const struct ArrowArray *items, int64_t begin, int64_t end, size_t *out, shoal_error *err)
{
    int r = 0;
    uint64_t whole;
    *out = 0;
    for (int64_t i = begin; r == 0 && i < end; i++) {
        if (arrow_is_null(items, i))
            return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": a list with a null inside, which TFRecord cannot hold; filter it by --sql, as list_filter(x, v -> v IS NOT NULL)",
                             (int)c->key.n, c->key.p, row);
        if (c->kind == EXAMPLE_BYTES) *out += field_size(arrow_text(c->item, items, i).n);
        else if (c->kind == EXAMPLE_FLOAT) r = example_cell_check_float(row, c, arrow_f64(c->item, items, i), err), *out += 4;
        else if ((r = read_integer(row, c, items, i, &whole, err)) == 0) *out += varint_size(whole);
    }
    return r;
}

uint8_t *example_cell_put_items(const example_cell *c, const struct ArrowArray *items, int64_t begin, int64_t end, uint8_t *p)
{
    for (int64_t i = begin; i < end; i++) {
        float real;
        uint64_t whole;
        if (c->kind == EXAMPLE_BYTES) {
            view v = arrow_text(c->item, items, i);
            p = field_put(p, 1, v.n);
            text_put(p, v.p, v.n, 0);
            p += v.n;
        } else if (c->kind == EXAMPLE_FLOAT) {
            real = (float)arrow_f64(c->item, items, i);
            memcpy(p, &real, 4);
            p += 4;
        } else {
            read_integer(0, c, items, i, &whole, NULL);
            p = varint_put(p, whole);
        }
    }
    return p;
}
