/* option.c: the options of one job: values by name, checked against the table when they are set. option_parse.c reads
 * command lines and run files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/option_set.h"
#include "base/thread.h"

#define CHOICES_MAX 16
#define CHOICE_BYTES_MAX 128

/* ---- life ---- */

shoal_options *shoal_options_new(const char *command, shoal_error *err)
{
    const char *names[CMD_COUNT + 1] = {0};
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        names[i] = option_commands[i].name;
        if (strcmp(command, names[i]) != 0)
            continue;
        shoal_options *o = mem_calloc(1, sizeof *o);
        if (!o)
            error_nomem(err, sizeof *o, "the options");
        else {
            o->command = i;
            o->giver = GIVEN;
        }
        return o;
    }
    const char *near = conf_nearest(command, names);
    if (near)
        error_set(err, SHOAL_USAGE, "unknown command '%s'; did you mean '%s'?", command, near);
    else
        error_set(err, SHOAL_USAGE, "unknown command '%s'; see shoal --help", command);
    return NULL;
}

static void words_release(option_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        mem_free(w->item[i]);
    mem_free(w->item);
    *w = (option_words){0};
}

static int words_insert(option_words *w, size_t at, const char *text, size_t n, shoal_error *err)
{
    char **grown = mem_realloc(w->item, (w->n + 1) * sizeof *grown);
    if (grown)
        w->item = grown;
    char *copy = grown ? mem_strndup(text, n) : NULL;
    if (!copy)
        return error_nomem(err, n, "an option");
    memmove(w->item + at + 1, w->item + at, (w->n++ - at) * sizeof *w->item);
    w->item[at] = copy;
    return 0;
}

static int words_add(option_words *w, const char *text, size_t n, shoal_error *err)
{
    return words_insert(w, w->n, text, n, err);
}

void shoal_options_free(shoal_options *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < option_table_size; i++)
        words_release(&o->value[i].words);
    words_release(&o->args);
    for (int i = 0; i < OPTION_STREAMS; i++)
        if (o->stream[i].release && !o->taken[i])
            o->stream[i].release(&o->stream[i]);
    mem_free(o);
}

/* ---- setting ---- */

int option_find(const shoal_options *o, const char *name)
{
    for (size_t i = 0; i < option_table_size; i++)
        if (strcmp(option_table[i].name, name) == 0 && (option_table[i].commands >> o->command & 1))
            return (int)i;
    return -1;
}

int option_unknown(const shoal_options *o, const char *name, shoal_error *err)
{
    const char *names[OPTION_MAX + 1];
    size_t n = 0;
    const char *command = option_commands[o->command].name;
    for (size_t i = 0; i < option_table_size; i++) {
        if (option_table[i].commands >> o->command & 1)
            names[n++] = option_table[i].name;
        else if (strcmp(option_table[i].name, name) == 0)
            return error_set(err, SHOAL_USAGE, "option '--%s' is not one of 'shoal %s %s'; see shoal %s --help", name,
                             command, option_commands[o->command].arguments, command);
    }
    names[n] = NULL;
    const char *near = conf_nearest(name, names);
    if (near)
        return error_set(err, SHOAL_USAGE, "unknown option '--%s' of 'shoal %s'; did you mean '--%s'?", name, command,
                         near);
    return error_set(err, SHOAL_USAGE, "unknown option '--%s' of 'shoal %s'; see shoal %s --help", name, command, command);
}

static int check_bounds(const shoal_option *t, const char *value, double v, shoal_error *err)
{
    if (v >= t->min && v <= t->max)
        return 0;
    return error_set(err, SHOAL_USAGE, "--%s is %s, expected %.16g to %.16g", t->name, value, t->min, t->max);
}

/* Powers of 1024 behind a number of bytes; 1 for none, 0 for a letter that is none. */
static double byte_unit(char letter)
{
    switch (letter) {
    case 'k': case 'K': return 1024.0;
    case 'm': case 'M': return 1048576.0;
    case 'g': case 'G': return 1073741824.0;
    case 't': case 'T': return 1099511627776.0;
    default: return letter >= '0' && letter <= '9' ? 1 : 0;
    }
}

