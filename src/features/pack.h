/* pack.h: raw rows on disk, for reading in mixed order. Written once, in the pass over the source that gathers
 * statistics; training then reads its blocks at random, so that every source, sorted or piped, trains the same way.
 *
 *   "SHOALPK1" | u32 stride | u32 block_rows | u32 lists | u32 lists with weights
 *   block*:  u32 rows | u32 heap bytes | records | heap | u64 xxh3(all before it in the block)
 *   footer:  u64 offset[n_blocks] | u64 n_blocks | u64 rows | 16-byte digest | u64 xxh3(footer) | "SHOALPKE"
 *
 * All little-endian. Every block but the last has block_rows rows. The digest is the XXH3-128 over the blocks' own
 * checksums in order: equal digests mean equal data. */
#ifndef FEATURES_PACK_H
#define FEATURES_PACK_H

#include "base/hash.h"
#include "features/features.h"

#define PACK_BLOCK_ROWS 256

typedef struct pack_writer pack_writer;
int pack_create(const char *path, uint32_t stride, pack_writer **out, shoal_error *err);
/* Appends rows (cut into blocks of PACK_BLOCK_ROWS whatever the size of `rows`). */
int pack_add(pack_writer *w, const raw_block *rows, shoal_error *err);
int pack_commit(pack_writer *w, shoal_error *err); /* whole or not at all; frees w either way */
void pack_abort(pack_writer *w);

typedef struct pack pack;
int pack_open(const char *path, pack **out, shoal_error *err);
void pack_close(pack *p);
uint64_t pack_rows(const pack *p);
uint32_t pack_blocks(const pack *p);
uint32_t pack_block_row_count(const pack *p, uint32_t block);
uint64_t pack_block_bytes(const pack *p, uint32_t block);
uint32_t pack_stride(const pack *p);
hash128 pack_digest(const pack *p);
/* Appends one block to out (records and heap; list offsets are shifted to where the heap lands). Verified.
 * Thread-safe. */
int pack_read(const pack *p, uint32_t block, raw_block *out, shoal_error *err);

#endif
