#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "records/crc32c.h"

static void known_values(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c_mask(0xe3069283u), 0xc78ab0e5u);
    assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aau); /* RFC 3720, B.4 */
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void instruction_equals_table(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t from = 0; from < 9; from++)
        for (size_t n = 0; from + n <= sizeof bytes; n++) {
            assert_int_equal(crc32c(7, bytes + from, n), crc32c_portable(7, bytes + from, n));
            assert_int_equal(crc32c(crc32c(0, bytes, from), bytes + from, n), crc32c(0, bytes, from + n));
        }
}

/* Every length of a part, and several of the longest. */
static void long_runs(void **state)
{
    (void)state;
    static uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i * 31 + i * 7 + 3);
    for (size_t n = 0; n <= sizeof bytes; n += n < 1600 ? 1 : 97) assert_int_equal(crc32c(9, bytes, n), crc32c_portable(9, bytes, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(instruction_equals_table), cmocka_unit_test(long_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
