#include "train/validate.h"

#include "base/mem.h"
#include "features/keys.h"

#define CHUNK_BLOCKS (512 / PACK_BLOCK_ROWS)
#define CHUNK_ROWS (CHUNK_BLOCKS * PACK_BLOCK_ROWS)
#define CHUNKS_A_THREAD 4

typedef struct chunk {
    uint32_t rows;
    float logit[CHUNK_ROWS], label[CHUNK_ROWS], weight[CHUNK_ROWS];
    uint64_t group[CHUNK_ROWS];
    shoal_error error;
} chunk;

typedef struct lane {
    exec *exec;
    batch batch;
    raw_block raw, keys;
    raw_ref refs[CHUNK_ROWS];
} lane;

struct validator {
    const model *model;
    const pack *pack, *groups;
    pool *pool;
    metrics *metrics;
    lane *lane;
    chunk *chunk;
    uint32_t n_chunks;
    /* the run at hand */
    const weights *w;
    uint32_t first_block;
};

int validator_new(const model *m, const kernels *k, const pack *rows, const pack *groups, pool *threads, size_t memory,
                  const char *spool_dir, validator **out, shoal_error *err)
{
    validator *v = mem_calloc(1, sizeof *v);
    if (!v)
        return error_nomem(err, sizeof *v, "a validator");
    v->model = m;
    v->pack = rows;
    v->groups = groups;
    v->pool = threads;
    int n = pool_threads(threads), rc = 0;
    v->n_chunks = (uint32_t)n * CHUNKS_A_THREAD;
    v->lane = mem_calloc((size_t)n, sizeof *v->lane);
    v->chunk = mem_calloc(v->n_chunks, sizeof *v->chunk);
    if (!v->lane || !v->chunk) {
        rc = error_nomem(err, v->n_chunks * sizeof *v->chunk, "the validation buffers");
        goto out;
    }
    for (int i = 0; i < n && rc == 0; i++) {
        batch_init(&v->lane[i].batch);
        raw_block_init(&v->lane[i].raw);
        raw_block_init(&v->lane[i].keys);
        rc = exec_new(m, k, CHUNK_ROWS, &v->lane[i].exec, err);
    }
    if (rc == 0)
        rc = metrics_new(memory, spool_dir, groups != NULL, &v->metrics, err);
out:
    if (rc < 0) {
        validator_free(v);
        return rc;
    }
    *out = v;
    return 0;
}

void validator_free(validator *v)
{
    if (!v)
        return;
    for (int i = 0; v->lane && i < pool_threads(v->pool); i++) {
        exec_free(v->lane[i].exec);
        batch_release(&v->lane[i].batch);
        raw_block_release(&v->lane[i].raw);
        raw_block_release(&v->lane[i].keys);
    }
    metrics_free(v->metrics);
    mem_free(v->lane);
    mem_free(v->chunk);
    mem_free(v);
}

static int read_blocks(const pack *from, uint32_t block, uint32_t blocks, raw_block *out, shoal_error *err)
{
    int rc = 0;
    out->rows = 0;
    buf_clear(&out->records);
    buf_clear(&out->heap);
    for (uint32_t b = 0; b < blocks && rc == 0; b++)
        rc = pack_read(from, block + b, out, err);
    return rc;
}

static int lane_read(const validator *v, lane *l, uint32_t block, uint32_t blocks, chunk *c, shoal_error *err)
{
    if (v->groups) {
        int rc = read_blocks(v->groups, block, blocks, &l->keys, err);
        if (rc < 0)
            return rc;
        column_keys_of_rows(&l->keys, c->group);
    }
    int rc = read_blocks(v->pack, block, blocks, &l->raw, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < l->raw.rows; i++)
        l->refs[i] = (raw_ref){l->raw.records.data + (size_t)i * pack_stride(v->pack), l->raw.heap.data};
    return 0;
}

static int validate_chunk(void *ctx, size_t item, int thread)
{
    validator *v = ctx;
    chunk *c = &v->chunk[item];
    lane *l = &v->lane[thread];
    uint32_t block = v->first_block + (uint32_t)item * CHUNK_BLOCKS, left = pack_blocks(v->pack) - block;
    int rc = lane_read(v, l, block, left < CHUNK_BLOCKS ? left : CHUNK_BLOCKS, c, &c->error);
    if (rc < 0)
        return rc;
    c->rows = l->raw.rows;
    rc = features_transform(model_features(v->model), l->refs, c->rows, &l->batch, &c->error);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < c->rows; i++) {
        c->label[i] = l->batch.label[i];
        c->weight[i] = l->batch.weight[i];
    }
    return exec_predict(l->exec, v->w, &l->batch, c->logit, &c->error);
}

/* A group of chunks side by side, then their results in order. */
static int validate_group(validator *v, uint32_t chunks, shoal_error *err)
{
    int rc = pool_for(v->pool, chunks, validate_chunk, v);
    for (uint32_t i = 0; i < chunks && rc < 0; i++)
        if (v->chunk[i].error.code == rc) {
            if (err)
                *err = v->chunk[i].error;
            return rc;
        }
    for (uint32_t i = 0; i < chunks && rc == 0; i++) {
        const chunk *c = &v->chunk[i];
        rc = metrics_add(v->metrics, c->logit, c->label, c->weight, c->group, c->rows, err);
    }
    return rc;
}

int validator_run(validator *v, const weights *w, report *r, const shoal_host *host, metrics_result *out,
                  shoal_error *err)
{
    uint32_t all = (pack_blocks(v->pack) + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS;
    v->w = w;
    metrics_clear(v->metrics);
    for (uint32_t c = 0; c < all; c += v->n_chunks) {
        if (host_interrupted(host))
            return error_set(err, SHOAL_INTERRUPTED, "interrupted while validating");
        v->first_block = c * CHUNK_BLOCKS;
        int rc = validate_group(v, all - c < v->n_chunks ? all - c : v->n_chunks, err);
        if (rc < 0)
            return rc;
        report_beat(r);
    }
    return metrics_finish(v->metrics, out, err);
}
