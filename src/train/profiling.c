/* profiling.c: see profiling.h. Times are added up over threads; rates are those of all threads together, over the time that
 * they spent in a layer on average. */
#include "train/profiling.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/peak.h"
#include "train/human.h"
#include "train/manifest.h"

#define NAME_COLUMNS 26

int profiling_new(const model *m, int threads, profile **out, shoal_error *err)
{
    profile *p = *out = mem_calloc((size_t)threads, sizeof *p);
    int rc = p ? 0 : error_nomem(err, (size_t)threads * sizeof *p, "a profile");
    for (int i = 0; rc == 0 && i < threads; i++)
        rc = profile_init(&p[i], m, err);
    return rc;
}

void profiling_free(profile *of_threads, int threads)
{
    for (int i = 0; of_threads && i < threads; i++)
        profile_release(&of_threads[i]);
    mem_free(of_threads);
}

/* ---- sums ---- */

typedef struct sums {
    profile all;
    int threads;
    double peak;    /* FLOP/s of all threads */
    double seconds; /* of threads, in layers and stages */
} sums;

static double layer_seconds(const profile_row *r)
{
    return r->forward_s + r->backward_s;
}

static double stage_seconds(const sums *s, int stage)
{
    return (double)s->all.stage_ns[stage] * 1e-9;
}

static int sums_make(const profiling *p, sums *s, shoal_error *err)
{
    memset(s, 0, sizeof *s);
    s->threads = pool_threads(p->pool);
    int rc = profile_init(&s->all, p->model, err);
    if (rc == 0)
        rc = kernels_peak(p->kernels, p->pool, p->micro, &s->peak, err);
    for (int i = 0; rc == 0 && i < s->threads; i++)
        profile_add(&s->all, &p->profiles[i]);
    for (uint32_t i = 1; rc == 0 && i < s->all.n_layers; i++) { /* 0 is the data's numbers */
        profile_row r = profile_layer_row(&s->all, p->model, i);
        s->seconds += layer_seconds(&r);
    }
    for (int i = 0; i < PROFILE_STAGES; i++)
        s->seconds += stage_seconds(s, i);
    return rc;
}

/* What n of something in so many thread-seconds is a second; 0 where no time was seen. */
static double rate(const sums *s, double n, double seconds)
{
    return seconds > 0 ? n * s->threads / seconds : 0;
}

/* ---- for people ---- */

static int put_layer(const sums *s, const profile_row *r, buf *out, shoal_error *err)
{
    char name[160];
    const double seconds = layer_seconds(r), speed = rate(s, r->flop, seconds);
    snprintf(name, sizeof name, "%s (%s)", r->name, r->kind);
    return buf_printf(out, err, "%-*.*s %8.2f %8.2f %6.1f %9.2f %8.2f %6.1f %8.2f %7.2f\n", NAME_COLUMNS, NAME_COLUMNS, name, r->forward_s,
                      r->backward_s, s->seconds > 0 ? 100 * seconds / s->seconds : 0, r->flop * 1e-9, speed * 1e-9,
                      s->peak > 0 ? 100 * speed / s->peak : 0, r->bytes * 1e-9, rate(s, r->bytes, seconds) * 1e-9);
}

static int put_stage(const sums *s, int stage, buf *out, shoal_error *err)
{
    static const char *const what[PROFILE_STAGES] = {"rows to features", "index of ids", "loss", "optimiser of tables", "optimiser of the rest"};
    const double seconds = stage_seconds(s, stage);
    return buf_printf(out, err, "%-*s %17.2f %6.1f\n", NAME_COLUMNS, what[stage], seconds, s->seconds > 0 ? 100 * seconds / s->seconds : 0);
}

static int put_text(const profiling *p, const sums *s, buf *out, shoal_error *err)
{
    char rows[HUMAN_BYTES];
    int rc = buf_printf(out, err, "profile of %s rows; seconds of %d thread%s, peak of their matrix products %.1f GFLOP/s (%s, %u rows)\n",
                        human_count((double)s->all.rows, rows), s->threads, s->threads == 1 ? "" : "s", s->peak * 1e-9, p->kernels->name, p->micro);
    if (rc == 0)
        rc = buf_printf(out, err, "%-*s %8s %8s %6s %9s %8s %6s %8s %7s\n", NAME_COLUMNS, "layer", "forward", "backward", "% time", "GFLOP", "GFLOP/s",
                        "% peak", "GB", "GB/s");
    for (uint32_t i = 1; rc == 0 && i < s->all.n_layers; i++) {
        profile_row r = profile_layer_row(&s->all, p->model, i);
        rc = put_layer(s, &r, out, err);
    }
    for (int i = 0; rc == 0 && i < PROFILE_STAGES; i++)
        rc = put_stage(s, i, out, err);
    return rc;
}

/* ---- for programs ---- */

static int put_layer_json(const sums *s, const profile_row *r, json_t *to, shoal_error *err)
{
    const double seconds = layer_seconds(r), speed = rate(s, r->flop, seconds);
    json_t *j = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "layer", r->name, "type", r->kind, "forward_seconds", r->forward_s,
                          "backward_seconds", r->backward_s, "flop", r->flop, "gemm_flop", r->gemm_flop, "flop_per_second", speed, "peak_share",
                          s->peak > 0 ? speed / s->peak : 0, "bytes", r->bytes);
    return j && json_array_append_new(to, j) == 0 ? 0 : error_nomem(err, 0, "JSON");
}

static int put_json(const profiling *p, const sums *s, json_t **out, shoal_error *err)
{
    json_t *layers = json_array(), *stages = json_object();
    int rc = layers && stages ? 0 : error_nomem(err, 0, "JSON");
    for (uint32_t i = 1; rc == 0 && i < s->all.n_layers; i++) {
        profile_row r = profile_layer_row(&s->all, p->model, i);
        rc = put_layer_json(s, &r, layers, err);
    }
    for (int i = 0; rc == 0 && i < PROFILE_STAGES; i++)
        rc = manifest_put(stages, profile_stage_name((enum profile_stage)i), manifest_real(stage_seconds(s, i)), err);
    if (rc == 0) {
        *out = json_pack("{s:I, s:I, s:s, s:f, s:f, s:O, s:O}", "rows", (json_int_t)s->all.rows, "threads", (json_int_t)s->threads, "kernels",
                         p->kernels->name, "peak_flop_per_second", s->peak, "seconds", s->seconds, "layers", layers, "stages", stages);
        rc = *out ? 0 : error_nomem(err, 0, "JSON");
    }
    json_decref(layers);
    json_decref(stages);
    return rc;
}

int profiling_find(const profiling *p, buf *text, json_t **out, shoal_error *err)
{
    sums s;
    *out = NULL;
    int rc = sums_make(p, &s, err);
    if (rc == 0)
        rc = put_text(p, &s, text, err);
    if (rc == 0)
        rc = put_json(p, &s, out, err);
    profile_release(&s.all);
    return rc;
}
