/* Command lines: the first byte picks the command, the rest are words parted by NUL. Reads of what is accepted succeed
 * within the table's bounds. Run files are parsed by base/conf, which has a fuzzer of its own: words that name one are
 * left out here, so that no file is opened. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const shoal_options *o)
{
    size_t n;
    const char *const *items;
    const shoal_option *t = shoal_option_table(&n);
    for (size_t i = 0; i < n; i++) {
        const char *s = option_str(o, t[i].name);
        if (t[i].kind == SHOAL_OPT_INT || t[i].kind == SHOAL_OPT_FLOAT) {
            double v = t[i].kind == SHOAL_OPT_INT ? (double)option_i64(o, t[i].name) : option_f64(o, t[i].name);
            if (s && !(v >= t[i].min && v <= t[i].max)) abort();
        } else if (t[i].kind == SHOAL_OPT_LIST) {
            for (size_t k = option_list(o, t[i].name, &items); k > 0; k--)
                if (!items[k - 1][0]) abort();
        } else if (t[i].kind == SHOAL_OPT_FLAG) {
            if (option_flag(o, t[i].name) && !option_is_set(o, t[i].name)) abort();
        }
    }
    if (option_args(o, &items) > WORDS_MAX) abort();
}

static int names_file(const char *word)
{
    return strstr(word, ".yaml") || strstr(word, ".yml");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t n_commands;
    const shoal_command *commands = shoal_commands(&n_commands);
    char *text = malloc(size), *word[WORDS_MAX];
    if (!text) return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    int n = 0;
    for (size_t at = 0; at < size && n < WORDS_MAX; at += strlen(text + at) + 1)
        if (!names_file(text + at)) word[n++] = text + at;
    shoal_error err = {0};
    shoal_options *o = shoal_options_new(commands[data[0] % n_commands].name, &err);
    if (!o) abort();
    mem_fail_at(data[0] >> 4, 0); /* 0: memory enough */
    int rc = shoal_options_parse(o, n, word, &err);
    mem_fail_at(0, 0);
    if (rc == 0) check_values(o);
    else if (err.code != rc || !err.message[0] || strchr(err.message, '\n')) abort();
    shoal_options_free(o);
    free(text);
    return 0;
}
