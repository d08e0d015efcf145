/* option_parse.c: options from a command line and from a run file.
 *
 * A run file is a YAML map whose keys are option names ('_' may stand for '-'); list options take a list or one value.
 * `src` holds the positional arguments, one or a list. What the command line says wins over the file. */
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/option_set.h"

#define NAME_MAX_BYTES 64

static int by_letter(const shoal_options *o, char letter)
{
    for (size_t i = 0; i < option_table_size; i++)
        if (option_table[i].letter == letter && (option_table[i].commands >> o->command & 1))
            return (int)i;
    return -1;
}

/* "--name", "--name=value" or "-x": fills *index and, with '=', *value. */
static int read_name(const shoal_options *o, const char *word, int *index, const char **value, shoal_error *err)
{
    char name[NAME_MAX_BYTES + 1];
    *value = NULL;
    if (word[1] != '-') {
        *index = word[2] == 0 ? by_letter(o, word[1]) : -1;
        if (*index < 0 && option_find(o, word + 1) >= 0)
            return error_set(err, SHOAL_USAGE, "unknown option '%s' of 'shoal %s'; did you mean '-%s'?", word, option_command(o), word);
        return *index >= 0 ? 0
                           : error_set(err, SHOAL_USAGE, "unknown option '%s' of 'shoal %s'; see shoal %s --help", word,
                                       option_command(o), option_command(o));
    }
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    if (n > NAME_MAX_BYTES)
        n = NAME_MAX_BYTES;
    memcpy(name, word + 2, n);
    name[n] = 0;
    *value = equals ? equals + 1 : NULL;
    *index = option_find(o, name);
    return *index >= 0 ? 0 : option_unknown(o, name, err);
}

static int check_arguments(const shoal_options *o, shoal_error *err)
{
    const shoal_command *c = &option_commands[o->command];
    size_t n = o->args.n;
    if (n == 0 && o->stream[0].release)
        return 0;
    if (n < (size_t)c->min_args)
        return error_set(err, SHOAL_USAGE, "'shoal %s' takes %s, got %zu argument%s; see shoal %s --help", c->name,
                         c->arguments, n, n == 1 ? "" : "s", c->name);
    if (c->max_args >= 0 && n > (size_t)c->max_args)
        return error_set(err, SHOAL_USAGE, "'shoal %s' takes %s, got '%s' as well; see shoal %s --help", c->name,
                         c->arguments, o->args.item[c->max_args], c->name);
    return 0;
}

/* A run file among the arguments of train: it alone, or it first. */
static int take_run_file(shoal_options *o, shoal_error *err)
{
    if ((o->command != CMD_TRAIN && o->command != CMD_PLAN) || o->args.n == 0)
        return 0;
    char *first = o->args.item[0];
    size_t n = strlen(first);
    if (!(n > 5 && strcmp(first + n - 5, ".yaml") == 0) && !(n > 4 && strcmp(first + n - 4, ".yml") == 0))
        return 0;
    o->args.n--;
    memmove(o->args.item, o->args.item + 1, o->args.n * sizeof *o->args.item);
    int rc = shoal_options_load(o, first, err);
    mem_free(first);
    return rc;
}

int shoal_options_parse(shoal_options *o, int argc, char **argv, shoal_error *err)
{
    int rc = 0, only_arguments = 0;
    for (int i = 0; i < argc && rc == 0; i++) {
        const char *word = argv[i], *value;
        int index = -1;
        if (only_arguments || word[0] != '-' || word[1] == 0) {
            rc = shoal_options_add(o, word, err);
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_arguments = 1;
            continue;
        }
        rc = read_name(o, word, &index, &value, err);
        if (rc < 0)
            break;
        if (!value && option_table[index].kind == SHOAL_OPT_FLAG)
            value = "true";
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value)
            return error_set(err, SHOAL_USAGE, "--%s needs a value: %s", option_table[index].name,
                             option_table[index].value_name);
        rc = option_assign(o, index, value, err);
    }
    if (rc == 0)
        rc = take_run_file(o, err);
    return rc < 0 ? rc : check_arguments(o, err);
}

/* ---- run files ---- */

/* `model:` may be the network itself: it is taken as a text of one line, as on the command line. */
static int load_network(shoal_options *o, const conf *c, int index, shoal_error *err)
{
    buf text = BUF_INIT;
    int rc = conf_write(c, &text, err);
    if (rc == 0)
        rc = buf_str(&text) ? option_assign(o, index, (const char *)text.data, err) : error_nomem(err, text.len, "a model");
    buf_release(&text);
    return rc;
}

static int load_words(shoal_options *o, const conf *c, int index, shoal_error *err)
{
    if (c->kind == CONF_SCALAR)
        return index < 0 ? shoal_options_add(o, c->text, err) : option_assign(o, index, c->text, err);
    int may_list = index < 0 || option_table[index].kind == SHOAL_OPT_LIST;
    if (c->kind == CONF_MAP && index >= 0 && strcmp(option_table[index].name, "model") == 0)
        return load_network(o, c, index, err);
    if (c->kind != CONF_LIST || !may_list)
        return error_set(err, SHOAL_USAGE, "'%s' must be %s", c->key, may_list ? "one value or a list" : "one value");
    for (size_t i = 0; i < c->n_child; i++) {
        if (c->child[i]->kind != CONF_SCALAR)
            return error_set(err, SHOAL_USAGE, "'%s' must be one value or a list", c->key);
        int rc = load_words(o, c->child[i], index, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int load_key(shoal_options *o, const conf *c, int args_given, const int *given, shoal_error *err)
{
    char name[NAME_MAX_BYTES + 1];
    if (strcmp(c->key, "src") == 0)
        return args_given ? 0 : load_words(o, c, -1, err);
    size_t n = strlen(c->key);
    if (n > NAME_MAX_BYTES)
        n = NAME_MAX_BYTES;
    for (size_t i = 0; i < n; i++)
        name[i] = c->key[i] == '_' ? '-' : c->key[i];
    name[n] = 0;
    int index = option_find(o, name);
    if (index < 0)
        return option_unknown(o, name, err);
    return given[index] || c->kind == CONF_NULL ? 0 : load_words(o, c, index, err);
}

int option_load(shoal_options *o, const conf *map, const char *name, enum option_giver giver, shoal_error *err)
{
    int given[OPTION_MAX], args_given = o->args.n > 0, rc = 0;
    const enum option_giver before = o->giver;
    for (size_t i = 0; i < option_table_size; i++)
        given[i] = o->value[i].is_set == GIVEN && (giver == GIVEN || strcmp(option_table[i].value_name ? option_table[i].value_name : "", OPTION_SETTING) != 0);
    if (map->kind != CONF_MAP)
        return conf_error(map, err, "a run file is a map of options and values");
    o->giver = giver;
    for (size_t i = 0; rc == 0 && i < map->n_child; i++) {
        rc = load_key(o, map->child[i], args_given, given, err);
        if (rc == SHOAL_USAGE)
            error_where(err, rc, "%s:%d", name, map->child[i]->line);
    }
    o->giver = before;
    return rc;
}

int shoal_options_load(shoal_options *o, const char *yaml_path, shoal_error *err)
{
    conf *file = NULL;
    int rc = conf_load(yaml_path, &file, err);
    if (rc == 0)
        rc = option_load(o, file, yaml_path, GIVEN, err);
    conf_free(file);
    return rc;
}
