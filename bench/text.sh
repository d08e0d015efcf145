#!/bin/sh
# Text into columns beside DuckDB's own scan of the same CSV and beside what this machine copies and reads, in one run.
# ROWS (1000000) is the planted log, about 290 MB of CSV; THREADS (2).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$here" all
exec env SHOAL="$here/build/shoal" DUCKDB="$here/build/libduckdb.so" python3 "$here/bench/text.py" --work "${WORK:-$here/build/bench-text}" \
    --rows "${ROWS:-1000000}" --threads "${THREADS:-2}"
