#include "features/counter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"

#define SLOTS_MIN 256
#define RUNS_MAX 64             /* merged into one before there are more */
#define RUN_BUFFER (256u << 10)
#define ENTRY_HEAD 20           /* of a run's entry: u64 key, u64 count, u32 length; the bytes follow */
#define NAME_BYTES_MAX (64u << 20)

typedef struct slot {
    uint64_t key; /* 0: free */
    uint64_t count;
    uint64_t name; /* offset of u32 length and bytes */
} slot;

typedef struct run {
    uint64_t at, bytes; /* in the spill */
} run;

struct counter {
    char *dir;
    slot *slot;
    uint64_t n_slots, used;
    slot *latest; /* waits for its name */
    buf names;
    file_writer *spill; /* the runs, one behind the other */
    uint32_t n_runs;
    run run[RUNS_MAX];
};

int counter_new(const char *dir, counter **out, shoal_error *err)
{
    counter *c = mem_calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return error_nomem(err, sizeof *c, "counts");
    c->dir = mem_strdup(dir);
    c->slot = mem_calloc(SLOTS_MIN, sizeof *c->slot);
    c->n_slots = SLOTS_MIN;
    if (!c->dir || !c->slot) {
        counter_free(c);
        return error_nomem(err, SLOTS_MIN * sizeof *c->slot, "counts");
    }
    *out = c;
    return 0;
}

void counter_free(counter *c)
{
    if (!c)
        return;
    file_abort(c->spill);
    mem_free(c->dir);
    mem_free(c->slot);
    buf_release(&c->names);
    mem_free(c);
}

size_t counter_bytes(const counter *c)
{
    return c->n_slots * sizeof *c->slot + c->names.cap;
}

/* ---- the table ---- */

static int slots_grow(counter *c, shoal_error *err)
{
    uint64_t n = 2 * c->n_slots, mask = n - 1;
    slot *fresh = mem_calloc(n, sizeof *fresh);
    if (!fresh)
        return error_nomem(err, n * sizeof *fresh, "counts");
    for (uint64_t i = 0; i < c->n_slots; i++) {
        uint64_t k = c->slot[i].key & mask;
        if (!c->slot[i].key)
            continue;
        while (fresh[k].key)
            k = (k + 1) & mask;
        fresh[k] = c->slot[i];
    }
    mem_free(c->slot);
    c->slot = fresh;
    c->n_slots = n;
    return 0;
}

int counter_add(counter *c, uint64_t key, shoal_error *err)
{
    if (2 * (c->used + 1) > c->n_slots) {
        int rc = slots_grow(c, err);
        if (rc)
            return rc;
    }
    const uint64_t mask = c->n_slots - 1;
    uint64_t i = key & mask;
    for (; c->slot[i].key; i = (i + 1) & mask)
        if (c->slot[i].key == key) {
            c->slot[i].count++;
            return 0;
        }
    c->slot[i] = (slot){key, 1, c->names.len};
    c->used++;
    c->latest = &c->slot[i];
    return 1;
}

void counter_expect(const counter *c, uint64_t key)
{
    __builtin_prefetch(&c->slot[key & (c->n_slots - 1)], 1);
}

int counter_name(counter *c, view bytes, shoal_error *err)
{
    if (bytes.n > NAME_BYTES_MAX)
        return error_set(err, SHOAL_DATA, "a category of %zu bytes, more than %u: leave the column out", bytes.n,
                         NAME_BYTES_MAX);
    uint32_t n = (uint32_t)bytes.n;
    int rc = buf_append(&c->names, &n, sizeof n, err);
    return rc ? rc : buf_append(&c->names, bytes.p, bytes.n, err);
}

/* ---- entries in order of their keys ---- */

typedef struct entry {
    uint64_t key, count;
    const uint8_t *bytes;
    uint32_t n;
} entry;

static int by_key(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Packs the used slots to the front, sorted. The table is no table until it is cleared. */
static void slots_sort(counter *c)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < c->n_slots; i++)
        if (c->slot[i].key)
            c->slot[n++] = c->slot[i];
    qsort(c->slot, n, sizeof *c->slot, by_key);
}

static entry slot_entry(const counter *c, const slot *s)
{
    entry e = {s->key, s->count, c->names.data + s->name + 4, 0};
    memcpy(&e.n, c->names.data + s->name, sizeof e.n);
    return e;
}

static void slots_clear(counter *c)
{
    memset(c->slot, 0, c->n_slots * sizeof *c->slot);
    buf_clear(&c->names);
    c->used = 0;
}

static int entry_write(file_writer *w, const entry *e, shoal_error *err)
{
    uint8_t head[ENTRY_HEAD];
    memcpy(head, &e->key, 8);
    memcpy(head + 8, &e->count, 8);
    memcpy(head + 16, &e->n, 4);
    int rc = file_write(w, head, sizeof head, err);
    return rc ? rc : file_write(w, e->bytes, e->n, err);
}

