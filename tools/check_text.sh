#!/bin/sh
# check_text.sh ROOT: things that no file of the tree may hold: paths of one machine, and hosts of package registries (which
# are the user's settings, never ours). The words are put together here, so that this file does not hold them either.
set -eu
cd "$1"

homes='/ro''ot/|/ho''me/[a-z]|/wo''rk/'
hosts='registry\.npm''js|pyp''i\.org|pythonhost''ed\.|deb\.deb''ian\.|repo[0-9]*\.mav''en|proxy\.gol''ang|crates\.i''o'

list_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -co --exclude-standard
    else
        find . -name build -prune -o -name .git -prune -o -type f -print
    fi
}
list_files | grep -v -E '^(\./)?(shared/|LICENSE)' >"${TMPDIR:-/tmp}/check_text.$$"
trap 'rm -f "${TMPDIR:-/tmp}/check_text.$$"' EXIT

bad=0
while read -r file; do
    [ -f "$file" ] || continue
    grep -n -I -H -E "(^|[^A-Za-z0-9_.])($homes)|$hosts" "$file" && bad=1
done <"${TMPDIR:-/tmp}/check_text.$$"
if [ $bad != 0 ]; then
    echo "check_text.sh: the lines above name a machine's path or a registry's host"
    exit 1
fi
echo "check_text.sh: $(wc -l <"${TMPDIR:-/tmp}/check_text.$$") files are free of machine paths and registry hosts"
