#!/bin/sh
# quality.sh [SEEDS]: the table of docs/quality.md. Trains every run file of examples/quality on its data, with seeds 1 to SEEDS
# (3), tests each on rows that neither trained nor chose, and prints the mean beside the figures to compare with. Exit status
# 1 when one is behind by more than .002 AUC or .002 log loss. About a minute and a half on two cores.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${BUILD:-$root/build}
SHOAL=${SHOAL:-$build/shoal}
export SHOAL
seeds=${1:-3}
work=${WORK:-$build/quality}
mkdir -p "$work"
movielens=$(sh "$root/examples/fetch_movielens.sh")
sh "$root/examples/fetch_flights.sh" >/dev/null
cd "$work"
ln -sfn "$(dirname "$movielens")" data
ln -sfn "$root/examples" examples

# name, where its test rows lie, AUC and log loss to compare with
figures="flights-lr flights .6904 .5187
flights-fm flights .6912 .5179
flights-deepfm flights .6878 .5220
time-lr movielens/time .6894 .6307
time-fm movielens/time .6927 .6260
time-deepfm movielens/time .7085 .6190
line-lr movielens/line .7734 .5650
line-fm movielens/line .7839 .5557
line-deepfm movielens/line .7931 .5460"

field() { sed "s/.*\"$1\": *\([0-9.]*\).*/\1/"; }
printf '%-15s %-9s %-9s %-9s %-9s %s\n' run AUC 'log loss' 'their AUC' 'log loss' verdict
echo "$figures" | while read -r name data auc logloss; do
    seed=1
    while [ $seed -le "$seeds" ]; do
        "$SHOAL" train "examples/quality/$name.yaml" --label label --seed $seed --out "$name" --overwrite >"$name.log" 2>&1 ||
            { tail -1 "$name.log" >&2; exit 1; }
        "$SHOAL" eval "$name" "data/$data/test.parquet" --json 2>/dev/null >"$name.json"
        echo "$(field auc <"$name.json") $(field logloss <"$name.json")"
        seed=$((seed + 1))
    done | awk -v name="$name" -v auc="$auc" -v ll="$logloss" '
        { a += $1; l += $2; n++ }
        END {
            if (n == 0) exit 1
            a /= n; l /= n
            verdict = a < auc - .002 || l > ll + .002 ? "behind" : a > auc + .002 && l < ll ? "ahead" : "level"
            printf "%-15s %.4f    %.4f    %.4f    %.4f    %s\n", name, a, l, auc, ll, verdict
        }' | tee -a table.new
done
mv table.new table.txt
! grep -q behind table.txt
