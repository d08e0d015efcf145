#include "base/mathx.h"

#include <stdint.h>
#include <string.h>

/* ln 2 in two parts: the first has 28 bits, so that its product with an exponent is exact. */
#define LN2_HIGH 0x1.62e42fep-1
#define LN2_LOW 0x1.f473de6af278fp-30
#define ONE_OVER_LN2 0x1.71547652b82fep+0
#define PI 0x1.921fb54442d18p+1
#define SQRT2 0x1.6a09e667f3bcdp+0

static uint64_t bits_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static double double_of(uint64_t b)
{
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < .172, by its series. */
double math_log(double x)
{
    int k = 0;
    if (!(x > 0))
        return x == 0 ? -__builtin_inf() : __builtin_nan("");
    if (x == __builtin_inf())
        return x;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t b = bits_of(x);
    k += (int)(b >> 52) - 1023;
    double m = double_of((b & 0x000fffffffffffffull) | 0x3ff0000000000000ull);
    if (m > SQRT2) {
        m *= 0.5;
        k++;
    }
    double f = m - 1, s = f / (2 + f), z = s * s;
    double p = 1.0 / 23;
    for (int i = 21; i >= 3; i -= 2)
        p = p * z + 1.0 / i;
    double small = s * z * p; /* atanh(s) - s */
    return k * LN2_HIGH + (2 * s + (2 * small + k * LN2_LOW));
}

/* The rounding error of 1 + x cancels in log(u) / (u - 1), which is smooth around u = 1. */
double math_log1p(double x)
{
    double u = 1 + x;
    if (u == 1 || u == __builtin_inf())
        return x;
    return math_log(u) * (x / (u - 1));
}

/* x = k ln 2 + r, |r| < .35; the Taylor series of exp(r), then k into the exponent, in two steps near the ends. */
double math_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.79)
        return __builtin_inf();
    if (x < -745.2)
        return 0;
    int k = (int)(x * ONE_OVER_LN2 + (x < 0 ? -0.5 : 0.5));
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double p = 1.0;
    for (int i = 14; i >= 2; i--)
        p = p * r / i + 1;
    p = p * r + 1;
    int half = k / 2;
    return p * double_of((uint64_t)(half + 1023) << 52) * double_of((uint64_t)(k - half + 1023) << 52);
}

/* Taylor series on an eighth of the circle. */
static double cos_small(double t)
{
    double z = t * t, p = 1;
    for (int i = 18; i >= 2; i -= 2)
        p = 1 - p * z / (i * (i - 1));
    return p;
}

static double sin_small(double t)
{
    double z = t * t, p = 1;
    for (int i = 19; i >= 3; i -= 2)
        p = 1 - p * z / (i * (i - 1));
    return t * p;
}

double math_cos_pi(double x)
{
    if (x <= 0.25)
        return cos_small(PI * x);
    if (x >= 0.75)
        return -cos_small(PI * (1 - x));
    return sin_small(PI * (0.5 - x));
}
