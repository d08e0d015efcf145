/* body_ffm_pairs.h: part of kernels_body.h: field-aware factorisation machines over rows of one key of value 1 in each field,
 * from a copy of the distinct keys' vectors.
 *
 * Vectors are padded to a multiple of KERNEL_LANES floats, L = KERNEL_LANES / d parts a piece. A tile is a pair of runs of L
 * fields, a <= b: with x_i piece b of the vectors of a's fields and y_j piece a of those of b's, and t the tile of the y's turned
 * (part i of y_j becomes part j of t_i), the pairs of a row are the sum of x_i t_i, the gradients of x_i are t_i and those of the
 * y_j the x's turned. Each tile is worked through for all rows before the next one begins: of the copy and its gradients it
 * touches L fields' keys on either side, one piece each, which stay in the nearest caches however many keys there are.
 *
 * Sums: of a row over its tiles (a, then b) in KERNEL_LANES partial sums, i in order within a tile; of a gradient over the
 * rows in order, and where fields share a key over the tiles first. */

#define FFM_PARTS_MAX 4 /* fields a run, for the least d */

typedef struct ffm_side { /* a run of fields: the places of their vectors in each row, and which floats of a vector meet it */
    const uint32_t *at[FFM_PARTS_MAX];
    size_t piece;
} ffm_side;

/* Where the keys' floats lie in a piece; fields past the last have the zeros, number n. */
static void ffm_places(uint32_t m, uint32_t f, uint32_t padded, const uint32_t *key, uint32_t n, uint32_t *at)
{
    for (size_t i = 0; i < (size_t)m * f; i++) at[i] = (key ? key[i] : (uint32_t)i) * KERNEL_LANES;
    for (size_t i = (size_t)m * f; i < (size_t)m * padded; i++) at[i] = n * KERNEL_LANES;
}

INLINE ffm_side ffm_side_of(uint32_t m, uint32_t parts, uint32_t run, uint32_t n, const uint32_t *at)
{
    ffm_side s = {.piece = run * ((size_t)n + 1) * KERNEL_LANES};
    for (uint32_t i = 0; i < parts; i++) s.at[i] = at + ((size_t)run * parts + i) * m;
    return s;
}

INLINE void ffm_tile(const ffm_side *s, uint32_t parts, uint32_t r, const float *v, size_t piece, vf *x)
{
    for (uint32_t i = 0; i < parts; i++) x[i] = vf_load(v + s->at[i][r] + piece);
}

/* t_i = part i of each of x, side by side. */
INLINE void ffm_turn_tile(uint32_t parts, const vf *x, vf *t)
{
    if (parts == 4) {
        vf_turn4(x, t);
    } else if (parts == 2) {
        vf_turn2(x, t);
    } else {
        t[0] = x[0];
    }
}

/* Lanes of t_i on a tile of a run with itself: those behind part i (each pair once), or all but part i. */
INLINE vi ffm_lanes(uint32_t parts, uint32_t i, int behind)
{
    vi mask;
    for (uint32_t e = 0; e < KERNEL_LANES; e++) mask[e] = e * parts / KERNEL_LANES > i || (!behind && e * parts / KERNEL_LANES < i) ? -1 : 0;
    return mask;
}

INLINE void ffm_tile_sums(uint32_t m, uint32_t parts, uint32_t a, uint32_t b, uint32_t n, const uint32_t *at, const float *v, float *sum)
{
    const ffm_side sa = ffm_side_of(m, parts, a, n, at), sb = ffm_side_of(m, parts, b, n, at);
    for (uint32_t r = 0; r < m; r++) {
        vf x[FFM_PARTS_MAX], y[FFM_PARTS_MAX], t[FFM_PARTS_MAX], s = vf_load(sum + (size_t)r * KERNEL_LANES);
        ffm_tile(&sa, parts, r, v, sb.piece, x);
        if (a != b) ffm_tile(&sb, parts, r, v, sa.piece, y);
        ffm_turn_tile(parts, a != b ? y : x, t);
        for (uint32_t i = 0; i < parts; i++)
            s += x[i] * (a != b ? t[i] : vf_select(ffm_lanes(parts, i, 1), t[i], vf_set(0)));
        vf_store(sum + (size_t)r * KERNEL_LANES, s);
    }
}

