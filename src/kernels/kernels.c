/* kernels.c: choosing a set of kernels, and proving which arithmetic it has. */
#include "kernels/kernels.h"

#include <dlfcn.h>
#include <dnnl.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/thread.h"
#include "kernels/kernels_sets.h"

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* Best first. */
static const char *const names_avx512[] = {"avx512", "avx2", "portable", NULL};

const char *const *kernels_available(void)
{
    return has_avx512() ? names_avx512 : has_avx2() ? names_avx512 + 1 : names_avx512 + 2;
}

/* oneDNN takes its instruction set once in a process; asking again for the same one is fine. */
static int library_isa(const kernels *k, dnnl_cpu_isa_t isa, shoal_error *err)
{
    if (dnnl_set_max_cpu_isa(isa) == dnnl_success || dnnl_get_effective_cpu_isa() == isa) return 0;
    return error_set(err, SHOAL_USAGE,
                     "kernels '%s': this process already computes with another instruction set of oneDNN; use one set, or "
                     "'portable', in a process",
                     k->name);
}

int kernels_get(const char *name, const kernels **out, shoal_error *err)
{
    const char *const *can = kernels_available();
    if (strcmp(name, "auto") == 0) name = can[0];
    size_t i = 0;
    while (can[i] && strcmp(can[i], name) != 0) i++;
    if (!can[i]) {
        int known = strcmp(name, "avx2") == 0 || strcmp(name, "avx512") == 0;
        return error_set(err, SHOAL_USAGE, "kernels '%s' %s; there are: auto%s%s%s%s%s%s", name,
                         known ? "need a processor that has them" : "are not known", can[0] ? ", " : "",
                         can[0] ? can[0] : "", can[0] && can[1] ? ", " : "", can[0] && can[1] ? can[1] : "",
                         can[0] && can[1] && can[2] ? ", " : "", can[0] && can[1] && can[2] ? can[2] : "");
    }
    if (strcmp(name, "portable") == 0) {
        *out = &kernels_portable;
        return 0;
    }
    const int wide = strcmp(name, "avx512") == 0;
    const kernels *k = wide ? &kernels_avx512 : &kernels_avx2;
    int rc = library_isa(k, wide ? dnnl_cpu_isa_avx512_core : dnnl_cpu_isa_avx2, err);
    if (rc == 0) *out = k;
    return rc;
}

void kernels_thread_start(void)
{
    /* Of whichever OpenMP runtime oneDNN was linked with; a build of it without OpenMP needs nothing. */
    union {
        void *symbol;
        void (*call)(int);
    } set_threads = {dlsym(RTLD_DEFAULT, "omp_set_num_threads")};
    if (set_threads.symbol) set_threads.call(1);
}

int optimizer_slots(enum optimizer_kind kind, float momentum)
{
    switch (kind) {
    case OPTIMIZER_SGD: return momentum != 0 ? 1 : 0;
    case OPTIMIZER_ADAGRAD: return 1;
    default: return 2;
    }
}

/* ---- digest ------------------------------------------------------------------------------------------------------------ */

/* Shapes whose products tell apart the ways in which a library may block, in the transpositions that training uses. */
static const struct probe {
    int ta, tb;
    uint32_t m, n, k;
} probes[] = {{0, 0, 64, 96, 117}, {0, 1, 64, 117, 96}, {1, 0, 117, 96, 64}, {0, 0, 33, 7, 429}, {1, 0, 400, 40, 256}};
#define PROBE_FLOATS (429 * 256)

static void fill(float *x, size_t n, uint64_t key)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)rng_f64(key, i) - 0.5f;
}

static void add_products(digest *d, const kernels *k, float *memory)
{
    float *a = memory, *b = a + PROBE_FLOATS, *c = b + PROBE_FLOATS;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        const struct probe *p = &probes[i];
        fill(a, (size_t)p->m * p->k, 2 * i + 1);
        fill(b, (size_t)p->k * p->n, 2 * i + 2);
        k->gemm(p->ta, p->tb, p->m, p->n, p->k, a, p->ta ? p->m : p->k, b, p->tb ? p->k : p->n, 0, c, p->n);
        digest_update(d, c, sizeof(float) * p->m * p->n);
    }
}

int kernels_digest(const kernels *k, char out[33], shoal_error *err)
{
    kernels_thread_start();
    const size_t bytes = 3 * PROBE_FLOATS * sizeof(float);
    float *memory = mem_alloc(bytes);
    digest *d = digest_new();
    int rc = 0;
    if (!memory || !d) {
        rc = error_nomem(err, bytes, "probe products");
        goto out;
    }
    char version[64] = "";
    if (k != &kernels_portable) {
        const dnnl_version_t *v = dnnl_version();
        snprintf(version, sizeof version, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    }
    digest_update(d, k->name, strlen(k->name));
    digest_update(d, version, strlen(version));
    sigset_t was;
    signals_block(&was); /* gemm_dnnl.c says why */
    add_products(d, k, memory);
    signals_restore(&was);
    hash128_hex(digest_value(d), out);
out:
    mem_free(memory);
    digest_free(d);
    return rc;
}
