/* layer_cin.c: compressed interaction network (xDeepFM; Lian et al. 2018, arXiv:1803.05170). With X^0 = e [f x dim] a row,
 *
 *   X^k_h = function(sum over i, j of W^k_{h,ij} (X^{k-1}_i * X^0_j) + b^k_h)       h < layers[k]; products element by element
 *
 * and the output is the sums over dim of all X^k_h, side by side. With `split_half` only the first half of X^k goes to the next
 * layer and only the second to the output, but for the last one, which goes there whole. */
#include <stdio.h>
#include <string.h>

#include "model/cin.h"

static const char *const keys[] = {"layers", "split_half", "activation", NULL};

static int read_layers(layer *l, const conf *c, cin *s, shoal_error *err)
{
    const conf *list = conf_get(c, "layers");
    if (!list || list->kind != CONF_LIST || list->n_child == 0 || list->n_child > CIN_LAYERS_MAX)
        return layer_error(l, list ? list : c, err, "needs 'layers', a list of units, such as [128, 128]; at most %d", CIN_LAYERS_MAX);
    s->layers = (uint32_t)list->n_child;
    for (uint32_t k = 0; k < s->layers; k++) {
        conf item = *list->child[k], map = *list, *child = &item;
        char key[] = "layers";
        int64_t n;
        item.key = key;
        map.kind = CONF_MAP;
        map.child = &child;
        map.n_child = 1;
        int rc = conf_i64_or(&map, "layers", 1, 1, LAYER_UNITS_MAX, &n, err);
        if (rc < 0) return rc;
        if (s->split_half && k + 1 < s->layers && n % 2)
            return layer_error(l, list, err, "split_half needs layers of even size, not %lld", (long long)n);
        s->units[k] = (uint32_t)n;
    }
    return 0;
}

static int read_keys(layer *l, const conf *c, cin *s, shoal_error *err)
{
    const char *function;
    int rc = conf_bool_or(c, "split_half", 0, &s->split_half, err);
    if (rc == 0) rc = conf_str_or(c, "activation", "none", &function, err);
    if (rc == 0) rc = read_layers(l, c, s, err);
    if (rc < 0) return rc;
    s->relu = strcmp(function, "relu") == 0;
    if (!s->relu && strcmp(function, "none") != 0)
        return layer_error(l, conf_get(c, "activation"), err, "activation '%s' is not for a cin; there are: none, relu", function);
    return 0;
}

static int declare(layer *l, const conf *c, const cin *s, builder *b, shoal_error *err)
{
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && k < s->layers; k++) {
        const uint64_t in = (uint64_t)cin_units_in(s, k) * s->fields;
        char weight[24], bias[24];
        snprintf(weight, sizeof weight, "weight_%u", k + 1);
        snprintf(bias, sizeof bias, "bias_%u", k + 1);
        if (in > UINT32_MAX / 4)
            return layer_error(l, c, err, "%llu products of units and fields are beyond all reason", (unsigned long long)in);
        rc = layer_add_param(l, b,
                             &(param_spec){.suffix = weight, .kind = PARAM_DENSE, .rows = in, .cols = s->units[k],
                                           .init = INIT_UNIFORM, .scale = __builtin_sqrt(6.0 / ((double)in + s->units[k])),
                                           .decay = 1},
                             err);
        if (rc == 0)
            rc = layer_add_param(l, b, &(param_spec){.suffix = bias, .kind = PARAM_DENSE, .rows = 1, .cols = s->units[k]}, err);
    }
    return rc;
}

static void add_buffers(layer *l, cin *s)
{
    const size_t input = (size_t)s->fields * s->dim;
    s->b_x0 = layer_add_buffer(l, s->relu ? input : 2 * input, 0);
    s->b_x = layer_add_buffer(l, s->dim * s->all, 0);
    s->b_g = layer_add_buffer(l, input + 2 * s->dim * s->widest, 0);
    s->b_z = layer_add_buffer(l, 0, 2 * cin_block_floats(s));
    s->b_pairs = layer_add_buffer(l, 0, cin_sums_only(s, 0) ? 0 : 2 * cin_pairs_of(s) * s->units[0]);
    s->b_sums = layer_add_buffer(l, 0, s->most * 2 * s->rows);
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    cin *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = layer_needs_fields(l, c, 0, err);
    if (rc == 0) rc = read_keys(l, c, s, err);
    if (rc < 0) return rc;
    const shape in = layer_input(l, 0)->out;
    s->fields = in.fields;
    s->dim = in.width;
    s->rows = s->dim < CIN_PLACES ? CIN_PLACES / s->dim : 1;
    l->out = (shape){.rank = 2};
    for (uint32_t k = 0; k < s->layers; k++) {
        l->out.width += s->units[k] - cin_first_out(s, k);
        if (s->units[k] > s->most) s->most = s->units[k];
        if (cin_sums_only(s, k)) continue;
        s->all += s->units[k];
        if (s->units[k] > s->widest) s->widest = s->units[k];
    }
    add_buffers(l, s);
    return declare(l, c, s, b, err);
}

static int describe(const layer *l, json_t *to)
{
    const cin *s = l->own;
    json_t *units = json_array();
    int rc = units ? 0 : -1;
    for (uint32_t k = 0; rc == 0 && k < s->layers; k++) rc = json_array_append_new(units, json_integer(s->units[k]));
    if (rc == 0) rc = json_object_set(to, "layers", units);
    json_decref(units);
    return rc || layer_json_bool(to, "split_half", s->split_half) || layer_json_str(to, "activation", s->relu ? "relu" : "none")
               ? -1
               : 0;
}

static double flop(const layer *l)
{
    const cin *s = l->own;
    double sum = 0;
    for (uint32_t k = 0; k < s->layers; k++) {
        const double products = cin_folded(s, k) ? (double)cin_pairs_of(s) : (double)cin_units_in(s, k) * s->fields;
        sum += 6.0 * products * (cin_sums_only(s, k) ? s->units[k] + s->dim : s->dim * s->units[k]);
    }
    return sum;
}

const layer_kind layer_cin = {.name = "cin",
                              .keys = keys,
                              .min_in = 1,
                              .max_in = 1,
                              .configure = configure,
                              .describe = describe,
                              .flop = flop,
                              .forward = cin_forward,
                              .backward = cin_backward};
