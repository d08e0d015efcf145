/* format.c: which format a file has: by its ending, else by its first bytes. */
#include <string.h>

#include "base/buf.h"
#include "records/inflate.h"
#include "records/tfrecord.h"
#include "storage/file.h"
#include "table/source.h"

static const struct { const char *ending; enum table_format format; } ENDINGS[] = {
    {".tfrecord", FORMAT_TFRECORD}, {".tfrecords", FORMAT_TFRECORD}, {".parquet", FORMAT_PARQUET}, {".pq", FORMAT_PARQUET},
    {".libsvm", FORMAT_LIBSVM}, {".svm", FORMAT_LIBSVM}, {".svmlight", FORMAT_LIBSVM}, {".libffm", FORMAT_LIBFFM}, {".ffm", FORMAT_LIBFFM},
    {".csv", FORMAT_CSV}, {".tsv", FORMAT_CSV}, {".jsonl", FORMAT_JSONL}, {".ndjson", FORMAT_JSONL}, {".json", FORMAT_JSONL},
};

static int ends_with(const char *s, size_t n, const char *ending)
{
    size_t k = strlen(ending);
    return n >= k && memcmp(s + n - k, ending, k) == 0;
}

/* Hadoop calls files of its codec for zlib .deflate. */
static const struct { const char *ending; enum container container; } PACKED[] = {
    {".gz", CONTAINER_GZIP}, {".deflate", CONTAINER_ZLIB}, {".zlib", CONTAINER_ZLIB},
};

const char *format_packed_ending(enum container c) { return c == CONTAINER_GZIP ? ".gz" : c == CONTAINER_ZLIB ? ".deflate" : ""; }

enum table_format format_of_path(const char *path, enum container *container)
{
    size_t n = strlen(path);
    enum container c = CONTAINER_PLAIN;
    for (size_t i = 0; i < sizeof PACKED / sizeof PACKED[0]; i++) {
        if (!ends_with(path, n, PACKED[i].ending)) continue;
        c = PACKED[i].container;
        n -= strlen(PACKED[i].ending);
        break;
    }
    if (container) *container = c;
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++)
        if (ends_with(path, n, ENDINGS[i].ending)) return ENDINGS[i].format;
    return FORMAT_GUESS;
}

static const char *const FORMAT_NAME[] = {"unknown", "tfrecord", "parquet", "csv", "jsonl", "libsvm", "libffm"};

enum table_format format_of_name(const char *name)
{
    for (size_t i = 1; name && i < sizeof FORMAT_NAME / sizeof FORMAT_NAME[0]; i++)
        if (strcmp(name, FORMAT_NAME[i]) == 0) return (enum table_format)i;
    return FORMAT_GUESS;
}

int format_is_ducks(enum table_format f) { return f == FORMAT_PARQUET; }

const char *format_name(enum table_format f)
{
    return FORMAT_NAME[f];
}

/* ---- by content ---------------------------------------------------------------------------------------------------------- */

#define HEAD_BYTES (64u << 10) /* the line of names of a wide CSV is long */

/* What people have and Shoal does not read: said by name, before it is taken for a broken table of another format. */
static const struct { const char *name, *ending, *magic; size_t n_magic; } FOREIGN[] = {
    {"ORC", ".orc", "ORC", 3}, {"Avro", ".avro", "Obj\1", 4}, {"an Excel workbook", ".xlsx", NULL, 0}, {"an Excel workbook", ".xls", "\xd0\xcf\x11\xe0", 4},
    {"Arrow IPC", ".arrow", "ARROW1", 6}, {"Arrow IPC", ".feather", NULL, 0}, {"a SequenceFile of Hadoop", ".seq", "SEQ", 3}, {"a zip archive", ".zip", "PK\3\4", 4},
    {"zstd", ".zst", "\x28\xb5\x2f\xfd", 4}, {"bzip2", ".bz2", "BZh", 3}, {"xz", ".xz", "\xfd" "7zXZ", 5}, {"LZ4", ".lz4", "\x04\x22\x4d\x18", 4},
    {"Snappy", ".snappy", NULL, 0}, {"HDF5", ".h5", "\x89HDF", 4}, {"a NumPy array", ".npy", "\x93NUMPY", 6}, {"a pickle of Python", ".pkl", NULL, 0},
    {"a database of SQLite", ".sqlite", "SQLite format 3", 15},
};

static int looks_like_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < ' ' && !strchr("\t\r\n", p[i])) return 0;
    return n > 0;
}

static int refuse_foreign(const char *path, const uint8_t *head, size_t n, shoal_error *err)
{
    int is_text = looks_like_text(head, n); /* in which a word may be anything */
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++) {
        int by_content = !is_text && FOREIGN[i].magic && n >= FOREIGN[i].n_magic && memcmp(head, FOREIGN[i].magic, FOREIGN[i].n_magic) == 0;
        if (by_content || ends_with(path, strlen(path), FOREIGN[i].ending))
            return error_set(err, SHOAL_USAGE, "%s: this is %s by its %s, which is not read: write it as Parquet, or say --format if it is " FORMATS_SAID, path,
                             FOREIGN[i].name, by_content ? "content" : "name");
    }
    return 0;
}

