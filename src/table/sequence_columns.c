#include "table/sequence_columns.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "records/example.h"
#include "table/arrow_node.h"

typedef struct list_column {
    const char *name;
    int64_t wanted; /* its place among the wanted ones, or -1 */
    enum arrow_type leaf;
    view value;     /* of the record at hand */
    size_t stamp;   /* 1 + the record that has it */
} list_column;

struct sequence_decoder {
    list_column *column;
    size_t n;
    const char *advice;
    arrow_builder *builder;
};

int sequence_is_list(const struct ArrowSchema *field)
{
    return arrow_type_is_list(arrow_type_of(field)) && arrow_type_is_list(arrow_type_of(field->children[0]));
}

int sequence_split(const struct ArrowSchema *in, int lists, struct ArrowSchema *out, shoal_error *err)
{
    int64_t n = 0, k = 0;
    for (int64_t i = 0; i < in->n_children; i++) n += sequence_is_list(in->children[i]) == lists;
    int r = arrow_schema_struct(out, n, err);
    for (int64_t i = 0; r == 0 && i < in->n_children; i++)
        if (sequence_is_list(in->children[i]) == lists) r = arrow_schema_copy(in->children[i], out->children[k++], err);
    return r;
}

int sequence_join(const struct ArrowSchema *schema, struct ArrowArray *context, struct ArrowArray *lists, struct ArrowArray *out, shoal_error *err)
{
    int64_t n_context = 0, n_lists = 0;
    int r = arrow_array_take(out, lists->length, NULL, schema->n_children, err);
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        struct ArrowArray *from = sequence_is_list(schema->children[i]) ? lists->children[n_lists++] : context->children[n_context++];
        *out->children[i] = *from;
        from->release = NULL; /* moved */
    }
    context->release(context);
    lists->release(lists);
    return r;
}

int sequence_decoder_new(const struct ArrowSchema *all, const struct ArrowSchema *wanted, const char *advice, sequence_decoder **out, shoal_error *err)
{
    *out = NULL;
    sequence_decoder *d = mem_calloc(1, sizeof *d);
    if (!d) return error_nomem(err, sizeof *d, "a decoder");
    d->advice = advice;
    d->n = (size_t)all->n_children;
    d->column = mem_calloc(d->n + 1, sizeof *d->column);
    int r = d->column ? arrow_builder_new(wanted, &d->builder, err) : error_nomem(err, d->n * sizeof *d->column, "columns");
    for (size_t i = 0; r == 0 && i < d->n; i++) {
        const struct ArrowSchema *field = all->children[i];
        d->column[i] = (list_column){.name = field->name, .wanted = arrow_find(wanted, field->name), .leaf = arrow_type_of(field->children[0]->children[0])};
    }
    if (r < 0) {
        sequence_decoder_free(d);
        return r;
    }
    *out = d;
    return 0;
}

void sequence_decoder_free(sequence_decoder *d)
{
    if (!d) return;
    arrow_builder_free(d->builder);
    mem_free(d->column);
    mem_free(d);
}

static int misfit(const sequence_decoder *d, const char *name, size_t name_n, const char *what, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "feature list '%.*s': %s; %s", (int)(name_n < 60 ? name_n : 60), name, what, d->advice);
}

static enum example_kind kind_of(enum arrow_type t)
{
    return arrow_type_is_text(t) ? EXAMPLE_BYTES : arrow_type_is_float(t) ? EXAMPLE_FLOAT : EXAMPLE_INT64;
}

static int add_value(sequence_decoder *d, const list_column *c, example_feature *f, shoal_error *err)
{
    view text;
    float real;
    int64_t whole;
    int r;
    if (f->kind == EXAMPLE_BYTES) {
        if ((r = example_bytes(f, &text, err)) != 1) return r;
        if ((c->leaf == ARROW_UTF8 || c->leaf == ARROW_LARGE_UTF8) && !view_is_utf8(text)) return misfit(d, c->name, strlen(c->name), "its text is not UTF-8", err);
        r = arrow_builder_text(d->builder, c->wanted, text, err);
    } else if (f->kind == EXAMPLE_FLOAT) {
        if ((r = example_f32(f, &real, err)) != 1) return r;
        r = arrow_builder_f64(d->builder, c->wanted, (double)real, err);
    } else {
        if ((r = example_i64(f, &whole, err)) != 1) return r;
        if (!arrow_type_holds(c->leaf, whole)) return misfit(d, c->name, strlen(c->name), "its value does not fit the column's type", err);
        r = arrow_builder_i64(d->builder, c->wanted, whole, err);
    }
    return r < 0 ? r : 1;
}

/* One Feature of the list: a row of the inner list, null when it has no kind. */
static int add_feature(sequence_decoder *d, const list_column *c, example_feature *f, shoal_error *err)
{
    char what[100];
    int r = 1;
    if (f->kind != EXAMPLE_NONE && f->kind != kind_of(c->leaf)) {
        snprintf(what, sizeof what, "it holds %s where %s is expected", example_kind_name(f->kind), example_kind_name(kind_of(c->leaf)));
        return misfit(d, c->name, strlen(c->name), what, err);
    }
    if ((r = arrow_builder_inner_open(d->builder, c->wanted, err)) < 0) return r;
    if (f->kind != EXAMPLE_NONE)
        while ((r = add_value(d, c, f, err)) == 1) {}
    return r < 0 ? r : arrow_builder_inner_close(d->builder, c->wanted, f->kind == EXAMPLE_NONE, err);
}

static int add_list(sequence_decoder *d, const list_column *c, size_t row, shoal_error *err)
{
    example_feature f;
    view rest = c->value;
    int r;
    if (c->stamp != row + 1) return arrow_builder_null(d->builder, c->wanted, err);
    if ((r = arrow_builder_list_open(d->builder, c->wanted, err)) < 0) return r;
    while ((r = sequence_next(&rest, &f, err)) == 1)
        if ((r = add_feature(d, c, &f, err)) < 0) return r;
    return r < 0 ? r : arrow_builder_list_close(d->builder, c->wanted, err);
}

static int add_record(sequence_decoder *d, view record, size_t row, shoal_error *err)
{
    example_cursor c;
    view entry, key, value;
    int r;
    sequence_start(&c, record);
    while ((r = example_next_entry(&c, &entry, err)) == 1) {
        size_t k = 0;
        if ((r = example_entry(entry, &key, &value, err)) < 0) return r;
        while (k < d->n && !view_eq(key, d->column[k].name)) k++;
        if (k == d->n && value.n > 0) return misfit(d, key.p, key.n, "no such column", err);
        if (k == d->n) continue;
        d->column[k].value = value;
        d->column[k].stamp = row + 1;
    }
    for (size_t k = 0; r == 0 && k < d->n; k++)
        if (d->column[k].wanted >= 0) r = add_list(d, &d->column[k], row, err);
    return r;
}

int sequence_decode(sequence_decoder *d, const record_block *in, struct ArrowArray *out, shoal_error *err)
{
    for (size_t k = 0; k < d->n; k++) d->column[k].stamp = 0;
    for (size_t i = 0; i < in->n; i++) {
        int r = add_record(d, record_block_view(in, i), i, err);
        if (r == 0) continue;
        arrow_builder_clear(d->builder);
        error_where(err, r, "%s: record %llu", in->path, (unsigned long long)in->record[i].index);
        return r;
    }
    int r = arrow_builder_finish(d->builder, out, err);
    if (r == 0) out->length = (int64_t)in->n;
    return r;
}
