/* safetensors.c: reading and writing of safetensors files; the layout is in safetensors.h.
 * The reader holds names and places only; tensors stay in the file until they are asked for. */
#include "train/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIECE_BYTES (256u << 10)

static const struct {
    const char *name;
    uint64_t bytes;
} TYPES[] = {
    [TENSOR_F32] = {"F32", 4}, [TENSOR_F64] = {"F64", 8}, [TENSOR_U8] = {"U8", 1},
    [TENSOR_U32] = {"U32", 4}, [TENSOR_I64] = {"I64", 8}, [TENSOR_U64] = {"U64", 8},
};
#define N_TYPES (sizeof TYPES / sizeof TYPES[0])

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const tensor_out *)a)->name, ((const tensor_out *)b)->name);
}

static uint64_t row_bytes(const tensor_out *t) { return (t->cols ? t->cols : 1) * TYPES[t->type].bytes; }

static int put_header(buf *head, const tensor_out *t, size_t n, const uint64_t *begin, shoal_error *err)
{
    int rc = buf_append(head, "\0\0\0\0\0\0\0\0{", 9, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = i ? buf_putc(head, ',', err) : 0;
        if (rc == 0) rc = buf_put_json(head, t[i].name, strlen(t[i].name), err);
        if (rc == 0) rc = buf_printf(head, err, ":{\"dtype\":\"%s\",\"shape\":[%llu", TYPES[t[i].type].name,
                                     (unsigned long long)t[i].rows);
        if (rc == 0 && t[i].cols) rc = buf_printf(head, err, ",%llu", (unsigned long long)t[i].cols);
        if (rc == 0) rc = buf_printf(head, err, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin[i],
                                     (unsigned long long)(begin[i] + t[i].rows * row_bytes(&t[i])));
    }
    if (rc == 0) rc = buf_putc(head, '}', err);
    while (rc == 0 && head->len % 64) rc = buf_putc(head, ' ', err);
    if (rc) return rc;
    uint64_t json_bytes = head->len - 8;
    if (json_bytes > SAFETENSORS_HEADER_MAX)
        return error_set(err, SHOAL_DATA, "too many tensors: their names need %llu bytes, at most %u are allowed",
                         (unsigned long long)json_bytes, SAFETENSORS_HEADER_MAX);
    memcpy(head->data, &json_bytes, 8);
    return 0;
}

static int put(file_writer *w, digest *d, const void *p, uint64_t n, shoal_error *err)
{
    digest_update(d, p, n);
    return file_write(w, p, n, err);
}

static int put_dense(file_writer *w, digest *d, const uint8_t *p, uint64_t n, shoal_error *err)
{
    int rc = 0;
    for (uint64_t at = 0; at < n && rc == 0; at += PIECE_BYTES)
        rc = put(w, d, p + at, n - at < PIECE_BYTES ? n - at : PIECE_BYTES, err);
    return rc;
}

static int put_tensor(file_writer *w, digest *d, const tensor_out *t, uint8_t *piece, shoal_error *err)
{
    uint64_t row = row_bytes(t), stride = t->stride * TYPES[t->type].bytes;
    const uint8_t *p = t->data;
    if (stride == 0 || stride == row) return put_dense(w, d, p, t->rows * row, err);
    uint64_t held = 0;
    int rc = 0;
    for (uint64_t r = 0; r < t->rows && rc == 0; r++) {
        if (row > PIECE_BYTES) {
            rc = put_dense(w, d, p + r * stride, row, err);
            continue;
        }
        if (held + row > PIECE_BYTES) {
            rc = put(w, d, piece, held, err);
            held = 0;
        }
        memcpy(piece + held, p + r * stride, row);
        held += row;
    }
    return rc ? rc : put(w, d, piece, held, err);
}

int safetensors_write(const char *path, int replace, tensor_out *tensors, size_t n, hash128 *digest_out, shoal_error *err)
{
    file_writer *w = NULL;
    buf head = BUF_INIT;
    digest *d = digest_new();
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    uint64_t *begin = mem_calloc(n ? n : 1, sizeof *begin);
    int rc = 0;
    if (!d || !piece || !begin) {
        rc = error_nomem(err, PIECE_BYTES, "writing tensors");
        goto out;
    }
    if (n) qsort(tensors, n, sizeof *tensors, by_name);
    uint64_t end = 0;
    for (uint64_t width = 8; width; width >>= 1)
        for (size_t i = 0; i < n; i++)
            if (TYPES[tensors[i].type].bytes == width) {
                begin[i] = end;
                end += tensors[i].rows * row_bytes(&tensors[i]);
            }
    if ((rc = put_header(&head, tensors, n, begin, err))) goto out;
    if ((rc = file_create(path, replace, &w, err))) goto out;
    rc = put(w, d, head.data, head.len, err);
    for (uint64_t width = 8; width; width >>= 1)
        for (size_t i = 0; i < n && rc == 0; i++)
            if (TYPES[tensors[i].type].bytes == width) rc = put_tensor(w, d, &tensors[i], piece, err);
    if (rc) goto out;
    file_writer *done = w;
    w = NULL;
    rc = file_commit(done, err);
    if (rc == 0 && digest_out) *digest_out = digest_value(d);
out:
    file_abort(w);
    buf_release(&head);
    digest_free(d);
    mem_free(piece);
    mem_free(begin);
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

struct safetensors {
    file_reader *file;
    uint64_t size, data; /* of the file; where the data begins */
    tensor_in *tensor;   /* by name */
    size_t n;
};

void safetensors_close(safetensors *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n; i++) mem_free((char *)s->tensor[i].name);
    mem_free(s->tensor);
    file_close(s->file);
    mem_free(s);
}

