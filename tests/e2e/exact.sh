#!/bin/sh
# exact.sh: the same bytes of weights for any number of threads and from one run to the next, for each model of the zoo on each
# kernel set that this processor has. Those that need no matrix products give the same bytes on all sets as well.
set -eu
"$SHOAL" synth --rows 2000 --seed 7 log.parquet >/dev/null
"$SHOAL" synth --rows 500 --seed 8 valid.parquet >/dev/null

weights() { # OUT
    cat "$1"/*.safetensors | sha256sum | cut -c1-16
}
train() { # MODEL KERNELS THREADS OUT
    more=
    sed 's/layers: \[128, 128\]/layers: [12, 8]/' "$SRC/models/$1.yaml" >"$1.yaml" # a cin of less work
    ! grep -q '^  - dense: .*units: [0-9][0-9]' "$SRC/models/$1.yaml" || more="--hidden 48,32 --dropout 0.2"
    ! grep -q '^  - embedding:' "$SRC/models/$1.yaml" || more="$more --embedding-dim 8" # small enough for the portable products
    # shellcheck disable=SC2086
    "$SHOAL" train log.parquet --label label --model "$1.yaml" --valid valid.parquet --kernels "$2" --threads "$3" --out "$4" \
        --epochs 2 --batch-size 700 --seed 3 $more >"$4.log" 2>&1
}

sets=
for k in portable avx2 avx512; do
    if "$SHOAL" train log.parquet --label label --model lr --kernels $k --epochs 1 --steps-per-epoch 1 --out probe.$k \
        >probe.log 2>&1; then
        sets="$sets $k"
    else
        grep -q "$k" probe.log || { cat probe.log; exit 1; }
        echo "skipped: kernel set $k: $(tail -1 probe.log)"
    fi
done
[ -n "$sets" ] || { echo "no kernel set runs here"; exit 1; }

bad=0
for file in "$SRC"/models/*.yaml; do
    model=$(basename "$file" .yaml)
    first_set=
    for k in $sets; do
        want=
        for t in 1 2 7 2; do
            out=$model.$k.$t
            rm -rf "$out"
            train $model "$k" $t "$out" || { echo "FAILED: train $out"; cat "$out.log"; exit 1; }
            got=$(weights "$out")
            [ -n "$want" ] || want=$got
            [ "$got" = "$want" ] || { echo "FAILED: $model on $k: --threads $t gives $got, --threads 1 gave $want"; bad=1; }
        done
        echo "$model $k $want"
        [ -n "$first_set" ] || first_set=$want
        case $model in
        lr | fm | ffm | libffm) [ "$want" = "$first_set" ] || { echo "FAILED: $model on $k differs from$sets"; bad=1; } ;;
        esac
    done
done
# A layer's own optimiser is the run's by another way.
echo 'layers: [{linear: {optimizer: {ftrl: {lr: 0.2, l1: 0.002, l2: 0.001}}}}]' >own.yaml
for model in own lr; do
    more="--optimizer ftrl --lr 0.2 --l1 0.002 --l2 0.001"
    [ $model = lr ] || more="--optimizer sgd --lr 0.7 --l2 0.3"
    [ $model = lr ] || cp own.yaml by.yaml
    [ $model = own ] || cp "$SRC/models/lr.yaml" by.yaml
    # shellcheck disable=SC2086
    "$SHOAL" train log.parquet --label label --model by.yaml --kernels portable --epochs 2 --batch-size 700 $more --out by.$model \
        >by.log 2>&1 || { cat by.log; exit 1; }
done
[ "$(weights by.own)" = "$(weights by.lr)" ] || { echo "FAILED: a layer's own ftrl differs from the run's"; bad=1; }
[ "$(weights by.own)" != "$(weights lr.portable.1)" ] || { echo "FAILED: ftrl gave the weights of adam"; bad=1; }

# The digest must be able to differ: another seed, other weights.
"$SHOAL" train log.parquet --label label --model lr --epochs 2 --batch-size 700 --seed 4 --out other >other.log 2>&1
[ "$(weights other)" != "$(weights lr.portable.1)" ] || { echo "FAILED: another seed gave the same weights"; bad=1; }
exit $bad
