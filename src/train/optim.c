#include "train/optim.h"

#include <string.h>

#include "base/mathx.h"

static enum optimizer_kind kind_of(const char *name)
{
    if (strcmp(name, "sgd") == 0)
        return OPTIMIZER_SGD;
    if (strcmp(name, "adagrad") == 0)
        return OPTIMIZER_ADAGRAD;
    if (strcmp(name, "ftrl") == 0)
        return OPTIMIZER_FTRL;
    CHECK(strcmp(name, "adam") == 0);
    return OPTIMIZER_ADAM;
}

static enum lr_schedule schedule_of(const char *name)
{
    if (strcmp(name, "linear") == 0)
        return LR_LINEAR;
    if (strcmp(name, "cosine") == 0)
        return LR_COSINE;
    if (strcmp(name, "step") == 0)
        return LR_STEP;
    if (strcmp(name, "plateau") == 0)
        return LR_PLATEAU;
    CHECK(strcmp(name, "constant") == 0);
    return LR_CONSTANT;
}

int optim_from(const shoal_options *o, uint64_t total_steps, optim *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    out->kind = kind_of(option_str(o, "optimizer"));
    out->schedule = schedule_of(option_str(o, "lr-schedule"));
    out->lr = option_f64(o, "lr");
    out->l1 = option_f64(o, "l1");
    out->l2 = option_f64(o, "l2");
    out->embedding_l2 = option_is_set(o, "embedding-l2") ? option_f64(o, "embedding-l2") : out->l2;
    out->momentum = option_f64(o, "momentum");
    out->beta1 = option_f64(o, "beta1");
    out->beta2 = option_f64(o, "beta2");
    out->epsilon = option_f64(o, "epsilon");
    out->ftrl_beta = option_f64(o, "ftrl-beta");
    out->accumulator = option_f64(o, "accumulator");
    out->warmup_steps = (uint64_t)option_i64(o, "warmup-steps");
    out->total_steps = total_steps;
    out->dense_embeddings = strcmp(option_str(o, "embedding-update"), "dense") == 0;
    if (out->l1 != 0 && out->kind != OPTIMIZER_FTRL)
        return error_set(err, SHOAL_USAGE, "--l1 works with --optimizer ftrl only; leave it out or choose ftrl");
    if (out->momentum != 0 && out->kind != OPTIMIZER_SGD)
        return error_set(err, SHOAL_USAGE, "--momentum works with --optimizer sgd only; leave it out or choose sgd");
    return 0;
}

static double after_plateaus(double lr, uint64_t n)
{
    for (; n > 0 && lr > LR_LEAST; n--)
        lr = lr * 0.1 > LR_LEAST ? lr * 0.1 : LR_LEAST;
    return lr;
}

double optim_lr(const optim *o, uint64_t t)
{
    if (t < o->warmup_steps)
        return o->lr * (double)(t + 1) / (double)o->warmup_steps;
    uint64_t span = o->total_steps > o->warmup_steps ? o->total_steps - o->warmup_steps : 1;
    double done = (double)(t - o->warmup_steps) / (double)span;
    if (done > 1)
        done = 1;
    switch (o->schedule) {
    case LR_CONSTANT:
        return o->lr;
    case LR_LINEAR:
        return o->lr * (1 - done);
    case LR_COSINE:
        return o->lr * 0.5 * (1 + math_cos_pi(done));
    case LR_PLATEAU:
        return after_plateaus(o->lr, o->plateaus);
    case LR_STEP:
        return done < 0.5 ? o->lr : done < 0.75 ? o->lr * 0.1 : o->lr * 0.01;
    }
    return o->lr;
}

/* x to the n by squaring: the same bits on every machine, which libm's pow does not promise. */
static double power(double x, uint64_t n)
{
    double y = 1;
    for (; n; n >>= 1, x *= x)
        if (n & 1)
            y *= x;
    return y;
}

optimizer_step optim_at(const optim *o, uint64_t t, int is_table)
{
    optimizer_step s = {
        .kind = o->kind,
        .lr = (float)optim_lr(o, t),
        .l2 = (float)(is_table ? o->embedding_l2 : o->l2),
        .l1 = (float)o->l1,
        .momentum = (float)o->momentum,
        .beta1 = (float)o->beta1,
        .beta2 = (float)o->beta2,
        .epsilon = (float)o->epsilon,
        .ftrl_beta = (float)o->ftrl_beta,
        .accumulator = (float)o->accumulator,
        .correct1 = (float)(1 / (1 - power(o->beta1, o->steps_before + t + 1))),
        .correct2 = (float)(1 / (1 - power(o->beta2, o->steps_before + t + 1))),
    };
    return s;
}

static double given(double own, double otherwise) { return own == own ? own : otherwise; }

optim optim_of(const optim *run, const param *p)
{
    optim o = *run;
    const own_optimizer *own = p->optimizer;
    if (!own)
        return o;
    o.kind = own->kind;
    o.lr = given(own->lr, run->lr);
    o.l1 = given(own->l1, 0);
    o.l2 = given(own->l2, run->l2);
    o.embedding_l2 = given(own->l2, run->embedding_l2);
    o.momentum = given(own->momentum, 0);
    o.beta1 = given(own->beta1, run->beta1);
    o.beta2 = given(own->beta2, run->beta2);
    o.ftrl_beta = given(own->ftrl_beta, run->ftrl_beta);
    o.accumulator = given(own->accumulator, run->accumulator);
    return o;
}

int optim_slots(const optim *run, const model *m)
{
    size_t n;
    const param *p = model_params(m, &n);
    int most = optimizer_slots(run->kind, (float)run->momentum);
    for (size_t i = 0; i < n; i++) {
        optim o = optim_of(run, &p[i]);
        int slots = optimizer_slots(o.kind, (float)o.momentum);
        if (slots > most)
            most = slots;
    }
    return most;
}
