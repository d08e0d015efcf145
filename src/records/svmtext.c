#include "records/svmtext.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define ENTRY_BYTES_MIN 4 /* of libsvm: "0:0" and what separates it */
#define ENTRIES_ENOUGH (1u << 20) /* of one call: memory stays bounded whatever the lines hold */

static const char EXPECTED_LABEL[] = "a number as the label of the row";
static const char EXPECTED_LIBSVM[] = "INDEX:VALUE, a whole number from 0 and a number that float32 can hold";
static const char EXPECTED_LIBFFM[] = "FIELD:INDEX:VALUE, two whole numbers from 0 and a number that float32 can hold";

void svm_rows_init(svm_rows *r) { memset(r, 0, sizeof *r); }

void svm_rows_release(svm_rows *r)
{
    buf_release(&r->label);
    buf_release(&r->offset);
    buf_release(&r->field);
    buf_release(&r->index);
    buf_release(&r->value);
    svm_rows_init(r);
}

int svm_rows_reserve(svm_rows *r, enum svm_kind kind, size_t rows, size_t entries, shoal_error *err)
{
    int code = buf_reserve(&r->label, rows * sizeof(float), err);
    if (code == 0) code = buf_reserve(&r->offset, rows * sizeof(int32_t), err);
    if (code == 0 && kind == SVM_LIBFFM) code = buf_reserve(&r->field, entries * sizeof(int32_t), err);
    if (code == 0) code = buf_reserve(&r->index, entries * sizeof(int64_t), err);
    return code < 0 ? code : buf_reserve(&r->value, entries * sizeof(float), err);
}

/* ---- numbers: eight digits at a time in one register ---------------------------------------------------------------- */

static __attribute__((noinline)) uint64_t load_rest(const char *p, const char *end)
{
    uint64_t x = 0;
    for (int i = 0; p + i < end; i++) x |= (uint64_t)(uint8_t)p[i] << 8 * i;
    return x;
}

static inline uint64_t load_8(const char *p, const char *end)
{
    uint64_t x;
    if (__builtin_expect(end - p < 8, 0)) return load_rest(p, end);
    memcpy(&x, p, 8);
    return x;
}

static inline int is_digit(const char *p, const char *end) { return p < end && (unsigned)(*p - '0') <= 9; }

/* The high bit of each byte that is no digit, where x holds digits as the numbers that they are. Adding 0x76 sets the high bit of
 * anything above 9, and a carry only reaches bytes behind one that is no digit already. */
static inline uint64_t no_digits(uint64_t x) { return ((x + 0x7676767676767676u) | x) & 0x8080808080808080u; }

