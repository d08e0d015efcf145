/* crc32c.h: CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), by the processor's instructions where it has them. */
#ifndef RECORDS_CRC32C_H
#define RECORDS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to start) over n bytes. crc32c(0, "123456789", 9) == 0xe3069283. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The masked form that TFRecord stores: ((c >> 15) | (c << 17)) + 0xa282ead8. */
uint32_t crc32c_mask(uint32_t crc);
/* The table-driven form, for machines without the instruction and as the reference in tests. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
