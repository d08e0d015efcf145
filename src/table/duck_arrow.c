#include "table/duck_arrow.h"

#include "base/mem.h"
#include "table/arrow_bits.h"

#define TEXT_BYTES 16   /* u32 length, then up to 12 bytes of text, or four of it and a pointer to all */
#define TEXT_INLINE 12

enum duck_simple duck_simple_type(int type_id, const char *format)
{
    static const struct { int id; enum duck_simple type; const char *format; } SIMPLE[] = {
        {1, DUCK_BOOL, "b"}, {2, DUCK_1_BYTE, "c"}, {3, DUCK_2_BYTES, "s"}, {4, DUCK_4_BYTES, "i"}, {5, DUCK_8_BYTES, "l"},
        {6, DUCK_1_BYTE, "C"}, {7, DUCK_2_BYTES, "S"}, {8, DUCK_4_BYTES, "I"}, {9, DUCK_8_BYTES, "L"}, {10, DUCK_4_BYTES, "f"},
        {11, DUCK_8_BYTES, "g"}, {12, DUCK_8_BYTES, "tsu:"}, {13, DUCK_4_BYTES, "tdD"}, {17, DUCK_TEXT, "u"}, {18, DUCK_TEXT, "z"},
    };
    for (size_t i = 0; i < sizeof SIMPLE / sizeof SIMPLE[0]; i++)
        if (SIMPLE[i].id == type_id && strcmp(SIMPLE[i].format, format) == 0) return SIMPLE[i].type;
    return DUCK_NOT_SIMPLE;
}

static uint64_t present_of(const uint64_t *valid, int64_t first, int64_t rows)
{
    const int64_t n = rows - first < 64 ? rows - first : 64;
    return valid ? valid[first / 64] & low_bits(n) : low_bits(n);
}

static int take_valid(const uint64_t *valid, int64_t rows, int64_t *nulls, buf *out, shoal_error *err)
{
    *nulls = rows;
    for (int64_t i = 0; i < rows; i += 64) *nulls -= __builtin_popcountll(present_of(valid, i, rows));
    return *nulls > 0 ? buf_append(out, valid, (size_t)(rows + 7) / 8, err) : 0;
}

static int take_bools(const uint8_t *p, int64_t rows, buf *out, shoal_error *err)
{
    int r = buf_reserve(out, (size_t)(rows + 7) / 8, err);
    if (r < 0) return r;
    out->len = (size_t)(rows + 7) / 8;
    memset(out->data, 0, out->len);
    for (int64_t i = 0; i < rows; i++) out->data[i / 8] |= (uint8_t)((p[i] & 1) << (i & 7));
    return 0;
}

/* 0 when all of it is more than 32 bits count. */
static int take_texts(const uint8_t *p, const uint64_t *valid, int64_t rows, buf *offsets, buf *bytes, shoal_error *err)
{
    uint64_t total = 0;
    for (int64_t first = 0; first < rows; first += 64)
        EACH_BIT(i, present_of(valid, first, rows)) total += LOAD(uint32_t, p + TEXT_BYTES * (first + (int64_t)i), 0);
    if (total > INT32_MAX) return 0;
    int r = buf_reserve(offsets, 4 * ((size_t)rows + 1), err);
    if (r == 0) r = buf_reserve(bytes, (size_t)total + TEXT_INLINE, err);
    if (r < 0) return r;
    int32_t *at = (int32_t *)(void *)offsets->data;
    uint8_t *to = bytes->data;
    for (int64_t i = 0; i < rows; i++) {
        const uint8_t *text = p + TEXT_BYTES * i;
        at[i] = (int32_t)(to - bytes->data);
        if (valid && !(valid[i / 64] >> (i & 63) & 1)) continue;
        const uint32_t n = LOAD(uint32_t, text, 0);
        if (n <= TEXT_INLINE) memcpy(to, text + 4, TEXT_INLINE);
        else memcpy(to, LOAD(const char *, text, 1), n);
        to += n;
    }
    at[rows] = (int32_t)total;
    offsets->len = 4 * ((size_t)rows + 1);
    bytes->len = (size_t)total;
    return 1;
}

/* 1, 0 (take_texts), negative. */
static int take_column(duckdb_vector vector, enum duck_simple type, int64_t rows, struct ArrowArray *out, shoal_error *err)
{
    static const uint8_t WIDTH[] = {[DUCK_1_BYTE] = 1, [DUCK_2_BYTES] = 2, [DUCK_4_BYTES] = 4, [DUCK_8_BYTES] = 8};
    buf valid = BUF_INIT, values = BUF_INIT, bytes = BUF_INIT;
    int64_t nulls = 0;
    const void *data = duckdb_vector_get_data(vector);
    const uint64_t *mask = duckdb_vector_get_validity(vector);
    int r = take_valid(mask, rows, &nulls, &valid, err);
    if (r == 0 && type == DUCK_TEXT) r = take_texts(data, nulls > 0 ? mask : NULL, rows, &values, &bytes, err);
    else if (r == 0) r = (type == DUCK_BOOL ? take_bools(data, rows, &values, err) : buf_append(&values, data, WIDTH[type] * (size_t)rows, err)) < 0 ? SHOAL_NOMEM : 1;
    if (r == 1) {
        const int code = arrow_array_own(out, &valid, &values, &bytes, 0, err);
        out->length = rows;
        out->null_count = nulls;
        out->n_buffers = type == DUCK_TEXT ? 3 : 2;
        if (code < 0) r = code;
    }
    buf_release(&valid);
    buf_release(&values);
    buf_release(&bytes);
    return r;
}

int duck_simple_chunk(duckdb_data_chunk chunk, const uint8_t *types, uint64_t n, struct ArrowArray *out, shoal_error *err)
{
    const int64_t rows = (int64_t)duckdb_data_chunk_get_size(chunk);
    int r = arrow_array_take(out, rows, NULL, (int64_t)n, err) < 0 ? SHOAL_NOMEM : 1;
    for (uint64_t i = 0; r == 1 && i < n; i++)
        r = take_column(duckdb_data_chunk_get_vector(chunk, i), (enum duck_simple)types[i], rows, out->children[i], err);
    if (r != 1 && out->release) out->release(out);
    return r;
}
