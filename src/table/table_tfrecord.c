/* table_tfrecord.c: records of tf.train.Example as a source. Types come from the sidecar of Shoal's own shards, else from
 * a sample of the first records (example_infer.h). Nothing is guessed after the sample: a record that does not fit is an
 * error that says what to do. One thread at a time reads a block of records; checksums and decoding are done by as many as
 * there are, and batches come in the order of the blocks. */
#include <stdio.h>
#include <string.h>

#include "base/clocks.h"
#include "base/mem.h"
#include "base/stage.h"
#include "records/example_scan.h"
#include "records/tfrecord.h"
#include "table/example_columns.h"
#include "table/example_infer.h"
#include "table/index_file.h"
#include "table/raw_records.h"
#include "table/sequence_columns.h"
#include "table/source.h"

#define SAMPLE_RECORDS 1000
#define SAMPLE_BYTES (64u << 20)
#define BLOCK_BYTES (8u << 20)
#define THREADS_MAX 16

typedef struct mark { uint64_t first_row; size_t file; uint64_t record; } mark;

/* A block, and the batch that it becomes. */
typedef struct piece {
    record_block block;
    size_t file, checked; /* records whose checksum is known to be right */
    uint64_t offset;      /* of the first record */
    int inflated;
    struct ArrowArray batch;
} piece;

typedef struct tfrecord_source {
    char **files;
    size_t n_files, file; /* the one that is open, or next */
    tfrecord_reader *reader;
    uint64_t expected, found; /* records of the open file: by its index, else INDEX_UNKNOWN; given */
    quarantine *quarantine;   /* the caller's; NULL: damage is an error */
    index_place start; /* of reading */
    record_block sample; /* records that were read for their types: they come again */
    size_t *sample_file, sample_at;
    int pending; /* an error behind the block that was read last */
    shoal_error pending_error;
    mark *marks;
    size_t n_marks, cap_marks;
    uint64_t rows;
    int has_sidecar, record_type; /* what the spec says of the records; 0: nothing */
    int is_raw;                   /* they are any bytes (raw_records.h) */
    struct ArrowSchema all, wanted;
    struct ArrowSchema all_context, context, all_lists, lists; /* of `all` and `wanted`: features, and feature lists */
    example_columns *columns;
    example_decoder **decoder; /* one a thread, of the context */
    sequence_decoder **sequence; /* likewise of the feature lists; NULL: there are none */
    piece *pieces;
    size_t n_pieces;
    int threads;
    clocks *clocks;
    stage *stage;
} tfrecord_source;

static const char *const ADVICE[] = {"say the types in a " SCHEMA_FILE " beside the file (docs/tfrecord.md)", "the file does not fit the schema beside it"};

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static int block_init(record_block *b, size_t records, shoal_error *err)
{
    memset(b, 0, sizeof *b);
    b->record = mem_alloc(records * sizeof *b->record);
    if (!b->record) return error_nomem(err, records * sizeof *b->record, "a block of records");
    b->cap = records;
    return 0;
}

static void block_release(record_block *b)
{
    buf_release(&b->bytes);
    mem_free(b->record);
}

/* The record comes with the checksum that stands behind it. */
static int block_add(record_block *b, view v, uint64_t index, shoal_error *err)
{
    int r = buf_reserve(&b->bytes, v.n + TFRECORD_FOOTER_BYTES + EXAMPLE_SLACK, err);
    if (r < 0) return r;
    memcpy(b->bytes.data + b->bytes.len, v.p, v.n + TFRECORD_FOOTER_BYTES);
    b->record[b->n++] = (record_ref){b->bytes.len, v.n, index};
    b->bytes.len += v.n + TFRECORD_FOOTER_BYTES;
    return 0;
}

