#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/option.h"

#define WORDS_MAX 16

/* The options of a command line whose words are parted by blanks; NULL with err set when it is refused. */
static shoal_options *parse(const char *command, const char *line, shoal_error *err)
{
    char copy[512], *word[WORDS_MAX];
    int n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = strtok(copy, " "); at && n < WORDS_MAX; at = strtok(NULL, " "))
        word[n++] = at;
    shoal_options *o = shoal_options_new(command, err);
    if (o && shoal_options_parse(o, n, word, err) < 0) {
        shoal_options_free(o);
        return NULL;
    }
    return o;
}

static void refused(const char *command, const char *line, const char *message)
{
    shoal_error err = {0};
    assert_null(parse(command, line, &err));
    assert_int_equal(err.code, SHOAL_USAGE);
    assert_string_equal(err.message, message);
}

static int in_choices(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == 0))
            return 1;
    return 0;
}

/* What the table says about itself holds: names are unique for a command, defaults pass their own check. */
static void test_table(void **state)
{
    (void)state;
    size_t n, n_commands;
    const shoal_option *t = shoal_option_table(&n);
    const shoal_command *c = shoal_commands(&n_commands);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(t[i].help);
        assert_true(t[i].commands != 0 && t[i].commands < 1u << n_commands);
        assert_int_equal(t[i].value_name == NULL, t[i].kind == SHOAL_OPT_FLAG);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(t[i].name, t[k].name);
            assert_false(t[i].letter && t[i].letter == t[k].letter && (t[i].commands & t[k].commands));
        }
        if (t[i].kind == SHOAL_OPT_CHOICE && t[i].default_value)
            assert_true(in_choices(t[i].value_name, t[i].default_value));
        for (size_t k = 0; k < n_commands && t[i].default_value; k++) {
            if (!(t[i].commands >> k & 1))
                continue;
            shoal_options *o = shoal_options_new(c[k].name, NULL);
            assert_int_equal(shoal_options_set(o, t[i].name, t[i].default_value, NULL), 0);
            shoal_options_free(o);
        }
    }
}