/* ---- reading runs ---- */

typedef struct run_reader {
    const file_writer *spill;
    run left;
    buf bytes;
    size_t at;
    int ended;
    entry entry;
} run_reader;

/* At least n bytes behind r->at, unless the run ends. */
static int run_fill(run_reader *r, size_t n, shoal_error *err)
{
    if (r->bytes.len - r->at >= n)
        return 0;
    if (r->at) {
        memmove(r->bytes.data, r->bytes.data + r->at, r->bytes.len - r->at);
        r->bytes.len -= r->at;
        r->at = 0;
    }
    int rc = buf_reserve(&r->bytes, n + RUN_BUFFER, err);
    while (!rc && r->bytes.len < n && r->left.bytes > 0) {
        size_t more = r->left.bytes < RUN_BUFFER ? (size_t)r->left.bytes : RUN_BUFFER;
        rc = file_spill_read(r->spill, r->left.at, r->bytes.data + r->bytes.len, more, err);
        r->bytes.len += more;
        r->left.at += more;
        r->left.bytes -= more;
    }
    return rc;
}

static int run_next(run_reader *r, shoal_error *err)
{
    int rc = run_fill(r, ENTRY_HEAD, err);
    if (rc)
        return rc;
    if (r->bytes.len == r->at) {
        r->ended = 1;
        return 0;
    }
    memcpy(&r->entry.key, r->bytes.data + r->at, 8);
    memcpy(&r->entry.count, r->bytes.data + r->at + 8, 8);
    memcpy(&r->entry.n, r->bytes.data + r->at + 16, 4);
    r->at += ENTRY_HEAD;
    rc = run_fill(r, r->entry.n, err);
    r->entry.bytes = r->bytes.data + r->at;
    r->at += r->entry.n;
    return rc;
}

/* ---- merging ---- */

/* All runs and the table, as one sequence of entries by key, each key once. */
typedef struct merge {
    counter *c;
    run_reader run[RUNS_MAX];
    uint32_t n_runs;
    uint64_t slot;
    buf name; /* of the current entry */
    entry entry;
} merge;

static int merge_open(merge *m, counter *c, shoal_error *err)
{
    int rc = 0;
    m->c = c;
    slots_sort(c);
    for (; m->n_runs < c->n_runs && !rc; m->n_runs++) {
        run_reader *r = &m->run[m->n_runs];
        r->spill = c->spill;
        r->left = c->run[m->n_runs];
        rc = run_next(r, err);
    }
    return rc;
}

static void merge_close(merge *m)
{
    for (uint32_t i = 0; i < m->n_runs; i++)
        buf_release(&m->run[i].bytes);
    buf_release(&m->name);
}

static int merge_take(merge *m, const entry *e, shoal_error *err)
{
    if (m->entry.count == 0) {
        buf_clear(&m->name);
        int rc = buf_append(&m->name, e->bytes, e->n, err);
        if (rc)
            return rc;
        m->entry = (entry){e->key, 0, m->name.data, e->n};
    }
    m->entry.count += e->count;
    return 0;
}

/* 1 with m->entry, 0 at the end. */
static int merge_next(merge *m, shoal_error *err)
{
    uint64_t least = UINT64_MAX;
    int rc = 0, any = m->slot < m->c->used;
    if (any)
        least = m->c->slot[m->slot].key;
    for (uint32_t i = 0; i < m->n_runs; i++)
        if (!m->run[i].ended) {
            any = 1;
            least = m->run[i].entry.key < least ? m->run[i].entry.key : least;
        }
    m->entry.count = 0;
    for (uint32_t i = 0; i < m->n_runs && !rc; i++)
        if (!m->run[i].ended && m->run[i].entry.key == least) {
            rc = merge_take(m, &m->run[i].entry, err);
            if (!rc)
                rc = run_next(&m->run[i], err);
        }
    if (!rc && m->slot < m->c->used && m->c->slot[m->slot].key == least) {
        entry e = slot_entry(m->c, &m->c->slot[m->slot++]);
        rc = merge_take(m, &e, err);
    }
    return rc ? rc : any;
}

static int merge_to(counter *c, file_writer *w, run *made, shoal_error *err)
{
    merge *m = mem_calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err, sizeof *m, "a merge");
    made->at = file_written(w);
    int rc = merge_open(m, c, err);
    while (!rc && (rc = merge_next(m, err)) > 0)
        rc = entry_write(w, &m->entry, err);
    if (!rc)
        rc = file_flush(w, err);
    made->bytes = file_written(w) - made->at;
    merge_close(m);
    mem_free(m);
    return rc;
}

