#!/bin/sh
# sorted.sh: a table sorted by its label trains as well as a shuffled one: MovieLens, test AUC within .002, the mean of three
# seeds each, as one seed differs from another by as much. The portable kernels give the same figures on every machine.
set -eu
data=$(sh "$SRC/examples/fetch_movielens.sh")/line
"$SHOAL" convert --sql 'SELECT * FROM src ORDER BY label, item_id' "$data/train.parquet" sorted.parquet 2>/dev/null
"$SHOAL" convert --sql "SELECT * FROM src ORDER BY hash(user_id * 100000 + item_id)" "$data/train.parquet" mixed.parquet 2>/dev/null

auc() { # FILE: the mean
    for seed in 1 2 3; do
        "$SHOAL" train "$1.parquet" --label label --model deepfm --features "$SRC/examples/ml100k.features.yaml" --epochs 6 \
            --batch-size 512 --dropout 0.5 --hidden 128,64 --seed $seed --kernels portable --out "$1" --overwrite >"$1.log" 2>&1 ||
            { cat "$1.log" >&2; exit 1; }
        "$SHOAL" eval "$1" "$data/test.parquet" --json 2>/dev/null | sed 's/.*"auc": *\([0-9.]*\).*/\1/'
    done | tee "$1.auc" | awk '{ sum += $1 } END { if (NR == 3) print sum / NR }'
}
s=$(auc sorted) m=$(auc mixed)
echo "test AUC: sorted by label $s" $(cat sorted.auc) "mixed $m" $(cat mixed.auc)
awk -v s="$s" -v m="$m" 'BEGIN { d = s - m; exit !(s > 0.7 && m > 0.7 && d < 0.002 && d > -0.002) }'
