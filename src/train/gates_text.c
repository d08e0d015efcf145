/* gates_text.c: see gates_text.h. */
#include "train/gates_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SHOWN_MAX 20 /* entries of a layer in the table for people */
#define NAME_COLUMNS 48

typedef struct ranked {
    uint32_t entry;
    double mean;
} ranked;

static int largest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    const double p = fabs(x->mean), q = fabs(y->mean);
    if (p != q && !isnan(p) && !isnan(q)) return p < q ? 1 : -1;
    return x->entry < y->entry ? -1 : 1;
}

static int rank_of(const gate *k, const double *means, ranked **out, shoal_error *err)
{
    ranked *r = *out = mem_calloc(k->n, sizeof *r);
    if (!r) return error_nomem(err, k->n * sizeof *r, "the order of gates");
    for (uint32_t i = 0; i < k->n; i++) r[i] = (ranked){i, means[k->first + i]};
    qsort(r, k->n, sizeof *r, largest_first);
    return 0;
}

static const char *heading(const gate *k)
{
    return strcmp(k->what, "attention") == 0 ? "attention, mean" : strcmp(k->what, "gate") == 0 ? "gate, mean size" : "weight";
}

static int put_row(const gates *g, size_t i, const ranked *r, buf *out, shoal_error *err)
{
    const gate_name name = gates_name(g, i, r->entry);
    char text[256];
    if (!name.first) snprintf(text, sizeof text, "%u", r->entry + 1);
    else snprintf(text, sizeof text, "%s%s%s", name.first, name.second ? ", " : "", name.second ? name.second : "");
    return buf_printf(out, err, "%-*.*s%16.6f\n", NAME_COLUMNS, NAME_COLUMNS, text, r->mean);
}

int gates_text(const gates *g, const double *means, buf *out, shoal_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < gates_count(g); i++) {
        const gate *k = gates_get(g, i);
        ranked *r;
        rc = rank_of(k, means, &r, err);
        if (rc == 0) rc = buf_printf(out, err, "\n%-*s%16s\n", NAME_COLUMNS, k->layer, heading(k));
        for (uint32_t j = 0; rc == 0 && j < k->n && j < SHOWN_MAX; j++) rc = put_row(g, i, &r[j], out, err);
        if (rc == 0 && k->n > SHOWN_MAX) rc = buf_printf(out, err, "%u more; --json has all\n", k->n - SHOWN_MAX);
        mem_free(r);
    }
    return rc;
}

static int put_string(const char *before, const char *s, buf *out, shoal_error *err)
{
    int rc = buf_puts(out, before, err);
    return rc ? rc : buf_put_json(out, s, strlen(s), err);
}

/* "field": name, "fields": [two], or of what has no name "entry": its number. */
static int put_name(const gate_name *n, uint32_t entry, buf *out, shoal_error *err)
{
    if (!n->first) return buf_printf(out, err, "{\"entry\":%u", entry + 1);
    if (!n->second) return put_string("{\"field\":", n->first, out, err);
    int rc = put_string("{\"fields\":[", n->first, out, err);
    if (rc == 0) rc = put_string(",", n->second, out, err);
    return rc ? rc : buf_puts(out, "]", err);
}

static int put_gate(const gates *g, size_t i, const double *means, buf *out, shoal_error *err)
{
    const gate *k = gates_get(g, i);
    ranked *r;
    int rc = rank_of(k, means, &r, err);
    if (rc == 0) rc = put_string(i ? ",{\"layer\":" : "{\"layer\":", k->layer, out, err);
    if (rc == 0) rc = put_string(",\"what\":", k->what, out, err);
    if (rc == 0) rc = buf_puts(out, ",\"weights\":[", err);
    for (uint32_t j = 0; rc == 0 && j < k->n; j++) {
        const gate_name name = gates_name(g, i, r[j].entry);
        if (j > 0) rc = buf_puts(out, ",", err);
        if (rc == 0) rc = put_name(&name, r[j].entry, out, err);
        if (rc == 0) rc = buf_puts(out, ",\"weight\":", err);
        if (rc == 0) rc = buf_put_f64(out, r[j].mean, err);
        if (rc == 0) rc = buf_puts(out, "}", err);
    }
    mem_free(r);
    return rc ? rc : buf_puts(out, "]}", err);
}

int gates_json(const gates *g, const double *means, buf *out, shoal_error *err)
{
    int rc = buf_puts(out, "[", err);
    for (size_t i = 0; rc == 0 && i < gates_count(g); i++) rc = put_gate(g, i, means, out, err);
    return rc ? rc : buf_puts(out, "]", err);
}