static int open_next(tfrecord_source *s, shoal_error *err)
{
    if (s->reader) return 1;
    if (s->file == s->n_files) return 0;
    const char *path = s->files[s->file];
    enum record_type type = s->is_raw ? RECORD_BYTES : RECORD_EXAMPLE;
    int r = index_expect(path, s->quarantine != NULL, &s->expected, &type, err), from_start = s->file != s->start.file || s->start.block.record == 0;
    s->found = 0;
    if (r == 0 && !s->record_type && (type == RECORD_BYTES) != s->is_raw)
        r = error_set(err, SHOAL_DATA, "%s: by its index its records are %s, but those of %s are not; say --record-type bytes to read all as bytes", path,
                      type == RECORD_BYTES ? "bytes" : "Examples", s->files[0]);
    if (r == 0) r = from_start ? tfrecord_open(path, &s->reader, err) : tfrecord_open_at(path, s->start.container, &s->start.block, &s->reader, err);
    if (r == 0 && s->quarantine) r = tfrecord_tolerate(s->reader, s->quarantine, err);
    if (r == 0) tfrecord_measure(s->reader, s->clocks);
    if (r == 0) tfrecord_inflate_by(s->reader, s->threads);
    return r < 0 ? r : 1;
}

/* The next record of the open file. One that holds no Example is set aside when damage is. */
static int next_record(tfrecord_source *s, view *v, uint64_t *index, shoal_error *err)
{
    int r;
    while ((r = tfrecord_next_unchecked(s->reader, v, err)) == 1) {
        shoal_error why;
        *index = tfrecord_index(s->reader) - 1;
        s->found++;
        if (!s->quarantine || s->is_raw || example_check(*v, &why) == 0) return 1;
        s->found--;
        if ((r = tfrecord_reject(s->reader, why.message, err)) < 0) return r;
    }
    return r;
}

/* At the end of a file. */
static int close_file(tfrecord_source *s, shoal_error *err)
{
    int r = 0;
    if (!s->quarantine) r = index_met(s->files[s->file], s->expected, tfrecord_index(s->reader), err);
    else if (s->expected != INDEX_UNKNOWN) quarantine_missing(s->quarantine, s->files[s->file], s->expected, s->found);
    tfrecord_close(s->reader);
    s->reader = NULL;
    s->file++;
    return r;
}

/* Records of the sample come again, those of one file at a time. */
static int replay(tfrecord_source *s, piece *p, shoal_error *err)
{
    int r = 0;
    p->file = s->sample_file[s->sample_at];
    while (r == 0 && s->sample_at < s->sample.n && s->sample_file[s->sample_at] == p->file) {
        r = block_add(&p->block, record_block_view(&s->sample, s->sample_at), s->sample.record[s->sample_at].index, err);
        s->sample_at++;
    }
    p->checked = p->block.n;
    if (s->sample_at == s->sample.n) buf_release(&s->sample.bytes);
    return r < 0 ? r : 1;
}

/* Records of one file, as many as fit. */
static int read_block(tfrecord_source *s, piece *p, shoal_error *err)
{
    int r = 1;
    while (r == 1 && p->block.n < TABLE_BATCH_ROWS && p->block.bytes.len < BLOCK_BYTES) {
        view v;
        uint64_t index;
        if ((r = open_next(s, err)) <= 0) break;
        if (p->block.n == 0) {
            p->file = s->file;
            p->offset = tfrecord_offset(s->reader);
            p->inflated = tfrecord_container(s->reader) != CONTAINER_PLAIN;
        }
        if ((r = next_record(s, &v, &index, err)) == 1) {
            if ((r = block_add(&p->block, v, index, err)) == 0) r = 1;
        } else if (r == 0) {
            if ((r = close_file(s, err)) == 0) r = p->block.n == 0;
        }
    }
    return r;
}

static int make_piece(void *ctx, void *item, shoal_error *err)
{
    tfrecord_source *s = ctx;
    piece *p = item;
    p->block.n = p->checked = 0;
    buf_clear(&p->block.bytes);
    int r = s->pending;
    if (r < 0) {
        if (err) *err = s->pending_error;
        return r;
    }
    r = s->sample_at < s->sample.n ? replay(s, p, err) : read_block(s, p, &s->pending_error);
    if (r < 0) s->pending = r;
    if (r < 0 && p->block.n == 0 && err) *err = s->pending_error;
    if (p->block.n > 0) r = 1;
    if (r == 1) p->block.path = s->files[p->file];
    return r;
}

/* ---- decoding ----------------------------------------------------------------------------------------------------------- */

