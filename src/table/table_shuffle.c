/* table_shuffle.c: the rows of a source in an order that a seed alone decides, in bounded memory, whatever their number.
 *
 * Row i gets draw i of rng.h, a number that no other row has, and rows come out in the order of their draws (as signed numbers).
 * Rows that do not fit go to a file without a name: each time the memory is full, what is there is taken in slices that the processor's
 * caches hold, and each is sorted and written as one block for each value of the draws' highest 8 bits, a bucket. Then bucket after bucket is read back, sorted and given out; one that is too large
 * for that is cut by the next 8 bits into a file of its own, and so on: a level for each 8 bits. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "storage/file.h"
#include "table/arrow_column.h"
#include "table/source.h"

#define BUCKET_BITS 8
#define BUCKETS (1 << BUCKET_BITS)
#define LEVELS (64 / BUCKET_BITS)
#define HELD_MIN ((uint64_t)64 << 10) /* bytes of rows in memory: half of what may be taken, but */
#define HELD_MAX ((uint64_t)512 << 20)
#define HELD_DEFAULT ((uint64_t)128 << 20)
#define SLICE_BYTES ((uint64_t)8 << 20) /* or more, so that there are no more than about so many: */
#define SLICES_MAX 64
#define BATCH_BYTES ((uint64_t)32 << 20) /* a batch has fewer rows when they are more; looked at every so many: */
#define STEP_ROWS 64

typedef struct draw { uint64_t at; int64_t row; } draw; /* at: where it stands among all; row: in `held` */

typedef struct block { uint64_t offset, bytes; int bucket; } block;

typedef struct level {
    file_writer *spill;
    buf blocks; /* in the order of the file */
    int next;   /* bucket */
} level;

typedef struct shuffled {
    source inner;
    const shoal_host *host;
    uint64_t key, rows, held_max;
    arrow_column held, part, batch; /* rows that are sorted; those of a block; those of the next batch */
    buf draws;      /* draw a row of held */
    buf order;      /* int64 a row of held, once sorted */
    int64_t given;  /* of held */
    buf bytes;      /* of a block */
    level level[LEVELS];
    int depth, is_filled; /* levels that are open; all rows are read */
} shuffled;

static int64_t held_rows(const shuffled *s) { return s->held.rows; }
static uint64_t held_bytes(const shuffled *s) { return arrow_column_bytes(&s->held) + s->draws.len; }

static void held_clear(shuffled *s)
{
    arrow_column_clear(&s->held);
    buf_clear(&s->draws);
    s->given = 0;
}