static int set_int(const shoal_option *t, option_value *v, const char *value, shoal_error *err)
{
    size_t n = strlen(value);
    int bytes = strcmp(t->value_name, OPTION_BYTES) == 0;
    double unit = bytes && n > 0 ? byte_unit(value[n - 1]) : 1;
    int64_t whole = 0;
    if (unit == 0 || view_to_i64(view_of(value, n - (unit > 1)), &whole) < 0)
        return error_set(err, SHOAL_USAGE, "--%s is '%s', expected a whole number%s", t->name, value,
                         bytes ? " of bytes, such as 268435456 or 256M" : "");
    int rc = check_bounds(t, value, (double)whole * unit, err);
    if (rc == 0)
        v->number = (double)whole * unit;
    return rc;
}

static int set_float(const shoal_option *t, option_value *v, const char *value, shoal_error *err)
{
    double x = 0;
    if (view_to_f64(view_of(value, strlen(value)), &x) < 0 || !isfinite(x))
        return error_set(err, SHOAL_USAGE, "--%s is '%s', expected a number", t->name, value);
    int rc = check_bounds(t, value, x, err);
    if (rc == 0)
        v->number = x;
    return rc;
}

static int set_flag(const shoal_option *t, option_value *v, const char *value, shoal_error *err)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return error_set(err, SHOAL_USAGE, "--%s is '%s', expected true or false", t->name, value);
    v->number = value[0] == 't';
    return 0;
}