/* Cuts the block at the first record whose checksum is wrong. */
static int check_piece(piece *p, shoal_error *err)
{
    uint64_t offset = p->offset;
    for (size_t i = 0; i < p->block.n; i++) {
        view v = record_block_view(&p->block, i);
        if (i >= p->checked && !tfrecord_data_is_sound(v)) {
            p->block.n = i;
            return tfrecord_data_error(p->block.path, p->inflated, p->block.record[i].index, offset, err);
        }
        offset += tfrecord_framed(v.n);
    }
    return 0;
}

static int decode_block(tfrecord_source *s, int thread, piece *p, shoal_error *err)
{
    struct ArrowArray context, lists;
    if (s->is_raw) return raw_decode(&p->block, s->wanted.n_children > 0, &p->batch, err);
    for (size_t i = 0; !s->sequence && i < p->block.n; i++)
        if (sequence_has_lists(record_block_view(&p->block, i)))
            return error_set(err, SHOAL_DATA, "%s: record %llu has feature lists, and there is no column for any; %s", p->block.path,
                             (unsigned long long)p->block.record[i].index, ADVICE[s->has_sidecar]);
    if (!s->sequence) return example_decode(s->decoder[thread], &p->block, &p->batch, err);
    int r = example_decode(s->decoder[thread], &p->block, &context, err);
    if (r < 0) return r;
    if ((r = sequence_decode(s->sequence[thread], &p->block, &lists, err)) < 0) context.release(&context);
    return r < 0 ? r : sequence_join(&s->wanted, &context, &lists, &p->batch, err);
}

static int decode_piece(void *ctx, void *item, int thread, shoal_error *err)
{
    tfrecord_source *s = ctx;
    piece *p = item;
    shoal_error damage;
    uint64_t start = clocks_start(s->clocks);
    int bad = check_piece(p, &damage);
    clocks_stop(s->clocks, CLOCK_CHECKSUM, start);
    start = clocks_start(s->clocks);
    int r = decode_block(s, thread, p, err);
    clocks_stop(s->clocks, CLOCK_PARSE, start);
    if (r < 0 || bad == 0) return r;
    p->batch.release(&p->batch);
    if (err) *err = damage;
    return bad;
}

/* A mark where a row is not of the record behind that of the row before. */
static int note_row(tfrecord_source *s, size_t file, uint64_t row, uint64_t record, shoal_error *err)
{
    const mark *last = s->n_marks > 0 ? &s->marks[s->n_marks - 1] : NULL;
    if (last && last->file == file && record - last->record == row - last->first_row) return 0;
    if (s->n_marks == s->cap_marks) {
        size_t cap = s->cap_marks > 0 ? 2 * s->cap_marks : 64;
        mark *p = mem_realloc(s->marks, cap * sizeof *p);
        if (!p) return error_nomem(err, cap * sizeof *p, "places of records");
        s->marks = p;
        s->cap_marks = cap;
    }
    s->marks[s->n_marks++] = (mark){row, file, record};
    return 0;
}

static int tfrecord_source_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    tfrecord_source *s = ctx;
    void *item;
    int r = stage_next(s->stage, &item, err);
    if (r <= 0) return r;
    piece *p = item;
    *out = p->batch;
    p->batch.release = NULL;
    for (size_t i = 0; r == 1 && i < p->block.n; i++)
        if (note_row(s, p->file, s->rows + i, p->block.record[i].index, err) < 0) r = SHOAL_NOMEM;
    if (r < 0) {
        out->release(out);
        return r;
    }
    s->rows += (uint64_t)out->length;
    return 1;
}

static const char *tfrecord_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    tfrecord_source *s = ctx;
    size_t k = s->n_marks;
    while (k > 1 && s->marks[k - 1].first_row > row) k--;
    if (k == 0) snprintf(out, n, "record %llu", (unsigned long long)row);
    else snprintf(out, n, "%s record %llu", path_base(s->files[s->marks[k - 1].file]), (unsigned long long)(row - s->marks[k - 1].first_row + s->marks[k - 1].record));
    return out;
}

