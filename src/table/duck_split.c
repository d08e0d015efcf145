#include "table/duck_split.h"

#include <string.h>

#include "base/mem.h"
#include "base/stage.h"

#define AHEAD_BATCHES 4

/* Column i is read by part i % n. */
typedef struct part {
    duck db;
    duck_rows rows;
    const char *what;
    clocks *clocks;
    stage *stage;
    struct ArrowArray batch[AHEAD_BATCHES];
} part;

struct duck_split {
    int n;
    int64_t n_columns;
    part part[DUCK_SPLIT_MAX];
};

static int part_next(void *ctx, void *item, shoal_error *err)
{
    part *p = ctx;
    struct ArrowArray *out = item;
    const uint64_t start = clocks_start(p->clocks);
    out->release = NULL;
    int r = duck_rows_next(&p->rows, p->what, out, err);
    clocks_stop(p->clocks, CLOCK_PARSE, start);
    return r;
}

static int part_start(part *p, const duck *d, const struct ArrowSchema *columns, int64_t first, int n, shoal_error *err)
{
    static const stage_ops OPS = {part_next, NULL};
    void *items[AHEAD_BATCHES];
    buf sql = BUF_INIT;
    int r = duck_connect(d, &p->db, err);
    if (r == 0) r = buf_puts(&sql, "SELECT ", err);
    for (int64_t i = first; r == 0 && i < columns->n_children; i += n) {
        if (i > first) r = buf_putc(&sql, ',', err);
        if (r == 0) r = duck_put_name(&sql, columns->children[i]->name, err);
    }
    if (r == 0) r = buf_puts(&sql, " FROM src", err);
    if (r == 0 && !buf_str(&sql)) r = error_nomem(err, sql.len, "a query");
    if (r == 0) r = duck_rows_start(&p->db, buf_str(&sql), 0, p->what, &p->rows, err);
    buf_release(&sql);
    for (int i = 0; i < AHEAD_BATCHES; i++) items[i] = &p->batch[i];
    return r < 0 ? r : stage_new(&OPS, p, 1, items, AHEAD_BATCHES, &p->stage, err);
}

int duck_split_new(const duck *d, const struct ArrowSchema *columns, int threads, clocks *measure, const char *what, duck_split **out,
                   shoal_error *err)
{
    *out = NULL;
    duck_split *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "a source");
    s->n_columns = columns->n_children;
    s->n = threads < DUCK_SPLIT_MAX ? threads : DUCK_SPLIT_MAX;
    if (s->n > s->n_columns) s->n = (int)s->n_columns;
    int r = 0;
    for (int i = 0; r == 0 && i < s->n; i++) {
        s->part[i].what = what;
        s->part[i].clocks = measure;
        r = part_start(&s->part[i], d, columns, i, s->n, err);
    }
    if (r < 0) {
        duck_split_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void duck_split_free(duck_split *s)
{
    if (!s) return;
    for (int i = 0; i < DUCK_SPLIT_MAX; i++) {
        part *p = &s->part[i];
        stage_free(p->stage);
        for (int k = 0; k < AHEAD_BATCHES; k++)
            if (p->batch[k].release) p->batch[k].release(&p->batch[k]);
        duck_rows_release(&p->rows);
        duck_close(&p->db);
    }
    mem_free(s);
}

/* ---- side by side ------------------------------------------------------------------------------------------------------- */

typedef struct joined {
    struct ArrowArray part[DUCK_SPLIT_MAX];
    struct ArrowArray **children;
    const void *buffers[1];
} joined;

static void joined_release(struct ArrowArray *a)
{
    joined *j = a->private_data;
    for (int i = 0; i < DUCK_SPLIT_MAX; i++)
        if (j->part[i].release) j->part[i].release(&j->part[i]);
    mem_free(j->children);
    mem_free(j);
    a->release = NULL;
}

/* One batch of each part; all of them end together, as they read the same rows. */
static int take_parts(duck_split *s, joined *j, const char *what, shoal_error *err)
{
    int code = 0;
    for (int i = 0; i < s->n; i++) {
        void *item;
        int r = stage_next(s->part[i].stage, &item, err);
        if (r < 0) return r;
        if (r == 1) {
            struct ArrowArray *batch = item;
            j->part[i] = *batch;
            batch->release = NULL;
        }
        if (i > 0 && (r != code || j->part[i].length != j->part[0].length))
            return error_set(err, SHOAL_STORAGE, "%s: it changed while it was read", what);
        code = r;
    }
    return code;
}

int duck_split_next(duck_split *s, struct ArrowArray *out, shoal_error *err)
{
    joined *j = mem_calloc(1, sizeof *j);
    memset(out, 0, sizeof *out);
    if (!j) return error_nomem(err, sizeof *j, "a batch");
    out->private_data = j;
    out->release = joined_release;
    j->children = mem_calloc((size_t)s->n_columns, sizeof *j->children);
    int r = j->children ? take_parts(s, j, s->part[0].what, err) : error_nomem(err, (size_t)s->n_columns * sizeof *j->children, "a batch");
    if (r <= 0) {
        joined_release(out);
        return r;
    }
    for (int64_t i = 0; i < s->n_columns; i++) j->children[i] = j->part[i % s->n].children[i / s->n];
    out->length = j->part[0].length;
    out->n_buffers = 1;
    out->buffers = j->buffers;
    out->n_children = s->n_columns;
    out->children = j->children;
    return 1;
}
