/* example_scan.h: where the features of a record are, by key, without decoding a value.
 *
 * Writers put features in the same order into record after record, and leave out those that are null. So the scanner keeps
 * of each key the one that came behind it last, guesses along that chain, and verifies a guess by comparing bytes: no hashing
 * while the order repeats, and no object a feature. Feature messages of the shape that writers make (one list, and in it one
 * bytes value or one packed run of numbers) are seen through at once; any other is left to example.h.
 */
#ifndef RECORDS_EXAMPLE_SCAN_H
#define RECORDS_EXAMPLE_SCAN_H

#include "records/example.h"

/* Bytes behind a record that must be readable: keys are compared by words, short values copied by sixteen bytes. */
#define EXAMPLE_SLACK 16

/* A set of keys, numbered from 0. Read only once made: any number of scanners share it. */
typedef struct example_keys example_keys;
/* `wanted` (may be NULL: all) says of each key whether its features are looked into. Keys are copied. */
int example_keys_new(const view *keys, const uint8_t *wanted, size_t n, example_keys **out, shoal_error *err);
void example_keys_free(example_keys *k);
int64_t example_keys_find(const example_keys *k, view key); /* -1: none of them */

enum example_form {
    EXAMPLE_ABSENT,  /* no such key in the record, or a feature without a list */
    EXAMPLE_SINGLE,  /* bytes: the one value */
    EXAMPLE_PACKED,  /* numbers: the packed run, not empty */
    EXAMPLE_MESSAGE  /* any other shape: the Feature message, for example_open */
};

typedef struct example_slot {
    const char *p;
    uint32_t n;
    uint8_t form; /* enum example_form */
    uint8_t kind; /* enum example_kind, of SINGLE and PACKED */
} example_slot;

typedef struct example_scanner {
    const example_keys *keys;
    uint32_t *after; /* [keys + 1] the key that is expected behind each; the last entry: at the start of a record */
} example_scanner;

int example_scanner_init(example_scanner *s, const example_keys *keys, shoal_error *err);
void example_scanner_release(example_scanner *s);

/* Sets slots[k * stride] of each wanted key k. Of a key that comes twice the last feature counts. A key that is not in
 * the set, with a list: `unknown` gets it and the scan goes on (the last such key is kept; p NULL: none). */
int example_scan(example_scanner *s, view record, example_slot *slots, size_t stride, view *unknown, shoal_error *err);

#endif
