#include "table/sink_split.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "table/cell_text.h"

void sink_split_release(sink_split *s)
{
    if (s->keys.release) s->keys.release(&s->keys);
    mem_free(s->column);
    mem_free(s->kept);
    buf_release(&s->folder);
    memset(s, 0, sizeof *s);
}

static int names_a_folder(enum arrow_type t)
{
    return arrow_type_is_int(t) || t == ARROW_BOOL || t == ARROW_DATE32 || t == ARROW_UTF8 || t == ARROW_LARGE_UTF8;
}

static int bind_key(sink_split *s, size_t i, const char *name, const struct ArrowSchema *schema, shoal_error *err)
{
    char type[120];
    int64_t c = partition_column(schema, name, err);
    if (c < 0) return (int)c;
    for (size_t k = 0; k < i; k++)
        if (s->column[k] == c) return error_set(err, SHOAL_USAGE, "--partition-by: '%s' is named twice", name);
    if (!names_a_folder(arrow_type_of(schema->children[c])))
        return error_set(err, SHOAL_DATA, "--partition-by: column '%s' has the type %s; folders are named by text, whole numbers, dates and bool", name,
                         arrow_type_name(schema->children[c], type, sizeof type));
    s->column[i] = c;
    return arrow_schema_copy(schema->children[c], s->keys.children[i], err);
}

int sink_split_init(sink_split *s, const sink_spec *spec, const struct ArrowSchema *schema, struct ArrowSchema *own, shoal_error *err)
{
    memset(s, 0, sizeof *s);
    s->n = spec->n_partition_by;
    if (s->n == 0) return arrow_schema_copy(schema, own, err);
    s->column = mem_calloc(s->n, sizeof *s->column);
    s->kept = mem_calloc((size_t)schema->n_children + 1, sizeof *s->kept);
    if (!s->column || !s->kept) return error_nomem(err, s->n * sizeof *s->column, "partitions");
    int r = arrow_schema_struct(&s->keys, (int64_t)s->n, err);
    for (size_t i = 0; r == 0 && i < s->n; i++) r = bind_key(s, i, spec->partition_by[i], schema, err);
    for (int64_t c = 0; r == 0 && c < schema->n_children; c++) {
        int is_key = 0;
        for (size_t i = 0; i < s->n; i++) is_key |= s->column[i] == c;
        if (!is_key) s->kept[s->n_kept++] = c;
    }
    if (r == 0 && s->n_kept == 0) r = error_set(err, SHOAL_USAGE, "--partition-by: no column is left for the files");
    if (r == 0) r = arrow_schema_struct(own, s->n_kept, err);
    for (int64_t i = 0; r == 0 && i < s->n_kept; i++) r = arrow_schema_copy(schema->children[s->kept[i]], own->children[i], err);
    return r;
}

static int put_value(buf *folder, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t i, uint64_t row, shoal_error *err)
{
    buf text = BUF_INIT;
    if (arrow_is_null(a, i)) return buf_puts(folder, PARTITION_NULL, err);
    int r = cell_put_text(&text, field, a, i, err);
    view v = view_of((const char *)text.data, text.len);
    if (r == 0 && (v.n == 0 || view_eq(v, PARTITION_NULL) || memchr(v.p, 0, v.n)))
        r = error_set(err, SHOAL_DATA, "--partition-by: column '%s', row %" PRIu64 ": %s cannot name a folder; change it by --sql", field->name, row,
                      v.n == 0 ? "an empty text" : "this text");
    if (r == 0) r = partition_put_escaped(folder, v, err);
    buf_release(&text);
    return r;
}

static int put_folder(const sink_split *s, buf *folder, const struct ArrowArray *batch, int64_t i, uint64_t row, shoal_error *err)
{
    int r = 0;
    for (size_t k = 0; r == 0 && k < s->n; k++) {
        const struct ArrowSchema *field = s->keys.children[k];
        if (k > 0) r = buf_putc(folder, '/', err);
        if (r == 0) r = partition_put_escaped(folder, view_of(field->name, strlen(field->name)), err);
        if (r == 0) r = buf_putc(folder, '=', err);
        if (r == 0) r = put_value(folder, field, batch->children[s->column[k]], i, row, err);
    }
    return r;
}

static int same_cell(enum arrow_type t, const struct ArrowArray *a, int64_t i, int64_t j)
{
    int null = arrow_is_null(a, i);
    if (null || arrow_is_null(a, j)) return null == arrow_is_null(a, j);
    if (!arrow_type_is_text(t)) return arrow_i64(t, a, i) == arrow_i64(t, a, j);
    view x = arrow_text(t, a, i), y = arrow_text(t, a, j);
    return x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0);
}

int64_t sink_split_run(sink_split *s, const struct ArrowArray *batch, int64_t from, uint64_t row, int *changed, shoal_error *err)
{
    int64_t end = from + 1;
    *changed = 0;
    if (s->n == 0) return batch->length - from;
    buf folder = BUF_INIT;
    int r = put_folder(s, &folder, batch, from, row, err);
    if (r < 0) {
        buf_release(&folder);
        return r;
    }
    *changed = folder.len != s->folder.len || memcmp(folder.data, s->folder.data, folder.len) != 0;
    buf_release(&s->folder);
    s->folder = folder;
    for (int same = 1; same && end < batch->length; end += same)
        for (size_t k = 0; same && k < s->n; k++)
            same = same_cell(arrow_type_of(s->keys.children[k]), batch->children[s->column[k]], end - 1, end);
    return end - from;
}
