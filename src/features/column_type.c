/* column_type.c: a category is known by its bytes, so a column must come in the form in which training saw it: "true" of a
 * text is not the 1 of a bool, nor the text of a list that list. The type of each feature's column is kept in the model;
 * what would silently be another value is refused. */
#include <string.h>

#include "features/features_private.h"

enum form { FORM_NUMBER, FORM_TEXT, FORM_BOOL, FORM_DATE };

static enum form form_of(const char *type)
{
    if (strcmp(type, "bool") == 0)
        return FORM_BOOL;
    if (strncmp(type, "date", 4) == 0)
        return FORM_DATE;
    return strstr(type, "utf8") || strstr(type, "binary") ? FORM_TEXT : FORM_NUMBER;
}

/* The type of the items when it is a list. */
static int take_list(const char *type, char item[64])
{
    const char *open = strstr(type, "list<");
    size_t n = open ? strlen(open + 5) : 0;
    if (n < 2 || n >= 64)
        return 0;
    memcpy(item, open + 5, n - 1); /* without the > */
    item[n - 1] = 0;
    return 1;
}

/* 7 and "7" are one category, and so are 1 and true; no other two forms have values in common. */
static int forms_agree(enum form a, enum form b)
{
    return a == b || (a == FORM_NUMBER && (b == FORM_TEXT || b == FORM_BOOL)) ||
           (b == FORM_NUMBER && (a == FORM_TEXT || a == FORM_BOOL));
}

static int types_agree(const char *trained, const char *here)
{
    char item[2][64];
    int lists = take_list(trained, item[0]);
    if (lists != take_list(here, item[1]))
        return 0;
    return lists ? forms_agree(form_of(item[0]), form_of(item[1])) : forms_agree(form_of(trained), form_of(here));
}

int features_note_types(features *f, const struct ArrowSchema *schema, shoal_error *err)
{
    for (uint32_t i = 0; i < f->n_features; i++)
        for (uint32_t k = 0; k < f->feature[i].n_columns; k++) {
            char type[64];
            feature_column *c = &f->feature[i].column[k];
            int64_t at = arrow_find(schema, c->name);
            if (at < 0 || c->type)
                continue;
            c->type = mem_strdup(arrow_type_name(schema->children[at], type, sizeof type));
            if (!c->type)
                return error_nomem(err, sizeof type, "the type of a column");
        }
    return 0;
}

int feature_type_check(const feature *f, uint32_t k, const struct ArrowSchema *there, shoal_error *err)
{
    char type[64];
    const feature_column *c = &f->column[k];
    if (!c->type || f->kind != FEATURE_CATEGORICAL || arrow_type_of(there) == ARROW_NULL)
        return 0;
    arrow_type_name(there, type, sizeof type);
    if (types_agree(c->type, type))
        return 0;
    return error_set(err, SHOAL_DATA,
                     "feature column '%s' is %s here, but was %s when the model was trained: its values would be others; cast it "
                     "by --sql, or read a format that keeps types",
                     c->name, type, c->type);
}

void features_wishes_free(char **wishes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(wishes[i]);
    mem_free(wishes);
}

int features_wishes(const features *f, char ***wishes, size_t *n, shoal_error *err)
{
    size_t at = 0, room = 1;
    for (uint32_t i = 0; i < f->n_features; i++)
        room += f->feature[i].n_columns;
    char **list = mem_calloc(room, sizeof *list);
    *n = 0;
    *wishes = NULL;
    if (!list)
        return error_nomem(err, room * sizeof *list, "the types of columns");
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        for (uint32_t k = 0; k < x->n_columns; k++) {
            if (x->kind != FEATURE_CATEGORICAL || !x->column[k].type)
                continue;
            list[at] = mem_sprintf("%s=%s", x->column[k].name, x->column[k].type);
            if (!list[at++]) {
                features_wishes_free(list, at);
                return error_nomem(err, strlen(x->column[k].name), "the type of a column");
            }
        }
    }
    *wishes = list;
    *n = at;
    return 0;
}
