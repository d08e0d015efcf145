/* arena.c: a list of chunks that grows and is kept. Red zones: under AddressSanitizer what is not handed out is poisoned. */
#include "base/mem.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_RED_ZONE ((size_t)16)
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ARENA_RED_ZONE ((size_t)0)
#endif

#define ARENA_CHUNK_DEFAULT ((size_t)64 << 10)

struct arena_chunk {
    arena_chunk *next;
    size_t bytes;
    _Alignas(64) unsigned char data[];
};

void arena_init(arena *a, size_t chunk_bytes)
{
    memset(a, 0, sizeof *a);
    a->chunk_bytes = chunk_bytes ? chunk_bytes : ARENA_CHUNK_DEFAULT;
}

/* Puts a chunk with room for `bytes` behind the current one: a kept one if it is large enough, else a new one. */
static int arena_next_chunk(arena *a, size_t bytes)
{
    arena_chunk *kept = a->current ? a->current->next : a->head;
    if (kept && kept->bytes >= bytes) {
        a->current = kept;
        a->used = 0;
        return 0;
    }
    size_t size = bytes > a->chunk_bytes ? bytes : a->chunk_bytes;
    if (size > SIZE_MAX / 2)
        return -1;
    arena_chunk *c = mem_alloc(sizeof *c + size);
    if (c == NULL)
        return -1;
    c->bytes = size;
    c->next = kept;
    ASAN_POISON_MEMORY_REGION(c->data, size);
    if (a->current)
        a->current->next = c;
    else
        a->head = c;
    a->current = c;
    a->used = 0;
    return 0;
}

void *arena_alloc(arena *a, size_t bytes, size_t align)
{
    DCHECK(align > 0 && align <= 64 && (align & (align - 1)) == 0);
    if (bytes > SIZE_MAX / 4)
        return NULL;
    size_t at = (a->used + align - 1) & ~(align - 1);
    if (a->current == NULL || at > a->current->bytes || bytes + ARENA_RED_ZONE > a->current->bytes - at) {
        if (arena_next_chunk(a, bytes + ARENA_RED_ZONE) != 0)
            return NULL;
        at = 0;
    }
    void *p = a->current->data + at;
    a->used = at + bytes + ARENA_RED_ZONE;
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    return p;
}

char *arena_strndup(arena *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(a, n + 1, 1) : NULL;
    if (copy) {
        if (n)
            memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

void arena_reset(arena *a)
{
    for (arena_chunk *c = a->head; c; c = c->next)
        ASAN_POISON_MEMORY_REGION(c->data, c->bytes);
    a->current = NULL;
    a->used = 0;
}

void arena_release(arena *a)
{
    arena_chunk *c = a->head;
    while (c) {
        arena_chunk *next = c->next;
        ASAN_UNPOISON_MEMORY_REGION(c->data, c->bytes);
        mem_free(c);
        c = next;
    }
    a->head = a->current = NULL;
    a->used = 0;
}