static void test_usual_line(void **state)
{
    (void)state;
    const char *const *item;
    shoal_error err;
    shoal_options *o = parse("train", "a.parquet --label=y --lr 0.5 --valid v1,v2 --valid v3 --resume b -- --c -", &err);
    assert_non_null(o);
    assert_string_equal(option_command(o), "train");
    assert_int_equal(option_args(o, &item), 4);
    assert_string_equal(item[0], "a.parquet");
    assert_string_equal(item[2], "--c");
    assert_string_equal(item[3], "-");
    assert_string_equal(option_str(o, "label"), "y");
    assert_true(option_f64(o, "lr") == 0.5);
    assert_true(option_is_set(o, "lr") && !option_is_set(o, "epochs"));
    assert_int_equal(option_i64(o, "batch-size"), 4096);
    assert_int_equal(option_i64(o, "memory"), 256 << 20);
    assert_string_equal(option_str(o, "optimizer"), "adam");
    assert_null(option_str(o, "weight"));
    assert_int_equal(option_flag(o, "resume"), 1);
    assert_int_equal(option_flag(o, "overwrite"), 0);
    assert_int_equal(option_list(o, "valid", &item), 3);
    assert_string_equal(item[1], "v2");
    assert_string_equal(item[2], "v3");
    assert_int_equal(option_list(o, "hidden", &item), 0);
    shoal_options_free(o);
    o = parse("convert", "a b -n 7 --max-file-size 64k -n 8", &err);
    assert_int_equal(option_i64(o, "rows"), 8); /* the last one counts */
    assert_int_equal(option_i64(o, "max-file-size"), 65536);
    shoal_options_free(o);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("trian", "", "unknown command 'trian'; did you mean 'train'?");
    refused("brew", "", "unknown command 'brew'; see shoal --help");
    refused("train", "a --epoch 3", "unknown option '--epoch' of 'shoal train'; did you mean '--epochs'?");
    refused("train", "a --zzz", "unknown option '--zzz' of 'shoal train'; see shoal train --help");
    refused("train", "a -Q", "unknown option '-Q' of 'shoal train'; see shoal train --help");
    refused("show", "a --lr 3", "option '--lr' is not one of 'shoal show SRC...'; see shoal show --help");
    refused("train", "a --epochs 0", "--epochs is 0, expected 1 to 1000000");
    refused("train", "a --epochs 1.5", "--epochs is '1.5', expected a whole number");
    refused("train", "a --lr fast", "--lr is 'fast', expected a number");
    refused("train", "a --lr -1", "--lr is -1, expected 0 to 1000000");
    refused("train", "a --memory 5X", "--memory is '5X', expected a whole number of bytes, such as 268435456 or 256M");
    refused("train", "a --memory 99999999T", "--memory is 99999999T, expected 1048576 to 9007199254740992");
    refused("train", "a --optimizer adm", "--optimizer is 'adm', expected sgd|adagrad|adam|ftrl; did you mean 'adam'?");
    refused("train", "a --optimizer ada", "--optimizer is 'ada', expected sgd|adagrad|adam|ftrl; did you mean 'adam'?");
    refused("train", "a --lr", "--lr needs a value: RATE");
    refused("train", "a --resume=maybe", "--resume is 'maybe', expected true or false");
    refused("train", "a --valid a,,b", "--valid is 'a,,b': an entry is empty");
    refused("train", "a --label=", "--label is empty, expected COLUMN");
    refused("synth", "", "'shoal synth' takes DST, got 0 arguments; see shoal synth --help");
    refused("synth", "a b", "'shoal synth' takes DST, got 'b' as well; see shoal synth --help");
    shoal_error err;
    assert_null(parse("train", "no-such.yaml", &err));
    assert_int_equal(err.code, SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot open no-such.yaml: No such file or directory");
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static const char RUN[] = "src: [a.parquet, b.parquet]\nlabel: y\nbatch_size: 128\nlr: 0.25\nvalid: [v1, v2]\n"
                          "hidden: 8,4\nresume: true\nweight:\n";

static void test_run_file(void **state)
{
    (void)state;
    char path[] = "/tmp/option_test.XXXXXX.yaml", line[128];
    write_file(path, RUN);
    shoal_error err;
    snprintf(line, sizeof line, "--lr 0.5 %s --valid w", path);
    shoal_options *o = parse("train", line, &err);
    assert_non_null(o);
    const char *const *item;
    assert_int_equal(option_args(o, &item), 2);
    assert_string_equal(item[1], "b.parquet");
    assert_true(option_f64(o, "lr") == 0.5); /* the command line wins */
    assert_int_equal(option_list(o, "valid", &item), 1);
    assert_string_equal(item[0], "w");
    assert_int_equal(option_i64(o, "batch-size"), 128);
    assert_int_equal(option_list(o, "hidden", &item), 2);
    assert_int_equal(option_flag(o, "resume"), 1);
    assert_null(option_str(o, "weight"));
    shoal_options_free(o);
    snprintf(line, sizeof line, "%s c.parquet", path);
    o = parse("train", line, &err);
    assert_int_equal(option_args(o, &item), 1);
    assert_string_equal(item[0], "c.parquet");
    shoal_options_free(o);
    unlink(path);
}

static void run_file_refused(const char *text, const char *message)
{
    char path[] = "/tmp/option_test.XXXXXX.yaml", expected[256];
    write_file(path, text);
    shoal_error err;
    assert_null(parse("train", path, &err));
    unlink(path);
    snprintf(expected, sizeof expected, "%s:%s", path, message);
    assert_string_equal(err.message, expected);
    assert_int_equal(err.code, SHOAL_USAGE);
}

static void test_run_file_refusals(void **state)
{
    (void)state;
    run_file_refused("label: y\nepoch: 3\n", "2: unknown option '--epoch' of 'shoal train'; did you mean '--epochs'?");
    run_file_refused("epochs: [3]\n", "1: 'epochs' must be one value");
    run_file_refused("\nlr: x\n", "2: --lr is 'x', expected a number");
    run_file_refused("valid: {a: b}\n", "1: 'valid' must be one value or a list");
    run_file_refused("- a\n", "1: a run file is a map of options and values");
}

/* A preset stands behind all that is given, in any order of words; a second one takes the first one's place. */
static void preset_holds(const char *line)
{
    shoal_error err;
    shoal_options *o = parse("train", line, &err);
    assert_non_null(o);
    const char *const *item;
    assert_true(option_f64(o, "lr") == 0.5);
    assert_int_equal(option_i64(o, "batch-size"), 10000);
    assert_int_equal(option_list(o, "hidden", &item), 1);
    assert_string_equal(item[0], "7");
    assert_int_equal(option_list(o, "set", &item), 4); /* the preset's, then those that are given */
    assert_string_equal(item[0], "e.init_std=0.0001");
    assert_string_equal(item[1], "cin.layers=[64, 64, 64]");
    assert_string_equal(item[2], "cin.layers=[2,3]");
    assert_string_equal(item[3], "e.dim=4");
    shoal_options_free(o);
}

static void test_preset(void **state)
{
    (void)state;
    preset_holds("--preset bars/criteo_x4/xdeepfm --set cin.layers=[2,3],e.dim=4 --lr 0.5 --hidden 7 a");
    preset_holds("--set cin.layers=[2,3],e.dim=4 --lr 0.5 --hidden 7 --preset bars/criteo_x4/xdeepfm a");
    preset_holds("--preset xlearn/fm --set cin.layers=[2,3],e.dim=4 --lr 0.5 --hidden 7 --preset bars/criteo_x4/xdeepfm a");
    refused("train", "--preset xlearn a", "unknown preset 'xlearn'; shoal --presets lists them; did you mean 'xlearn/ffm', 'xlearn/fm', 'xlearn/lr'?");
}

static int released;
static void release(struct ArrowArrayStream *s)
{
    released++;
    s->release = NULL;
}

static void test_streams(void **state)
{
    (void)state;
    struct ArrowArrayStream a = {.release = release}, b = {.release = release}, gone = {.release = NULL};
    shoal_error err;
    shoal_options *o = shoal_options_new("train", NULL);
    assert_int_equal(shoal_options_stream(o, 0, &a, &err), 0);
    assert_null(a.release); /* moved */
    assert_int_equal(shoal_options_stream(o, 1, &b, &err), 0);
    assert_int_equal(shoal_options_stream(o, 2, &b, &err), SHOAL_USAGE);
    assert_int_equal(shoal_options_stream(o, 0, &gone, &err), SHOAL_USAGE);
    struct ArrowArrayStream *taken = option_take_stream(o, 0);
    assert_non_null(taken);
    assert_null(option_take_stream(o, 0));
    assert_null(option_take_stream(o, 5));
    taken->release(taken);
    assert_int_equal(released, 1);
    shoal_options_free(o); /* releases the one that nobody took */
    assert_int_equal(released, 2);
    shoal_options_free(NULL);
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    char path[] = "/tmp/option_test.XXXXXX.yaml", line[128];
    write_file(path, RUN);
    snprintf(line, sizeof line, "%s --lr 1 --lr 2 --drop a,b,c --preset xlearn/ffm --preset bars/avazu_x4/dcn", path);
    shoal_options *o = NULL;
    shoal_error err;
    long n = 1;
    for (; o == NULL && n < 2000; n++) {
        mem_fail_at(n, 0);
        o = parse("train", line, &err);
        if (o == NULL)
            assert_int_equal(err.code, SHOAL_NOMEM);
    }
    mem_fail_at(0, 0);
    unlink(path);
    assert_non_null(o);
    assert_true(n > 20);
    assert_true(option_f64(o, "lr") == 2);
    shoal_options_free(o);
    o = shoal_options_new("train", NULL);
    assert_int_equal(shoal_options_set(o, "label", "y", NULL), 0);
    mem_fail_at(1, 1);
    assert_int_equal(shoal_options_set(o, "label", "z", NULL), SHOAL_NOMEM);
    mem_fail_at(0, 0);
    assert_null(option_str(o, "label")); /* neither, and no dangling text */
    shoal_options_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),             cmocka_unit_test(test_usual_line), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_run_file),          cmocka_unit_test(test_run_file_refusals), cmocka_unit_test(test_preset),
        cmocka_unit_test(test_streams),           cmocka_unit_test(test_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
