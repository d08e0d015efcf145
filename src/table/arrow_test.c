#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "table/arrow.h"
#include "table/cell_text.h"

static const char *const FORMATS[] = {"b", "c", "i", "L", "f", "g", "u", "z", "tdD", "tsu:UTC", "n", "U"};
#define N_FORMATS ((int64_t)(sizeof FORMATS / sizeof FORMATS[0]))

static void make_schema(struct ArrowSchema *s)
{
    assert_int_equal(arrow_schema_struct(s, N_FORMATS + 2, NULL), 0);
    for (int64_t i = 0; i < N_FORMATS; i++) {
        char name[4] = {'a', (char)('a' + i), 0};
        assert_int_equal(arrow_schema_set(s->children[i], name, FORMATS[i], 1, NULL), 0);
    }
    assert_int_equal(arrow_schema_set_list(s->children[N_FORMATS], "list", "u", NULL), 0);
    assert_int_equal(arrow_schema_set_list(s->children[N_FORMATS + 1], "ints", "s", NULL), 0);
}

static int add_rows(arrow_builder *b, int n, shoal_error *err)
{
    int r = 0;
    for (int row = 0; r == 0 && row < n; row++)
        for (int64_t i = 0; r == 0 && i < N_FORMATS + 2; i++) {
            const char *f = i < N_FORMATS ? FORMATS[i] : "+l";
            if (*f == 'n' || (row + i) % 5 == 4) r = arrow_builder_null(b, i, err);
            else if (*f == '+') {
                r = arrow_builder_list_open(b, i, err);
                for (int k = 0; r == 0 && k < row % 4; k++)
                    r = i == N_FORMATS ? arrow_builder_text(b, i, view_of("item", (size_t)k), err) : arrow_builder_i64(b, i, k - row, err);
                if (r == 0) r = arrow_builder_list_close(b, i, err);
            } else if (strchr("uzU", *f)) r = arrow_builder_text(b, i, view_of("some text", (size_t)(row % 10)), err);
            else if (strchr("fg", *f)) r = arrow_builder_f64(b, i, row * 0.5, err);
            else r = arrow_builder_i64(b, i, *f == 'b' ? row % 2 : row % 100, err);
        }
    return r;
}

static void text_of(const struct ArrowSchema *s, const struct ArrowArray *a, buf *b)
{
    buf_clear(b);
    for (int64_t i = 0; i < a->length; i++) assert_int_equal(cell_put_json_row(b, s, a, i, NULL), 0);
}

static void build_check_copy(void **state)
{
    (void)state;
    struct ArrowSchema s;
    struct ArrowArray a, c;
    arrow_builder *b;
    buf ours = BUF_INIT, copied = BUF_INIT;
    shoal_error err;
    make_schema(&s);
    assert_int_equal(arrow_builder_new(&s, &b, &err), 0);
    for (int round = 0; round < 2; round++) { /* a builder starts anew after it handed its rows over */
        assert_int_equal(add_rows(b, 100, &err), 0);
        assert_int_equal(arrow_builder_finish(b, &a, &err), 0);
        assert_int_equal(a.length, 100);
        assert_int_equal(arrow_array_check(&s, &a, &err), 0);
        assert_true(arrow_is_null(a.children[1], 3));
        assert_false(arrow_is_null(a.children[1], 2));
        assert_int_equal(arrow_i64(ARROW_I8, a.children[1], 2), 2);
        assert_int_equal(arrow_f64(ARROW_F64, a.children[5], 3) * 2, 3);
        text_of(&s, &a, &ours);
        assert_int_equal(arrow_array_copy(&s, &a, 0, a.length, &c, &err), 0);
        assert_int_equal(arrow_array_check(&s, &c, &err), 0);
        assert_true(arrow_array_bytes(&s, &a) == arrow_array_bytes(&s, &c));
        a.release(&a);
        text_of(&s, &c, &copied);
        assert_int_equal(ours.len, copied.len);
        assert_memory_equal(ours.data, copied.data, ours.len);
        c.release(&c);
    }
    /* a slice copies as what it shows */
    assert_int_equal(add_rows(b, 50, &err), 0);
    assert_int_equal(arrow_builder_finish(b, &a, &err), 0);
    for (int64_t i = 0; i < a.n_children; i++) {
        a.children[i]->offset = 13;
        a.children[i]->length = 20;
        a.children[i]->null_count = -1;
    }
    for (int64_t i = 0; i < a.n_children; i++)
        if (a.children[i]->n_buffers == 0) a.children[i]->null_count = 20;
    a.length = 20;
    assert_int_equal(arrow_array_check(&s, &a, &err), 0);
    text_of(&s, &a, &ours);
    assert_int_equal(arrow_array_copy(&s, &a, 0, a.length, &c, &err), 0);
    text_of(&s, &c, &copied);
    assert_memory_equal(ours.data, copied.data, ours.len);
    a.release(&a);
    c.release(&c);
    arrow_builder_free(b);
    buf_release(&ours);
    buf_release(&copied);
    s.release(&s);
}

