/* mathx.h: elementary functions without libm, for everything on the way to weights: the same bits on every machine
 * (plain IEEE additions, multiplications and divisions; sqrt is the processor's). Series, not fitted polynomials, so
 * every coefficient can be checked by eye. Bounds hold against the true value; tested in mathx_test.c. */
#ifndef BASE_MATHX_H
#define BASE_MATHX_H

/* Relative error < 1e-15. log(0) is -infinity, of a negative number or NaN it is NaN, log(infinity) infinity. */
double math_log(double x);
/* log(1 + x), relative error < 2e-15, also for tiny x; x >= -1. */
double math_log1p(double x);
/* Relative error < 1e-15 where the result is normal; overflows to infinity, underflows to 0 by way of denormals. */
double math_exp(double x);
/* cos(pi x) for 0 <= x <= 1; absolute error < 5e-16. */
double math_cos_pi(double x);

#endif