static int unknown(const char *path, shoal_error *err)
{
    return error_set(err, SHOAL_USAGE, "%s: its format is known neither by its ending nor by its content: say --format " FORMATS_SAID, path);
}

/* A line of numbers with one colon or two in each word behind the label: "1 3:0.5 7:1", "1 0:3:0.5 2:7:1"; else not known. */
static enum table_format svm_of_line(const uint8_t *p, size_t n)
{
    size_t words = 0, each = 0;
    for (size_t i = 0; i < n && p[i] != '\n';) {
        size_t k = 0, colons = 0;
        for (; i + k < n && !strchr(" \t\r\n", p[i + k]); k++) {
            if (!strchr("0123456789+-.eE:", p[i + k])) return FORMAT_GUESS;
            colons += p[i + k] == ':';
        }
        if (i + k == n) break; /* the head ends within it */
        if (k > 0 && (words == 0 ? colons > 0 : colons == 0 || (each > 0 && colons != each))) return FORMAT_GUESS;
        if (k > 0 && words++ > 0) each = colons;
        i += k + (p[i + k] != '\n');
    }
    return each == 1 ? FORMAT_LIBSVM : each == 2 ? FORMAT_LIBFFM : FORMAT_GUESS;
}

/* Of plain bytes, inflated if need be. */
static enum table_format format_of_head(const uint8_t *p, size_t n)
{
    if (n >= 4 && memcmp(p, "PAR1", 4) == 0) return FORMAT_PARQUET;
    if (n >= TFRECORD_HEADER_BYTES && tfrecord_header_is_sound(p)) return FORMAT_TFRECORD;
    if (!looks_like_text(p, n)) return FORMAT_GUESS;
    size_t i = n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < n && strchr(" \t\r\n", p[i])) i++;
    if (i < n && (p[i] == '{' || p[i] == '[')) return FORMAT_JSONL;
    enum table_format svm = svm_of_line(p + i, n - i);
    return svm != FORMAT_GUESS ? svm : memchr(p, '\n', n) ? FORMAT_CSV : FORMAT_GUESS;
}

/* The first bytes, inflated; of a damaged gzip file those in front of the damage. */
static int read_head(const char *path, buf *head, int *packed, shoal_error *err)
{
    file_reader *f;
    inflater *z;
    shoal_error why = {0};
    int r = file_open(path, &f, err);
    if (r == 0) r = inflater_new(f, &z, err);
    if (r < 0) return r;
    *packed = inflater_container(z) != CONTAINER_PLAIN;
    int64_t n = buf_reserve(head, HEAD_BYTES, &why);
    for (int ends = n < 0; !ends && head->len < HEAD_BYTES; ends = n <= 0) {
        n = inflater_read(z, head->data + head->len, HEAD_BYTES - head->len, &why);
        if (n > 0) head->len += (size_t)n;
    }
    inflater_free(z);
    if (n >= 0 || (n == SHOAL_DATA && *packed)) return 0;
    if (err) *err = why;
    return (int)n;
}

/* 1 when it is known, 0 when the file is empty and its name does not tell. */
static int format_of_file(const char *path, enum table_format *out, shoal_error *err)
{
    *out = format_of_path(path, NULL);
    if (*out != FORMAT_GUESS) return 1;
    if (strcmp(path, "-") == 0) return error_set(err, SHOAL_USAGE, "standard input: say its format, as --format csv");
    if (file_is_stream(path)) return error_set(err, SHOAL_USAGE, "%s: it is a pipe, whose bytes come once: say its format, as --format csv", path);
    buf head = BUF_INIT;
    int packed = 0, r = read_head(path, &head, &packed, err);
    if (r == 0) r = refuse_foreign(path, head.data, head.len, err);
    if (r == 0 && head.len > 0) *out = format_of_head(head.data, head.len);
    if (r == 0 && *out == FORMAT_GUESS && packed) *out = FORMAT_TFRECORD; /* damaged: its reader says where */
    if (r == 0) r = *out != FORMAT_GUESS ? 1 : head.len == 0 ? 0 : unknown(path, err);
    buf_release(&head);
    return r;
}

int format_of_files(char **files, size_t n, enum table_format *out, shoal_error *err)
{
    const char *first = NULL;
    enum table_format other;
    *out = FORMAT_GUESS;
    for (size_t i = 0; i < n; i++) {
        int r = format_of_file(files[i], &other, err);
        if (r < 0) return r;
        if (r == 1 && first && other != *out)
            return error_set(err, SHOAL_USAGE, "%s is %s, but %s is %s: the files of a source are of one format; name those of one, as by DIR/*.%s", first,
                             format_name(*out), files[i], format_name(other), format_name(*out));
        if (r == 1 && !first) {
            first = files[i];
            *out = other;
        }
    }
    return first ? 0 : unknown(files[0], err);
}
