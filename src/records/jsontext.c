#include "records/jsontext.h"

#include <string.h>

static int fault(jsontext_cursor *c, const char *at, const char *what)
{
    if (!c->fault) {
        c->fault = what;
        c->fault_at = at < c->end ? at : c->end;
    }
    return SHOAL_DATA;
}

static inline void skip_space(jsontext_cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')) c->p++;
}

int jsontext_object_bytes(view text, size_t *bytes)
{
    size_t depth = 0;
    for (const char *p = text.p, *end = text.p + text.n; p < end; p++) {
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++) p += *p == '\\';
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if ((*p == '}' || *p == ']') && --depth == 0) {
            *bytes = (size_t)(p - text.p) + 1;
            return 1;
        }
    }
    return 0;
}

enum jsontext_kind jsontext_peek(jsontext_cursor *c)
{
    skip_space(c);
    if (c->p == c->end) return JSON_BAD;
    switch (*c->p) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_LIST;
    case '"': return JSON_STRING;
    case 't':
    case 'f': return JSON_BOOL;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

static int take_word(jsontext_cursor *c, const char *word, view *raw)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return 0;
    *raw = view_of(c->p, n);
    c->p += n;
    return 1;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

static int take_number(jsontext_cursor *c, view *raw)
{
    const char *start = c->p, *p = start, *end = c->end, *whole, *q;
    if (take_word(c, "NaN", raw) || take_word(c, "Infinity", raw) || take_word(c, "-Infinity", raw)) return 0;
    if (p < end && *p == '-') p++;
    whole = p;
    p = digits(p, end);
    if (p == whole || (p - whole > 1 && *whole == '0')) return fault(c, start, "a value is expected here");
    if (p < end && *p == '.') {
        q = digits(p + 1, end);
        if (q == p + 1) return fault(c, start, "a number ends with its point");
        p = q;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        q = digits(p, end);
        if (q == p) return fault(c, start, "a number ends within its exponent");
        p = q;
    }
    *raw = view_of(start, (size_t)(p - start));
    c->p = p;
    return 0;
}

static int take_string(jsontext_cursor *c, view *raw)
{
    const char *start = c->p, *p = start + 1;
    for (; p < c->end && *p != '"'; p++) {
        if ((uint8_t)*p < ' ') return fault(c, p, "a control character inside a string; it is written \\uXXXX");
        if (*p == '\\') p++;
    }
    if (p >= c->end) return fault(c, start, "a string is not closed");
    *raw = view_of(start + 1, (size_t)(p - start) - 1);
    c->p = p + 1;
    return 0;
}

int jsontext_scalar(jsontext_cursor *c, enum jsontext_kind *kind, view *raw)
{
    *kind = jsontext_peek(c);
    switch (*kind) {
    case JSON_STRING: return take_string(c, raw);
    case JSON_NUMBER: return take_number(c, raw);
    case JSON_BOOL: return take_word(c, "true", raw) || take_word(c, "false", raw) ? 0 : fault(c, c->p, "a value is expected here");
    case JSON_NULL: return take_word(c, "null", raw) ? 0 : fault(c, c->p, "a value is expected here");
    default: return fault(c, c->p, "a value is expected here");
    }
}

int jsontext_open(jsontext_cursor *c)
{
    enum jsontext_kind kind = jsontext_peek(c);
    if (kind != JSON_LIST && kind != JSON_OBJECT) return fault(c, c->p, "a list or an object is expected here");
    c->p++;
    c->fresh = 1;
    return 0;
}

int jsontext_more(jsontext_cursor *c, char close)
{
    int first = c->fresh;
    c->fresh = 0;
    skip_space(c);
    if (c->p < c->end && *c->p == close) {
        c->p++;
        return 0;
    }
    if (first) return c->p < c->end ? 1 : fault(c, c->p, "the text ends here");
    if (c->p == c->end || *c->p != ',') return fault(c, c->p, close == ']' ? "a comma or ] is expected here" : "a comma or } is expected here");
    c->p++;
    return 1;
}

int jsontext_key(jsontext_cursor *c, view *raw)
{
    if (jsontext_peek(c) != JSON_STRING) return fault(c, c->p, "a key in quotes is expected here");
    int r = take_string(c, raw);
    if (r < 0) return r;
    skip_space(c);
    if (c->p == c->end || *c->p != ':') return fault(c, c->p, "a colon is expected here");
    c->p++;
    return 0;
}

static int skip_value(jsontext_cursor *c, int depth)
{
    view raw;
    enum jsontext_kind kind = jsontext_peek(c);
    if (kind != JSON_LIST && kind != JSON_OBJECT) return jsontext_scalar(c, &kind, &raw);
    if (depth == JSON_DEPTH_MAX) return fault(c, c->p, "more than 64 lists and objects inside each other");
    int r = jsontext_open(c);
    while (r == 0 && (r = jsontext_more(c, kind == JSON_LIST ? ']' : '}')) == 1) {
        r = kind == JSON_OBJECT ? jsontext_key(c, &raw) : 0;
        if (r == 0) r = skip_value(c, depth + 1);
    }
    return r;
}

int jsontext_skip(jsontext_cursor *c, view *raw)
{
    skip_space(c);
    const char *start = c->p;
    int r = skip_value(c, 0);
    *raw = view_of(start, (size_t)(c->p - start));
    return r;
}

/* ---- strings --------------------------------------------------------------------------------------------------------------- */

static int hex4(const char *p, const char *end, uint32_t *out)
{
    *out = 0;
    if (end - p < 4) return 0;
    for (int i = 0; i < 4; i++) {
        char ch = p[i];
        int d = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
        if (d < 0) return 0;
        *out = *out << 4 | (uint32_t)d;
    }
    return 1;
}

static void put_code(buf *b, uint32_t u)
{
    uint8_t *p = b->data + b->len;
    if (u < 0x80) {
        p[0] = (uint8_t)u;
        b->len += 1;
    } else if (u < 0x800) {
        p[0] = (uint8_t)(0xc0 | u >> 6);
        p[1] = (uint8_t)(0x80 | (u & 63));
        b->len += 2;
    } else if (u < 0x10000) {
        p[0] = (uint8_t)(0xe0 | u >> 12);
        p[1] = (uint8_t)(0x80 | (u >> 6 & 63));
        p[2] = (uint8_t)(0x80 | (u & 63));
        b->len += 3;
    } else {
        p[0] = (uint8_t)(0xf0 | u >> 18);
        p[1] = (uint8_t)(0x80 | (u >> 12 & 63));
        p[2] = (uint8_t)(0x80 | (u >> 6 & 63));
        p[3] = (uint8_t)(0x80 | (u & 63));
        b->len += 4;
    }
}

/* The character behind a backslash at p, at least; returns what is behind it, NULL when it is no escape. */
static const char *unescape(const char *p, const char *end, buf *out)
{
    static const char NAME[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    uint32_t u, low;
    const char *at = *p ? strchr(NAME, *p) : NULL;
    if (at) {
        out->data[out->len++] = (uint8_t)MEANT[at - NAME];
        return p + 1;
    }
    if (*p != 'u' || !hex4(p + 1, end, &u)) return NULL;
    p += 5;
    if (u >= 0xdc00 && u <= 0xdfff) return NULL;
    if (u >= 0xd800 && u <= 0xdbff) {
        if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || !hex4(p + 2, end, &low) || low < 0xdc00 || low > 0xdfff) return NULL;
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    put_code(out, u);
    return p;
}

int jsontext_string(view raw, buf *room, view *out, shoal_error *err)
{
    *out = raw;
    if (!view_is_utf8(raw)) return error_set(err, SHOAL_DATA, "a string is not UTF-8; convert the file, as by iconv -t UTF-8");
    if (!memchr(raw.p, '\\', raw.n)) return 0;
    buf_clear(room);
    int r = buf_reserve(room, raw.n, err); /* an escape is longer than what it means */
    const char *end = raw.p + raw.n;
    for (const char *p = raw.p; r == 0 && p < end;) {
        if (*p != '\\') room->data[room->len++] = (uint8_t)*p++;
        else if (!(p = unescape(p + 1, end, room))) return error_set(err, SHOAL_DATA, "an escape inside a string is none of JSON's");
    }
    *out = view_of((const char *)room->data, room->len);
    return r;
}
