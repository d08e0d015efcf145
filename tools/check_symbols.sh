#!/bin/sh
# check_symbols.sh ROOT LIBRARY: the dynamic symbols that LIBRARY defines are exactly the functions that include/shoal.h
# declares with SHOAL_API.
set -eu
header=$1/include/shoal.h
library=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A declaration may run over lines: join each from SHOAL_API to its semicolon, then take the name before the first bracket.
awk '/^SHOAL_API/ { text = ""; taking = 1 }
     taking { text = text " " $0 }
     taking && /;/ { taking = 0; sub(/\(.*/, "", text); sub(/.*[ *]/, "", text); print text }' "$header" |
    LC_ALL=C sort >"$scratch/declared"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort >"$scratch/defined"

[ -s "$scratch/declared" ] || { echo "check_symbols.sh: found no declaration in $header"; exit 1; }
LC_ALL=C comm -23 "$scratch/declared" "$scratch/defined" >"$scratch/missing"
LC_ALL=C comm -13 "$scratch/declared" "$scratch/defined" >"$scratch/extra"
sed 's/^/declared in shoal.h but not in the library: /' "$scratch/missing"
sed 's/^/in the library but not declared in shoal.h: /' "$scratch/extra"
[ ! -s "$scratch/missing" ] && [ ! -s "$scratch/extra" ] || exit 1
echo "check_symbols.sh: $(wc -l <"$scratch/declared") functions, as declared"
