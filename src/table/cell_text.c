#include "table/cell_text.h"

#include <inttypes.h>
#include <string.h>

#define DAY_S 86400

const char *cell_special_f64(double v)
{
    if (v != v) return "NaN";
    if (v > 0 && v * 0.5 == v) return "Infinity";
    if (v < 0 && v * 0.5 == v) return "-Infinity";
    return NULL;
}

/* Civil date of days since 1970-01-01 (proleptic Gregorian): eras of 400 years, years that start in March. */
static void civil_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468; /* since 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * in_year + 2) / 153;
    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

/* The greatest numbers of days or units stand for the ends of time, as in DuckDB and PostgreSQL. */
static int put_infinity(buf *b, int64_t v, shoal_error *err) { return buf_puts(b, v < 0 ? "-infinity" : "infinity", err); }

static int put_date(buf *b, int64_t days, shoal_error *err)
{
    int64_t year;
    int month, day;
    if (days == INT32_MAX || days == -INT32_MAX) return put_infinity(b, days, err);
    civil_of_days(days, &year, &month, &day);
    return buf_printf(b, err, "%s%04" PRId64 "-%02d-%02d", year < 0 ? "-" : "", year < 0 ? -year : year, month, day);
}

/* Seconds of the day and a fraction of `digits` digits, without trailing zeros. */
static int put_clock(buf *b, int64_t seconds, int64_t fraction, int digits, shoal_error *err)
{
    int r = buf_printf(b, err, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (r < 0 || fraction == 0) return r;
    while (fraction % 10 == 0) fraction /= 10, digits--;
    return buf_printf(b, err, ".%0*" PRId64, digits, fraction);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int put_timestamp(buf *b, const char *format, int64_t v, shoal_error *err)
{
    int digits = format[2] == 's' ? 0 : format[2] == 'm' ? 3 : format[2] == 'u' ? 6 : 9;
    int64_t per_second = 1;
    if (v == INT64_MAX || v == -INT64_MAX) return put_infinity(b, v, err);
    for (int i = 0; i < digits; i++) per_second *= 10;
    int64_t seconds = floor_div(v, per_second), days = floor_div(seconds, DAY_S);
    int r = put_date(b, days, err);
    if (r == 0) r = buf_putc(b, ' ', err);
    if (r == 0) r = put_clock(b, seconds - days * DAY_S, v % per_second + (v % per_second < 0 ? per_second : 0), digits, err);
    return r == 0 && format[4] ? buf_puts(b, "+00", err) : r;
}

static int put_time(buf *b, const char *format, int64_t v, shoal_error *err)
{
    int64_t per_second = format[2] == 'n' ? 1000000000 : 1000000;
    if (v < 0 || v > DAY_S * per_second) return buf_printf(b, err, "%" PRId64, v);
    return put_clock(b, v / per_second, v % per_second, format[2] == 'n' ? 9 : 6, err);
}

static int put_decimal(buf *b, const char *format, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    char digits[48];
    int n = 0, scale = 0;
    unsigned __int128 v;
    memcpy(&v, (const char *)a->buffers[1] + 16 * (row + a->offset), 16);
    int negative = (__int128)v < 0;
    if (negative) v = -v;
    const char *comma = strchr(format, ',');
    while (comma && comma[1] >= '0' && comma[1] <= '9') scale = scale * 10 + *++comma - '0';
    if (scale > 38) scale = 38;
    do digits[n++] = (char)('0' + (int)(v % 10)), v /= 10;
    while (v > 0 || n <= scale);
    int r = negative ? buf_putc(b, '-', err) : 0;
    while (r == 0 && n > 0) {
        if (n == scale) r = buf_putc(b, '.', err);
        if (r == 0) r = buf_putc(b, digits[--n], err);
    }
    return r;
}

/* Bytes as DuckDB writes its BLOBs: printable ASCII as it is, all else and the backslash as \xHH. */
static int put_bytes(buf *b, view v, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < v.n; i++) {
        uint8_t c = (uint8_t)v.p[i];
        r = c >= ' ' && c < 0x7f && c != '\\' && c != '"' && c != '\'' ? buf_putc(b, (char)c, err) : buf_printf(b, err, "\\x%02X", c);
    }
    return r;
}

static int put_f64(buf *b, enum arrow_type t, double v, shoal_error *err)
{
    return t == ARROW_F32 ? buf_put_f32(b, (float)v, err) : buf_put_f64(b, v, err);
}

/* The types whose text is the same in every form. */
static int put_plain(buf *b, enum arrow_type t, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    switch (t) {
    case ARROW_BOOL: return buf_puts(b, arrow_i64(t, a, row) ? "true" : "false", err);
    case ARROW_U64: return buf_printf(b, err, "%" PRIu64, (uint64_t)arrow_i64(t, a, row));
    case ARROW_DATE32: return put_date(b, arrow_i64(t, a, row), err);
    case ARROW_TIMESTAMP: return put_timestamp(b, field->format, arrow_i64(t, a, row), err);
    case ARROW_TIME: return put_time(b, field->format, arrow_i64(t, a, row), err);
    case ARROW_DECIMAL128: return put_decimal(b, field->format, a, row, err);
    case ARROW_BINARY:
    case ARROW_LARGE_BINARY: return put_bytes(b, arrow_text(t, a, row), err);
    default: return buf_printf(b, err, "%" PRId64, arrow_i64(t, a, row));
    }
}

static int put_json_list(buf *b, enum arrow_type t, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    int64_t begin, end;
    arrow_list(t, a, row, &begin, &end);
    int r = buf_putc(b, '[', err);
    for (int64_t i = begin; r == 0 && i < end; i++) {
        if (i > begin) r = buf_putc(b, ',', err);
        if (r == 0) r = cell_put_json(b, field->children[0], a->children[0], i, err);
    }
    return r < 0 ? r : buf_putc(b, ']', err);
}

static int put_json_members(buf *b, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    int r = buf_putc(b, '{', err);
    for (int64_t i = 0; r == 0 && i < s->n_children; i++) {
        const char *name = s->children[i]->name;
        if (i > 0) r = buf_putc(b, ',', err);
        if (r == 0) r = buf_put_json(b, name, strlen(name), err);
        if (r == 0) r = buf_putc(b, ':', err);
        if (r == 0) r = cell_put_json(b, s->children[i], a->children[i], row, err);
    }
    return r < 0 ? r : buf_putc(b, '}', err);
}

/* An object, its keys as text. */
static int put_json_map(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    const struct ArrowSchema *entry = field->children[0];
    const struct ArrowArray *entries = a->children[0];
    int64_t begin, end;
    arrow_list(ARROW_LIST, a, row, &begin, &end);
    int r = buf_putc(b, '{', err);
    for (int64_t i = begin + entries->offset; r == 0 && i < end + entries->offset; i++) {
        buf key = BUF_INIT;
        if (i > begin + entries->offset) r = buf_putc(b, ',', err);
        if (r == 0) r = cell_put_text(&key, entry->children[0], entries->children[0], i, err);
        if (r == 0) r = buf_put_json(b, key.data ? (const char *)key.data : "", key.len, err);
        if (r == 0) r = buf_putc(b, ':', err);
        if (r == 0) r = cell_put_json(b, entry->children[1], entries->children[1], i, err);
        buf_release(&key);
    }
    return r < 0 ? r : buf_putc(b, '}', err);
}

int cell_put_json(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(field);
    if (arrow_is_null(a, row) || t == ARROW_NULL) return buf_puts(b, "null", err);
    if (t == ARROW_UTF8 || t == ARROW_LARGE_UTF8) {
        view v = arrow_text(t, a, row);
        return buf_put_json(b, v.p, v.n, err);
    }
    if (arrow_type_is_float(t)) {
        double v = arrow_f64(t, a, row);
        const char *special = cell_special_f64(v);
        return special ? buf_printf(b, err, "\"%s\"", special) : put_f64(b, t, v, err);
    }
    if (arrow_type_is_list(t)) return put_json_list(b, t, field, a, row, err);
    if (t == ARROW_MAP) return put_json_map(b, field, a, row, err);
    if (t == ARROW_STRUCT) return put_json_members(b, field, a, row + a->offset, err);
    if (t == ARROW_BOOL || arrow_type_is_int(t) || t == ARROW_DECIMAL128) return put_plain(b, t, field, a, row, err);
    buf text = BUF_INIT;
    int r = put_plain(&text, t, field, a, row, err);
    if (r == 0) r = buf_put_json(b, text.data ? (const char *)text.data : "", text.len, err);
    buf_release(&text);
    return r;
}

int cell_put_text(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(field);
    if (arrow_is_null(a, row) || t == ARROW_NULL) return 0;
    if (t == ARROW_MAP || t == ARROW_STRUCT || arrow_type_is_list(t)) return cell_put_json(b, field, a, row, err);
    if (t == ARROW_UTF8 || t == ARROW_LARGE_UTF8) {
        view v = arrow_text(t, a, row);
        return buf_append(b, v.p, v.n, err);
    }
    if (arrow_type_is_float(t)) {
        double v = arrow_f64(t, a, row);
        if (v != v) return buf_puts(b, "nan", err);
        return cell_special_f64(v) ? buf_puts(b, v < 0 ? "-inf" : "inf", err) : put_f64(b, t, v, err);
    }
    return put_plain(b, t, field, a, row, err);
}

int cell_put_csv(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(field);
    size_t start = b->len;
    int r = cell_put_text(b, field, a, row, err);
    if (r < 0 || t == ARROW_BOOL || arrow_type_is_int(t) || arrow_type_is_float(t)) return r;
    int quote = b->len == start ? !arrow_is_null(a, row) : 0;
    size_t quotes = 0;
    for (size_t i = start; i < b->len; i++) {
        char c = (char)b->data[i];
        quotes += c == '"';
        quote |= c == '"' || c == ',' || c == '\n' || c == '\r' || ((i == start || i + 1 == b->len) && (c == ' ' || c == '\t'));
    }
    if (!quote) return 0;
    if ((r = buf_reserve(b, quotes + 2, err)) < 0) return r;
    size_t to = b->len + quotes + 1; /* from the end, so that the text can move in place */
    b->data[to] = '"';
    for (size_t i = b->len; i-- > start;) {
        b->data[--to] = b->data[i];
        if (b->data[to] == '"') b->data[--to] = '"';
    }
    b->data[start] = '"';
    b->len += quotes + 2;
    return 0;
}

int cell_put_json_row(buf *b, const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t row, shoal_error *err)
{
    int r = put_json_members(b, schema, batch, row, err);
    return r < 0 ? r : buf_putc(b, '\n', err);
}