/* All runs and the table become the first run of a new spill. */
static int spill_all(counter *c, run *made, shoal_error *err)
{
    file_writer *w = NULL;
    int rc = file_spill(c->dir, &w, err);
    if (!rc)
        rc = merge_to(c, w, made, err);
    if (rc) {
        file_abort(w);
        return rc;
    }
    file_abort(c->spill);
    c->spill = w;
    c->n_runs = 0;
    return 0;
}

/* The table becomes one more run. */
static int spill_table(counter *c, run *made, shoal_error *err)
{
    const uint32_t runs = c->n_runs;
    int rc = c->spill ? 0 : file_spill(c->dir, &c->spill, err);
    c->n_runs = 0;
    if (!rc)
        rc = merge_to(c, c->spill, made, err);
    c->n_runs = runs;
    return rc;
}

int counter_spill(counter *c, shoal_error *err)
{
    run made;
    if (c->used == 0)
        return 0;
    int rc = c->n_runs == RUNS_MAX ? spill_all(c, &made, err) : spill_table(c, &made, err);
    if (rc)
        return rc;
    c->run[c->n_runs++] = made;
    mem_free(c->slot);
    buf_release(&c->names);
    c->n_slots = SLOTS_MIN;
    c->used = 0;
    c->slot = mem_calloc(SLOTS_MIN, sizeof *c->slot);
    return c->slot ? 0 : error_nomem(err, SLOTS_MIN * sizeof *c->slot, "counts");
}

/* ---- the vocabulary ---- */

typedef struct kept {
    uint64_t count, at;
    uint32_t n;
    const uint8_t *base; /* of all bytes; set before sorting */
} kept;

static int by_count_then_bytes(const void *a, const void *b)
{
    const kept *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    int d = memcmp(x->base + x->at, y->base + y->at, x->n < y->n ? x->n : y->n);
    return d ? d : (x->n > y->n) - (x->n < y->n);
}

static int kept_collect(counter *c, const vocabulary *known, uint64_t min_count, buf *list, buf *bytes, shoal_error *err)
{
    merge *m = mem_calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err, sizeof *m, "a merge");
    int rc = merge_open(m, c, err);
    while (!rc && (rc = merge_next(m, err)) > 0) {
        rc = 0;
        if (m->entry.count < min_count || vocabulary_has(known, m->entry.key))
            continue;
        kept k = {m->entry.count, bytes->len, m->entry.n, NULL};
        rc = buf_append(list, &k, sizeof k, err);
        if (!rc)
            rc = buf_append(bytes, m->entry.bytes, m->entry.n, err);
    }
    merge_close(m);
    mem_free(m);
    return rc;
}

/* Entries and offsets of a vocabulary that is known already, for others to follow. */
static int put_known(const vocabulary *known, buf *sorted, buf *offsets, shoal_error *err)
{
    static const uint64_t zero = 0;
    const uint8_t *bytes = NULL;
    const uint64_t *offset = &zero;
    uint32_t n = 0;
    if (known)
        vocabulary_entries(known, &bytes, &offset, &n);
    int rc = buf_append(offsets, offset, (n + 1) * sizeof *offset, err);
    return rc || !n ? rc : buf_append(sorted, bytes, offset[n], err);
}

int counter_finish(counter *c, const vocabulary *known, uint64_t min_count, uint32_t max_size, uint64_t seed,
                   vocabulary **out, shoal_error *err)
{
    const uint64_t n_known = vocabulary_size(known), room = max_size > n_known ? max_size - n_known : 0;
    buf list = BUF_INIT, bytes = BUF_INIT, sorted = BUF_INIT, offsets = BUF_INIT;
    *out = NULL;
    int rc = kept_collect(c, known, min_count, &list, &bytes, err);
    slots_clear(c);
    kept *k = (kept *)(void *)list.data;
    uint64_t n = list.len / sizeof *k;
    for (uint64_t i = 0; i < n; i++)
        k[i].base = bytes.data;
    if (n && !rc)
        qsort(k, n, sizeof *k, by_count_then_bytes);
    n = max_size && n > room ? room : n;
    if (!rc && n_known + n > VOCABULARY_MAX)
        rc = error_set(err, SHOAL_USAGE, "%llu categories, more than %u: raise min_count or set max_size",
                       (unsigned long long)(n_known + n), VOCABULARY_MAX);
    if (!rc)
        rc = put_known(known, &sorted, &offsets, err);
    for (uint64_t i = 0; i < n && !rc; i++) {
        rc = buf_append(&sorted, bytes.data + k[i].at, k[i].n, err);
        const uint64_t at = sorted.len;
        if (!rc)
            rc = buf_append(&offsets, &at, sizeof at, err);
    }
    if (!rc)
        rc = vocabulary_new(sorted.data, sorted.len, (const uint64_t *)(const void *)offsets.data, (uint32_t)(n_known + n), seed,
                            out, err);
    buf_release(&list);
    buf_release(&bytes);
    buf_release(&sorted);
    buf_release(&offsets);
    return rc;
}
