#!/bin/sh
# The data path beside its peers in the same run: Parquet to TFRecord, TFRecord to batches, 5 of 40 columns, what checksums, index
# and manifest cost, access by the index. ROWS (1000000) is the planted log; SPARK=1 adds Spark as a peer (tools/fetch.sh brings
# it); HEADLINE=1 the conversion of 20 million rows into 5 GB, which takes 12 GB of disk.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$here" all
"$here/tools/venv.sh" "$here/build/venv" >/dev/null
exec env SHOAL="$here/build/shoal" TF_CPP_MIN_LOG_LEVEL=3 "$here/build/venv/bin/python" "$here/bench/data.py" --work "$here/build/bench-data" \
    --rows "${ROWS:-1000000}" ${HEADLINE:+--headline} ${SPARK:+--spark}
