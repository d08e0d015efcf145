#!/bin/sh
# run.sh: rows a second of training LR, FM and DeepFM, end to end, from Parquet and from TFRecord, on 1 and 2 threads, beside
# PyTorch doing the same job; and the share of this machine's matrix-product peak that DeepFM reaches. About 8 minutes.
# The table is printed, figures are left in bench.json. ROWS, PEER_ROWS and THREADS ("1 2") change the size.
#
# PyTorch is the distribution's (python3-torch, with OpenBLAS: libopenblas0-pthread); where it is not installed, its columns
# stay empty.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../build}
SHOAL=${SHOAL:-$build/shoal}
work=${WORK:-$build/bench}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/shoal
mkdir -p "$work"

${CC:-cc} -std=gnu11 -O2 "$here/gemm_peak.c" -o "$work/gemm_peak" -ldnnl -lpthread

peer=
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    peer=$cache/bench-venv/bin/python
    if ! "$peer" -c 'import torch, pyarrow' 2>/dev/null; then
        echo "making the peer's Python environment (once)" >&2
        rm -rf "$cache/bench-venv"
        /usr/bin/python3 -m venv --system-site-packages "$cache/bench-venv" >&2
        # the newest that works with the NumPy that python3-torch brings
        "$cache/bench-venv/bin/python" -m pip --disable-pip-version-check --quiet install pyarrow==18.1.0 >&2
    fi
    ls /usr/lib/*/openblas-*/libblas.so.3 >/dev/null 2>&1 ||
        echo "PyTorch here has no fast BLAS: sudo apt-get install libopenblas0-pthread, else its DeepFM is 20 times too slow" >&2
else
    echo "no peer: sudo apt-get install python3-torch libopenblas0-pthread python3-venv" >&2
fi
export SHOAL
exec python3 "$here/bench.py" --work "$work" --features "$here/criteo.features.yaml" --peer "$peer" \
    --rows "${ROWS:-2000000}" --peer-rows "${PEER_ROWS:-250000}" --threads "${THREADS:-1 2}"
