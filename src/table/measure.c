/* measure.c: how large a source is, without reading it: Parquet footers and indexes of TFRecord files count exactly; of
 * other files the heads tell how many bytes a row takes. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "records/crc32c.h"
#include "records/record_index.h"
#include "storage/file.h"
#include "table/duck.h"
#include "table/source.h"

#define HEAD_BYTES (256u << 10)    /* read of a file whose rows are estimated */
#define INFLATED_BYTES (4u << 20)  /* of a compressed one, inflated */
#define HEADS_MAX 16               /* files that are looked into, spread evenly over all */

/* ---- Parquet ----------------------------------------------------------------------------------------------------------- */

static int put_files(buf *b, char **files, size_t n, shoal_error *err)
{
    int r = buf_putc(b, '[', err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (i > 0) r = buf_putc(b, ',', err);
        if (r == 0) r = duck_put_string(b, files[i], err);
    }
    return r ? r : buf_putc(b, ']', err);
}

/* Bytes of the column chunks whose column is asked for; nested ones are named "column, list, element". */
static int put_wanted(buf *b, const table_spec *spec, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < spec->n_columns; i++) {
        r = buf_puts(b, i > 0 ? " OR split_part(path_in_schema, ', ', 1) = " : " WHERE split_part(path_in_schema, ', ', 1) = ", err);
        if (r == 0) r = duck_put_string(b, spec->columns[i], err);
    }
    return r;
}

static int measure_parquet(const table_spec *spec, char **files, size_t n, table_size *out, shoal_error *err)
{
    duck d;
    buf rows = BUF_INIT, bytes = BUF_INIT;
    int64_t n_rows = 0, n_bytes = 0;
    int r = duck_open(spec->host, &d, err);
    if (r < 0) return r;
    r = buf_puts(&rows, "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(", err);
    if (r == 0) r = put_files(&rows, files, n, err);
    if (r == 0) r = buf_putc(&rows, ')', err);
    if (r == 0) r = buf_puts(&bytes, "SELECT coalesce(sum(total_compressed_size), 0)::BIGINT FROM parquet_metadata(", err);
    if (r == 0) r = put_files(&bytes, files, n, err);
    if (r == 0) r = buf_putc(&bytes, ')', err);
    if (r == 0) r = put_wanted(&bytes, spec, err);
    if (r == 0 && !(buf_str(&rows) && buf_str(&bytes))) r = error_nomem(err, bytes.len, "a query");
    if (r == 0) r = duck_number(&d, buf_str(&rows), files[0], &n_rows, err);
    if (r == 0) r = duck_number(&d, buf_str(&bytes), files[0], &n_bytes, err);
    buf_release(&rows);
    buf_release(&bytes);
    duck_close(&d);
    out->rows = (uint64_t)n_rows;
    out->read_bytes = (uint64_t)n_bytes;
    out->exact = 1;
    return r;
}

/* ---- heads ------------------------------------------------------------------------------------------------------------- */

/* The start of a file as its format sees it, and how many bytes of the file that is. */
typedef struct head {
    uint8_t *data;
    size_t len;
    uint64_t covers;
} head;

static int head_read(const char *path, head *h, uint64_t *file_bytes, shoal_error *err)
{
    file_reader *f;
    inflater *z;
    memset(h, 0, sizeof *h);
    int r = file_open(path, &f, err);
    if (r < 0) return r;
    *file_bytes = file_size(f);
    if ((r = inflater_new(f, &z, err)) < 0) return r;
    const size_t room = inflater_container(z) == CONTAINER_PLAIN ? HEAD_BYTES : INFLATED_BYTES;
    int64_t n = 1;
    h->data = mem_alloc(room);
    if (!h->data) r = error_nomem(err, room, "the head of a file");
    while (r == 0 && n > 0 && h->len < room) {
        n = inflater_read(z, h->data + h->len, room - h->len, err);
        if (n < 0) r = (int)n;
        else h->len += (size_t)n;
    }
    h->covers = inflater_consumed(z);
    inflater_free(z);
    if (r < 0) mem_free(h->data);
    return r;
}

