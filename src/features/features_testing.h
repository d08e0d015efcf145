/* features_testing.h: Arrow batches from text, for the tests of this folder.
 *
 *   table t = testing_table("user:u x:g tags:+u", "ann 1.5 a;b | ~ ~ () | bob nan ~");
 *
 * Columns are name:format with the Arrow formats u z U b c i l L f g tdD n, and +u +l +g for lists. Rows are split at
 * '|', cells at blanks; ~ is null, () an empty list, '' empty text, \xHH a byte. */
#ifndef FEATURES_FEATURES_TESTING_H
#define FEATURES_FEATURES_TESTING_H

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shoal.h"

#define TESTING_COLUMNS 16
#define TESTING_ROWS 4096

typedef struct testing_column {
    struct ArrowSchema schema, item_schema, *item_schema_at;
    struct ArrowArray array, item, *item_at;
    const void *buffers[3], *item_buffers[3];
    char name[32], format[8];
    uint8_t valid[TESTING_ROWS / 8 + 1], item_valid[TESTING_ROWS];
    int32_t offset[TESTING_ROWS + 1], item_offset[8 * TESTING_ROWS];
    char value[8 * TESTING_ROWS * 8];
    char item_value[8 * TESTING_ROWS * 8];
} testing_column;

typedef struct testing_table {
    struct ArrowSchema schema, *schemas[TESTING_COLUMNS];
    struct ArrowArray array, *arrays[TESTING_COLUMNS];
    const void *buffers[1];
    testing_column *column[TESTING_COLUMNS];
    int n;
} testing_table;

static inline size_t testing_bytes(const char *text, size_t n, char *out)
{
    size_t at = 0;
    if (n == 2 && text[0] == '\'' && text[1] == '\'')
        return 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\\' && i + 3 < n && text[i + 1] == 'x') {
            char hex[3] = {text[i + 2], text[i + 3], 0};
            out[at++] = (char)strtol(hex, NULL, 16);
            i += 3;
        } else {
            out[at++] = text[i];
        }
    return at;
}

/* One value behind the array's others. */
static inline void testing_value(char format, struct ArrowArray *a, uint8_t *valid, int32_t *offset, char *value,
                                 const char *text, size_t n)
{
    char word[256] = "";
    int64_t i = a->length++;
    int null = n == 1 && text[0] == '~';
    memcpy(word, text, n < 255 ? n : 255);
    a->null_count += null;
    if (!null)
        valid[i / 8] |= (uint8_t)(1 << i % 8);
    switch (format) {
    case 'u': case 'z':
        offset[i + 1] = offset[i];
        if (!null)
            offset[i + 1] += (int32_t)testing_bytes(text, n, value + offset[i]);
        break;
    case 'b':
        if (word[0] == '1')
            value[i / 8] |= (char)(1 << i % 8);
        break;
    case 'c': value[i] = (char)atoi(word); break;
    case 'i': case 't': ((int32_t *)(void *)value)[i] = null ? 77 : atoi(word); break;
    case 'l': case 'L': ((uint64_t *)(void *)value)[i] = word[0] == '-' ? (uint64_t)strtoll(word, NULL, 10)
                                                                        : strtoull(word, NULL, 10); break;
    case 'f': ((float *)(void *)value)[i] = null ? 77 : (float)strtod(word, NULL); break;
    case 'g': ((double *)(void *)value)[i] = null ? 77 : strtod(word, NULL); break;
    default: break;
    }
}

static inline void testing_cell(testing_column *c, const char *text, size_t n)
{
    if (c->format[0] != '+') {
        testing_value(c->format[0], &c->array, c->valid, c->offset, c->value, text, n);
        return;
    }
    int64_t i = c->array.length++;
    int null = n == 1 && text[0] == '~';
    c->array.null_count += null;
    if (!null)
        c->valid[i / 8] |= (uint8_t)(1 << i % 8);
    if (!null && !(n == 2 && text[0] == '('))
        for (size_t at = 0; at <= n;) {
            size_t end = at;
            while (end < n && text[end] != ';')
                end++;
            testing_value(c->format[1], &c->item, c->item_valid, c->item_offset, c->item_value, text + at, end - at);
            at = end + 1;
        }
    c->offset[i + 1] = (int32_t)c->item.length;
}

static inline void testing_finish(testing_column *c)
{
    char f = c->format[0] == '+' ? c->format[1] : c->format[0];
    struct ArrowArray *flat = c->format[0] == '+' ? &c->item : &c->array;
    const void **buffers = c->format[0] == '+' ? c->item_buffers : c->buffers;
    int32_t *offset = c->format[0] == '+' ? c->item_offset : c->offset;
    char *value = c->format[0] == '+' ? c->item_value : c->value;
    buffers[0] = c->format[0] == '+' ? c->item_valid : c->valid;
    flat->buffers = buffers;
    flat->n_buffers = f == 'u' || f == 'z' ? 3 : f == 'n' ? 0 : 2;
    buffers[1] = flat->n_buffers == 3 ? (const void *)offset : value;
    buffers[2] = value;
    c->schema.name = c->name;
    c->schema.format = c->format;
    if (c->format[0] != '+')
        return;
    c->buffers[0] = c->valid;
    c->buffers[1] = c->offset;
    c->array.buffers = c->buffers;
    c->array.n_buffers = 2;
    c->item_at = &c->item;
    c->array.children = &c->item_at;
    c->array.n_children = 1;
    static const char *const items[] = {"u", "l", "g", "i", "f"};
    for (size_t k = 0; k < sizeof items / sizeof *items; k++)
        if (items[k][0] == f)
            c->item_schema.format = items[k];
    c->item_schema.name = "item";
    c->item_schema_at = &c->item_schema;
    c->schema.children = &c->item_schema_at;
    c->schema.n_children = 1;
    c->schema.format = "+l";
}

static inline testing_table *testing_new(const char *columns, const char *rows)
{
    testing_table *t = calloc(1, sizeof *t);
    for (const char *p = columns; *p;) {
        testing_column *c = calloc(1, sizeof *c);
        size_t name = strcspn(p, ":"), format = strcspn(p + name + 1, " ");
        memcpy(c->name, p, name);
        memcpy(c->format, p + name + 1, format);
        t->column[t->n++] = c;
        p += name + 1 + format;
        p += strspn(p, " ");
    }
    for (const char *p = rows + strspn(rows, " |"); *p; p += strspn(p, " |")) {
        for (int k = 0; k < t->n; k++) {
            size_t n = strcspn(p, " |");
            testing_cell(t->column[k], p, n);
            p += n;
            p += strspn(p, " ");
        }
        t->array.length++;
    }
    for (int k = 0; k < t->n; k++) {
        testing_finish(t->column[k]);
        t->schemas[k] = &t->column[k]->schema;
        t->arrays[k] = &t->column[k]->array;
    }
    t->schema.format = "+s";
    t->schema.name = "";
    t->schema.n_children = t->array.n_children = t->n;
    t->schema.children = t->schemas;
    t->array.children = t->arrays;
    t->array.buffers = t->buffers;
    t->array.n_buffers = 1;
    return t;
}

static inline void testing_free(testing_table *t)
{
    for (int k = 0; k < t->n; k++)
        free(t->column[k]);
    free(t);
}

#endif
