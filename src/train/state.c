/* state.c: see state.h. */
#include "train/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PREFIX "state-"
#define ENDING ".safetensors"
#define NAME_DIGITS 16
#define STATEFILE_NAME_BYTES (sizeof PREFIX - 1 + NAME_DIGITS + sizeof ENDING)

int state_each(const weights *w, int first_slot, state_fn fn, void *ctx, shoal_error *err)
{
    size_t n;
    const param *p = model_params(w->model, &n);
    char name[sizeof p->name + 16];
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (p[i].kind == PARAM_AUX) {
            rc = first_slot < 0 ? fn(ctx, &p[i], -1, p[i].name, w->aux + p[i].offset, 0, err) : 0;
            continue;
        }
        for (int s = first_slot; s < w->slots && rc == 0; s++) {
            if (s < 0) snprintf(name, sizeof name, "%s", p[i].name);
            else snprintf(name, sizeof name, "%s.state%d", p[i].name, s);
            if (p[i].kind == PARAM_TABLE)
                rc = fn(ctx, &p[i], s, name, w->table[p[i].offset] + (uint64_t)(s + 1) * p[i].cols, w->stride[p[i].offset], err);
            else
                rc = fn(ctx, &p[i], s, name, (s < 0 ? w->dense : w->state[s]) + p[i].offset, 0, err);
        }
    }
    return rc;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

typedef struct tensor_list {
    tensor_out *t;
    size_t n, cap;
} tensor_list;

static int list_tensor(void *ctx, const param *p, int slot, const char *name, float *data, uint64_t stride, shoal_error *err)
{
    tensor_list *l = ctx;
    (void)slot;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        tensor_out *grown = mem_realloc(l->t, cap * sizeof *grown);
        if (!grown) return error_nomem(err, cap * sizeof *grown, "the list of tensors");
        l->t = grown;
        l->cap = cap;
    }
    char *copy = mem_strdup(name);
    if (!copy) return error_nomem(err, strlen(name), "the name of a tensor");
    l->t[l->n++] = (tensor_out){copy, TENSOR_F32, p->rows, p->cols, data, stride};
    return 0;
}

int state_write(const char *path, const weights *w, int first_slot, hash128 *sum, shoal_error *err)
{
    tensor_list l = {0};
    int rc = state_each(w, first_slot, list_tensor, &l, err);
    if (rc == 0) rc = safetensors_write(path, 1, l.t, l.n, sum, err);
    for (size_t i = 0; i < l.n; i++) mem_free((char *)l.t[i].name);
    mem_free(l.t);
    return rc;
}

/* ---- beside a model ---------------------------------------------------------------------------------------------------- */

static void name_of(hash128 sum, char out[STATEFILE_NAME_BYTES])
{
    char hex[33];
    hash128_hex(sum, hex);
    snprintf(out, STATEFILE_NAME_BYTES, PREFIX "%.*s" ENDING, NAME_DIGITS, hex);
}

static int is_name(const char *name)
{
    return strlen(name) == STATEFILE_NAME_BYTES - 1 && strncmp(name, PREFIX, sizeof PREFIX - 1) == 0 &&
           strspn(name + sizeof PREFIX - 1, "0123456789abcdef") == NAME_DIGITS &&
           strcmp(name + sizeof PREFIX - 1 + NAME_DIGITS, ENDING) == 0;
}

int statefile_save(const char *dir, const weights *w, uint64_t steps, json_t **entry, shoal_error *err)
{
    char name[STATEFILE_NAME_BYTES], *fresh = mem_sprintf("%s/." PREFIX "new" ENDING, dir), *path = NULL;
    file_print print;
    hash128 sum;
    *entry = NULL;
    int rc = fresh ? state_write(fresh, w, 0, &sum, err) : error_nomem(err, 0, "a path");
    if (rc) goto out;
    name_of(sum, name);
    path = mem_sprintf("%s/%s", dir, name);
    rc = path ? file_fingerprint(fresh, &print, err) : error_nomem(err, 0, "a path");
    if (rc == 0) rc = file_rename(fresh, path, err);
    if (rc) goto out;
    *entry = manifest_file(name, print.size, sum);
    if (!*entry || json_object_set_new(*entry, "steps", json_integer((json_int_t)steps)) < 0) {
        json_decref(*entry);
        *entry = NULL;
        rc = error_nomem(err, 0, "JSON");
    }
out:
    if (fresh) file_remove_tree(fresh, NULL);
    mem_free(fresh);
    mem_free(path);
    return rc;
}

int statefile_drop_others(const char *dir, const json_t *entry, shoal_error *err)
{
    const char *keep = json_string_value(json_object_get(entry, "file"));
    int rc = 0;
    DIR *d = opendir(dir);
    if (!d) return error_errno(err, "open", dir, errno);
    for (struct dirent *x; rc == 0 && (x = readdir(d));) {
        if (!is_name(x->d_name) || (keep && strcmp(keep, x->d_name) == 0)) continue;
        char *path = mem_sprintf("%s/%s", dir, x->d_name);
        rc = path ? file_remove_tree(path, err) : error_nomem(err, 0, "a path");
        mem_free(path);
    }
    closedir(d);
    return rc;
}

int statefile_open(const char *dir, const char *manifest, const json_t *entry, safetensors **out, uint64_t *steps, shoal_error *err)
{
    const char *name = json_string_value(json_object_get(entry, "file"));
    const json_t *count = json_object_get(entry, "steps");
    hash128 sum;
    *out = NULL;
    if (!name || !is_name(name) || !json_is_integer(count) || json_integer_value(count) < 0)
        return error_set(err, SHOAL_DATA, "%s: \"state\" does not name a file of optimiser state and its steps; the file is damaged",
                         manifest);
    *steps = (uint64_t)json_integer_value(count);
    char *path = mem_sprintf("%s/%s", dir, name);
    int rc = path ? safetensors_open(path, out, err) : error_nomem(err, 0, "a path");
    if (rc == 0) rc = safetensors_digest(*out, &sum, err);
    if (rc == 0) rc = manifest_file_check(entry, manifest, path, safetensors_size(*out), sum, err);
    if (rc) {
        safetensors_close(*out);
        *out = NULL;
    }
    mem_free(path);
    return rc;
}
