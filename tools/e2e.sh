#!/bin/sh
# e2e.sh SCRIPT SHOAL BUILD: runs one end-to-end test in a new empty folder. The test sees
#   SHOAL   the program             SRC      the root of the source tree
#   BUILD   the build folder        PYTHON   a Python with the packages of tests/requirements.txt, when `make test` made it
#   TMP     its folder, also the one it starts in; kept when the test fails
#   SHOAL_ASAN  the program built with sanitizers and test hooks, when there is one
# and passes by exit status 0; 77 means skipped.
set -eu
script=$1 SHOAL=$2 BUILD=$3
here=$(cd "$(dirname "$0")" && pwd)
SRC=$(dirname "$here")
PYTHON=$BUILD/venv/bin/python
[ -x "$PYTHON" ] || PYTHON=$BUILD/../venv/bin/python
[ -x "$PYTHON" ] || PYTHON=python3
SHOAL_ASAN=$BUILD/asan/shoal
[ -x "$SHOAL_ASAN" ] || SHOAL_ASAN=
PYTHONPATH=$SRC/tests${PYTHONPATH:+:$PYTHONPATH}
PYTHONDONTWRITEBYTECODE=1
export SHOAL BUILD SRC PYTHON SHOAL_ASAN PYTHONPATH PYTHONDONTWRITEBYTECODE
case $script in
*.py) set -- "$PYTHON" "$script" ;;
*) set -- sh "$script" ;;
esac
exec "$here/in_scratch.sh" "$BUILD/scratch/$(basename "$script")${SHOAL_LONG:+.long}" "$@"