static void keep(struct ArrowArray *a) { a->release = NULL; }

#define REFUSED(change)                                                                                        \
    do {                                                                                                       \
        int32_t offsets[] = {0, 2, 4};                                                                         \
        const void *buffers[] = {NULL, offsets, "abcd"};                                                       \
        struct ArrowArray a = {.length = 2, .n_buffers = 3, .buffers = buffers, .release = keep}, *at = &a;    \
        const void *none[] = {NULL};                                                                           \
        struct ArrowArray batch = {.length = 2, .n_buffers = 1, .buffers = none, .n_children = 1, .children = &at, .release = keep}; \
        assert_int_equal(arrow_array_check(&s, &batch, NULL), 0);                                              \
        change;                                                                                                \
        assert_int_equal(arrow_array_check(&s, &batch, &err), SHOAL_DATA);                                     \
        assert_non_null(strstr(err.message, "'x'"));                                                           \
    } while (0)

static void bad_arrays_are_refused(void **state)
{
    (void)state;
    struct ArrowSchema s;
    shoal_error err;
    assert_int_equal(arrow_schema_struct(&s, 1, NULL), 0);
    assert_int_equal(arrow_schema_set(s.children[0], "x", "u", 1, NULL), 0);
    REFUSED(offsets[1] = -1);
    REFUSED(offsets[1] = 5);
    REFUSED(offsets[0] = -1);
    REFUSED(buffers[1] = NULL);
    REFUSED(buffers[2] = NULL);
    REFUSED(a.n_buffers = 2);
    REFUSED(a.length = -1);
    REFUSED(a.offset = -1);
    REFUSED(a.length = 1);
    REFUSED(a.null_count = 3);
    REFUSED(a.null_count = 1);
    REFUSED(a.release = NULL);
    REFUSED(a.n_children = 1);
    REFUSED(buffers[2] = "a\xff" "bc");
    REFUSED((buffers[2] = "a\xc3\xa9" "b")); /* a letter cut in two between the rows */
    s.release(&s);
}

static void allocations_fail(void **state)
{
    (void)state;
    struct ArrowSchema s;
    make_schema(&s);
    for (long n = 1;; n++) {
        arrow_builder *b = NULL;
        struct ArrowArray a = {0}, c = {0};
        mem_fail_at(n, 0);
        int r = arrow_builder_new(&s, &b, NULL);
        if (r == 0) r = add_rows(b, 30, NULL);
        if (r == 0) r = arrow_builder_finish(b, &a, NULL);
        if (r == 0) r = arrow_array_copy(&s, &a, 0, a.length, &c, NULL);
        mem_fail_at(0, 0);
        if (a.release) a.release(&a);
        if (c.release) c.release(&c);
        arrow_builder_free(b);
        if (r == 0) break;
        assert_int_equal(r, SHOAL_NOMEM);
        assert_true(n < 1000);
    }
    s.release(&s);
}