static int by_draw(const void *a, const void *b)
{
    const draw *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorts the rows [from, to) of what is held. */
static int held_sort(shuffled *s, int64_t from, int64_t to, shoal_error *err)
{
    draw *d = (draw *)(void *)s->draws.data;
    buf_clear(&s->order);
    int r = buf_reserve(&s->order, (size_t)held_rows(s) * sizeof(int64_t), err);
    if (r < 0 || from == to) return r;
    qsort(d + from, (size_t)(to - from), sizeof *d, by_draw);
    for (int64_t i = from; i < to; i++) ((int64_t *)(void *)s->order.data)[i] = d[i].row;
    s->given = 0;
    return 0;
}

static const int64_t *order_at(const shuffled *s, int64_t i) { return (const int64_t *)(const void *)s->order.data + i; }

/* ---- spilling ---------------------------------------------------------------------------------------------------------- */

/* Rows [from, to) of the order as one block: their draws, and their columns. */
static int put_block(shuffled *s, level *l, int bucket, int64_t from, int64_t to, shoal_error *err)
{
    const draw *d = (const draw *)(const void *)s->draws.data;
    const int64_t n = to - from;
    arrow_column_clear(&s->part);
    buf_clear(&s->bytes);
    int r = arrow_column_pick(&s->part, &s->held, order_at(s, from), n, err);
    if (r == 0) r = buf_append(&s->bytes, &n, sizeof n, err);
    for (int64_t i = from; r == 0 && i < to; i++) r = buf_append(&s->bytes, &d[i].at, sizeof d[i].at, err);
    if (r == 0) r = arrow_column_save(&s->part, &s->bytes, err);
    if (r < 0) return r;
    const block b = {file_written(l->spill), s->bytes.len, bucket};
    r = file_write(l->spill, s->bytes.data, s->bytes.len, err);
    return r < 0 ? r : buf_append(&l->blocks, &b, sizeof b, err);
}

static int bucket_of(uint64_t at, int depth) { return (int)(at >> (64 - BUCKET_BITS * (depth + 1)) & (BUCKETS - 1)); }

/* Rows [from, to) of what is held, into the buckets of the deepest level. */
static int spill_slice(shuffled *s, level *l, int64_t from, int64_t to, shoal_error *err)
{
    int r = held_sort(s, from, to, err);
    const draw *d = (const draw *)(const void *)s->draws.data;
    for (int64_t end; r == 0 && from < to; from = end) {
        const int bucket = bucket_of(d[from].at, s->depth - 1);
        for (end = from; end < to && bucket_of(d[end].at, s->depth - 1) == bucket; end++) {}
        r = put_block(s, l, bucket, from, end, err);
    }
    return r;
}

static int held_spill(shuffled *s, shoal_error *err)
{
    level *l = &s->level[s->depth - 1];
    int r = l->spill ? 0 : file_spill(file_temporary_dir(), &l->spill, err);
    const uint64_t few = r == 0 ? file_written(l->spill) / SLICES_MAX : 0, size = few > SLICE_BYTES ? few : SLICE_BYTES;
    const int64_t n = (int64_t)(held_bytes(s) / size) + 1, rows = held_rows(s) / n + 1;
    for (int64_t from = 0; r == 0 && from < held_rows(s); from += rows) r = spill_slice(s, l, from, from + rows < held_rows(s) ? from + rows : held_rows(s), err);
    held_clear(s);
    return r;
}

static int load_block(shuffled *s, const level *l, const block *b, shoal_error *err)
{
    int64_t n;
    buf_clear(&s->bytes);
    int r = buf_reserve(&s->bytes, b->bytes, err);
    if (r == 0) r = file_spill_read(l->spill, b->offset, s->bytes.data, b->bytes, err);
    if (r < 0) return r;
    view left = view_of((const char *)s->bytes.data, b->bytes);
    memcpy(&n, left.p, sizeof n);
    const char *at = left.p + sizeof n;
    left = view_of(at + n * (int64_t)sizeof(uint64_t), left.n - sizeof n - (size_t)n * sizeof(uint64_t));
    for (int64_t i = 0; r == 0 && i < n; i++) {
        draw d = {0, held_rows(s) + i};
        memcpy(&d.at, at + i * (int64_t)sizeof d.at, sizeof d.at);
        r = buf_append(&s->draws, &d, sizeof d, err);
    }
    return r < 0 ? r : arrow_column_load(&s->held, &left, err);
}

/* ---- buckets ----------------------------------------------------------------------------------------------------------- */

static void level_release(level *l)
{
    file_abort(l->spill);
    buf_release(&l->blocks);
    memset(l, 0, sizeof *l);
}

/* The bucket's blocks are loaded; when they are cut into a new level, each time that enough is held. */
static int load_bucket(shuffled *s, const level *l, int bucket, int is_cut, shoal_error *err)
{
    const block *b = (const block *)(const void *)l->blocks.data;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->blocks.len / sizeof *b; i++) {
        if (b[i].bucket != bucket) continue;
        r = load_block(s, l, &b[i], err);
        if (r == 0 && is_cut && held_bytes(s) >= s->held_max) r = held_spill(s, err);
    }
    if (r == 0 && is_cut && held_rows(s) > 0) r = held_spill(s, err);
    return r;
}

static uint64_t bucket_bytes(const level *l, int bucket)
{
    const block *b = (const block *)(const void *)l->blocks.data;
    uint64_t n = 0;
    for (size_t i = 0; i < l->blocks.len / sizeof *b; i++) n += b[i].bucket == bucket ? b[i].bytes : 0;
    return n;
}

/* 1 with the rows of the next bucket sorted, 0 when there is none. */
static int next_bucket(shuffled *s, shoal_error *err)
{
    held_clear(s);
    while (s->depth > 0) {
        level *l = &s->level[s->depth - 1];
        if (l->next == BUCKETS) {
            level_release(l);
            s->depth--;
            continue;
        }
        const int bucket = l->next++, is_cut = s->depth < LEVELS && bucket_bytes(l, bucket) > s->held_max;
        int r = l->spill ? file_flush(l->spill, err) : 0;
        s->depth += is_cut;
        if (r == 0) r = load_bucket(s, l, bucket, is_cut, err);
        if (r < 0) return r;
        if (held_rows(s) > 0) return (r = held_sort(s, 0, held_rows(s), err)) < 0 ? r : 1;
    }
    return 0;
}

