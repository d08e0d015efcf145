#!/bin/sh
# zoo.sh: the speed of training of every model of the zoo on one planted log: rows a second of the steps alone, and what they
# cost in processor time, which stays true on a machine that others use; beside PyTorch's form of the model, and for libffm
# beside libffm itself. Figures are left in zoo.json. ROWS, PEER_ROWS, THREADS ("1 2") and MODELS ("ffm xdeepfm") choose.
#
# PyTorch is set up as by run.sh. libffm is built in the user's cache from its pinned version (NO_LIBFFM=1: without it).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../build}
SHOAL=${SHOAL:-$build/shoal}
work=${WORK:-$build/bench}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/shoal
commit=af3ae37c09e31b95ebbc944d21494029122e58e5
mkdir -p "$work"

peer=$cache/bench-venv/bin/python
"$peer" -c 'import torch, pyarrow' 2>/dev/null || { echo "no PyTorch: run bench/run.sh once" >&2; peer=; }

libffm=$cache/libffm-$commit/ffm-train
if [ -n "${NO_LIBFFM:-}" ]; then
    libffm=
elif [ ! -x "$libffm" ]; then
    rm -rf "$cache/libffm-$commit"
    if git clone -q "${LIBFFM_GIT:-https://github.com/ycjuan/libffm}" "$cache/libffm-$commit" &&
        git -C "$cache/libffm-$commit" checkout -q "$commit"; then
        make -s -C "$cache/libffm-$commit" ffm-train >/dev/null || libffm=
    else
        libffm=
    fi
    [ -n "$libffm" ] || echo "libffm could not be had" >&2
fi
models=$(cd "$here/../models" && ls -- *.yaml | sed 's/\.yaml$//')
export SHOAL
exec python3 "$here/zoo.py" --work "$work" --peer "$peer" --libffm "$libffm" --rows "${ROWS:-500000}" \
    --peer-rows "${PEER_ROWS:-100000}" --threads "${THREADS:-1 2}" --models "${MODELS:-$models}"
