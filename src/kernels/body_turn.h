/* body_turn.h: part of kernels_body.h: matrices transposed, squares of KERNEL_LANES x KERNEL_LANES at a time in registers. */

/* y[j][i] = x[i][j], i < rows, j < cols, both at most KERNEL_LANES; with `whole` each y[j] is filled up with zeros. */
INLINE void turn_square(uint32_t rows, uint32_t cols, int whole, const float *x, size_t ldx, float *y, size_t ldy)
{
    vf u[4][4];
    for (uint32_t g = 0; g < 4; g++) {
        vf row[4];
        for (uint32_t i = 0; i < 4; i++) row[i] = 4 * g + i < rows ? load(at(x, 4 * g + i, ldx), cols) : vf_set(0);
        vf_turn_quarters(row, u[g]); /* quarter q of u[g][i]: column 4 q + i of these four rows */
    }
    for (uint32_t i = 0; i < 4; i++) {
        const vf part[4] = {u[0][i], u[1][i], u[2][i], u[3][i]};
        vf column[4];
        vf_turn4(part, column);
        for (uint32_t q = 0; q < 4; q++)
            if (4 * q + i < cols) store(at_out(y, 4 * q + i, ldy), whole ? KERNEL_LANES : rows, column[q]);
    }
}

/* The same of any size; with `whole` the rows of y are filled up to a multiple of KERNEL_LANES. */
static void turn(uint32_t rows, uint32_t cols, int whole, const float *x, size_t ldx, float *y, size_t ldy)
{
    FOR_BLOCKS(i, ci, rows)
    FOR_BLOCKS(j, cj, cols)
    {
        const float *from = at(x, i, ldx) + j;
        float *to = at_out(y, j, ldy) + i;
        if (ci == KERNEL_LANES && cj == KERNEL_LANES)
            turn_square(KERNEL_LANES, KERNEL_LANES, 1, from, ldx, to, ldy);
        else
            turn_square((uint32_t)ci, (uint32_t)cj, whole, from, ldx, to, ldy);
    }
}

static void k_transpose(uint32_t m, uint32_t a, uint32_t b, const float *x, float *y)
{
    const size_t n = (size_t)a * b;
    for (uint32_t r = 0; r < m; r++) turn(a, b, 0, x + r * n, b, y + r * n, a);
}