/* ---- the source ---------------------------------------------------------------------------------------------------------- */

static int add_batch(shuffled *s, const struct ArrowArray *batch, shoal_error *err)
{
    int r = buf_reserve(&s->draws, (size_t)batch->length * sizeof(draw), err);
    for (int64_t i = 0; r == 0 && i < batch->length; i++) {
        const draw d = {rng_u64(s->key, s->rows + (uint64_t)i) ^ (uint64_t)1 << 63, held_rows(s) + i};
        r = buf_append(&s->draws, &d, sizeof d, err);
    }
    if (r == 0) r = arrow_column_add(&s->held, &s->inner.schema, batch, 0, batch->length, err);
    s->rows += (uint64_t)batch->length;
    return r;
}

/* Reads all rows: they are held and sorted, or all spilled. */
static int fill(shuffled *s, shoal_error *err)
{
    struct ArrowArray batch;
    int r;
    s->is_filled = s->depth = 1;
    while ((r = s->inner.next(s->inner.ctx, &batch, err)) == 1) {
        r = host_interrupted(s->host) ? error_set(err, SHOAL_INTERRUPTED, "interrupted") : add_batch(s, &batch, err);
        batch.release(&batch);
        if (r == 0 && held_bytes(s) >= s->held_max) r = held_spill(s, err);
        if (r < 0) return r;
    }
    if (r < 0) return r;
    if (s->level[0].spill) return held_spill(s, err);
    s->depth = 0;
    return held_sort(s, 0, held_rows(s), err);
}

/* Picks up to the next step of the batch. */
static int pick_step(shuffled *s, shoal_error *err)
{
    int64_t n = STEP_ROWS - s->batch.rows % STEP_ROWS;
    const int64_t left = held_rows(s) - s->given;
    if (n > left) n = left;
    int r = arrow_column_pick(&s->batch, &s->held, order_at(s, s->given), n, err);
    s->given += n;
    return r;
}

static int shuffled_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    shuffled *s = ctx;
    int r = s->is_filled ? 0 : fill(s, err);
    arrow_column_release(&s->batch);
    memset(out, 0, sizeof *out);
    if (r == 0) r = arrow_column_init(&s->batch, &s->inner.schema, err);
    while (r == 0 && s->batch.rows < TABLE_BATCH_ROWS && (s->batch.rows % STEP_ROWS != 0 || arrow_column_bytes(&s->batch) < BATCH_BYTES)) {
        if (s->given == held_rows(s) && (r = next_bucket(s, err)) <= 0) break;
        r = pick_step(s, err);
    }
    if (r < 0 || s->batch.rows == 0) return r;
    r = arrow_column_finish(&s->batch, out, err);
    if (r < 0 && out->release) out->release(out);
    return r < 0 ? r : 1;
}

static void shuffled_free(void *ctx)
{
    shuffled *s = ctx;
    s->inner.free(s->inner.ctx);
    if (s->inner.schema.release) s->inner.schema.release(&s->inner.schema);
    for (int i = 0; i < LEVELS; i++) level_release(&s->level[i]);
    arrow_column_release(&s->held);
    arrow_column_release(&s->part);
    arrow_column_release(&s->batch);
    buf_release(&s->draws);
    buf_release(&s->order);
    buf_release(&s->bytes);
    mem_free(s);
}

int source_shuffled(source *inner, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    shuffled *s = mem_calloc(1, sizeof *s);
    if (!s) {
        inner->schema.release(&inner->schema);
        inner->free(inner->ctx);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->inner = *inner;
    s->host = spec->host;
    s->key = rng_key(spec->seed, RNG_ROWS, 0, 0);
    s->held_max = spec->memory > 0 ? spec->memory / 2 : HELD_DEFAULT;
    if (s->held_max < HELD_MIN) s->held_max = HELD_MIN;
    if (s->held_max > HELD_MAX) s->held_max = HELD_MAX;
    int r = arrow_column_init(&s->held, &s->inner.schema, err);
    if (r == 0) r = arrow_column_init(&s->part, &s->inner.schema, err);
    if (r == 0) r = arrow_schema_copy(&s->inner.schema, &out->schema, err);
    if (r < 0) {
        shuffled_free(s);
        return r;
    }
    out->ctx = s;
    out->next = shuffled_next;
    out->row_name = source_row_of_query;
    out->free = shuffled_free;
    return 0;
}