/* An encoded column x of two rows; what is printed of its plain copy, and what the check says of it when it is broken. */
typedef struct encoded {
    struct ArrowSchema schema, *x;
    struct ArrowArray column, child, batch, *column_at, *child_at;
    const void *none[1], *buffers[4], *child_buffers[3];
} encoded;

static void encode(encoded *e, const char *format, int64_t n_buffers, const void *values, const char *child_format, const void *child_values, int64_t child_n)
{
    memset(e, 0, sizeof *e);
    int64_t children = format[0] == '+';
    assert_int_equal(arrow_schema_struct(&e->schema, 1, NULL), 0);
    e->x = e->schema.children[0];
    if (children) {
        assert_int_equal(arrow_schema_set_list(e->x, "x", child_format, NULL), 0);
        assert_int_equal(arrow_schema_set_format(e->x, format, NULL), 0);
    } else assert_int_equal(arrow_schema_set(e->x, "x", format, 1, NULL), 0);
    if (!children && child_format) {
        e->x->dictionary = mem_calloc(1, sizeof *e->x->dictionary);
        assert_int_equal(arrow_schema_set(e->x->dictionary, "", child_format, 1, NULL), 0);
    }
    e->buffers[1] = values;
    e->child_buffers[1] = child_values;
    e->child_buffers[2] = "onetwo";
    e->child = (struct ArrowArray){.length = child_n, .n_buffers = child_format && *child_format == 'u' ? 3 : 2, .buffers = e->child_buffers, .release = keep};
    e->child_at = &e->child;
    e->column = (struct ArrowArray){.length = 2, .n_buffers = n_buffers, .buffers = e->buffers, .n_children = children, .children = &e->child_at, .release = keep};
    if (!children && child_format) e->column.dictionary = &e->child;
    e->column_at = &e->column;
    e->batch = (struct ArrowArray){.length = 2, .n_buffers = 1, .buffers = e->none, .n_children = 1, .children = &e->column_at, .release = keep};
}

static void is_copied_as(encoded *e, const char *text)
{
    struct ArrowSchema plain;
    struct ArrowArray copy;
    buf b = BUF_INIT;
    assert_int_equal(arrow_array_check(&e->schema, &e->batch, NULL), 0);
    assert_false(arrow_schema_is_plain(&e->schema));
    assert_int_equal(arrow_schema_plain(&e->schema, &plain, NULL), 0);
    assert_true(arrow_schema_is_plain(&plain));
    for (long n = 1;; n++) { /* with every allocation failing in turn */
        mem_fail_at(n, 0);
        int r = arrow_array_copy(&e->schema, &e->batch, 0, 2, &copy, NULL);
        mem_fail_at(0, 0);
        if (r == 0) break;
        assert_int_equal(r, SHOAL_NOMEM);
        assert_true(n < 100);
    }
    assert_int_equal(arrow_array_check(&plain, &copy, NULL), 0);
    text_of(&plain, &copy, &b);
    assert_string_equal(buf_str(&b), text);
    copy.release(&copy);
    plain.release(&plain);
    buf_release(&b);
}

#define BROKEN(change)                                                                  \
    do {                                                                                \
        encoded kept = e;                                                               \
        change;                                                                         \
        assert_int_equal(arrow_array_check(&e.schema, &e.batch, &err), SHOAL_DATA);     \
        assert_non_null(strstr(err.message, "Arrow column '"));                                    \
        e = kept;                                                                       \
        e.column_at = &e.column, e.child_at = &e.child;                                 \
    } while (0)

