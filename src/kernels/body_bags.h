/* body_bags.h: part of kernels_body.h: bags of which the largest row counts, column by column. */

static void k_gather_max(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *table, size_t stride,
                         int accumulate, float *y, uint32_t ldy)
{
    const uint32_t end = offset[m];
    for (uint32_t r = 0; r < m; r++) {
        const uint32_t first = offset[r];
        float *out = at_out(y, r, ldy);
        for (uint32_t j = first; j < offset[r + 1]; j++)
            if (j + AHEAD < end) fetch_row(table + id[j + AHEAD] * stride, d);
        if (first == offset[r + 1] && accumulate) continue;
        FOR_BLOCKS(i, c, d)
        {
            vf best = vf_set(0);
            if (first < offset[r + 1]) best = load(table + id[first] * stride + i, c);
            for (uint32_t j = first + 1; j < offset[r + 1]; j++) {
                const vf v = load(table + id[j] * stride + i, c);
                best = vf_select(v > best, v, best);
            }
            store(out + i, c, accumulate ? load(out + i, c) + best : best);
        }
    }
}

static void k_scatter_max(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const uint32_t *slot,
                          const float *table, size_t stride, const float *g, uint32_t ldg, float *gtable)
{
    for (uint32_t r = 0; r < m; r++) {
        const uint32_t first = offset[r];
        const float *from = at(g, r, ldg);
        if (first == offset[r + 1]) continue;
        FOR_BLOCKS(i, c, d)
        {
            vf best = load(table + id[first] * stride + i, c);
            vi place = vi_set((int32_t)first);
            for (uint32_t j = first + 1; j < offset[r + 1]; j++) {
                const vf v = load(table + id[j] * stride + i, c);
                const vi above = v > best;
                best = vf_select(above, v, best);
                place = (above & vi_set((int32_t)j)) | (~above & place);
            }
            for (size_t l = 0; l < c; l++) gtable[(size_t)slot[place[l]] * d + i + l] += from[i + l];
        }
    }
}
