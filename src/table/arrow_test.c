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
        assert_int_equal(arrow_array_copy(&s, &a, &c, &err), 0);
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
    assert_int_equal(arrow_array_copy(&s, &a, &c, &err), 0);
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
        if (r == 0) r = arrow_array_copy(&s, &a, &c, NULL);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(build_check_copy), cmocka_unit_test(bad_arrays_are_refused), cmocka_unit_test(allocations_fail),
                                       cmocka_unit_test(cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