static size_t tfrecord_file(void *ctx)
{
    const tfrecord_source *s = ctx;
    return s->marks[s->n_marks - 1].file;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

static int infer_schema(tfrecord_source *s, shoal_error *err)
{
    example_infer *infer;
    int r = example_infer_new(&infer, err);
    if (r == 0) r = block_init(&s->sample, SAMPLE_RECORDS, err);
    if (r == 0 && !(s->sample_file = mem_alloc(SAMPLE_RECORDS * sizeof *s->sample_file)))
        r = error_nomem(err, SAMPLE_RECORDS * sizeof *s->sample_file, "a sample");
    while (r == 0 && s->sample.n < SAMPLE_RECORDS && s->sample.bytes.len < SAMPLE_BYTES) {
        view v;
        if ((r = open_next(s, err)) <= 0) break;
        uint64_t index;
        if ((r = next_record(s, &v, &index, err)) < 0) break;
        if (r == 1 && !s->quarantine && !tfrecord_data_is_sound(v))
            r = tfrecord_data_error(s->files[s->file], tfrecord_container(s->reader) != CONTAINER_PLAIN, index,
                                    tfrecord_offset(s->reader) - tfrecord_framed(v.n), err);
        if (r < 0) break;
        if (r == 0) {
            r = close_file(s, err);
            continue;
        }
        s->sample_file[s->sample.n] = s->file;
        if ((r = block_add(&s->sample, v, index, err)) == 0 && (r = example_infer_add(infer, v, err)) < 0)
            error_where(err, r, "%s: record %llu", s->files[s->file], (unsigned long long)index);
    }
    if (r >= 0) r = example_infer_schema(infer, &s->all, err);
    example_infer_free(infer);
    return r;
}

/* The columns that are asked for; all of them when one is missing, about which the table complains. */
static int choose_columns(tfrecord_source *s, const table_spec *spec, shoal_error *err)
{
    for (size_t i = 0; i < spec->n_columns; i++)
        if (arrow_find(&s->all, spec->columns[i]) < 0) return arrow_schema_copy(&s->all, &s->wanted, err);
    if (!spec->columns || spec->sql) return arrow_schema_copy(&s->all, &s->wanted, err);
    int r = arrow_schema_struct(&s->wanted, (int64_t)spec->n_columns, err);
    for (size_t i = 0; r == 0 && i < spec->n_columns; i++)
        r = arrow_schema_copy(s->all.children[arrow_find(&s->all, spec->columns[i])], s->wanted.children[i], err);
    return r;
}

static int make_decoders(tfrecord_source *s, shoal_error *err)
{
    static const char *const UNKNOWN[] = {"the feature is not among those of the first records, from which the columns were taken", "no such column"};
    size_t n = s->threads > 0 ? (size_t)s->threads : 1;
    if (s->is_raw) return 0;
    int r = sequence_split(&s->all, 0, &s->all_context, err);
    if (r == 0) r = sequence_split(&s->wanted, 0, &s->context, err);
    if (r == 0) r = sequence_split(&s->all, 1, &s->all_lists, err);
    if (r == 0) r = sequence_split(&s->wanted, 1, &s->lists, err);
    if (r == 0) r = example_columns_new(&s->all_context, &s->context, UNKNOWN[s->has_sidecar], ADVICE[s->has_sidecar], &s->columns, err);
    if (r == 0 && !(s->decoder = mem_calloc(n, sizeof *s->decoder))) r = error_nomem(err, n * sizeof *s->decoder, "decoders");
    for (size_t i = 0; r == 0 && i < n; i++) r = example_decoder_new(s->columns, &s->decoder[i], err);
    if (r < 0 || s->all_lists.n_children == 0) return r;
    if (!(s->sequence = mem_calloc(n, sizeof *s->sequence))) r = error_nomem(err, n * sizeof *s->sequence, "decoders");
    for (size_t i = 0; r == 0 && i < n; i++) r = sequence_decoder_new(&s->all_lists, &s->lists, ADVICE[s->has_sidecar], &s->sequence[i], err);
    return r;
}

/* Two pieces more than threads: one with whoever takes them, one to be filled meanwhile. */
static int make_pieces(tfrecord_source *s, shoal_error *err)
{
    static const stage_ops OPS = {make_piece, decode_piece};
    size_t n = s->threads > 0 ? (size_t)s->threads + 2 : 1;
    int r = 0;
    void **items = mem_calloc(n, sizeof *items);
    s->pieces = mem_calloc(n, sizeof *s->pieces);
    if (!items || !s->pieces) r = error_nomem(err, n * sizeof *s->pieces, "blocks of records");
    for (size_t i = 0; r == 0 && i < n; i++) {
        items[i] = &s->pieces[i];
        s->n_pieces = i + 1;
        r = block_init(&s->pieces[i].block, TABLE_BATCH_ROWS, err);
    }
    if (r == 0) r = stage_new(&OPS, s, s->threads, items, n, &s->stage, err);
    mem_free(items);
    return r;
}

static void tfrecord_free(void *ctx)
{
    tfrecord_source *s = ctx;
    stage_free(s->stage);
    tfrecord_close(s->reader);
    for (size_t i = 0; i < s->n_pieces; i++) {
        block_release(&s->pieces[i].block);
        if (s->pieces[i].batch.release) s->pieces[i].batch.release(&s->pieces[i].batch);
    }
    for (int i = 0; s->decoder && i < (s->threads > 0 ? s->threads : 1); i++) example_decoder_free(s->decoder[i]);
    for (int i = 0; s->sequence && i < (s->threads > 0 ? s->threads : 1); i++) sequence_decoder_free(s->sequence[i]);
    mem_free(s->sequence);
    example_columns_free(s->columns);
    struct ArrowSchema *parts[] = {&s->all_context, &s->context, &s->all_lists, &s->lists};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i]->release) parts[i]->release(parts[i]);
    if (s->all.release) s->all.release(&s->all);
    if (s->wanted.release) s->wanted.release(&s->wanted);
    block_release(&s->sample);
    mem_free(s->sample_file);
    mem_free(s->decoder);
    mem_free(s->pieces);
    mem_free(s->marks);
    file_list_free(s->files, s->n_files);
    mem_free(s);
}