static void encodings(void **state)
{
    (void)state;
    encoded e;
    shoal_error err;
    uint8_t index[] = {1, 0}, outside[] = {0, 2};
    int32_t ends[] = {0, 3, 6}, numbers[] = {7, 8, 9, 10}, starts[] = {2, 0}, lengths[] = {2, 1}, far[] = {3, 0};
    int32_t views[] = {3, 0x6f7774 /* "two" */, 0, 0, 14, 0, 0, 2}, behind[] = {3, 0x6f7774, 0, 0, 14, 0, 0, 3}, nowhere[] = {3, 0x6f7774, 0, 0, 14, 0, 1, 0};
    int64_t sizes[] = {16};

    encode(&e, "C", 2, index, "u", ends, 2);
    is_copied_as(&e, "{\"x\":\"two\"}\n{\"x\":\"one\"}\n");
    BROKEN(e.buffers[1] = outside);
    BROKEN(e.buffers[1] = NULL);
    BROKEN(e.column.dictionary = NULL);
    BROKEN(e.column.n_buffers = 1);
    BROKEN(e.column.null_count = 1);
    assert_int_equal(arrow_schema_set_format(e.x, "f", NULL), 0); /* no indices */
    BROKEN((void)0);
    e.schema.release(&e.schema);

    encode(&e, "vu", 4, views, NULL, NULL, 0);
    e.buffers[2] = "--sixteen bytes-";
    e.buffers[3] = sizes;
    is_copied_as(&e, "{\"x\":\"two\"}\n{\"x\":\"sixteen bytes-\"}\n");
    BROKEN(e.buffers[1] = behind);
    BROKEN(e.buffers[1] = nowhere);
    BROKEN(e.buffers[2] = NULL);
    BROKEN(e.buffers[2] = "--\xff---------------");
    BROKEN(e.buffers[3] = NULL);
    BROKEN(e.column.n_buffers = 2);
    e.schema.release(&e.schema);

    encode(&e, "+w:2", 1, NULL, "i", numbers, 4);
    is_copied_as(&e, "{\"x\":[7,8]}\n{\"x\":[9,10]}\n");
    BROKEN(e.child.length = 3);
    e.schema.release(&e.schema);

    encode(&e, "+vl", 3, starts, "i", numbers, 4);
    e.buffers[2] = lengths;
    is_copied_as(&e, "{\"x\":[9,10]}\n{\"x\":[7]}\n");
    BROKEN(e.buffers[1] = far);
    BROKEN(e.buffers[2] = NULL);
    e.schema.release(&e.schema);
}

static void cells(void **state)
{
    (void)state;
    static const struct { const char *format; int64_t v; const char *text; } CASE[] = {
        {"tdD", 0, "1970-01-01"}, {"tdD", 18321, "2020-02-29"}, {"tdD", -719528, "0000-01-01"}, {"tsu:", 1500000, "1970-01-01 00:00:01.5"},
        {"tss:UTC", -1, "1969-12-31 23:59:59+00"}, {"ttu", 3661000001, "01:01:01.000001"}, {"b", 1, "true"}, {"L", -1, "18446744073709551615"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        struct ArrowSchema s;
        const void *buffers[] = {NULL, &CASE[i].v};
        struct ArrowArray a = {.length = 1, .n_buffers = 2, .buffers = buffers};
        int32_t day = (int32_t)CASE[i].v;
        buf b = BUF_INIT;
        if (strcmp(CASE[i].format, "tdD") == 0) buffers[1] = &day;
        assert_int_equal(arrow_schema_set(&s, "x", CASE[i].format, 1, NULL), 0);
        assert_int_equal(cell_put_text(&b, &s, &a, 0, NULL), 0);
        assert_string_equal(buf_str(&b), CASE[i].text);
        buf_release(&b);
        s.release(&s);
    }
    __int128 dec = -12345;
    const void *buffers[] = {NULL, &dec};
    struct ArrowArray a = {.length = 1, .n_buffers = 2, .buffers = buffers};
    struct ArrowSchema s;
    buf b = BUF_INIT;
    assert_int_equal(arrow_schema_set(&s, "x", "d:10,6", 1, NULL), 0);
    assert_int_equal(cell_put_text(&b, &s, &a, 0, NULL), 0);
    assert_string_equal(buf_str(&b), "-0.012345");
    s.release(&s);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(build_check_copy), cmocka_unit_test(bad_arrays_are_refused), cmocka_unit_test(allocations_fail), cmocka_unit_test(encodings),
                                       cmocka_unit_test(cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
