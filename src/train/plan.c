#include "train/plan.h"

#include "base/rng.h"

uint32_t plan_micro_for(uint32_t batch)
{
    uint32_t count = (batch + PLAN_MICRO_MAX - 1) / PLAN_MICRO_MAX;
    uint32_t spread = batch / 64; /* small batches still feed a few threads */
    if (spread > 4)
        spread = 4;
    if (count < spread)
        count = spread;
    if (count == 0)
        count = 1;
    return (batch + count - 1) / count;
}

void plan_init(plan *p, uint64_t rows, uint32_t blocks, uint32_t block_rows, uint64_t bytes, uint64_t seed,
               uint32_t batch, uint32_t micro)
{
    CHECK(rows > 0 && blocks > 0 && block_rows > 0 && batch > 0);
    p->rows = rows;
    p->blocks = blocks;
    p->block_rows = block_rows;
    p->last_block_rows = (uint32_t)(rows - (uint64_t)(blocks - 1) * block_rows);
    CHECK(p->last_block_rows >= 1 && p->last_block_rows <= block_rows);
    p->seed = seed;
    p->batch = batch;
    p->micro = micro ? micro : plan_micro_for(batch);
    if (p->micro > plan_step_rows_max(p)) /* the same micro-batches, in less room */
        p->micro = plan_step_rows_max(p);
    uint64_t windows = (bytes + PLAN_WINDOW_BYTES - 1) / PLAN_WINDOW_BYTES;
    if (windows > rows / batch) /* a step must fit into the few windows that are in memory at once */
        windows = rows / batch;
    p->windows = windows < 1 ? 1 : windows > blocks ? blocks : (uint32_t)windows;
    p->strata = (blocks + p->windows - 1) / p->windows;
}

uint64_t plan_steps(const plan *p)
{
    return (p->rows + p->batch - 1) / p->batch;
}

uint32_t plan_step_rows(const plan *p, uint64_t epoch_step)
{
    uint64_t left = p->rows - epoch_step * p->batch;
    return left < p->batch ? (uint32_t)left : p->batch;
}

uint32_t plan_step_rows_max(const plan *p)
{
    return p->rows < p->batch ? (uint32_t)p->rows : p->batch;
}

uint32_t plan_micros(const plan *p, uint32_t step_rows)
{
    return (step_rows + p->micro - 1) / p->micro;
}

uint32_t plan_micros_max(const plan *p)
{
    return plan_micros(p, plan_step_rows_max(p));
}

static uint32_t block_size(const plan *p, uint32_t block)
{
    return block + 1 == p->blocks ? p->last_block_rows : p->block_rows;
}

/* The permutation of one stratum: scratch[i] is the offset within the stratum that window i takes. In the last stratum,
 * which may be short, offsets beyond its end mean no block. */
static void deal_stratum(const plan *p, uint64_t epoch, uint32_t stratum, uint32_t *scratch)
{
    rng_permutation(rng_key(p->seed, RNG_BLOCKS, epoch, stratum), p->windows, scratch);
}

void plan_epoch(const plan *p, uint64_t epoch, uint32_t *order, uint32_t *start, uint64_t *position, uint32_t *scratch)
{
    uint32_t last = p->strata - 1, last_size = p->blocks - last * p->windows;
    deal_stratum(p, epoch, last, scratch);
    start[0] = 0;
    for (uint32_t i = 0; i < p->windows; i++)
        start[i + 1] = start[i] + last + (scratch[i] < last_size);
    for (uint32_t s = 0; s < p->strata; s++) {
        deal_stratum(p, epoch, s, scratch);
        for (uint32_t i = 0; i < p->windows; i++)
            if (s < last || scratch[i] < last_size)
                order[start[i] + s] = s * p->windows + scratch[i];
    }
    position[0] = 0;
    for (uint32_t i = 0; i < p->windows; i++) {
        position[i + 1] = position[i];
        for (uint32_t j = start[i]; j < start[i + 1]; j++)
            position[i + 1] += block_size(p, order[j]);
    }
}

void plan_window(const plan *p, uint64_t epoch, uint32_t window, uint32_t rows, uint32_t *perm)
{
    rng_permutation(rng_key(p->seed, RNG_ROWS, epoch, window), rows, perm);
}
