#include "table/cell_parse.h"

#include <float.h>
#include <string.h>
#include <strings.h>

#define DAY_S 86400
#define EXACT_MAX (1ull << 53) /* whole numbers up to this are doubles */
#define EXACT_POWER 22         /* and so are powers of ten up to this */
#define LONG_POWER 27          /* in a long double, whose 64 bits also hold any uint64_t */
#define YEAR_DIGITS_MAX 7      /* days of 32 bits end in the year 5881580 */

static view trimmed(view v)
{
    while (v.n > 0 && (*v.p == ' ' || *v.p == '\t')) v.p++, v.n--;
    while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t')) v.n--;
    return v;
}

static int is_word(view v, const char *word) { return v.n == strlen(word) && strncasecmp(v.p, word, v.n) == 0; }
static inline int is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- numbers: [+-] digits [. digits] [e [+-] digits], no 0 in front of other digits -------------------------------------- */

typedef struct number {
    int negative, is_real, too_long; /* too_long: the digits are not all in `digits` */
    uint64_t digits;
    int power;                       /* of ten */
} number;

static const char *scan_digits(const char *p, const char *end, number *n, int *count)
{
    const char *start = p;
    for (; p < end && is_digit(*p); p++) {
        unsigned d = (unsigned)(*p - '0');
        if (n->digits >= UINT64_MAX / 10 && n->digits > (UINT64_MAX - d) / 10) n->too_long = 1;
        else n->digits = n->digits * 10 + d;
    }
    *count = (int)(p - start);
    return p;
}

static int scan_number(view v, number *n)
{
    const char *p = v.p, *end = v.p + v.n;
    int whole, fraction = 0;
    memset(n, 0, sizeof *n);
    if (p < end && (*p == '-' || *p == '+')) n->negative = *p++ == '-';
    const char *first = p;
    p = scan_digits(p, end, n, &whole);
    if (whole > 1 && *first == '0') return 0;
    if (p < end && *p == '.') {
        p = scan_digits(p + 1, end, n, &fraction);
        n->is_real = 1;
        n->power = -fraction;
    }
    if (whole + fraction == 0) return 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int minus = 0, digits = 0, power = 0;
        if (++p < end && (*p == '-' || *p == '+')) minus = *p++ == '-';
        for (; p < end && is_digit(*p); p++, digits++)
            if (power < 100000) power = power * 10 + *p - '0';
        if (digits == 0) return 0;
        n->is_real = 1;
        n->power += minus ? -power : power;
    }
    if (n->digits == 0 && n->negative && !n->too_long) n->is_real = 1; /* -0 is no whole number's */
    return p == end;
}

/* A number as a long double, which is rounded once, and rounding it again to fewer bits gives what the number itself is rounded to,
 * unless it stands in the middle of two values that have `drop` bits less: then, and where a table has no power, 0. */
