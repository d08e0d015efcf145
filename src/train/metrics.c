/* metrics.c: see metrics.h. */
#include "train/metrics.h"

#include <math.h>

#include "base/mathx.h"
#include "base/mem.h"
#include "train/ranks.h"

struct metrics {
    ranks *rows;   /* of all */
    ranks *groups; /* NULL unless grouped */
    loss_sums loss;
};

int metrics_new(size_t memory, const char *spool_dir, int grouped, metrics **out, shoal_error *err)
{
    *out = NULL;
    metrics *m = mem_calloc(1, sizeof *m);
    if (!m) return error_nomem(err, sizeof *m, "metrics");
    /* a row of a group takes two words, one without takes one */
    int rc = ranks_new(grouped ? memory / 3 : memory, spool_dir, 0, &m->rows, err);
    if (rc == 0 && grouped) rc = ranks_new(memory / 3 * 2, spool_dir, 1, &m->groups, err);
    if (rc) metrics_free(m);
    else *out = m;
    return rc;
}

void metrics_clear(metrics *m)
{
    ranks_clear(m->rows);
    if (m->groups) ranks_clear(m->groups);
    m->loss = (loss_sums){0};
}

void metrics_free(metrics *m)
{
    if (!m) return;
    ranks_free(m->rows);
    ranks_free(m->groups);
    mem_free(m);
}

int metrics_add(metrics *m, const float *logit, const float *label, const float *weight, const uint64_t *group, size_t n,
                shoal_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int positive = label[i] > 0.5f;
        if (!isfinite(logit[i]))
            return error_set(err, SHOAL_DIVERGED, "the score of row %llu is not finite; train with a lower --lr",
                             (unsigned long long)m->loss.rows);
        const float w = weight ? weight[i] : 1.0f;
        const uint64_t row = rank_pack(logit[i], positive, w);
        int rc = ranks_add(m->rows, 0, row, err);
        if (rc == 0 && m->groups) rc = ranks_add(m->groups, group[i], row, err);
        if (rc) return rc;
        loss_add(&m->loss, (double)logit[i], positive, (double)w);
    }
    return 0;
}

/* ---- sums ------------------------------------------------------------------------------------------------------------- */

static void sum_add(sum2 *a, double x)
{
    double t = a->s + x;
    a->c += fabs(a->s) >= fabs(x) ? (a->s - t) + x : (x - t) + a->s;
    a->s = t;
}
static double sum_value(const sum2 *a) { return a->s + a->c; }

void loss_add(loss_sums *l, double z, int positive, double w)
{
    double e = math_exp(-fabs(z)), p = z >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
    double loss = (z > 0 ? z : 0) - (positive ? z : 0) + math_log1p(e);
    l->rows++;
    sum_add(&l->weight, w);
    sum_add(&l->loss, w * loss);
    sum_add(&l->prediction, w * p);
    if (positive) sum_add(&l->label, w);
}

void loss_result(const loss_sums *l, metrics_result *out)
{
    double weight = sum_value(&l->weight), label = sum_value(&l->label), prediction = sum_value(&l->prediction);
    out->rows = l->rows;
    out->weight = weight;
    out->logloss = weight > 0 ? sum_value(&l->loss) / weight : NAN;
    out->calibration = label > 0 ? prediction / label : NAN;
    out->mean_prediction = weight > 0 ? prediction / weight : NAN;
    out->mean_label = weight > 0 ? label / weight : NAN;
}

/* U = sum over groups of equal scores of P * (N_below + N / 2); AUC = U / (P_all * N_all). */
static void auc_close(auc_sums *a)
{
    sum_add(&a->u, a->tied[1] * (sum_value(&a->total[0]) + 0.5 * a->tied[0]));
    for (int c = 0; c < 2; c++) {
        sum_add(&a->total[c], a->tied[c]);
        a->tied[c] = 0;
    }
}

void auc_add(auc_sums *a, uint64_t row)
{
    if (rank_score(row) != a->score) {
        auc_close(a);
        a->score = rank_score(row);
    }
    a->tied[rank_positive(row)] += rank_weight(row);
}

double auc_result(auc_sums *a)
{
    auc_close(a);
    double negative = sum_value(&a->total[0]), positive = sum_value(&a->total[1]);
    return negative > 0 && positive > 0 ? sum_value(&a->u) / negative / positive : NAN;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

static void add_row(void *ctx, uint64_t group, uint64_t row)
{
    (void)group;
    auc_add(ctx, row);
}

typedef struct group_pass {
    uint64_t group, groups, mixed;
    auc_sums auc;
    sum2 weight;           /* of the group at hand */
    sum2 weights, weighted; /* of the groups of both classes: w_g, w_g AUC_g */
} group_pass;

static void group_close(group_pass *g)
{
    const double auc = auc_result(&g->auc), weight = sum_value(&g->weight);
    if (!isnan(auc)) {
        g->mixed++;
        sum_add(&g->weights, weight);
        sum_add(&g->weighted, weight * auc);
    }
    g->auc = (auc_sums){0};
    g->weight = (sum2){0, 0};
}

static void add_grouped_row(void *ctx, uint64_t group, uint64_t row)
{
    group_pass *g = ctx;
    if (g->groups == 0 || group != g->group) {
        if (g->groups) group_close(g);
        g->groups++;
        g->group = group;
    }
    auc_add(&g->auc, row);
    sum_add(&g->weight, rank_weight(row));
}

int metrics_finish(metrics *m, metrics_result *out, shoal_error *err)
{
    auc_sums all = {0};
    group_pass by_group = {0};
    int rc = ranks_each(m->rows, add_row, &all, err);
    if (rc == 0 && m->groups) rc = ranks_each(m->groups, add_grouped_row, &by_group, err);
    if (rc) return rc;
    if (by_group.groups) group_close(&by_group);
    loss_result(&m->loss, out);
    out->auc = auc_result(&all);
    out->groups = by_group.groups;
    out->groups_mixed = by_group.mixed;
    out->gauc = by_group.mixed ? sum_value(&by_group.weighted) / sum_value(&by_group.weights) : NAN;
    return 0;
}
