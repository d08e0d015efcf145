/* modelfile.h: a trained model in a folder.
 *
 *   DIR/model.safetensors   weights ("<param name>") and vocabularies ("vocab.<feature>.bytes", ".offsets")
 *   DIR/model.json          {"format": "shoal-model", "version": 1, "features": {...}, "model": {...},
 *                            "weights": {"file", "bytes", "xxh3_128"}, "metrics": {...}, "kernels": {...}, ...}
 *
 * Both are written as .NAME.new, read back and verified, and then renamed, the weights first. model.json names the digest of
 * the weights: a folder without it is no model, and where it is that of other weights, .model.json.new is theirs: the run was
 * killed between the two renames. model.safetensors holds nothing that depends on time, threads or machine. Specified in docs/model-format.md. */
#ifndef TRAIN_MODELFILE_H
#define TRAIN_MODELFILE_H

#include "model/model.h"
#include "train/safetensors.h"

#define MODELFILE_VERSION 1
#define MODELFILE_MANIFEST "model.json"
#define MODELFILE_WEIGHTS "model.safetensors"

/* `info` (may be NULL) is merged into the manifest: metrics, settings, kernel set. What fails leaves an older model whole. */
int modelfile_save(const char *dir, const model *m, const weights *w, json_t *info, shoal_error *err);

/* Ends what a killed modelfile_save left half done; for who may write there. */
int modelfile_settle(const char *dir, shoal_error *err);

/* What lies in the folder, opened and checked, for who reads the weights in his own way. */
typedef struct modelfile_parts {
    char *dir;
    json_t *manifest;
    conf *tree;          /* the same */
    const conf *network; /* "model" of the tree */
    features *features;
    safetensors *tensors;
} modelfile_parts;
int modelfile_open(const char *path, modelfile_parts *out, shoal_error *err);
void modelfile_parts_release(modelfile_parts *p);

typedef struct modelfile {
    features *features;
    model *model;
    weights *weights; /* slots 0 */
    json_t *manifest;
} modelfile;
/* path is the folder or its model.json. A newer version is refused by name. */
int modelfile_load(const char *path, modelfile *out, shoal_error *err);
void modelfile_release(modelfile *m);

/* Features with their statistics, as a run keeps them beside its pack, so that a resume needs no second pass:
 *   DIR/features.json       {"format": "shoal-features", "version": 1, "features": {...}, "vocabularies": {"file", ...}}
 *   DIR/vocab.safetensors
 * features.json is written last. A folder that is not whole is DATA or STORAGE: make it anew. */
int featurefile_save(const char *dir, const features *f, shoal_error *err);
int featurefile_load(const char *dir, features **out, shoal_error *err);

#endif
