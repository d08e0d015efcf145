#!/bin/sh
# The data path beside its peers in the same run: Parquet to TFRecord, TFRecord to batches, 5 of 40 columns.
# ROWS (1000000) is the planted log; HEADLINE=1 adds the conversion of 20 million rows, about 16 GB of disk.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$here" all
"$here/tools/venv.sh" "$here/build/venv" >/dev/null
exec env SHOAL="$here/build/shoal" TF_CPP_MIN_LOG_LEVEL=3 "$here/build/venv/bin/python" "$here/bench/data.py" --work "$here/build/bench-data" \
    --rows "${ROWS:-1000000}" ${HEADLINE:+--headline}
