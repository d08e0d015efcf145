#include "table/raw_records.h"

#include <string.h>

#include "base/mem.h"
#include "records/tfrecord.h"
#include "table/sequence_columns.h"
#include "table/source.h"

#define COLUMN "byteArray"

int record_type_said(const shoal_options *o)
{
    static const char *const NAME[] = {"example", "sequence-example", "bytes"};
    const char *said = option_str(o, "record-type");
    for (int i = 0; said && i <= RECORD_BYTES; i++)
        if (strcmp(said, NAME[i]) == 0) return 1 + i;
    return 0;
}

int record_type_check(int said, const struct ArrowSchema *schema, shoal_error *err)
{
    for (int64_t i = 0; said == 1 + RECORD_EXAMPLE && i < schema->n_children; i++)
        if (sequence_is_list(schema->children[i]))
            return error_set(err, SHOAL_DATA, "column '%s' is a list of lists, which no Example holds: say --record-type sequence-example", schema->children[i]->name);
    return 0;
}

int raw_schema(struct ArrowSchema *out, shoal_error *err)
{
    int r = arrow_schema_struct(out, 1, err);
    return r < 0 ? r : arrow_schema_set(out->children[0], COLUMN, "z", 0, err);
}

static int take_column(const record_block *b, struct ArrowArray *out, shoal_error *err)
{
    buf none = BUF_INIT, offset = BUF_INIT, bytes = BUF_INIT;
    size_t total = 0;
    for (size_t i = 0; i < b->n; i++) total += b->record[i].n;
    if (total > INT32_MAX) return error_set(err, SHOAL_DATA, "a batch holds more than 2 GiB of one column");
    int r = buf_reserve(&offset, (b->n + 1) * sizeof(int32_t), err);
    if (r == 0) r = buf_reserve(&bytes, total, err);
    for (size_t i = 0; r == 0 && i <= b->n; i++) {
        const int32_t at = (int32_t)bytes.len;
        r = buf_append(&offset, &at, sizeof at, err);
        if (r == 0 && i < b->n) r = buf_append(&bytes, record_block_view(b, i).p, b->record[i].n, err);
    }
    if (r == 0) r = arrow_array_own(out, &none, &offset, &bytes, 0, err);
    if (r == 0) {
        out->n_buffers = 3;
        out->length = (int64_t)b->n;
    }
    buf_release(&offset);
    buf_release(&bytes);
    return r;
}

int raw_decode(const record_block *b, int is_wanted, struct ArrowArray *out, shoal_error *err)
{
    int r = arrow_array_take(out, (int64_t)b->n, NULL, is_wanted, err);
    if (r < 0 || !is_wanted) return r;
    if ((r = take_column(b, out->children[0], err)) < 0) out->release(out);
    return r;
}

int raw_check(const struct ArrowSchema *schema, shoal_error *err)
{
    char type[96];
    if (schema->n_children != 1)
        return error_set(err, SHOAL_DATA, "records of bytes are written from one column of text or binary; there are %lld: choose one by --sql", (long long)schema->n_children);
    if (arrow_type_is_text(arrow_type_of(schema->children[0]))) return 0;
    return error_set(err, SHOAL_DATA, "column '%s' has the type %s, but records of bytes are written from text or binary: cast it by --sql", schema->children[0]->name,
                     arrow_type_name(schema->children[0], type, sizeof type));
}

int raw_index(record_index *x, shoal_error *err)
{
    index_feature *f = &x->feature[0];
    x->type = RECORD_BYTES;
    mem_free(f->name);
    mem_free(f->type);
    f->name = mem_strdup(COLUMN);
    f->type = mem_strdup("binary");
    f->nullable = 0;
    return f->name && f->type ? 0 : error_nomem(err, 0, "an index");
}

int raw_schema_write(const char *path, const char *file, shoal_error *err)
{
    struct ArrowSchema schema;
    int r = raw_schema(&schema, err);
    if (r == 0) r = schema_file_write(path, file, &schema, err);
    if (schema.release) schema.release(&schema);
    return r;
}

int raw_encode(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t begin, int64_t end, uint64_t row, buf *out, shoal_error *err)
{
    const struct ArrowSchema *field = schema->children[0];
    const enum arrow_type type = arrow_type_of(field);
    const struct ArrowArray *column = batch->children[0];
    int r = 0;
    for (int64_t i = begin; r == 0 && i < end; i++) {
        if (arrow_is_null(column, i))
            return error_set(err, SHOAL_DATA, "column '%s', row %llu: null, which no record of bytes can be; leave such rows out by --where or --sql", field->name,
                             (unsigned long long)(row + (uint64_t)i));
        const view v = arrow_text(type, column, i);
        if (v.n > TFRECORD_BYTES_MAX)
            return error_set(err, SHOAL_DATA, "column '%s', row %llu: its %zu bytes are more than a record holds, 2 GiB", field->name, (unsigned long long)(row + (uint64_t)i), v.n);
        r = tfrecord_frame(out, v.p, v.n, err);
    }
    return r;
}
