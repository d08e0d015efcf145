/* body_embedding.h: part of kernels_body.h: rows of tables into the batch and back, and the second order of factorisation machines. */

/* Rows of tables are far apart in memory: ask for them this many ids ahead. Into the second-level cache: the nearest waits
 * for too few lines at a time (11 instead of 7 GB/s of random rows of 640 bytes). */
#define AHEAD 12
INLINE void fetch_row(const float *row, size_t d)
{
    for (size_t i = 0; i < d; i += 16) __builtin_prefetch(row + i, 0, 2);
}

static void gather_one(uint32_t m, uint32_t d, const uint32_t *id, const float *weight, const float *table,
                       size_t stride, int accumulate, float *y, uint32_t ldy)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = table + id[r] * stride;
        float *out = at_out(y, r, ldy);
        if (r + AHEAD < m) fetch_row(table + id[r + AHEAD] * stride, d);
        if (d == 1) {
            float v = weight ? weight[r] * row[0] : row[0];
            out[0] = accumulate ? out[0] + v : v;
            continue;
        }
        FOR_BLOCKS(i, c, d)
        {
            vf v = load(row + i, c);
            if (weight) v = vf_set(weight[r]) * v;
            store(out + i, c, accumulate ? load(out + i, c) + v : v);
        }
    }
}

static void gather_bag(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *weight,
                       const float *table, size_t stride, int accumulate, float *y, uint32_t ldy)
{
    const uint32_t end = offset[m];
    for (uint32_t r = 0; r < m; r++) {
        float *out = at_out(y, r, ldy);
        if (!accumulate) FOR_BLOCKS(i, c, d) store(out + i, c, vf_set(0));
        for (uint32_t j = offset[r]; j < offset[r + 1]; j++) {
            const float *row = table + id[j] * stride;
            const vf w = vf_set(weight ? weight[j] : 1.0f);
            if (j + AHEAD < end) fetch_row(table + id[j + AHEAD] * stride, d);
            FOR_BLOCKS(i, c, d) store(out + i, c, load(out + i, c) + w * load(row + i, c));
        }
    }
}

static void k_gather(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *weight,
                     const float *table, size_t stride, int accumulate, float *y, uint32_t ldy)
{
    if (offset)
        gather_bag(m, d, offset, id, weight, table, stride, accumulate, y, ldy);
    else
        gather_one(m, d, id, weight, table, stride, accumulate, y, ldy);
}

INLINE void scatter_row(uint32_t d, float *row, const float *weight, const float *g)
{
    if (d == 1) {
        row[0] += weight ? weight[0] * g[0] : g[0];
        return;
    }
    FOR_BLOCKS(i, c, d)
    {
        vf v = load(g + i, c);
        if (weight) v = vf_set(weight[0]) * v;
        store(row + i, c, load(row + i, c) + v);
    }
}

static void k_scatter(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *slot, const float *weight,
                      const float *g, uint32_t ldg, float *gtable)
{
    for (uint32_t r = 0; r < m; r++) {
        const uint32_t begin = offset ? offset[r] : r, end = offset ? offset[r + 1] : r + 1;
        for (uint32_t j = begin; j < end; j++)
            scatter_row(d, gtable + (size_t)slot[j] * d, weight ? weight + j : NULL, at(g, r, ldg));
    }
}

/* ---- factorisation machine ---- */

static void k_fm(uint32_t m, uint32_t f, uint32_t d, const float *e, float *sum, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        vf total = vf_set(0);
        FOR_BLOCKS(i, c, d)
        {
            vf s = vf_set(0), q = vf_set(0);
            for (uint32_t j = 0; j < f; j++) {
                const vf v = load(at(row, j, d) + i, c);
                s += v;
                q += v * v;
            }
            store(at_out(sum, r, d) + i, c, s);
            total += s * s - q;
        }
        y[r] += 0.5f * vf_sum(total);
    }
}

static void k_fm_back(uint32_t m, uint32_t f, uint32_t d, const float *e, const float *sum, const float *g, float *ge)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        float *out = at_out(ge, r, (size_t)f * d);
        const vf vg = vf_set(g[r]);
        FOR_BLOCKS(i, c, d)
        {
            const vf s = load(at(sum, r, d) + i, c);
            for (uint32_t j = 0; j < f; j++) {
                float *p = at_out(out, j, d) + i;
                store(p, c, load(p, c) + vg * (s - load(at(row, j, d) + i, c)));
            }
        }
    }
}