static int number_long(const number *n, int drop, long double *out)
{
    static const long double POWER[LONG_POWER + 1] = {1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L,
                                                      1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    uint64_t bits;
    if (n->too_long || n->power < -LONG_POWER || n->power > LONG_POWER) return 0;
    long double x = (long double)n->digits;
    x = n->power < 0 ? x / POWER[-n->power] : x * POWER[n->power];
    memcpy(&bits, &x, sizeof bits); /* x86's 80 bits start with the 64 of the fraction */
    *out = n->negative ? -x : x;
    return (bits & ((1ull << drop) - 1)) != 1ull << (drop - 1);
}

static int number_f64(const number *n, view v, double *out)
{
    static const double POWER[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!n->too_long && n->digits <= EXACT_MAX && n->power >= -EXACT_POWER && n->power <= EXACT_POWER) {
        double d = (double)n->digits; /* two exact numbers: one rounding, the right one */
        d = n->power < 0 ? d / POWER[-n->power] : d * POWER[n->power];
        *out = n->negative ? -d : d;
        return 1;
    }
    if (!n->is_real && (n->too_long || (double)n->digits >= 0x1p64 || (uint64_t)(double)n->digits != n->digits)) return 0;
    long double x;
    if (n->is_real && number_long(n, 64 - DBL_MANT_DIG, &x)) {
        *out = (double)x;
        return 1;
    }
    if (view_to_f64(v, out) < 0) return 0;
    return *out != 0 || (n->digits == 0 && !n->too_long);
}

static int number_i64(const number *n, int64_t *out)
{
    if (n->is_real || n->too_long || n->digits > (uint64_t)INT64_MAX + (uint64_t)n->negative) return 0;
    *out = n->negative ? (int64_t)(0 - n->digits) : (int64_t)n->digits;
    return 1;
}

static int special_f64(view v, double *out)
{
    int negative = v.n > 0 && *v.p == '-';
    view word = v;
    if (v.n > 0 && (*v.p == '-' || *v.p == '+')) word = view_of(v.p + 1, v.n - 1);
    if (is_word(v, "nan")) *out = (double)__builtin_nanf("");
    else if (is_word(word, "inf") || is_word(word, "infinity")) *out = negative ? -__builtin_inf() : __builtin_inf();
    else return 0;
    return 1;
}

unsigned cell_kinds_special(view v)
{
    double d;
    return special_f64(v, &d) ? CELL_F64 | CELL_REAL : 0;
}

static unsigned number_kinds(view v)
{
    number n;
    int64_t i;
    double d;
    unsigned kinds = 0;
    if (!scan_number(v, &n)) return 0;
    if (number_i64(&n, &i)) kinds |= CELL_I64;
    if (!n.is_real && !n.too_long && (!n.negative || n.digits == 0)) kinds |= CELL_U64;
    if (number_f64(&n, v, &d)) kinds |= CELL_F64;
    return kinds | (n.is_real ? CELL_REAL : 0);
}

/* ---- dates and times: ISO 8601 alone ----------------------------------------------------------------------------------- */

typedef struct moment {
    int64_t days, seconds; /* since 1970-01-01; of the day, less the zone */
    int nanos, digits;     /* the fraction, and digits of it that are not 0 behind */
    int has_clock, zoned;
} moment;

/* Days since 1970-01-01 of a civil date (proleptic Gregorian): eras of 400 years, years that start in March. */
static int64_t days_of_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
    int64_t in_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static const char *two_digits(const char *p, const char *end, int *out)
{
    if (!p || end - p < 2 || !is_digit(p[0]) || !is_digit(p[1])) return NULL;
    *out = (p[0] - '0') * 10 + p[1] - '0';
    return p + 2;
}

static const char *one(const char *p, const char *end, char c) { return p && p < end && *p == c ? p + 1 : NULL; }

static const char *parse_date(const char *p, const char *end, int64_t *days)
{
    static const int DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int minus = p < end && *p == '-', digits = 0, month, day;
    int64_t year = 0;
    for (p += minus; p < end && is_digit(*p) && digits < YEAR_DIGITS_MAX; p++, digits++) year = year * 10 + *p - '0';
    if (digits < 4 || (digits > 4 && p[-digits] == '0')) return NULL;
    if (minus) year = -year;
    p = two_digits(one(p, end, '-'), end, &month);
    p = two_digits(one(p, end, '-'), end, &day);
    if (!p || month < 1 || month > 12 || day < 1 || day > DAYS[month - 1]) return NULL;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap) return NULL;
    *days = days_of_civil(year, month, day);
    return p;
}

