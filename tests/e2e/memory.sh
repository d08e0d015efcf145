#!/bin/sh
# memory.sh: a table of 10 GB is trained on and converted in less than 1 GiB plus the model; and sorted by label it gives the
# AUC of the mixed one, reading at most twice what it holds. GB=N makes it smaller, for a try.
# label: full
set -eu
gb=${GB:-10}
free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
need_kb=$((gb * 5 * 1000000))
[ "$free_kb" -gt "$need_kb" ] || { echo "skipped: $((need_kb / 1000000)) GB of disk are needed, $((free_kb / 1000000)) are free"; exit 77; }
[ -x /usr/bin/time ] || command -v python3 >/dev/null || { echo "skipped: neither time nor python3"; exit 77; }

peak_mib() { # COMMAND...: its peak resident set in MiB; the output goes to log
    python3 - "$@" <<'PEAK'
import resource, subprocess, sys
with open("log", "w") as log:
    code = subprocess.run(sys.argv[1:], stdout=log, stderr=subprocess.STDOUT).returncode
if code:
    sys.exit(open("log").read()[-3000:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
PEAK
}
size_mib() { du -sm "$1" | cut -f1; }

# About 210 bytes a row as Parquet; a probe of 200,000 rows says how many make the size.
"$SHOAL" synth --rows 200000 --seed 1 probe.parquet >/dev/null
bytes=$(stat -c %s probe.parquet)
rows=$((gb * 1000000000 / (bytes / 200)  * 1000))
rm probe.parquet
echo "table: $rows rows, $gb GB"
"$SHOAL" synth --rows "$rows" --seed 1 log >/dev/null
"$SHOAL" synth --rows 200000 --seed 2 test.parquet >/dev/null
size_mib log

bad=0
limit() { # WHAT MIB LIMIT
    echo "$1: peak $2 MiB, limit $3"
    [ "$2" -le "$3" ] || { echo "FAILED: $1"; bad=1; }
}
p=$(peak_mib "$SHOAL" convert --to tfrecord log log.tfrecord)
limit convert "$p" 1024
rm -rf log.tfrecord

train() { # DATA OUT
    peak_mib "$SHOAL" train "$1" --label label --model deepfm --hidden 64,32 --epochs 1 --batch-size 8192 --seed 1 --out "$2"
}
p=$(train log mixed)
cp log mixed.log 2>/dev/null || true
limit train "$p" $((1024 + 4 * $(size_mib mixed)))
"$SHOAL" convert --sql 'SELECT * FROM src ORDER BY label' log sorted
p=$(train sorted by_label)
limit "train, sorted by label" "$p" $((1024 + 4 * $(size_mib by_label)))
grep -i -E 'amplification' log || { echo "FAILED: the read amplification is not printed"; bad=1; }
a=$("$SHOAL" eval mixed test.parquet --json 2>/dev/null | sed 's/.*"auc": *\([0-9.]*\).*/\1/')
b=$("$SHOAL" eval by_label test.parquet --json 2>/dev/null | sed 's/.*"auc": *\([0-9.]*\).*/\1/')
echo "AUC: mixed $a, sorted by label $b"
awk -v a="$a" -v b="$b" 'BEGIN { d = a - b; exit !(a > 0.6 && d < 0.002 && d > -0.002) }' || bad=1
exit $bad
