/* kernels_math.h: exp, log and what is made of them, on 16 floats, by one sequence of exactly rounded operations.
 *
 * exp: x = n ln 2 + r, |r| <= ln 2 / 2; Taylor series of e^r to r^7 (remainder below 6e-9), times 2^n.
 * log: x = 2^e m, sqrt(1/2) <= m < sqrt(2); with f = m - 1, s = f / (2 + f), log m = 2 atanh s = f - s (f - R),
 * R = 2 s^2/3 + 2 s^4/5 + ... to s^8 (remainder below 3e-9). */
#ifndef KERNELS_KERNELS_MATH_H
#define KERNELS_KERNELS_MATH_H

#include "kernels/kernels_vec.h"

/* ln 2 in two parts; the high one has few enough bits that n times it is exact. */
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440054690583e-4f
#define ROUND_MAGIC 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, which then lies in the low bits */

/* Results stay normal numbers: arguments are limited to [-87.33, 88.37]. */
INLINE vf vf_exp(vf x)
{
    x = vf_select(x < vf_set(-87.33f), vf_set(-87.33f), x);
    x = vf_select(x > vf_set(88.37f), vf_set(88.37f), x);
    const vf shifted = x * 1.44269504088896341f + ROUND_MAGIC;
    const vf n = shifted - ROUND_MAGIC;
    const vf r = (x - n * LN2_HIGH) - n * LN2_LOW;
    vf p = r * (1.0f / 5040) + (1.0f / 720);
    p = p * r + (1.0f / 120);
    p = p * r + (1.0f / 24);
    p = p * r + (1.0f / 6);
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    const vi power = ((vi)shifted - (vi)vf_set(ROUND_MAGIC) + 127) << 23;
    return p * (vf)power;
}

INLINE vf vf_log(vf x)
{
    x = vf_select(x < vf_set(0x1p-126f), vf_set(0x1p-126f), x);
    const vi bits = (vi)x, e = (bits - 0x3f3504f3) >> 23; /* sqrt(1/2) */
    const vf f = (vf)(bits - (e << 23)) - 1.0f, n = __builtin_convertvector(e, vf);
    const vf s = f / (f + 2.0f), z = s * s;
    vf series = z * (2.0f / 9) + (2.0f / 7);
    series = series * z + (2.0f / 5);
    series = series * z + (2.0f / 3);
    const vf small = n * LN2_LOW - s * (f - series * z);
    return n * LN2_HIGH + (f + small);
}

/* log(1 + x), 0 <= x <= 1: the rounding error of 1 + x is added back. */
INLINE vf vf_log1p(vf x)
{
    const vf u = x + 1.0f;
    return vf_log(u) + (x - (u - 1.0f)) / u;
}

/* 1 / (1 + exp(-x)), given e = exp(-|x|). */
INLINE vf vf_sigmoid(vf x, vf e)
{
    const vf s = 1.0f / (e + 1.0f);
    return vf_select(x < vf_set(0), e * s, s);
}

/* (1 - e) / (1 + e) with e = exp(-2|x|) and the sign of x; x - x^3/3 + 2 x^5/15 where that would cancel. */
INLINE vf vf_tanh(vf x)
{
    const vf e = vf_exp(-2.0f * vf_abs(x)), t = (1.0f - e) / (e + 1.0f), z = x * x;
    const vf far = (vf)((vi)t | ((vi)x & (vi)vf_set(-0.0f)));
    const vf near = x + x * z * (z * (2.0f / 15) - (1.0f / 3));
    return vf_select(vf_abs(x) < vf_set(0.05f), near, far);
}

#endif