/* The first n bytes of x, 1 to 8 digits. */
static inline uint64_t digits_of(uint64_t x, int n)
{
    x <<= 64 - 8 * n; /* leading zeros instead of what follows */
    x = x * 10 + (x >> 8); /* pairs of digits in every other byte */
    return ((x & 0x000000ff000000ffu) * 0x000f424000000064u + (x >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
}

/* The digits at p, at most `most` <= 8, as a number; returns how many. */
static inline int digits_8(const char *p, const char *end, int most, uint64_t *v)
{
    const uint64_t x = load_8(p, end) ^ 0x3030303030303030u, other = no_digits(x);
    int n = other ? __builtin_ctzll(other) >> 3 : 8;
    n = n < most ? n : most;
    *v = n == 0 ? 0 : digits_of(x, n);
    return n;
}

/* A whole number of at most `limit` with its end in *p; 0 when there is none. */
static inline int whole_number(const char **p, const char *end, uint64_t limit, uint64_t *v)
{
    int n = digits_8(*p, end, 8, v);
    *p += n;
    if (n < 8) return n > 0 && *v <= limit;
    for (; is_digit(*p, end); ++*p) {
        unsigned digit = (unsigned)(**p - '0');
        if (*v > (limit - digit) / 10) return 0;
        *v = *v * 10 + digit;
    }
    return *v <= limit;
}

static const char *token_end(const char *p, const char *end)
{
    while (p < end && *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') p++;
    return p;
}

/* Any number in decimal, and nan, inf, -inf. */
static int slow_float(const char **p, const char *end, float *out)
{
    view v = view_of(*p, (size_t)(token_end(*p, end) - *p));
    *p += v.n;
    int sign = v.n > 0 && (v.p[0] == '-' || v.p[0] == '+');
    if (v.n == 3u + (size_t)sign && strncasecmp(v.p + sign, "inf", 3) == 0) *out = v.p[0] == '-' ? -INFINITY : INFINITY;
    else if (v.n == 3 && strncasecmp(v.p, "nan", 3) == 0) *out = NAN;
    else return view_to_f32(v, out) == 0;
    return 1;
}

/* Rounding a quotient first to double and then to float goes wrong only when the double lies in the middle of two floats;
 * one below the normal numbers of float is left to slow_float too. */
static inline int rounds_once(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & 0x1fffffff) != 0x10000000 && (x >= 0x1p-126 || x == 0);
}

/* Most values: digits [. digits] and what separates, all within eight bytes. Two whole numbers that are floats have a quotient that
 * is rounded once. 0 for all else, with nothing taken. */
static inline int short_float(const char **p, const char *end, float *out)
{
    static const float TEN[8] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f};
    if (end - *p < 8) return 0;
    const uint64_t x = load_8(*p, end) ^ 0x3030303030303030u, other = no_digits(x);
    /* Where the number ends is found without asking first whether it has a point: that would be guessed wrong, or waited for. */
    const uint64_t other_than_point = x ^ 0x1e1e1e1e1e1e1e1eu;
    const uint64_t ends = other & (((other_than_point & 0x7f7f7f7f7f7f7f7fu) + 0x7f7f7f7f7f7f7f7fu) | other_than_point);
    if (!ends) return 0;
    const int m = __builtin_ctzll(ends) >> 3, n = __builtin_ctzll(other) >> 3;
    const uint64_t points = other & ((1ull << 8 * m) - 1);
    const int digits = m - (points != 0);
    if ((points & (points - 1)) || digits == 0 || (uint8_t)(*p)[m] > ' ') return 0;
    const uint64_t whole = (1ull << 8 * n) - 1;
    *out = (float)digits_of((x & whole) | (x >> 8 & ~whole), digits) / TEN[digits - n];
    *p += m;
    return 1;
}

/* digits [. digits] of at most 8 and 15 digits (8 when the first are not 0), which a double divides exactly rounded; further
 * digits are passed over when the float is the same whatever they are. */
static int long_float(const char **p, const char *end, float *out)
{
    static const double TEN[16] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *at = *p, *start = at;
    int minus = at < end && *at == '-', n, k = 0, more = 0;
    uint64_t whole, part = 0;
    at += minus || (at < end && *at == '+');
    n = digits_8(at, end, 8, &whole);
    at += n;
    if (n == 8 && is_digit(at, end)) return slow_float(p, end, out);
    if (at < end && *at == '.') {
        k = digits_8(++at, end, 8, &part);
        at += k;
        if (k == 8 && is_digit(at, end)) {
            uint64_t tail;
            if (whole != 0) return slow_float(p, end, out);
            int j = digits_8(at, end, 7, &tail);
            at += j;
            k += j;
            for (; j > 0; j--) part *= 10;
            part += tail;
            while (is_digit(at, end)) more = 1, at++;
        }
    }
    if (n + k == 0 || (at < end && (*at | 0x20) == 'e')) return slow_float(p, end, out);
    *p = at;
    if (k == 0) {
        *out = minus ? -(float)whole : (float)whole;
        return 1;
    }
    double m = (double)whole * TEN[k] + (double)part, x = m / TEN[k];
    if (!rounds_once(x) || (more && (!rounds_once((m + 1) / TEN[k]) || (float)((m + 1) / TEN[k]) != (float)x))) {
        *p = start;
        return slow_float(p, end, out);
    }
    *out = minus ? -(float)x : (float)x;
    return 1;
}

static inline int float_number(const char **p, const char *end, float *out)
{
    const char *at = *p;
    const int minus = at < end && *at == '-';
    at += minus;
    if (!short_float(&at, end, out)) return long_float(p, end, out);
    *p = at;
    if (minus) *out = -*out;
    return 1;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------ */

typedef struct line_at {
    const char *p, *end;  /* the end of the line's content */
    const char *text_end; /* numbers end before the line does, so they may be looked for up to here */
    const char *token;    /* that is read, for messages */
} line_at;

static inline int skip_blank(line_at *l)
{
    while (l->p < l->end && (*l->p == ' ' || *l->p == '\t')) l->p++;
    l->token = l->p;
    return l->p < l->end && *l->p != '#';
}

static inline int at_break(const line_at *l) { return l->p == l->end || *l->p == ' ' || *l->p == '\t'; }

static inline int one_entry(line_at *l, enum svm_kind kind, int32_t *field, int64_t *index, float *value)
{
    uint64_t v;
    if (kind == SVM_LIBFFM) {
        if (!whole_number(&l->p, l->text_end, INT32_MAX, &v) || l->p == l->end || *l->p != ':') return 0;
        *field = (int32_t)v;
        l->p++;
    }
    if (!whole_number(&l->p, l->text_end, INT64_MAX, &v) || l->p == l->end || *l->p != ':') return 0;
    *index = (int64_t)v;
    l->p++;
    return float_number(&l->p, l->text_end, value) && at_break(l);
}

/* The entries behind a label. Room for as many as the line can hold is there. Returns nonzero at a bad one. */
static inline int line_entries(line_at *l, enum svm_kind kind, svm_rows *out)
{
    int32_t *field = kind == SVM_LIBFFM ? (int32_t *)(void *)out->field.data + out->entries : NULL;
    int64_t *index = (int64_t *)(void *)out->index.data + out->entries;
    float *value = (float *)(void *)out->value.data + out->entries;
    size_t n = 0;
    while (skip_blank(l)) {
        int32_t unused;
        if (!one_entry(l, kind, kind == SVM_LIBFFM ? field + n : &unused, index + n, value + n)) return 1;
        n++;
    }
    out->entries += n;
    return 0;
}

static int line_room(svm_rows *out, enum svm_kind kind, size_t bytes, shoal_error *err) { return svm_rows_reserve(out, kind, 1, bytes / ENTRY_BYTES_MIN + 1, err); }

static void row_done(svm_rows *out, enum svm_kind kind, float label)
{
    int32_t end = (int32_t)out->entries;
    memcpy(out->label.data + out->label.len, &label, sizeof label);
    memcpy(out->offset.data + out->offset.len, &end, sizeof end);
    out->label.len += sizeof label;
    out->offset.len += sizeof end;
    if (kind == SVM_LIBFFM) out->field.len = out->entries * sizeof(int32_t);
    out->index.len = out->entries * sizeof(int64_t);
    out->value.len = out->entries * sizeof(float);
    out->rows++;
}

/* 0, NOMEM, or DATA with *expected. */
static int one_line(enum svm_kind kind, line_at *l, svm_rows *out, const char **expected, shoal_error *err)
{
    float label;
    if (!skip_blank(l)) return 0;
    int r = line_room(out, kind, (size_t)(l->end - l->p), err);
    if (r < 0) return r;
    *expected = EXPECTED_LABEL;
    if (!float_number(&l->p, l->text_end, &label) || !at_break(l)) return SHOAL_DATA;
    *expected = kind == SVM_LIBFFM ? EXPECTED_LIBFFM : EXPECTED_LIBSVM;
    if (line_entries(l, kind, out)) return SHOAL_DATA;
    row_done(out, kind, label);
    return 0;
}

int svm_parse(enum svm_kind kind, view text, size_t max_rows, svm_rows *out, size_t *used, size_t *lines, svm_fault *fault,
              shoal_error *err)
{
    const char *p = text.p, *end = text.p + text.n;
    int r = 0;
    *used = *lines = 0;
    if (out->offset.len == 0) {
        int32_t zero = 0;
        if ((r = buf_append(&out->offset, &zero, sizeof zero, err)) < 0) return r;
    }
    while (p < end && out->rows < max_rows && out->entries < ENTRIES_ENOUGH) {
        const char *feed = memchr(p, '\n', (size_t)(end - p)), *next = feed ? feed + 1 : end;
        line_at l = {p, feed ? feed : end, end, p};
        if (l.end > p && l.end[-1] == '\r') l.end--;
        if ((r = one_line(kind, &l, out, &fault->expected, err)) < 0) {
            fault->line = *lines + 1;
            fault->column = (size_t)(l.token - p) + 1;
            fault->token = view_of(l.token, (size_t)(token_end(l.token, l.end) - l.token));
            return r;
        }
        p = next;
        ++*lines;
    }
    *used = (size_t)(p - text.p);
    return 0;
}
