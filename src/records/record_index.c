/* record_index.c: indexes in memory, their files, and what is looked up in them. The bytes are in record_index_code.c. */
#include "records/record_index.h"

#include <string.h>

#include "base/mem.h"

#define INDEX_BYTES_MAX ((size_t)1 << 30)

void record_index_init(record_index *x) { memset(x, 0, sizeof *x); }

void record_index_release(record_index *x)
{
    for (size_t i = 0; i < x->n_features; i++) {
        mem_free(x->feature[i].name);
        mem_free(x->feature[i].type);
        mem_free(x->feature[i].low.text);
        mem_free(x->feature[i].high.text);
    }
    mem_free(x->feature);
    mem_free(x->block);
    record_index_init(x);
}

int record_index_add_block(record_index *x, uint64_t offset, uint64_t record, uint64_t skip, shoal_error *err)
{
    if (x->n_blocks == x->cap_blocks) {
        size_t cap = x->cap_blocks > 0 ? 2 * x->cap_blocks : 64;
        index_block *p = mem_realloc(x->block, cap * sizeof *p);
        if (!p) return error_nomem(err, cap * sizeof *p, "the blocks of an index");
        x->block = p;
        x->cap_blocks = cap;
    }
    x->block[x->n_blocks++] = (index_block){offset, record, skip};
    return 0;
}

int record_index_set_features(record_index *x, size_t n, shoal_error *err)
{
    x->feature = mem_calloc(n + 1, sizeof *x->feature);
    if (!x->feature) return error_nomem(err, n * sizeof *x->feature, "the features of an index");
    x->n_features = n;
    return 0;
}

char *record_index_path(const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    return mem_sprintf("%.*s.%s.index", (int)(base - file), file, base);
}

int record_index_write(const char *file, record_index *x, shoal_error *err)
{
    buf b = BUF_INIT;
    file_print print;
    char *path = record_index_path(file);
    int r = path ? file_fingerprint(file, &print, err) : error_nomem(err, strlen(file), "a path");
    if (r == 0) {
        x->bytes = print.size;
        x->sample = print.sample;
        r = record_index_encode(x, &b, err);
    }
    if (r == 0) r = file_write_all(path, 1, b.data, b.len, err);
    buf_release(&b);
    mem_free(path);
    return r;
}

int record_index_read(const char *file, record_index *out, shoal_error *err)
{
    buf b = BUF_INIT;
    record_index_init(out);
    if (strcmp(file, "-") == 0) return 0;
    char *path = record_index_path(file);
    int r = path ? 0 : error_nomem(err, strlen(file), "a path");
    int is_there = r == 0 && file_exists(path);
    if (is_there) r = file_read_all(path, INDEX_BYTES_MAX, &b, err);
    if (is_there && r == 0) r = record_index_decode(path, view_of((const char *)b.data, b.len), out, err);
    buf_release(&b);
    mem_free(path);
    return r < 0 ? r : is_there;
}

static int stale(const char *file, const record_index *x, const file_print *now, shoal_error *err)
{
    if (now->size < x->bytes)
        return error_set(err, SHOAL_DATA, "%s: it has %llu bytes, but its index was made of %llu: the file was cut or replaced; restore it, or make the index anew by shoal index",
                         file, (unsigned long long)now->size, (unsigned long long)x->bytes);
    if (now->size > x->bytes)
        return error_set(err, SHOAL_DATA, "%s: it has %llu bytes, but its index was made of %llu: the file has grown or was replaced; make the index anew by shoal index",
                         file, (unsigned long long)now->size, (unsigned long long)x->bytes);
    return error_set(err, SHOAL_DATA, "%s: its bytes are not those that its index was made of: the file was changed; restore it, or make the index anew by shoal index", file);
}

int record_index_open(const char *file, record_index *out, shoal_error *err)
{
    file_print now;
    int r = record_index_read(file, out, err);
    if (r != 1) return r;
    r = file_fingerprint(file, &now, err);
    if (r == 0 && (now.size != out->bytes || now.sample != out->sample)) r = stale(file, out, &now, err);
    if (r < 0) record_index_release(out);
    return r < 0 ? r : 1;
}

size_t record_index_find(const record_index *x, uint64_t record)
{
    size_t low = 0, high = x->n_blocks; /* block[low].record <= record < block[high].record */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (x->block[mid].record <= record) low = mid;
        else high = mid;
    }
    return low;
}

int record_index_split(const record_index *x, uint64_t bytes, record_range **out, size_t *n, shoal_error *err)
{
    *n = 0;
    *out = mem_calloc(x->n_blocks + 1, sizeof **out);
    if (!*out) return error_nomem(err, x->n_blocks * sizeof **out, "the ranges of a file");
    for (size_t i = 0; i < x->n_blocks;) {
        size_t k = i + 1;
        while (k < x->n_blocks && x->block[k].offset - x->block[i].offset < bytes) k++;
        int last = k == x->n_blocks;
        (*out)[(*n)++] = (record_range){x->block[i], x->block[i].record, last ? x->records : x->block[k].record,
                                        (last ? x->bytes : x->block[k].offset) - x->block[i].offset};
        i = k;
    }
    return 0;
}