uint64_t safetensors_size(const safetensors *s) { return s->size; }

static int bad(const safetensors *s, const char *tensor, const char *what, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: tensor '%.80s' %s; the file is damaged or of another program",
                     file_path(s->file), tensor, what);
}

static int read_count(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0) return -1;
    *out = (uint64_t)json_integer_value(v);
    return 0;
}

static int read_entry(safetensors *s, const char *name, const json_t *v, tensor_in *t, shoal_error *err)
{
    const json_t *shape = json_object_get(v, "shape"), *offsets = json_object_get(v, "data_offsets");
    const char *dtype = json_string_value(json_object_get(v, "dtype"));
    if (!dtype) return bad(s, name, "has no dtype", err);
    size_t type = 0;
    while (type < N_TYPES && strcmp(TYPES[type].name, dtype)) type++;
    if (type == N_TYPES)
        return error_set(err, SHOAL_DATA, "%s: tensor '%.80s' is of type '%.20s'; F32, F64, U8, U32, I64 and U64 are read",
                         file_path(s->file), name, dtype);
    t->type = (enum tensor_type)type;
    size_t rank = json_is_array(shape) ? json_array_size(shape) : 0;
    if (rank < 1 || rank > 2) return bad(s, name, "is not of one or two dimensions", err);
    t->cols = 1;
    if (read_count(json_array_get(shape, 0), &t->rows) || (rank == 2 && read_count(json_array_get(shape, 1), &t->cols)))
        return bad(s, name, "has a shape that is no list of counts", err);
    uint64_t begin, end;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 || read_count(json_array_get(offsets, 0), &begin) ||
        read_count(json_array_get(offsets, 1), &end) || begin > end || end > s->size - s->data)
        return bad(s, name, "lies outside the file", err);
    uint64_t elements;
    if (__builtin_mul_overflow(t->rows, t->cols, &elements) ||
        __builtin_mul_overflow(elements, TYPES[type].bytes, &t->bytes) || t->bytes != end - begin)
        return bad(s, name, "has a size that does not follow from its shape", err);
    t->offset = s->data + begin;
    t->name = mem_strdup(name);
    return t->name ? 0 : error_nomem(err, strlen(name) + 1, "the name of a tensor");
}

static int in_by_name(const void *a, const void *b)
{
    return strcmp(((const tensor_in *)a)->name, ((const tensor_in *)b)->name);
}
static int in_by_offset(const void *a, const void *b)
{
    const tensor_in *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* The format demands that the tensors cover the data exactly. */
static int check_cover(safetensors *s, shoal_error *err)
{
    if (s->n) qsort(s->tensor, s->n, sizeof *s->tensor, in_by_offset);
    uint64_t at = s->data;
    for (size_t i = 0; i < s->n; i++) {
        if (s->tensor[i].offset != at) return bad(s, s->tensor[i].name, "leaves a hole or overlaps another", err);
        at += s->tensor[i].bytes;
    }
    if (at != s->size)
        return error_set(err, SHOAL_DATA, "%s: %llu bytes stand behind the last tensor; the file is damaged",
                         file_path(s->file), (unsigned long long)(s->size - at));
    if (s->n) qsort(s->tensor, s->n, sizeof *s->tensor, in_by_name);
    return 0;
}

static int read_header(safetensors *s, json_t **out, shoal_error *err)
{
    uint64_t n;
    s->size = file_size(s->file);
    if (s->size == UINT64_MAX || s->size < 8)
        return error_set(err, SHOAL_DATA, "%s: not a safetensors file: shorter than its first 8 bytes", file_path(s->file));
    int rc = file_pread(s->file, 0, &n, 8, err);
    if (rc) return rc;
    if (n > SAFETENSORS_HEADER_MAX || n > s->size - 8)
        return error_set(err, SHOAL_DATA, "%s: not a safetensors file, or cut: its header claims %llu bytes", file_path(s->file),
                         (unsigned long long)n);
    char *text = mem_alloc(n ? n : 1);
    if (!text) return error_nomem(err, n, "a safetensors header");
    rc = file_pread(s->file, 8, text, n, err);
    json_error_t why;
    if (rc == 0 && !(*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why)))
        rc = json_error_code(&why) == json_error_out_of_memory
                 ? error_nomem(err, n, "a safetensors header")
                 : error_set(err, SHOAL_DATA, "%s: the safetensors header is no JSON: %s", file_path(s->file), why.text);
    if (rc == 0 && !json_is_object(*out))
        rc = error_set(err, SHOAL_DATA, "%s: the safetensors header is no JSON object", file_path(s->file));
    mem_free(text);
    s->data = 8 + n;
    return rc;
}

