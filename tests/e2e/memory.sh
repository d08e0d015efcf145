#!/bin/sh
# memory.sh: a table of 10 GB is converted, shuffled, shown, checked, indexed and planned for in less than 512 MiB, and trained
# on in less than 1 GiB plus the model; and sorted by its label it gives the AUC of the mixed one, within .002, reading its rows
# at most twice. GB=N makes it smaller, for a try.
# label: full
set -eu
gb=${GB:-10}
free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
need_mb=$((gb * 2500))
[ "$free_mb" -gt "$need_mb" ] || { echo "skipped: $need_mb MB of disk are needed, $free_mb are free"; exit 77; }

peak_mib() { # COMMAND...: its peak resident set in MiB; what it says goes to the file `said`
    python3 - "$@" <<'PEAK'
import resource, subprocess, sys
with open("said", "w") as said:
    code = subprocess.run(sys.argv[1:], stdout=said, stderr=subprocess.STDOUT).returncode
if code:
    sys.exit(open("said").read()[-3000:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
PEAK
}
bad=0
limit() { # WHAT MIB LIMIT
    echo "$1: peak $2 MiB, limit $3"
    [ "$2" -le "$3" ] || { echo "FAILED: $1"; bad=1; }
}

# Of 100,000 rows follows how many make the size.
"$SHOAL" synth --rows 100000 --seed 1 probe.tfrecord >/dev/null 2>&1
rows=$((gb * 1000000000 / ($(stat -c %s probe.tfrecord) / 1000) * 100))
"$SHOAL" synth --rows 200000 --seed 1 --sort-by-label test.parquet >/dev/null 2>&1
"$SHOAL" synth --rows "$rows" --seed 1 --to tfrecord log >/dev/null 2>&1
echo "table: $rows rows, $(du -sm log | cut -f1) MB of TFRecord"

limit "convert to Parquet" "$(peak_mib "$SHOAL" convert log log.parquet)" 512
limit "convert from Parquet" "$(peak_mib "$SHOAL" convert log.parquet again --to tfrecord)" 512
rm -r again
limit "plan from Parquet" "$(peak_mib "$SHOAL" plan log.parquet --label label --model fm)" 512
limit "shuffle" "$(peak_mib "$SHOAL" convert log.parquet mixed.tfrecord --shuffle --seed 1)" 512
rm log.parquet mixed.tfrecord*
limit "show" "$(peak_mib "$SHOAL" show log --skip $((rows / 2)) -n 5)" 512
limit "plan from TFRecord" "$(peak_mib "$SHOAL" plan log --label label --model fm)" 512
limit "check" "$(peak_mib "$SHOAL" check log)" 512
limit "index" "$(peak_mib "$SHOAL" index log)" 512

train() { # SRC OUT
    peak_mib "$SHOAL" train "$1" --label label --model fm --embedding-dim 4 --epochs 1 --batch-size 8192 --seed 1 --out "$2"
}
model_mib() { # the model and Adam's two moments
    echo $((3 * $(stat -c %s "$1/model.safetensors") / 1048576))
}
auc() { "$SHOAL" eval "$1" test.parquet --json 2>/dev/null | sed 's/.*"auc": *\([0-9.]*\).*/\1/'; }

p=$(train log mixed)
limit train "$p" $((1024 + $(model_mib mixed)))
grep 'read amplification' said || { echo "FAILED: the read amplification is not printed"; bad=1; }
rm -rf log
"$SHOAL" synth --rows "$rows" --seed 1 --sort-by-label --to tfrecord log >/dev/null 2>&1
p=$(train log by_label)
limit "train, sorted by label" "$p" $((1024 + $(model_mib by_label)))
grep 'read amplification' said
awk '/read amplification/ { exit !($NF <= 2) }' said || { echo "FAILED: more than twice"; bad=1; }
rm -rf log

a=$(auc mixed) b=$(auc by_label)
echo "AUC: mixed $a, sorted by label $b"
awk -v a="$a" -v b="$b" 'BEGIN { d = a - b; exit !(a > 0.6 && d < 0.002 && d > -0.002) }' || { echo "FAILED: AUC"; bad=1; }
exit $bad
