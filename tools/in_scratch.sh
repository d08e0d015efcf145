#!/bin/sh
# in_scratch.sh FOLDER COMMAND...: runs a command in a new empty folder, which goes when the command succeeded.
set -u
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder" || exit 1
(cd "$folder" && TMPDIR=$folder TMP=$folder exec "$@")
status=$?
cd / || exit 1
[ $status != 0 ] || rm -rf "$folder"
exit $status
