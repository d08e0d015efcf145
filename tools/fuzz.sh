#!/bin/sh
# fuzz.sh FUZZER CORPUS FOUND SECONDS: runs one fuzzer from the seeds in CORPUS/NAME; new inputs and crashes go to FOUND/NAME.
set -eu
name=$(basename "$1" | sed 's/^fuzz_//')
found=$3/$name
mkdir -p "$found"
seeds=$2/$name
[ -d "$seeds" ] || seeds=
# shellcheck disable=SC2086
exec "$1" -max_total_time="$4" -timeout=20 -rss_limit_mb=4096 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$found/crash-" "$found" $seeds
