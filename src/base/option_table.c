/* option_table.c: every command and every option there is. The parser, --help, the manual, completion, run files and
 * bindings all read these two tables; nothing else knows an option's name, bounds or default. */
#include "base/option_private.h"

#define ON(command) (1u << CMD_##command)
#define TRAINS (ON(TRAIN) | ON(PLAN)) /* plan takes all that train does, so that exchanging the word tries a command */
#define READS (ON(CONVERT) | ON(SHOW) | ON(CHECK) | TRAINS | SCORES)
#define FILTERS (ON(CONVERT) | ON(SHOW) | TRAINS | SCORES)
#define WRITES (ON(CONVERT) | ON(SYNTH) | ON(PREDICT))
#define SCORES (ON(EVAL) | ON(PREDICT) | ON(EXPLAIN))
#define COMPUTES (TRAINS | SCORES)
#define MAX_I 9007199254740992.0 /* 2^53: whole numbers that a double holds exactly */

#define FLAG(name, commands, help) {name, 0, SHOAL_OPT_FLAG, NULL, NULL, 0, 0, help, commands}
#define TEXT(name, value, def, commands, help) {name, 0, SHOAL_OPT_STRING, value, def, 0, 0, help, commands}
#define LIST(name, value, commands, help) {name, 0, SHOAL_OPT_LIST, value, NULL, 0, 0, help, commands}
#define CHOICE(name, values, def, commands, help) {name, 0, SHOAL_OPT_CHOICE, values, def, 0, 0, help, commands}
#define INT(name, value, def, low, high, commands, help) {name, 0, SHOAL_OPT_INT, value, def, low, high, help, commands}
#define FLOAT(name, value, def, low, high, commands, help) {name, 0, SHOAL_OPT_FLOAT, value, def, low, high, help, commands}

const shoal_command option_commands[CMD_COUNT] = {
    [CMD_CONVERT] = {"convert", "SRC... DST", 1, -1, "copy any table to TFRecord, Parquet, CSV, JSON lines, libsvm or libffm",
                     "shoal convert clicks.parquet clicks.tfrecord"},
    [CMD_SHOW] = {"show", "SRC...", 0, -1, "print rows of a table", "shoal show clicks.tfrecord -n 3 --json"},
    [CMD_CHECK] = {"check", "SRC...", 1, -1, "read everything and verify framing, checksums and values",
                   "shoal check clicks.tfrecord"},
    [CMD_INDEX] = {"index", "SRC...", 1, -1, "make the index of TFRecord files: places, counts, types and ranges",
                   "shoal index clicks.tfrecord"},
    [CMD_SYNTH] = {"synth", "DST", 1, 1, "make a planted click log with a known best AUC",
                   "shoal synth --rows 100000 --seed 7 train.parquet && shoal synth --rows 10000 --skip 100000 --seed 7 test.parquet"},
    [CMD_PLAN] = {"plan", "SRC...|RUN.yaml", 0, -1, "what a training run would read and need, and whether it fits",
                  "shoal plan clicks.parquet --label clicked --model deepfm"},
    [CMD_TRAIN] = {"train", "SRC...|RUN.yaml", 0, -1, "train a model",
                   "shoal train clicks.parquet --label clicked --model deepfm --valid week2.parquet --out model"},
    [CMD_EVAL] = {"eval", "MODEL SRC...", 1, -1, "measure a model: AUC, log loss, calibration",
                  "shoal eval model test.parquet --json"},
    [CMD_PREDICT] = {"predict", "MODEL SRC... DST", 2, -1, "score rows and write the predictions",
                     "shoal predict model new.parquet scores.parquet --keep user_id,item_id"},
    [CMD_EXPLAIN] = {"explain", "MODEL SRC...", 1, -1, "what a model leans on: the loss when a feature's values are permuted",
                     "shoal explain model test.parquet"},
    [CMD_SUMMARY] = {"summary", "MODEL", 1, 1, "print the layers and parameters of a model", "shoal summary model"},
};