int safetensors_open(const char *path, safetensors **out, shoal_error *err)
{
    *out = NULL;
    json_t *head = NULL;
    safetensors *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "a safetensors file");
    int rc = file_open(path, &s->file, err);
    if (rc == 0) rc = read_header(s, &head, err);
    if (rc) goto out;
    size_t n = json_object_size(head);
    if (n > SAFETENSORS_TENSORS_MAX) {
        rc = error_set(err, SHOAL_DATA, "%s: %zu tensors; at most %d are read", path, n, SAFETENSORS_TENSORS_MAX);
        goto out;
    }
    s->tensor = mem_calloc(n ? n : 1, sizeof *s->tensor);
    if (!s->tensor) {
        rc = error_nomem(err, n * sizeof *s->tensor, "the list of tensors");
        goto out;
    }
    const char *name;
    json_t *v;
    json_object_foreach(head, name, v) {
        if (strcmp(name, "__metadata__") == 0) continue;
        if (strlen(name) > SAFETENSORS_NAME_MAX) rc = bad(s, name, "has too long a name", err);
        else rc = read_entry(s, name, v, &s->tensor[s->n], err);
        if (rc) goto out;
        s->n++;
    }
    rc = check_cover(s, err);
out:
    json_decref(head);
    if (rc) safetensors_close(s);
    else *out = s;
    return rc;
}

const tensor_in *safetensors_get(const safetensors *s, const char *name)
{
    tensor_in key = {.name = name};
    return s->n ? bsearch(&key, s->tensor, s->n, sizeof *s->tensor, in_by_name) : NULL;
}

int safetensors_find(const safetensors *s, const char *name, enum tensor_type type, uint64_t rows, uint64_t cols,
                     tensor_in *out, shoal_error *err)
{
    const tensor_in *t = safetensors_get(s, name);
    if (!t) return error_set(err, SHOAL_DATA, "%s: there is no tensor '%s'", file_path(s->file), name);
    if (cols == 0) cols = 1;
    if (t->type != type || t->rows != rows || t->cols != cols)
        return error_set(err, SHOAL_DATA, "%s: tensor '%s' is %s [%llu, %llu], expected %s [%llu, %llu]", file_path(s->file),
                         name, TYPES[t->type].name, (unsigned long long)t->rows, (unsigned long long)t->cols,
                         TYPES[type].name, (unsigned long long)rows, (unsigned long long)cols);
    *out = *t;
    return 0;
}

int safetensors_read(const safetensors *s, const tensor_in *t, void *data, uint64_t stride, shoal_error *err)
{
    return safetensors_read_rows(s, t, 0, t->rows, data, stride, err);
}

int safetensors_read_rows(const safetensors *s, const tensor_in *t, uint64_t first, uint64_t rows, void *data, uint64_t stride,
                          shoal_error *err)
{
    uint64_t row = t->cols * TYPES[t->type].bytes, step = stride * TYPES[t->type].bytes, from = t->offset + first * row;
    CHECK(first <= t->rows && rows <= t->rows - first);
    if (rows * row == 0) return 0;
    if (step == 0 || step == row) return file_pread(s->file, from, data, rows * row, err);
    uint64_t batch = row < PIECE_BYTES ? PIECE_BYTES / row : 1;
    uint8_t *piece = mem_alloc(batch * row);
    if (!piece) return error_nomem(err, batch * row, "reading a tensor");
    int rc = 0;
    for (uint64_t r = 0; r < rows && rc == 0; r += batch) {
        uint64_t n = rows - r < batch ? rows - r : batch;
        rc = file_pread(s->file, from + r * row, piece, n * row, err);
        for (uint64_t i = 0; i < n && rc == 0; i++) memcpy((uint8_t *)data + (r + i) * step, piece + i * row, row);
    }
    mem_free(piece);
    return rc;
}

int safetensors_digest(const safetensors *s, hash128 *out, shoal_error *err)
{
    digest *d = digest_new();
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    int rc = d && piece ? 0 : error_nomem(err, PIECE_BYTES, "a digest");
    for (uint64_t at = 0; at < s->size && rc == 0; at += PIECE_BYTES) {
        uint64_t n = s->size - at < PIECE_BYTES ? s->size - at : PIECE_BYTES;
        rc = file_pread(s->file, at, piece, n, err);
        if (rc == 0) digest_update(d, piece, n);
    }
    if (rc == 0) *out = digest_value(d);
    digest_free(d);
    mem_free(piece);
    return rc;
}
