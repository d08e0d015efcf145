/* safetensors_test.c: the bytes that are written, reading them back, damaged files, and faults at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "train/safetensors.h"

static char dir[] = "/tmp/shoal-safetensors-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/t.safetensors", dir);
    return 0;
}
static int drop_dir(void **state)
{
    (void)state;
    return file_remove_tree(dir, NULL);
}

static const float TABLE[3][4] = {{1, 2, -1, -1}, {3, 4, -1, -1}, {5, 6, -1, -1}}; /* two weights and two of state a row */
static const uint8_t BYTES[3] = {7, 8, 9};
static const uint64_t OFFSETS[2] = {0, 3};

static int write_three(hash128 *sum, shoal_error *err)
{
    tensor_out t[] = {
        {"e.table", TENSOR_F32, 3, 2, TABLE, 4},
        {"b\"ytes", TENSOR_U8, 3, 0, BYTES, 0},
        {"b.offsets", TENSOR_U64, 2, 0, OFFSETS, 0},
    };
    return safetensors_write(path, 1, t, 3, sum, err);
}

static void test_bytes(void **state)
{
    (void)state;
    shoal_error err;
    buf b = BUF_INIT;
    assert_int_equal(write_three(NULL, &err), 0);
    assert_int_equal(file_read_all(path, 4096, &b, &err), 0);
    static const char HEAD[] = "{\"b\\\"ytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[40,43]},"
                               "\"b.offsets\":{\"dtype\":\"U64\",\"shape\":[2],\"data_offsets\":[0,16]},"
                               "\"e.table\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[16,40]}}";
    /* '"' sorts before '.' */
    uint64_t n;
    memcpy(&n, b.data, 8);
    assert_int_equal((8 + n) % 64, 0);
    assert_memory_equal(b.data + 8, HEAD, sizeof HEAD - 1);
    for (uint64_t i = 8 + sizeof HEAD - 1; i < 8 + n; i++) assert_int_equal(b.data[i], ' ');
    const float dense[] = {1, 2, 3, 4, 5, 6};
    assert_memory_equal(b.data + 8 + n, OFFSETS, 16);
    assert_memory_equal(b.data + 8 + n + 16, dense, 24);
    assert_memory_equal(b.data + 8 + n + 40, BYTES, 3);
    assert_int_equal(b.len, 8 + n + 43);
    buf_release(&b);
}

static void test_read(void **state)
{
    (void)state;
    shoal_error err;
    hash128 written, read;
    safetensors *s;
    tensor_in t;
    assert_int_equal(write_three(&written, &err), 0);
    assert_int_equal(safetensors_open(path, &s, &err), 0);
    assert_int_equal(safetensors_digest(s, &read, &err), 0);
    assert_memory_equal(&read, &written, sizeof read);
    float back[3][4] = {{0}};
    assert_int_equal(safetensors_find(s, "e.table", TENSOR_F32, 3, 2, &t, &err), 0);
    assert_int_equal(safetensors_read(s, &t, back, 4, &err), 0);
    for (int r = 0; r < 3; r++) assert_true(back[r][0] == TABLE[r][0] && back[r][1] == TABLE[r][1] && back[r][2] == 0);
    assert_int_equal(safetensors_get(s, "b.offsets")->rows, 2);
    assert_null(safetensors_get(s, "nothing"));
    assert_int_equal(safetensors_find(s, "e.table", TENSOR_F32, 3, 3, &t, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "t.safetensors: tensor 'e.table' is F32 [3, 2], expected F32 [3, 3]"));
    assert_int_equal(safetensors_find(s, "e", TENSOR_F32, 3, 3, &t, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "there is no tensor 'e'"));
    safetensors_close(s);
}

