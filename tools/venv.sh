#!/bin/sh
# venv.sh LINK: a Python environment with the pinned packages of tests/requirements.txt, made once in the user's cache folder;
# LINK becomes a symbolic link to it. Only tests need it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pins.sh"
link=$1
requirements=$here/../tests/requirements.txt

# Debian 12's own Python first: the pins are made for 3.11.
python=
for candidate in python3.11 /usr/bin/python3 python3; do
    if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "venv.sh: no python3 with venv; run tools/deps.sh demo" >&2; exit 1; }

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
name=$( (cat "$requirements"; echo "$version") | sha256sum | cut -c1-12)
venv=$SHOAL_CACHE/venv-$name

if [ ! -e "$venv/complete" ]; then
    mkdir -p "$SHOAL_CACHE"
    # Made in its place, since environments do not move; one maker at a time, and `complete` comes last.
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/complete" ]; then
        echo "making the tests' Python environment (once)" >&2
        rm -rf "$venv"
        "$python" -m venv "$venv" >&2
        for pause in 2 8 0; do
            "$venv/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps \
                --only-binary :all: --requirement "$requirements" >&2 && touch "$venv/complete" && break
            sleep $pause
        done
        [ -e "$venv/complete" ] || { echo "venv.sh: pip could not install tests/requirements.txt" >&2; exit 1; }
    fi
fi
mkdir -p "$(dirname "$link")"
ln -sfn "$venv" "$link"
