/* kernels_body.h: the arithmetic of every kernel but the matrix product, written once on vectors of 16 floats and
 * compiled once for each instruction set, so that all sets give the same bits: elementwise operations in a fixed order,
 * no contraction into fused multiply-adds (the build passes -ffp-contract=off), sums in KERNEL_LANES partial sums.
 *
 * The file that includes this one defines beforehand: SET_NAME (string), SET_TABLE (name of the kernels table),
 * vf_load_part / vf_store_part (the first n < 16 floats; missing ones are zero), vf_sqrt, vf_turn2 / vf_turn4
 * (two or four vectors as a square of halves or quarters, transposed), vf_turn_quarters (four vectors, each quarter of which
 * is a row of a square of 4 x 4 floats, transposed), PRODUCT_VECTORS (vectors of a row of a product for which there are
 * registers, four rows at a time; one vector has that many times the rows), and set_gemm.
 *
 * Vectors are those of GCC and clang (vector_size). One-letter names: see the glossary of kernels.h; c = number of
 * floats in a block of at most 16. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/kernels_math.h"

/* ---- blocks ------------------------------------------------------------------------------------------------------------ */

INLINE vf load(const float *p, size_t c) { return c == KERNEL_LANES ? vf_load(p) : vf_load_part(p, c); }
INLINE void store(float *p, size_t c, vf v)
{
    if (c == KERNEL_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, c, v);
}
INLINE size_t block(size_t left) { return left < KERNEL_LANES ? left : KERNEL_LANES; }
/* Walks i over [0, n) in blocks; c is the length of the block at i. */
#define FOR_BLOCKS(i, c, n) for (size_t i = 0, c; i < (n) && (c = block((n)-i), 1); i += KERNEL_LANES)

INLINE const float *at(const float *p, size_t row, size_t ld) { return p + row * ld; }
INLINE float *at_out(float *p, size_t row, size_t ld) { return p + row * ld; }

#include "kernels/body_elementwise.h"
#include "kernels/body_activation.h"
#include "kernels/body_rows.h"
#include "kernels/body_columns.h"
#include "kernels/body_cross.h"
#include "kernels/body_norm.h"
#include "kernels/body_embedding.h"
#include "kernels/body_bags.h"
#include "kernels/body_fields.h"
#include "kernels/body_turn.h"
#include "kernels/body_products.h"
#include "kernels/body_ffm.h"
#include "kernels/body_ffm_pairs.h"
#include "kernels/body_outer.h"
#include "kernels/body_optimize.h"

/* ---- memory and the table ---------------------------------------------------------------------------------------------- */

static void k_move(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
static void k_zero(void *p, size_t bytes) { memset(p, 0, bytes); }

const kernels SET_TABLE = {
    .name = SET_NAME,
    .alloc = mem_alloc,
    .free = mem_free,
    .upload = k_move,
    .download = k_move,
    .zero = k_zero,
    .gemm = set_gemm,
    .add = k_add,
    .scale_add = k_scale_add,
    .mul = k_mul,
    .mul_add = k_mul_add,
    .scale = k_scale,
    .relu = k_relu,
    .relu_back = k_relu_back,
    .sigmoid = k_sigmoid,
    .sigmoid_back = k_sigmoid_back,
    .tanh = k_tanh,
    .tanh_back = k_tanh_back,
    .bias_add = k_bias_add,
    .bias_relu = k_bias_relu,
    .column_sum = k_column_sum,
    .row_dot = k_row_dot,
    .row_outer = k_row_outer,
    .weighted_rows = k_weighted_rows,
    .copy = k_copy,
    .add_rows = k_add_rows,
    .rows_scale = k_rows_scale,
    .rows_dot = k_rows_dot,
    .rows_scale_add = k_rows_scale_add,
    .softmax = k_softmax,
    .softmax_back = k_softmax_back,
    .dropout = k_dropout,
    .batch_norm_stats = k_batch_norm_stats,
    .batch_norm_apply = k_batch_norm_apply,
    .batch_norm_back = k_batch_norm_back,
    .leaky_relu = k_leaky_relu,
    .leaky_relu_back = k_leaky_relu_back,
    .gelu = k_gelu,
    .gelu_back = k_gelu_back,
    .prelu = k_prelu,
    .prelu_back = k_prelu_back,
    .dice = k_dice,
    .dice_back = k_dice_back,
    .layer_norm = k_layer_norm,
    .layer_norm_back = k_layer_norm_back,
    .gather = k_gather,
    .scatter = k_scatter,
    .gather_max = k_gather_max,
    .scatter_max = k_scatter_max,
    .fm = k_fm,
    .fm_back = k_fm_back,
    .ffm = k_ffm,
    .ffm_back = k_ffm_back,
    .ffm_pack = k_ffm_pack,
    .ffm_pairs = k_ffm_pairs,
    .ffm_pairs_back = k_ffm_pairs_back,
    .ffm_unpack = k_ffm_unpack,
    .transpose = k_transpose,
    .outer = k_outer,
    .outer_back = k_outer_back,
    .outer_rows = k_outer_rows,
    .outer_rows_back = k_outer_rows_back,
    .cross = k_cross,
    .cross_back = k_cross_back,
    .bi_interaction = k_bi_interaction,
    .bi_interaction_back = k_bi_interaction_back,
    .pair_inner = k_pair_inner,
    .pair_inner_back = k_pair_inner_back,
    .pair_product = k_pair_product,
    .pair_product_back = k_pair_product_back,
    .pair_scale = k_pair_scale,
    .pair_scale_back = k_pair_scale_back,
    .field_sum = k_field_sum,
    .field_spread = k_field_spread,
    .row_sum = k_row_sum,
    .row_spread = k_row_spread,
    .field_mix = k_field_mix,
    .field_mix_back = k_field_mix_back,
    .products = k_products,
    .bce = k_bce,
    .optimize = k_optimize,
    .optimize_rows = k_optimize_rows,
};
