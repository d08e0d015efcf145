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
    for (uint32_t i = 0; i < f->n_features; i++) {
        char type[64];
        feature *x = &f->feature[i];
        int64_t at = arrow_find(schema, x->column);
        if (at < 0 || x->column_type)
            continue;
        x->column_type = mem_strdup(arrow_type_name(schema->children[at], type, sizeof type));
        if (!x->column_type)
            return error_nomem(err, sizeof type, "the type of a column");
    }
    return 0;
}

int feature_type_check(const feature *f, const struct ArrowSchema *column, shoal_error *err)
{
    char type[64];
    if (!f->column_type || f->kind != FEATURE_CATEGORICAL || arrow_type_of(column) == ARROW_NULL)
        return 0;
    arrow_type_name(column, type, sizeof type);
    if (types_agree(f->column_type, type))
        return 0;
    return error_set(err, SHOAL_DATA,
                     "feature column '%s' is %s here, but was %s when the model was trained: its values would be others; cast it "
                     "by --sql, or read a format that keeps types",
                     f->column, type, f->column_type);
}

void features_wishes_free(char **wishes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(wishes[i]);
    mem_free(wishes);
}

int features_wishes(const features *f, char ***wishes, size_t *n, shoal_error *err)
{
    char **list = mem_calloc((size_t)f->n_features + 1, sizeof *list);
    size_t at = 0;
    *n = 0;
    *wishes = NULL;
    if (!list)
        return error_nomem(err, f->n_features * sizeof *list, "the types of columns");
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        if (x->kind != FEATURE_CATEGORICAL || !x->column_type)
            continue;
        list[at] = mem_sprintf("%s=%s", x->column, x->column_type);
        if (!list[at++]) {
            features_wishes_free(list, at);
            return error_nomem(err, strlen(x->column), "the type of a column");
        }
    }
    *wishes = list;
    *n = at;
    return 0;
}
