#include "records/bytefind.h"

#include <string.h>

void bytefind_any_portable(view text, const char set[4], uint32_t base, bytefind *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        out->has_high |= (uint8_t)c >> 7;
        if (c != set[0] && c != set[1] && c != set[2] && c != set[3]) continue;
        out->has_last |= c == set[3];
        out->at[out->n++] = base + (uint32_t)i;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Eight places are written at once, however many there are: the number is only looked at every eight. */
__attribute__((target("avx2,bmi,popcnt"))) static inline void put_places(bytefind *out, uint64_t bits, uint32_t base)
{
    uint32_t *at = out->at + out->n;
    const int n = __builtin_popcountll(bits);
    for (int i = 0; i < n; i += 8)
        for (int k = 0; k < 8; k++) {
            at[i + k] = base + (uint32_t)_tzcnt_u64(bits);
            bits &= bits - 1;
        }
    out->n += (size_t)n;
}

__attribute__((target("avx2,bmi,popcnt"))) static void find_avx2(view text, const char set[4], uint32_t base, bytefind *out)
{
    const __m256i a = _mm256_set1_epi8(set[0]), b = _mm256_set1_epi8(set[1]), c = _mm256_set1_epi8(set[2]), d = _mm256_set1_epi8(set[3]);
    __m256i high = _mm256_setzero_si256(), last = high;
    size_t i = 0;
    for (; i + 64 <= text.n; i += 64) {
        uint64_t bits = 0;
        for (int k = 0; k < 2; k++) {
            const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(text.p + i + 32 * k)), is_d = _mm256_cmpeq_epi8(v, d);
            const __m256i is_abc = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, a), _mm256_cmpeq_epi8(v, b)), _mm256_cmpeq_epi8(v, c));
            high = _mm256_or_si256(high, v);
            last = _mm256_or_si256(last, is_d);
            bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(is_abc, is_d)) << 32 * k;
        }
        put_places(out, bits, base + (uint32_t)i);
    }
    out->has_high |= _mm256_movemask_epi8(high) != 0;
    out->has_last |= _mm256_movemask_epi8(last) != 0;
    bytefind_any_portable(view_of(text.p + i, text.n - i), set, base + (uint32_t)i, out);
}

void bytefind_any(view text, const char set[4], uint32_t base, bytefind *out)
{
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) find_avx2(text, set, base, out);
    else bytefind_any_portable(text, set, base, out);
}
#else
void bytefind_any(view text, const char set[4], uint32_t base, bytefind *out) { bytefind_any_portable(text, set, base, out); }
#endif