/* Whole records of a head and the bytes that they take; damage ends the count, as reading will say more about it. */
static size_t count_frames(const uint8_t *p, size_t n, uint64_t *records)
{
    size_t at = 0;
    while (n - at >= 16) {
        uint64_t length = 0;
        uint32_t crc = 0;
        for (int i = 7; i >= 0; i--) length = length << 8 | p[at + (size_t)i];
        for (int i = 3; i >= 0; i--) crc = crc << 8 | p[at + 8 + (size_t)i];
        if (crc != crc32c_mask(crc32c(0, p + at, 8)) || length > n - at - 16) break;
        at += 16 + (size_t)length;
        ++*records;
    }
    return at;
}

static size_t count_lines(const uint8_t *p, size_t n, uint64_t *lines)
{
    size_t at = 0;
    for (const uint8_t *end; at < n && (end = memchr(p + at, '\n', n - at)); at = (size_t)(end - p) + 1) ++*lines;
    return at;
}

/* A head that is the whole file is counted to its end: a last line without one, the header of CSV. */
static double rows_of(const head *h, enum table_format format, uint64_t file_bytes)
{
    uint64_t n = 0;
    size_t used = format == FORMAT_TFRECORD ? count_frames(h->data, h->len, &n) : count_lines(h->data, h->len, &n);
    if (h->covers == file_bytes && format != FORMAT_TFRECORD && used < h->len) {
        n++;
        used = h->len;
    }
    double header = format == FORMAT_CSV && n > 0 ? 1 : 0;
    if (used == 0) return 0;
    return (double)n * ((double)h->len / (double)used) * ((double)file_bytes / (double)h->covers) - header;
}

static int measure_heads(enum table_format format, char **files, size_t n, table_size *out, shoal_error *err)
{
    double rows = 0, looked_into = 0;
    const size_t every = (n + HEADS_MAX - 1) / HEADS_MAX;
    int r = 0, whole = every == 1 && format != FORMAT_CSV; /* a quoted field may hold line ends */
    for (size_t i = 0; r == 0 && i < n; i += every) {
        head h;
        uint64_t bytes;
        r = head_read(files[i], &h, &bytes, err);
        if (r < 0) break;
        if (bytes > 0 && h.covers > 0) rows += rows_of(&h, format, bytes);
        whole = whole && h.covers == bytes;
        looked_into += (double)bytes;
        mem_free(h.data);
    }
    if (looked_into > 0) out->rows = (uint64_t)(rows * ((double)out->bytes / looked_into) + 0.5);
    out->read_bytes = out->bytes;
    out->exact = whole;
    return r;
}

/* Rows by the indexes beside TFRecord files: 1, or 0 when one of them has none. */
static int measure_indexed(char **files, size_t n, table_size *out, shoal_error *err)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        record_index x;
        int r = record_index_open(files[i], &x, err);
        if (r <= 0) return r;
        rows += x.records;
        record_index_release(&x);
    }
    out->rows = rows;
    out->read_bytes = out->bytes;
    out->exact = 1;
    return 1;
}

static int measure(const table_spec *spec, enum table_format format, char **files, size_t n, table_size *out, shoal_error *err)
{
    if (format == FORMAT_PARQUET) return measure_parquet(spec, files, n, out, err);
    int r = format == FORMAT_TFRECORD ? measure_indexed(files, n, out, err) : 0;
    if (r != 0) return r < 0 ? r : 0;
    return measure_heads(format, files, n, out, err);
}

int table_measure(const table_spec *spec, table_size *out, shoal_error *err)
{
    char **files = NULL;
    size_t n = 0;
    enum table_format format = spec->format;
    memset(out, 0, sizeof *out);
    int r = table_files(spec, &files, &n, err);
    if (r == 0 && n == 0)
        r = error_set(err, SHOAL_USAGE, "the size of a stream or of standard input cannot be known before it is read; name files");
    if (r == 0 && format == FORMAT_GUESS) r = format_of_files(files, n, &format, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        file_reader *f;
        if ((r = file_open(files[i], &f, err)) < 0) break;
        out->bytes += file_size(f);
        file_close(f);
    }
    if (r == 0) r = measure(spec, format, files, n, out, err);
    out->files = n;
    if (spec->sql || spec->where) out->exact = 0;
    file_list_free(files, n);
    return r;
}
