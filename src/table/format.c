/* format.c: which format a file has: by its ending, else by its first bytes. */
#include <string.h>

#include "base/mem.h"
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

enum table_format format_of_name(const char *name)
{
    static const char *const NAME[] = {NULL, "tfrecord", "parquet", "csv", "jsonl", "libsvm", "libffm"};
    for (size_t i = 1; name && i < sizeof NAME / sizeof NAME[0]; i++)
        if (strcmp(name, NAME[i]) == 0) return (enum table_format)i;
    return FORMAT_GUESS;
}

int format_is_ducks(enum table_format f) { return f == FORMAT_PARQUET; }

static int looks_like_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < ' ' && !strchr("\t\r\n", p[i])) return 0;
    return n > 0;
}

static int unknown(const char *path, shoal_error *err)
{
    return error_set(err, SHOAL_USAGE, "%s: its format is known neither by its ending nor by its content: say --format " FORMATS_SAID, path);
}

/* 1 when it is known, 0 when the file is empty and its name does not tell. */
static int format_of_file(const char *path, enum table_format *out, shoal_error *err)
{
    *out = format_of_path(path, NULL);
    if (*out != FORMAT_GUESS) return 1;
    if (strcmp(path, "-") == 0) return error_set(err, SHOAL_USAGE, "standard input: say its format, as --format csv");
    file_reader *f;
    uint8_t head[512];
    int r = file_open(path, &f, err);
    if (r < 0) return r;
    int64_t n = file_read(f, head, sizeof head, err);
    file_close(f);
    if (n <= 0) return (int)n;
    if (n >= 4 && memcmp(head, "PAR1", 4) == 0) *out = FORMAT_PARQUET;
    else if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b) *out = FORMAT_TFRECORD;
    else if (n >= TFRECORD_HEADER_BYTES && tfrecord_header_is_sound(head)) *out = FORMAT_TFRECORD;
    else if (n >= 1 && head[0] == '{' && looks_like_text(head, (size_t)n)) *out = FORMAT_JSONL;
    else if (looks_like_text(head, (size_t)n) && memchr(head, '\n', (size_t)n)) *out = FORMAT_CSV;
    return *out != FORMAT_GUESS ? 1 : unknown(path, err);
}

int format_of_files(char **files, size_t n, enum table_format *out, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) r = format_of_file(files[i], out, err);
    return r < 0 ? r : r == 0 ? unknown(files[0], err) : 0;
}
