/* safetensors.h: tensors in a file (https://github.com/huggingface/safetensors, format of 2023).
 *
 *   u64le header bytes | JSON {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...} | data
 *
 * Written with names in byte order, the data starting at a multiple of 64 (the header is padded with spaces) and laid
 * out widest type first, then by name, without holes: every tensor is aligned to its type. No timestamps: the same
 * tensors give the same bytes. Read with every size and offset checked. */
#ifndef TRAIN_SAFETENSORS_H
#define TRAIN_SAFETENSORS_H

#include "base/hash.h"
#include "storage/file.h"

enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_U8, TENSOR_U32, TENSOR_I64, TENSOR_U64 };

#define SAFETENSORS_HEADER_MAX (64u << 20)
#define SAFETENSORS_TENSORS_MAX 1000000
#define SAFETENSORS_NAME_MAX 512

/* A tensor to be written: rows x cols elements; consecutive rows lie `stride` elements apart in memory (cols when
 * dense), so that weights can be written without their optimiser state. */
typedef struct tensor_out {
    const char *name;
    enum tensor_type type;
    uint64_t rows, cols; /* shape [rows, cols], or [rows] when cols is 0 */
    const void *data;
    uint64_t stride;     /* elements; 0 counts as cols (1 in one dimension) */
} tensor_out;
/* Sorts `tensors` by name. Whole or not at all. The digest of the file's bytes goes to *digest when not NULL. */
int safetensors_write(const char *path, int replace, tensor_out *tensors, size_t n, hash128 *digest, shoal_error *err);

typedef struct safetensors safetensors;
typedef struct tensor_in {
    const char *name;
    enum tensor_type type;
    uint64_t rows, cols; /* cols 1 for one dimension */
    uint64_t bytes;
    uint64_t offset;     /* in the file */
} tensor_in;
int safetensors_open(const char *path, safetensors **out, shoal_error *err);
void safetensors_close(safetensors *s);
uint64_t safetensors_size(const safetensors *s); /* bytes of the file */
/* The tensor of that name with exactly that type and shape, else an error that names file, tensor and what was found. */
int safetensors_find(const safetensors *s, const char *name, enum tensor_type type, uint64_t rows, uint64_t cols,
                     tensor_in *out, shoal_error *err);
/* Any shape. NULL when absent. */
const tensor_in *safetensors_get(const safetensors *s, const char *name);
/* Reads it whole; rows are put `stride` elements apart (0: dense). */
int safetensors_read(const safetensors *s, const tensor_in *t, void *data, uint64_t stride, shoal_error *err);
/* Only n rows from `first` on. */
int safetensors_read_rows(const safetensors *s, const tensor_in *t, uint64_t first, uint64_t n, void *data, uint64_t stride,
                          shoal_error *err);
/* Digest of the whole file, streaming. */
int safetensors_digest(const safetensors *s, hash128 *out, shoal_error *err);

#endif
