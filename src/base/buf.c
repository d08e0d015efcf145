/* buf.c: growth, text and JSON out; strict numbers and UTF-8 in. */
#include "base/buf.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST_BYTES 256
#define SHORT_DECIMALS 9
#define NUMBER_CHARS_MAX 400 /* longer than any double written out in full */

void buf_init(buf *b)
{
    memset(b, 0, sizeof *b);
}

void buf_release(buf *b)
{
    mem_free(b->data);
    buf_init(b);
}

void buf_clear(buf *b)
{
    b->len = 0;
}

int buf_reserve(buf *b, size_t n, shoal_error *err)
{
    if (n <= b->cap - b->len)
        return 0;
    if (n > PTRDIFF_MAX - b->len)
        return error_nomem(err, n, "a buffer");
    size_t need = b->len + n, cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap < need)
        cap = cap > PTRDIFF_MAX / 2 ? need : cap * 2;
    uint8_t *data = mem_realloc(b->data, cap);
    if (data == NULL)
        return error_nomem(err, cap, "a buffer");
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_append(buf *b, const void *p, size_t n, shoal_error *err)
{
    int rc = buf_reserve(b, n, err);
    if (rc == 0 && n > 0) {
        memcpy(b->data + b->len, p, n);
        b->len += n;
    }
    return rc;
}

int buf_puts(buf *b, const char *s, shoal_error *err)
{
    return buf_append(b, s, strlen(s), err);
}

int buf_putc(buf *b, char c, shoal_error *err)
{
    return buf_append(b, &c, 1, err);
}

int buf_printf(buf *b, shoal_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return error_set(err, SHOAL_INTERNAL, "a text cannot be formatted");
    int rc = buf_reserve(b, (size_t)n + 1, err);
    if (rc < 0)
        return rc;
    va_start(args, format);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return 0;
}

const char *buf_str(buf *b)
{
    if (buf_reserve(b, 1, NULL) < 0)
        return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

/* Bytes of the well-formed UTF-8 sequence at p (Unicode, table 3-7), or 0. */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
    uint8_t c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || n < len)
        return 0;
    uint8_t low = 0x80, high = 0xbf; /* of the second byte: neither overlong, surrogate nor beyond U+10FFFF */
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

int view_is_utf8(view v)
{
    const uint8_t *p = (const uint8_t *)v.p;
    size_t i = 0;
    while (i < v.n) {
        uint64_t word;
        if (v.n - i >= 8 && (memcpy(&word, p + i, 8), (word & 0x8080808080808080ull) == 0)) {
            i += 8;
            continue;
        }
        size_t len = utf8_sequence(p + i, v.n - i);
        if (len == 0)
            return 0;
        i += len;
    }
    return 1;
}

static int put_json_special(buf *b, uint8_t c, shoal_error *err)
{
    switch (c) {
    case '"': return buf_append(b, "\\\"", 2, err);
    case '\\': return buf_append(b, "\\\\", 2, err);
    case '\n': return buf_append(b, "\\n", 2, err);
    case '\r': return buf_append(b, "\\r", 2, err);
    case '\t': return buf_append(b, "\\t", 2, err);
    default: return buf_printf(b, err, "\\u%04x", c);
    }
}

int buf_put_json(buf *b, const char *s, size_t n, shoal_error *err)
{
    const uint8_t *p = (const uint8_t *)s;
    int rc = buf_putc(b, '"', err);
    size_t plain = 0, i = 0; /* [plain, i) goes out as it is */
    while (rc == 0 && i < n) {
        size_t len = utf8_sequence(p + i, n - i);
        if (len > 0 && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f) {
            i += len;
            continue;
        }
        rc = buf_append(b, p + plain, i - plain, err);
        if (rc == 0)
            rc = len > 0 ? put_json_special(b, p[i], err) : buf_append(b, "\\ufffd", 6, err);
        plain = ++i;
    }
    if (rc == 0)
        rc = buf_append(b, p + plain, n - plain, err);
    return rc == 0 ? buf_putc(b, '"', err) : rc;
}

/* Numbers are written and read with a point, whatever the program's locale is. The object for "C" is static in glibc. */
static locale_t number_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The digits of v with a point before the last `decimals`, which are fewer than all or 0. */
static int put_digits(buf *b, int minus, uint64_t v, int decimals, shoal_error *err)
{
    char text[32], *p = text + sizeof text;
    for (int i = 0; i <= decimals || v > 0; i++) {
        if (i == decimals && i > 0)
            *--p = '.';
        *--p = (char)('0' + v % 10);
        v /= 10;
    }
    if (minus)
        *--p = '-';
    return buf_append(b, p, (size_t)(text + sizeof text - p), err);
}

/* Puts a float of at most six significant digits (which no other float then has) that is printed without an exponent;
 * 1 when done. The quotient may be rounded twice, unless it is the middle of two floats. */
static int put_short_float(buf *b, double v, shoal_error *err)
{
    double x = fabs(v), power = 10;
    if (x < 1e-4 || x >= 1e6)
        return 0;
    for (int k = 1; x * power < 1e6; k++, power *= 10) {
        double m = rint(x * power), back = m / power;
        uint64_t bits;
        memcpy(&bits, &back, sizeof bits);
        if ((double)(float)back == x && m < 1e6 && (bits & 0x1fffffff) != 0x10000000) {
            int r = put_digits(b, v < 0, (uint64_t)m, k, err);
            return r < 0 ? r : 1;
        }
    }
    return 0;
}