const shoal_option option_table[] = {
    /* reading */
    CHOICE("format", "tfrecord|parquet|csv|jsonl|libsvm|libffm", NULL, READS, "format of SRC; default: by its ending or content"),
    CHOICE("record-type", "example|sequence-example|bytes", NULL, ON(CONVERT) | ON(SHOW) | ON(CHECK) | ON(INDEX),
           "what the records of TFRecord are; bytes: anything, as one column byteArray; default: as the index says, else Examples"),
    LIST("types", "COLUMN=TYPE", READS, "types of columns of CSV and JSON lines, where the first rows do not tell"),
    TEXT("delimiter", "CHAR", NULL, READS, "of CSV: one character, or tab; default: what the first line has most often of , ; | and tab"),
    FLAG("no-header", READS, "CSV without a line of names: its columns are column0, column1, ..."),
    TEXT("sql", "QUERY", NULL, READS, "filter, join or reshape on the way in: SELECT ... FROM src"),
    TEXT("where", "EXPR", NULL, FILTERS, "only rows that fulfil it, an expression of SQL; by partitions, files are passed over unread"),
    LIST("table", "NAME=SRC", FILTERS, "a further table for joins in --sql"),
    {"rows", 'n', SHOAL_OPT_INT, "N", NULL, 0, MAX_I, "number of rows; default: show 10, synth 1000000, convert all, explain 100000",
     ON(CONVERT) | ON(SHOW) | ON(SYNTH) | ON(EXPLAIN)},
    INT("skip", "N", "0", 0, MAX_I, ON(SHOW) | ON(SYNTH), "rows to pass over first (show: an index makes that a seek; synth: for a test set of the same log)"),
    FLAG("schema", ON(SHOW), "print columns and types instead of rows"),
    FLAG("count", ON(SHOW), "print the number of rows instead of rows; with an index nothing is read"),
    FLAG("profile", TRAINS, "tell at the end how long each layer took, its FLOP/s and their share of this machine's peak"),
    FLAG("json", ON(SHOW) | ON(CHECK) | ON(INDEX) | ON(CONVERT) | ON(SYNTH) | SCORES | ON(SUMMARY) | TRAINS,
         "results as JSON, one object a line (docs/json.md)"),
    CHOICE("on-error", "stop|quarantine", "stop", READS, "damaged records of TFRecord: end there, or set them aside and go on"),
    TEXT("quarantine-dir", "DIR", NULL, READS, "folder for damaged records; default: beside the output"),
    /* writing */
    CHOICE("to", "tfrecord|parquet|csv|jsonl|libsvm|libffm", NULL, WRITES, "format of DST; default: by its ending"),
    CHOICE("compression", "none|gzip|zlib", NULL, WRITES, "compression of TFRecord files; default: by the ending of DST"),
    FLAG("overwrite", WRITES | TRAINS, "replace what is there under the output's name"),
    FLAG("append", ON(CONVERT) | ON(PREDICT), "add files to a folder that is there"),
    INT("max-file-size", OPTION_BYTES, "128M", 4096, MAX_I, WRITES, "size of the files of a folder, about"),
    INT("rows-per-file", "N", NULL, 1, MAX_I, ON(CONVERT), "rows of each file of a folder, exactly; default: cut by size alone"),
    LIST("partition-by", "COLUMNS", ON(CONVERT), "write a folder with a folder k=v for each of their values"),
    FLAG("overwrite-partitions", ON(CONVERT), "with --partition-by: replace the partitions that get rows, keep all others"),
    FLAG("shuffle", ON(CONVERT), "mix all rows, by --seed"),
    /* what is trained on */
    {"label", 'y', SHOAL_OPT_STRING, "COLUMN", NULL, 0, 0, "column of 0 and 1 to learn; eval: default is the model's",
     TRAINS | ON(EVAL) | ON(EXPLAIN)},
    TEXT("weight", "COLUMN", NULL, TRAINS | ON(EVAL) | ON(EXPLAIN), "column of row weights"),
    LIST("drop", "COLUMNS", TRAINS, "columns that are not features"),
    TEXT("features", "FILE", NULL, TRAINS, "YAML that says how columns become features; default: a guess"),
    LIST("valid", "SRC", TRAINS, "rows to validate on after each epoch"),
    TEXT("valid-sql", "QUERY", NULL, TRAINS, "as --sql, for the validation rows; default: --sql"),
    TEXT("valid-where", "EXPR", NULL, TRAINS, "as --where, for the validation rows; default: all"),
    TEXT("group-by", "COLUMN", NULL, TRAINS | ON(EVAL), "groups of rows, such as a user's, for the AUC within them (GAUC); train: of the rows of --valid"),
    LIST("slice", "COLUMNS", ON(EVAL), "quality for each value of these columns as well"),
    INT("slice-values", "N", "20", 1, 1000000, ON(EVAL), "values of a --slice that are told apart: the most frequent"),
    /* the model */
    TEXT(OPTION_PRESET, "NAME", NULL, TRAINS, "settings of a benchmark or of another program, such as bars/criteo_x4/deepfm; shoal --presets lists them. Other options win"),
    {"model", 'm', SHOAL_OPT_STRING, "NAME|FILE", "deepfm", 0, 0, "model of the zoo, such as lr, fm, deepfm, dcnv2 (docs/models.md has all), or a YAML file of layers",
     TRAINS},
    INT("embedding-dim", "N", NULL, 1, 4096, TRAINS, "width of the embeddings; default: the model's"),
    LIST("hidden", "UNITS", TRAINS, "units of the hidden layers, such as 400,400; default: the model's"),
    LIST("set", OPTION_SETTING, TRAINS, "a key of a layer of the model, such as cross.layers=4 or h1.batch_norm=true"),
    FLOAT("dropout", "RATE", NULL, 0, 0.99, TRAINS, "dropout of the hidden layers; default: the model's"),
    TEXT("init-from", "MODEL", NULL, TRAINS, "go on from a finished model: its network, features, weights and optimiser state"),
    FLAG("save-state", TRAINS, "keep the optimiser's state beside the model, for a run that goes on from it; such a run keeps it anyway"),
    {"out", 'o', SHOAL_OPT_STRING, "DIR", NULL, 0, 0, "folder of the model, its history and its checkpoints", TRAINS},
    /* how it is trained */
    INT("batch-size", "N", "4096", 1, 1 << 24, TRAINS, "rows of a step"),
    INT("micro-batch", "N", "0", 0, 1 << 20, TRAINS, "rows of a micro-batch; 0: follows from the batch size"),
    INT("epochs", "N", "3", 1, 1000000, TRAINS, "passes over the data at most"),
    INT("steps-per-epoch", "N", "0", 0, MAX_I, TRAINS, "steps of an epoch; 0: all of the data"),
    CHOICE("optimizer", "sgd|adagrad|adam|ftrl", "adam", TRAINS, "optimiser"),
    FLOAT("lr", "RATE", "0.001", 0, 1e6, TRAINS, "learning rate"),
    CHOICE("lr-schedule", "constant|linear|cosine|step|plateau", "constant", TRAINS, "how the learning rate falls to the end of the run"),
    INT("warmup-steps", "N", "0", 0, MAX_I, TRAINS, "steps over which the learning rate rises from 0"),
    FLOAT("l2", "X", "0", 0, 1e6, TRAINS, "L2 penalty of the weights, biases left out"),
    FLOAT("embedding-l2", "X", NULL, 0, 1e6, TRAINS, "L2 penalty of the embeddings; default: --l2"),
    FLOAT("l1", "X", "0", 0, 1e6, TRAINS, "L1 penalty (ftrl)"),
    CHOICE("embedding-update", "lazy|dense", "lazy", TRAINS, "update the rows that a step touched, or all of the table"),
    FLOAT("momentum", "X", "0", 0, 0.9999, TRAINS, "momentum (sgd)"),
    FLOAT("beta1", "X", "0.9", 0, 0.9999, TRAINS, "decay of the first moment (adam)"),
    FLOAT("beta2", "X", "0.999", 0, 0.999999, TRAINS, "decay of the second moment (adam)"),
    FLOAT("epsilon", "X", "1e-8", 1e-30, 1, TRAINS, "added to the divisor (adam, adagrad)"),
    FLOAT("accumulator", "X", "0", 0, 1e6, TRAINS, "what AdaGrad's sums of squares begin with (libffm 1, TensorFlow 0.1)"),
    FLOAT("ftrl-beta", "X", "1", 0, 1e6, TRAINS, "beta of FTRL-proximal; its alpha is --lr"),
    INT("seed", "N", "1", 0, MAX_I, TRAINS | ON(SYNTH) | ON(CONVERT) | ON(EXPLAIN), "seed of all chance"),
    INT("patience", "N", "2", 0, 1000000, TRAINS, "stop after so many epochs without a better validation; 0: never"),
    CHOICE("monitor", "logloss|auc|auc-logloss|gauc", "logloss", TRAINS, "what validation is judged by; gauc needs --group-by"),
    /* how it runs */
    FLAG("resume", TRAINS, "go on from the last checkpoint in --out, if there is one"),
    INT("checkpoint-every", "STEPS", "0", 0, MAX_I, TRAINS, "steps between checkpoints; one is also made after each epoch"),
    INT("checkpoint-keep", "N", "2", 1, 1000, TRAINS, "checkpoints kept while training"),
    INT("stall-timeout", "SECONDS", "600", 0, 1e7, TRAINS, "end with exit code 9 when nothing moves for so long; 0: wait"),
    INT("threads", "N", "0", 0, 1024, COMPUTES | ON(SYNTH) | ON(CONVERT) | ON(CHECK) | ON(INDEX) | ON(SHOW), "threads; 0: one a processor. The result does not depend on it"),
    INT("memory", OPTION_BYTES, "256M", 1 << 20, MAX_I, COMPUTES | ON(CONVERT), "memory for sorting and counting before the disk is used"),
    TEXT("spool-dir", "DIR", NULL, COMPUTES, "folder for what does not fit in memory; default: under the output"),
    CHOICE("kernels", "auto|portable|avx2|avx512", "auto", COMPUTES, "instruction set"),
    /* scoring */
    LIST("keep", "COLUMNS", ON(PREDICT), "columns to pass through beside the prediction; '*': all of them"),
    TEXT("output-column", "NAME", "prediction", ON(PREDICT), "name of the column of predictions"),
    /* synth */
    INT("numeric", "N", "13", 0, 1000, ON(SYNTH), "numeric columns"),
    INT("categorical", "N", "26", 1, 1000, ON(SYNTH), "categorical columns"),
    INT("cardinality", "N", "100000", 2, 1 << 30, ON(SYNTH), "distinct values of a categorical column"),
    FLOAT("skew", "X", "1.1", 0, 10, ON(SYNTH), "exponent of the Zipf distribution of the values"),
    FLAG("sort-by-label", ON(SYNTH), "all rows of label 0 first"),
};
const size_t option_table_size = sizeof option_table / sizeof *option_table;
_Static_assert(sizeof option_table / sizeof *option_table <= OPTION_MAX, "raise OPTION_MAX");

const shoal_command *shoal_commands(size_t *n)
{
    *n = CMD_COUNT;
    return option_commands;
}

const shoal_option *shoal_option_table(size_t *n)
{
    *n = option_table_size;
    return option_table;
}
