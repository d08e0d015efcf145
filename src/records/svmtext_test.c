#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "records/svmtext.h"

typedef struct parsed {
    svm_rows rows;
    svm_fault fault;
    size_t used, lines;
} parsed;

static int parse(parsed *p, enum svm_kind kind, const char *text)
{
    memset(p, 0, sizeof *p);
    svm_rows_init(&p->rows);
    return svm_parse(kind, view_of(text, strlen(text)), SIZE_MAX, &p->rows, &p->used, &p->lines, &p->fault, NULL);
}

static float value_of(const parsed *p, size_t i) { return ((const float *)(const void *)p->rows.value.data)[i]; }
static int64_t index_of(const parsed *p, size_t i) { return ((const int64_t *)(const void *)p->rows.index.data)[i]; }
static int32_t offset_of(const parsed *p, size_t i) { return ((const int32_t *)(const void *)p->rows.offset.data)[i]; }
static float label_of(const parsed *p, size_t i) { return ((const float *)(const void *)p->rows.label.data)[i]; }

static void lines_and_rows(void **state)
{
    (void)state;
    parsed p;
    assert_int_equal(parse(&p, SVM_LIBSVM, "# head\n+1 3:1 2:.5\t2:-0 \r\n\n  \n-1\n0.25 # 1:1\n7 9223372036854775807:1e2"), 0);
    assert_int_equal(p.rows.rows, 4);
    assert_int_equal(p.lines, 7);
    assert_int_equal(p.rows.entries, 4);
    const int32_t offset[] = {0, 3, 3, 3, 4};
    for (size_t i = 0; i < 5; i++) assert_int_equal(offset_of(&p, i), offset[i]);
    assert_true(label_of(&p, 0) == 1 && label_of(&p, 1) == -1 && label_of(&p, 2) == 0.25f && label_of(&p, 3) == 7);
    assert_true(index_of(&p, 0) == 3 && index_of(&p, 1) == 2 && index_of(&p, 2) == 2 && index_of(&p, 3) == INT64_MAX);
    assert_true(value_of(&p, 1) == 0.5f && signbit(value_of(&p, 2)) && value_of(&p, 3) == 100);
    svm_rows_release(&p.rows);

    assert_int_equal(parse(&p, SVM_LIBFFM, "1 0:5:nan 2147483647:0:-inf\n"), 0);
    const int32_t *field = (const int32_t *)(const void *)p.rows.field.data;
    assert_true(field[0] == 0 && field[1] == INT32_MAX && index_of(&p, 0) == 5 && isnan(value_of(&p, 0)) && value_of(&p, 1) == -INFINITY);
    svm_rows_release(&p.rows);
}

/* Stops at the wanted number of rows and goes on behind them. */
static void in_pieces(void **state)
{
    (void)state;
    const char *text = "1 1:1\n2 2:2\n3 3:3\n4 4:4\n";
    parsed p;
    size_t at = 0, n = strlen(text);
    memset(&p, 0, sizeof p);
    for (int round = 0; round < 2; round++) {
        svm_rows_init(&p.rows);
        assert_int_equal(svm_parse(SVM_LIBSVM, view_of(text + at, n - at), 3, &p.rows, &p.used, &p.lines, &p.fault, NULL), 0);
        assert_int_equal(p.rows.rows, round ? 1 : 3);
        assert_int_equal(p.lines, round ? 1 : 3);
        at += p.used;
        svm_rows_release(&p.rows);
    }
    assert_int_equal(at, n);
}

static void faults(void **state)
{
    (void)state;
    static const struct { enum svm_kind kind; const char *text; size_t line, column; const char *token, *says; } CASE[] = {
        {SVM_LIBSVM, "1 1:1\nx 1:1\n", 2, 1, "x", "label"},
        {SVM_LIBSVM, "1,2 1:1", 1, 1, "1,2", "label"},
        {SVM_LIBSVM, "1 2", 1, 3, "2", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:1  :4\n", 1, 8, ":4", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:\n", 1, 3, "1:", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 -1:1\n", 1, 3, "-1:1", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:1#\n", 1, 3, "1:1#", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:0x1\n", 1, 3, "1:0x1", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:1e39\n", 1, 3, "1:1e39", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:1 9223372036854775808:1\n", 1, 7, "9223372036854775808:1", "INDEX:VALUE"},
        {SVM_LIBSVM, "1 1:2:3\n", 1, 3, "1:2:3", "INDEX:VALUE"},
        {SVM_LIBFFM, "1 1:2\n", 1, 3, "1:2", "FIELD:INDEX:VALUE"},
        {SVM_LIBFFM, "1 2147483648:1:1\n", 1, 3, "2147483648:1:1", "FIELD:INDEX:VALUE"},
        {SVM_LIBFFM, "1 1:1:1 \r1:1:1\n", 1, 9, "", "FIELD:INDEX:VALUE"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        parsed p;
        assert_int_equal(parse(&p, CASE[i].kind, CASE[i].text), SHOAL_DATA);
        if (p.fault.line != CASE[i].line || p.fault.column != CASE[i].column || !view_eq(p.fault.token, CASE[i].token) ||
            !strstr(p.fault.expected, CASE[i].says))
            fail_msg("%s: line %zu, column %zu, '%.*s', %s", CASE[i].text, p.fault.line, p.fault.column, (int)p.fault.token.n, p.fault.token.p,
                     p.fault.expected);
        svm_rows_release(&p.rows);
    }
}

/* Every number is the float that the C library reads, whatever its length and whatever stands around it. */
static void numbers(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        char text[100], number[48];
        uint64_t x = rng_u64(1, i), y = rng_u64(2, i);
        int form = (int)(x % 6), digits = 1 + (int)(y % 17);
        float f;
        uint32_t bits = (uint32_t)x;
        memcpy(&f, &bits, sizeof f);
        if (!isfinite(f)) f = 1.5f;
        if (form == 0) snprintf(number, sizeof number, "%.*g", digits, (double)(x >> 40) / 65536);
        else if (form == 1) snprintf(number, sizeof number, "-%.*f", digits, (double)(y >> 11) * 0x1p-53);
        else if (form == 2) snprintf(number, sizeof number, "%llu", (unsigned long long)(x >> (y % 64)));
        else if (form == 3) snprintf(number, sizeof number, "%.*e", digits, (double)f);
        else if (form == 4) /* the middle of two floats, and a little beside it */
            snprintf(number, sizeof number, "0.%llu%s", (unsigned long long)(5000000298023224ull + (y % 3) - 1), y & 64 ? "" : "0000000001");
        else snprintf(number, sizeof number, "%llu.%0*llu", (unsigned long long)(x % 100000), digits, (unsigned long long)(y % 1000000000));
        snprintf(text, sizeof text, "%s 1:%s", number, number);
        parsed p;
        assert_int_equal(parse(&p, SVM_LIBSVM, text), 0);
        float want = strtof(number, NULL), got = value_of(&p, 0), label = label_of(&p, 0);
        if (memcmp(&want, &got, sizeof got) != 0 || memcmp(&want, &label, sizeof got) != 0)
            fail_msg("%s is %.9g, %.9g was read", number, (double)want, (double)got);
        svm_rows_release(&p.rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_rows),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(faults),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