/* Puts a double of at most 15 significant digits (which no other double then has), few of them behind the point, that is printed
 * without an exponent; 1 when done. The quotient of two whole numbers that are doubles is rounded once. */
static int put_short_double(buf *b, double v, shoal_error *err)
{
    double x = fabs(v), power = 10;
    if (x < 1e-4 || x >= 1e14)
        return 0;
    for (int k = 1; k <= SHORT_DECIMALS && x * power < 1e15; k++, power *= 10) {
        double m = rint(x * power);
        if (m / power == x && m < 1e15) {
            int r = put_digits(b, v < 0, (uint64_t)m, k, err);
            return r < 0 ? r : 1;
        }
    }
    return 0;
}

/* The fewest digits from which the same value is read back. */
static size_t shortest(double v, int is_float, char *text, size_t room)
{
    locale_t c = number_locale(), was = uselocale(c);
    /* So many digits always survive reading back, except in subnormal numbers, which may need fewer. */
    int digits = is_float ? 6 : 15, most = is_float ? 9 : 17;
    if (fabs(v) < (is_float ? (double)0x1p-126f : 0x1p-1022))
        digits = 1;
    int n = 0;
    for (; digits <= most; digits++) {
        n = snprintf(text, room, "%.*g", digits, v);
        if (is_float ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)
            break;
    }
    uselocale(was);
    freelocale(c);
    return (size_t)n;
}

static int put_number(buf *b, double v, int is_float, shoal_error *err)
{
    if (!isfinite(v))
        return buf_append(b, "null", 4, err);
    if (v == 0 && signbit(v))
        return buf_append(b, "-0.0", 4, err); /* many take -0 for an integer */
    if (v == rint(v) && fabs(v) < 1e15)
        return put_digits(b, v < 0, (uint64_t)fabs(v), 0, err);
    int done = is_float ? put_short_float(b, v, err) : put_short_double(b, v, err);
    if (done != 0)
        return done < 0 ? done : 0;
    char text[64];
    return buf_append(b, text, shortest(v, is_float, text, sizeof text), err);
}

const char *f64_text(double v, char out[F64_TEXT])
{
    shortest(v, 0, out, F64_TEXT);
    return out;
}

int buf_put_f64(buf *b, double v, shoal_error *err)
{
    return put_number(b, v, 0, err);
}

int buf_put_f32(buf *b, float v, shoal_error *err)
{
    return put_number(b, (double)v, 1, err);
}

int view_eq(view v, const char *s)
{
    return strlen(s) == v.n && (v.n == 0 || memcmp(v.p, s, v.n) == 0);
}

int view_to_i64(view v, int64_t *out)
{
    size_t i = 0;
    int minus = v.n > 0 && v.p[0] == '-';
    if (v.n > 0 && (v.p[0] == '-' || v.p[0] == '+'))
        i = 1;
    if (i == v.n)
        return SHOAL_DATA;
    uint64_t limit = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, value = 0;
    for (; i < v.n; i++) {
        unsigned digit = (unsigned)(unsigned char)v.p[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return SHOAL_DATA;
        value = value * 10 + digit;
    }
    *out = minus ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

static size_t skip_digits(view v, size_t i)
{
    while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
        i++;
    return i;
}

/* sign? (digits point? digits? | point digits) (e sign? digits)? */
static int is_decimal(view v)
{
    size_t i = v.n > 0 && (v.p[0] == '-' || v.p[0] == '+') ? 1 : 0;
    size_t whole = skip_digits(v, i), digits = whole - i;
    i = whole;
    if (i < v.n && v.p[i] == '.') {
        size_t end = skip_digits(v, i + 1);
        digits += end - i - 1;
        i = end;
    }
    if (digits == 0)
        return 0;
    if (i < v.n && (v.p[i] == 'e' || v.p[i] == 'E')) {
        i++;
        if (i < v.n && (v.p[i] == '-' || v.p[i] == '+'))
            i++;
        size_t end = skip_digits(v, i);
        if (end == i)
            return 0;
        i = end;
    }
    return i == v.n;
}

/* The text of a number with a NUL behind it; DATA when it is none. */
static int decimal_text(view v, char text[NUMBER_CHARS_MAX + 1])
{
    if (v.n > NUMBER_CHARS_MAX || !is_decimal(v))
        return SHOAL_DATA;
    memcpy(text, v.p, v.n);
    text[v.n] = '\0';
    return 0;
}

int view_to_f64(view v, double *out)
{
    char text[NUMBER_CHARS_MAX + 1];
    if (decimal_text(v, text))
        return SHOAL_DATA;
    locale_t c = number_locale();
    double value = strtod_l(text, NULL, c);
    freelocale(c);
    if (!isfinite(value))
        return SHOAL_DATA;
    *out = value;
    return 0;
}

int view_to_f32(view v, float *out)
{
    char text[NUMBER_CHARS_MAX + 1];
    if (decimal_text(v, text))
        return SHOAL_DATA;
    locale_t c = number_locale();
    float value = strtof_l(text, NULL, c);
    freelocale(c);
    if (!isfinite(value))
        return SHOAL_DATA;
    *out = value;
    return 0;
}