INLINE void ffm_tile_grads(uint32_t m, uint32_t parts, uint32_t a, uint32_t b, uint32_t n, const uint32_t *at, const float *v, const float *c,
                           float *gv)
{
    const ffm_side sa = ffm_side_of(m, parts, a, n, at), sb = ffm_side_of(m, parts, b, n, at);
    for (uint32_t r = 0; r < m; r++) {
        vf x[FFM_PARTS_MAX], y[FFM_PARTS_MAX], t[FFM_PARTS_MAX];
        const vf scale = vf_set(c[r]);
        ffm_tile(&sa, parts, r, v, sb.piece, x);
        if (a != b) ffm_tile(&sb, parts, r, v, sa.piece, y);
        ffm_turn_tile(parts, a != b ? y : x, t);
        for (uint32_t i = 0; i < parts; i++) {
            float *to = gv + sa.at[i][r] + sb.piece;
            vf_store(to, vf_load(to) + scale * (a != b ? t[i] : vf_select(ffm_lanes(parts, i, 0), t[i], vf_set(0))));
        }
        if (a == b) continue;
        ffm_turn_tile(parts, x, t);
        for (uint32_t i = 0; i < parts; i++) {
            float *to = gv + sb.at[i][r] + sa.piece;
            vf_store(to, vf_load(to) + scale * t[i]);
        }
    }
}

/* All tiles; `c` NULL: sums, else gradients. */
INLINE void ffm_tiles(uint32_t m, uint32_t parts, uint32_t runs, uint32_t n, const uint32_t *at, const float *v, const float *c, float *to)
{
    for (uint32_t a = 0; a < runs; a++) {
        if (c)
            ffm_tile_grads(m, parts, a, a, n, at, v, c, to);
        else
            ffm_tile_sums(m, parts, a, a, n, at, v, to);
        for (uint32_t b = a + 1; b < runs; b++)
            if (c)
                ffm_tile_grads(m, parts, a, b, n, at, v, c, to);
            else
                ffm_tile_sums(m, parts, a, b, n, at, v, to);
    }
}

static void ffm_tiles_of(uint32_t m, uint32_t f, uint32_t d, uint32_t n, const uint32_t *at, const float *v, const float *c, float *to)
{
    const uint32_t runs = kernel_ffm_fields(f, d) * d / KERNEL_LANES;
    if (d == 4)
        ffm_tiles(m, 4, runs, n, at, v, c, to);
    else if (d == 8)
        ffm_tiles(m, 2, runs, n, at, v, c, to);
    else
        ffm_tiles(m, 1, runs, n, at, v, c, to);
}

static void k_ffm_pack(uint32_t count, uint32_t f, uint32_t d, const uint32_t *id, const float *table, size_t stride, uint32_t first,
                       uint32_t n, float *v)
{
    const size_t floats = (size_t)f * d, piece = ((size_t)n + 1) * KERNEL_LANES;
    for (uint32_t i = 0; i < count; i++) {
        const float *row = table + id[i] * stride;
        float *to = v + ((size_t)first + i) * KERNEL_LANES;
        if (i + AHEAD < count) fetch_row(table + id[i + AHEAD] * stride, floats);
        FOR_BLOCKS(e, c, floats) vf_store(to + e / KERNEL_LANES * piece, load(row + e, c));
    }
    for (size_t e = 0; e < floats; e += KERNEL_LANES) vf_store(v + e / KERNEL_LANES * piece + (size_t)n * KERNEL_LANES, vf_set(0));
}

static void k_ffm_unpack(uint32_t n, uint32_t f, uint32_t d, const float *gv, const uint32_t *slot, float *gtable)
{
    const size_t floats = (size_t)f * d, piece = ((size_t)n + 1) * KERNEL_LANES;
    for (uint32_t i = 0; i < n; i++) {
        float *to = gtable + slot[i] * floats;
        const float *from = gv + (size_t)i * KERNEL_LANES;
        FOR_BLOCKS(e, c, floats) store(to + e, c, vf_load(from + e / KERNEL_LANES * piece));
    }
}

static void k_ffm_pairs(uint32_t m, uint32_t f, uint32_t d, const uint32_t *key, uint32_t n, const float *v, float scale,
                        float *scratch, float *y)
{
    uint32_t *at = (uint32_t *)(void *)(scratch + (size_t)m * KERNEL_LANES);
    ffm_places(m, f, kernel_ffm_fields(f, d), key, n, at);
    memset(scratch, 0, (size_t)m * KERNEL_LANES * sizeof *scratch);
    ffm_tiles_of(m, f, d, n, at, v, NULL, scratch);
    for (uint32_t r = 0; r < m; r++) y[r] += scale * vf_sum(vf_load(scratch + (size_t)r * KERNEL_LANES));
}

static void k_ffm_pairs_back(uint32_t m, uint32_t f, uint32_t d, const uint32_t *key, uint32_t n, const float *v, float scale,
                             const float *g, float *scratch, float *gv)
{
    uint32_t *at = (uint32_t *)(void *)(scratch + (size_t)m * KERNEL_LANES);
    ffm_places(m, f, kernel_ffm_fields(f, d), key, n, at);
    for (uint32_t r = 0; r < m; r++) scratch[r] = scale * g[r];
    memset(gv, 0, kernel_ffm_pack(f, d, n) * sizeof *gv);
    ffm_tiles_of(m, f, d, n, at, v, scratch, gv);
}