/* HH:MM:SS and up to nine digits of a fraction. */
static const char *parse_clock(const char *p, const char *end, moment *m)
{
    int hour, minute, second;
    p = two_digits(p, end, &hour);
    p = two_digits(one(p, end, ':'), end, &minute);
    p = two_digits(one(p, end, ':'), end, &second);
    if (!p || hour > 23 || minute > 59 || second > 59) return NULL;
    m->seconds = hour * 3600 + minute * 60 + second;
    if (p == end || *p != '.') return p;
    int digits = 0, scale = 100000000;
    for (p++; p < end && is_digit(*p) && digits < 9; p++, scale /= 10) {
        digits++;
        m->nanos += (*p - '0') * scale;
        if (*p != '0') m->digits = digits;
    }
    return digits > 0 ? p : NULL;
}

/* Z, or [+-]HH, HHMM or HH:MM. */
static const char *parse_zone(const char *p, const char *end, moment *m)
{
    int hours, minutes = 0;
    if (p < end && (*p == 'Z' || *p == 'z')) {
        m->zoned = 1;
        return p + 1;
    }
    if (p == end || (*p != '+' && *p != '-')) return p;
    int minus = *p == '-';
    p = two_digits(p + 1, end, &hours);
    if (p && p < end) p = two_digits(*p == ':' ? p + 1 : p, end, &minutes);
    if (!p || hours > 18 || minutes > 59) return NULL;
    m->zoned = 1;
    m->seconds -= (minus ? -1 : 1) * (hours * 3600 + minutes * 60);
    return p;
}

static int parse_moment(view v, moment *m)
{
    const char *end = v.p + v.n, *p = parse_date(v.p, end, &m->days);
    if (!p || p == end) return p != NULL;
    if (*p != ' ' && *p != 'T') return 0;
    m->has_clock = 1;
    p = parse_clock(p + 1, end, m);
    if (p) p = parse_zone(p, end, m);
    return p == end;
}

/* Units since 1970 of a moment; 0 when it needs more digits, or is too far away for 64 bits. */
static int moment_units(const moment *m, int digits, int64_t *out)
{
    int64_t per_second = 1, nanos_per_unit = 1000000000, seconds;
    for (int i = 0; i < digits; i++) per_second *= 10, nanos_per_unit /= 10;
    if (m->digits > digits) return 0;
    return !__builtin_mul_overflow(m->days, DAY_S, &seconds) && !__builtin_add_overflow(seconds, m->seconds, &seconds) &&
           !__builtin_mul_overflow(seconds, per_second, out) && !__builtin_add_overflow(*out, m->nanos / nanos_per_unit, out);
}

static unsigned moment_kinds(view v)
{
    moment m = {0};
    int64_t units;
    unsigned kinds = 0;
    if (!parse_moment(v, &m)) {
        memset(&m, 0, sizeof m);
        if (v.n < 8 || parse_clock(v.p, v.p + v.n, &m) != v.p + v.n) return 0;
        return CELL_TIME_NS | (m.digits <= 6 ? CELL_TIME_US : 0);
    }
    if (!m.has_clock && m.days >= INT32_MIN && m.days <= INT32_MAX) kinds |= CELL_DATE;
    if (moment_units(&m, 6, &units)) kinds |= m.zoned ? CELL_ZONED_US : CELL_US;
    if (moment_units(&m, 9, &units)) kinds |= m.zoned ? CELL_ZONED_NS : CELL_NS;
    return kinds;
}

/* ---- any ------------------------------------------------------------------------------------------------------------------- */

unsigned cell_kinds(view v)
{
    v = trimmed(v);
    if (v.n == 0) return 0;
    char c = *v.p;
    if (is_digit(c) || c == '-' || c == '+' || c == '.') {
        unsigned kinds = number_kinds(v);
        if (kinds) return kinds;
        return is_digit(c) || is_digit(v.p[v.n - 1]) ? moment_kinds(v) : cell_kinds_special(v);
    }
    if (is_word(v, "true") || is_word(v, "false")) return CELL_BOOL;
    return cell_kinds_special(v);
}