static void test_large_rows(void **state)
{
    (void)state;
    enum { ROWS = 3, COLS = 100000, STRIDE = 100001 };
    float *data = mem_calloc(ROWS * STRIDE, sizeof *data), *back = mem_calloc(ROWS * STRIDE, sizeof *back);
    for (int i = 0; i < ROWS * STRIDE; i++) data[i] = i % STRIDE < COLS ? (float)i : 0;
    tensor_out t = {"wide", TENSOR_F32, ROWS, COLS, data, STRIDE};
    shoal_error err;
    safetensors *s;
    tensor_in in;
    assert_int_equal(safetensors_write(path, 1, &t, 1, NULL, &err), 0);
    assert_int_equal(safetensors_open(path, &s, &err), 0);
    assert_int_equal(safetensors_find(s, "wide", TENSOR_F32, ROWS, COLS, &in, &err), 0);
    assert_int_equal(safetensors_read(s, &in, back, STRIDE, &err), 0);
    assert_memory_equal(back, data, ROWS * STRIDE * sizeof *data);
    safetensors_close(s);
    mem_free(data);
    mem_free(back);
}

static void test_nothing(void **state)
{
    (void)state;
    shoal_error err;
    safetensors *s;
    assert_int_equal(safetensors_write(path, 1, NULL, 0, NULL, &err), 0);
    assert_int_equal(safetensors_open(path, &s, &err), 0);
    assert_null(safetensors_get(s, "a"));
    safetensors_close(s);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int data;
        const char *message;
    } CASE[] = {
        {"{", 0, "the safetensors header is no JSON"},
        {"[]", 0, "the safetensors header is no JSON object"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "lies outside the file"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5, "1 bytes stand behind the last tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "has a size that does not follow from its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "has a size that does not follow"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "has a shape that is no list of counts"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "has a shape that is no list of counts"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1],\"data_offsets\":[0,4]}}", 4, "is not of one or two dimensions"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "tensor 'a' is of type 'BF16'"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "has no dtype"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "leaves a hole or overlaps another"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
         "leaves a hole or overlaps another"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,0]}}", 2, "lies outside the file"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        buf b = BUF_INIT;
        shoal_error err;
        safetensors *s;
        uint64_t n = strlen(CASE[i].head);
        assert_int_equal(buf_append(&b, &n, 8, &err), 0);
        assert_int_equal(buf_append(&b, CASE[i].head, n, &err), 0);
        for (int k = 0; k < CASE[i].data; k++) assert_int_equal(buf_putc(&b, 0, &err), 0);
        assert_int_equal(file_write_all(path, 1, b.data, b.len, &err), 0);
        assert_int_equal(safetensors_open(path, &s, &err), SHOAL_DATA);
        if (!strstr(err.message, CASE[i].message)) fail_msg("%s\n  does not say: %s", err.message, CASE[i].message);
        assert_null(s);
        /* cut anywhere, it is refused as well */
        for (size_t cut = 0; cut < b.len; cut += 7) {
            assert_int_equal(file_write_all(path, 1, b.data, cut, &err), 0);
            assert_int_equal(safetensors_open(path, &s, &err), SHOAL_DATA);
        }
        buf_release(&b);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    shoal_error err;
    long n = 1;
    for (int rc = -1; rc; n++) {
        safetensors *s = NULL;
        mem_fail_at(n, 0);
        rc = write_three(NULL, &err);
        if (rc == 0) rc = safetensors_open(path, &s, &err);
        mem_fail_at(0, 0);
        safetensors_close(s);
        if (rc) assert_int_equal(rc, SHOAL_NOMEM);
        assert_true(n < 200);
    }
    assert_true(n > 5);
}

static void test_no_disk(void **state)
{
    (void)state;
    shoal_error err;
    hash128 old, now;
    assert_int_equal(write_three(&old, &err), 0);
    tensor_out t = {"other", TENSOR_U8, 3, 0, BYTES, 0};
    long n = 1;
    for (int rc = -1; rc; n++) {
        file_fail_at(n, 28 /* no space */);
        rc = safetensors_write(path, 1, &t, 1, NULL, &err);
        file_fail_at(0, 0);
        if (rc == 0) break;
        assert_int_equal(rc, SHOAL_STORAGE);
        safetensors *s;
        assert_int_equal(safetensors_open(path, &s, &err), 0);
        int replaced = safetensors_get(s, "other") != NULL; /* when the last fsync fails: the new one, whole */
        assert_int_equal(safetensors_digest(s, &now, &err), 0);
        assert_true(replaced || memcmp(&old, &now, sizeof old) == 0);
        safetensors_close(s);
        assert_true(n < 50);
    }
    assert_true(n > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_read),      cmocka_unit_test(test_large_rows),
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_damage),    cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_disk),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
