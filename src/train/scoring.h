/* scoring.h: what `shoal eval` and `shoal predict` share: a loaded model, the source opened with just the columns that
 * are needed, threads and kernels. */
#ifndef TRAIN_SCORING_H
#define TRAIN_SCORING_H

#include "train/score.h"

typedef struct scoring {
    modelfile file;
    pool *threads;
    const kernels *kernels;
    table *table;
    quarantine *quarantine; /* NULL: damage ends the job */
    const char **columns; /* of the source that are read */
    size_t n_columns;
    uint64_t start_ns;
} scoring;

/* `output` (may be NULL) is that of table_quarantine. with_label: of a command that has --label and --weight, which win over the model's columns. Sources are paths, or with
 * n_paths = 0 the stream handed in as slot 0. `keep` are columns that the job wants besides the model's own; one that the
 * source lacks is refused by name. The one name "*" stands for all: nothing is left out. */
int scoring_open(const shoal_options *o, const shoal_host *host, const char *output, const char *model_path, const char *const *paths, size_t n_paths,
                 int with_label, const char *const *keep, size_t n_keep, scoring *out, shoal_error *err);
/* Once all rows are read: tells what was set aside. */
int scoring_finish(scoring *s, shoal_error *err);
int scoring_keeps_all(const char *const *keep, size_t n_keep);
void scoring_release(scoring *s);
double scoring_seconds(const scoring *s);

#endif