const char *cell_format(unsigned all, unsigned any)
{
    static const struct { unsigned kind; const char *format; } FORMAT[] = {
        {CELL_BOOL, "b"}, {CELL_I64, "l"}, {CELL_U64, "L"}, {CELL_F64, "g"}, {CELL_DATE, "tdD"}, {CELL_US, "tsu:"}, {CELL_NS, "tsn:"},
        {CELL_ZONED_US, "tsu:UTC"}, {CELL_ZONED_NS, "tsn:UTC"}, {CELL_TIME_US, "ttu"}, {CELL_TIME_NS, "ttn"},
    };
    if (any == 0) return "u";
    if (!(any & CELL_REAL)) all &= ~(unsigned)CELL_F64;
    for (size_t i = 0; i < sizeof FORMAT / sizeof FORMAT[0]; i++)
        if (all & FORMAT[i].kind) return FORMAT[i].format;
    return "u";
}

int cell_target_of(const struct ArrowSchema *field, cell_target *out)
{
    memset(out, 0, sizeof *out);
    out->type = arrow_type_of(field);
    if (out->type == ARROW_TIMESTAMP || out->type == ARROW_TIME) {
        char unit = field->format[2];
        out->digits = unit == 's' ? 0 : unit == 'm' ? 3 : unit == 'u' ? 6 : 9;
        out->zoned = out->type == ARROW_TIMESTAMP && field->format[4];
        return 1;
    }
    return out->type == ARROW_BOOL || out->type == ARROW_UTF8 || out->type == ARROW_DATE32 || arrow_type_is_int(out->type) || arrow_type_is_float(out->type);
}

static int int_value(enum arrow_type t, view v, int64_t *out)
{
    static const struct { int64_t low, high; } RANGE[] = {
        [ARROW_I8] = {INT8_MIN, INT8_MAX}, [ARROW_I16] = {INT16_MIN, INT16_MAX}, [ARROW_I32] = {INT32_MIN, INT32_MAX}, [ARROW_I64] = {INT64_MIN, INT64_MAX},
        [ARROW_U8] = {0, UINT8_MAX}, [ARROW_U16] = {0, UINT16_MAX}, [ARROW_U32] = {0, UINT32_MAX},
    };
    number n;
    if (!scan_number(v, &n)) return 0;
    if (t == ARROW_U64) {
        *out = (int64_t)n.digits;
        return !n.is_real && !n.too_long && !(n.negative && n.digits > 0);
    }
    return number_i64(&n, out) && *out >= RANGE[t].low && *out <= RANGE[t].high;
}

static int float_value(const cell_target *t, view v, double *out)
{
    number n;
    float narrow;
    if (!scan_number(v, &n)) return special_f64(v, out);
    if (t->type == ARROW_F64) return number_f64(&n, v, out);
    long double x;
    if (number_long(&n, 64 - FLT_MANT_DIG, &x) && x <= FLT_MAX && x >= -FLT_MAX) {
        *out = (double)(float)x;
        return 1;
    }
    if (view_to_f32(v, &narrow) < 0) return 0;
    *out = (double)narrow;
    return 1;
}

static int time_value(const cell_target *t, view v, int64_t *out)
{
    moment m = {0};
    if (t->type == ARROW_TIME) return parse_clock(v.p, v.p + v.n, &m) == v.p + v.n && moment_units(&m, t->digits, out);
    if (!parse_moment(v, &m)) return 0;
    if (t->type == ARROW_DATE32) {
        *out = m.days;
        return !m.has_clock && m.days >= INT32_MIN && m.days <= INT32_MAX;
    }
    return m.zoned == t->zoned && moment_units(&m, t->digits, out);
}

int cell_value(const cell_target *t, view v, int64_t *i, double *f)
{
    v = trimmed(v);
    if (v.n == 0) return 0;
    if (t->type == ARROW_BOOL) {
        *i = is_word(v, "true");
        return *i || is_word(v, "false");
    }
    if (arrow_type_is_float(t->type)) return float_value(t, v, f);
    return arrow_type_is_int(t->type) ? int_value(t->type, v, i) : time_value(t, v, i);
}