/* Passes over what indexes allow to. */
static int seek(tfrecord_source *s, uint64_t skip, source *out, shoal_error *err)
{
    int r = index_seek(s->files, s->n_files, skip, &s->start, err);
    if (r < 0) return r;
    if (r == 0) memset(&s->start, 0, sizeof s->start);
    s->file = s->start.file;
    s->rows = out->skipped = s->start.file_record + s->start.block.record;
    return 0;
}

/* What the files are: bytes when that is said, or, unless something else is, by the index of the first. */
static int find_schema(tfrecord_source *s, shoal_error *err)
{
    uint64_t records;
    enum record_type type = s->record_type ? (enum record_type)(s->record_type - 1) : RECORD_EXAMPLE;
    int r = type == RECORD_BYTES ? 1 : schema_of_files(s->files, s->n_files, s->quarantine != NULL, &s->all, err);
    s->has_sidecar = r == 1;
    if (r == 1 && !s->record_type && (r = index_expect(s->files[0], s->quarantine != NULL, &records, &type, err)) == 0) r = 1;
    s->is_raw = type == RECORD_BYTES;
    if (r == 1 && s->is_raw) {
        if (s->all.release) s->all.release(&s->all);
        r = raw_schema(&s->all, err);
    } else if (r == 0) {
        r = infer_schema(s, err);
    }
    return r < 0 ? r : record_type_check(s->record_type, &s->all, err);
}

int source_tfrecord(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    tfrecord_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->files = files;
    s->n_files = n;
    s->quarantine = spec->quarantine;
    s->clocks = spec->clocks;
    s->threads = spec->threads < THREADS_MAX ? spec->threads : THREADS_MAX;
    s->record_type = spec->record_type;
    int r = find_schema(s, err);
    if (r >= 0 && spec->skip > 0 && !spec->sql && s->has_sidecar && !s->quarantine) r = seek(s, spec->skip, out, err);
    if (r >= 0) r = choose_columns(s, spec, err);
    if (r == 0) r = arrow_schema_copy(&s->wanted, &out->schema, err);
    if (r == 0) r = make_decoders(s, err);
    if (r == 0) r = make_pieces(s, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        tfrecord_free(s);
        return r;
    }
    out->ctx = s;
    out->is_measured = 1;
    out->next = tfrecord_source_next;
    out->row_name = tfrecord_row_name;
    out->file = tfrecord_file;
    out->free = tfrecord_free;
    return 0;
}