static int check_choice(const shoal_option *t, const char *value, shoal_error *err)
{
    char words[CHOICE_BYTES_MAX], *rest = words;
    const char *choice[CHOICES_MAX + 1];
    size_t n = 0;
    CHECK(strlen(t->value_name) < sizeof words);
    strcpy(words, t->value_name);
    for (char *word; (word = strsep(&rest, "|")) && n < CHOICES_MAX;) {
        if (strcmp(word, value) == 0)
            return 0;
        choice[n++] = word;
    }
    choice[n] = NULL;
    const char *near = conf_nearest(value, choice);
    return error_set(err, SHOAL_USAGE, "--%s is '%s', expected %s%s%s%s", t->name, value, t->value_name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int is_settings(const shoal_option *t)
{
    return t->kind == SHOAL_OPT_LIST && strcmp(t->value_name, OPTION_SETTING) == 0;
}

void option_forget_preset(option_value *v)
{
    const size_t n = v->is_set == GIVEN_BY_PRESET ? v->words.n : v->from_preset;
    for (size_t i = 0; i < n; i++)
        mem_free(v->words.item[i]);
    v->words.n -= n;
    if (n > 0)
        memmove(v->words.item, v->words.item + n, v->words.n * sizeof *v->words.item);
    v->from_preset = 0;
    if (v->is_set == GIVEN_BY_PRESET)
        v->is_set = GIVEN_NOT;
    v->number = v->is_set ? v->number : 0;
}

/* Bytes up to the comma that ends an entry, or to the end. */
static size_t entry_bytes(const shoal_option *t, const char *at)
{
    const int brackets = is_settings(t);
    int depth = 0;
    size_t n = 0;
    for (; at[n] && (at[n] != ',' || depth > 0); n++)
        if (brackets)
            depth += (at[n] == '[' || at[n] == '{') - (at[n] == ']' || at[n] == '}');
    return n;
}

/* "a,b" adds two words. */
static int add_list(const shoal_options *o, const shoal_option *t, option_value *v, const char *value, shoal_error *err)
{
    const int first = is_settings(t) && o->giver == GIVEN_BY_PRESET;
    for (const char *at = value;; at++) {
        size_t n = entry_bytes(t, at);
        if (n == 0)
            return error_set(err, SHOAL_USAGE, "--%s is '%s': an entry is empty", t->name, value);
        int rc = words_insert(&v->words, first ? v->from_preset : v->words.n, at, n, err);
        if (rc == 0)
            v->from_preset += (size_t)first;
        if (rc < 0 || !at[n])
            return rc;
        at += n;
    }
}

int option_assign(shoal_options *o, int index, const char *value, shoal_error *err)
{
    const shoal_option *t = &option_table[index];
    option_value *v = &o->value[index];
    int rc = 0;
    if (v->is_set == GIVEN_BY_PRESET && o->giver == GIVEN && !is_settings(t))
        option_forget_preset(v);
    switch (t->kind) {
    case SHOAL_OPT_FLAG: rc = set_flag(t, v, value, err); break;
    case SHOAL_OPT_INT: rc = set_int(t, v, value, err); break;
    case SHOAL_OPT_FLOAT: rc = set_float(t, v, value, err); break;
    case SHOAL_OPT_CHOICE: rc = check_choice(t, value, err); break;
    case SHOAL_OPT_LIST: break;
    case SHOAL_OPT_STRING:
        if (!*value)
            rc = error_set(err, SHOAL_USAGE, "--%s is empty, expected %s", t->name, t->value_name);
        break;
    }
    if (rc == 0 && t->kind == SHOAL_OPT_LIST)
        rc = add_list(o, t, v, value, err);
    else if (rc == 0) {
        words_release(&v->words); /* the last one given counts */
        v->is_set = GIVEN_NOT;
        rc = words_add(&v->words, value, strlen(value), err);
    }
    if (rc == 0)
        v->is_set = v->is_set == GIVEN ? GIVEN : o->giver;
    return rc == 0 && strcmp(t->name, OPTION_PRESET) == 0 ? option_preset(o, value, err) : rc;
}

int shoal_options_set(shoal_options *o, const char *name, const char *value, shoal_error *err)
{
    int index = option_find(o, name);
    return index < 0 ? option_unknown(o, name, err) : option_assign(o, index, value, err);
}

int shoal_options_add(shoal_options *o, const char *argument, shoal_error *err)
{
    return words_add(&o->args, argument, strlen(argument), err);
}

int shoal_options_stream(shoal_options *o, int slot, struct ArrowArrayStream *stream, shoal_error *err)
{
    if (slot < 0 || slot >= OPTION_STREAMS || !stream || !stream->release || o->stream[slot].release)
        return error_set(err, SHOAL_USAGE, "a stream is handed in once for slot 0 or 1, and must not be released");
    o->stream[slot] = *stream;
    stream->release = NULL;
    return 0;
}

/* ---- reading, inside the library ---- */

/* Asking for what the command does not have is a defect of the caller, except that shared code may ask for options of
 * other commands, which are then unset. */
static int index_of(const char *name)
{
    for (size_t i = 0; i < option_table_size; i++)
        if (strcmp(option_table[i].name, name) == 0)
            return (int)i;
    CHECK(!"an option that is not in the table");
    return -1;
}

const char *option_command(const shoal_options *o)
{
    return option_commands[o->command].name;
}

int option_is_set(const shoal_options *o, const char *name)
{
    return o->value[index_of(name)].is_set;
}

const char *option_str(const shoal_options *o, const char *name)
{
    int i = index_of(name);
    return o->value[i].is_set ? o->value[i].words.item[0] : option_table[i].default_value;
}

double option_f64(const shoal_options *o, const char *name)
{
    int i = index_of(name);
    if (o->value[i].is_set)
        return o->value[i].number;
    option_value v = {0};
    const shoal_option *t = &option_table[i];
    if (t->default_value)
        CHECK((t->kind == SHOAL_OPT_INT ? set_int : set_float)(t, &v, t->default_value, NULL) == 0);
    return v.number;
}

int64_t option_i64(const shoal_options *o, const char *name)
{
    return (int64_t)option_f64(o, name);
}

int option_threads(const shoal_options *o)
{
    const int threads = (int)option_i64(o, "threads");
    return threads > 0 ? threads : thread_count_available();
}

int option_flag(const shoal_options *o, const char *name)
{
    return o->value[index_of(name)].number != 0;
}

size_t option_list(const shoal_options *o, const char *name, const char *const **items)
{
    const option_words *w = &o->value[index_of(name)].words;
    *items = (const char *const *)w->item;
    return w->n;
}

size_t option_args(const shoal_options *o, const char *const **args)
{
    *args = (const char *const *)o->args.item;
    return o->args.n;
}

struct ArrowArrayStream *option_take_stream(const shoal_options *o, int slot)
{
    if (slot < 0 || slot >= OPTION_STREAMS || !o->stream[slot].release || o->taken[slot])
        return NULL;
    shoal_options *own = (shoal_options *)o; /* the one thing of a job's options that is used up */
    own->taken[slot] = 1;
    return &own->stream[slot];
}
