#!/bin/sh
# check_order.sh ROOT: a folder of src/ includes only its own headers and those of folders before it; cli/ and python/ see
# nothing of the library but shoal.h; names of files are unique; a header has its guard.
set -eu
cd "$1"

find src python -name '*.[ch]' 2>/dev/null | LC_ALL=C sort | xargs -r awk '
    BEGIN {
        n = split("base storage records table features kernels model train cluster serve cli", order, " ")
        for (i = 1; i <= n; i++) rank[order[i]] = i
    }
    function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad++ }
    FNR == 1 {
        split(FILENAME, part, "/")
        top = part[1]; folder = part[2]; files++
        name = part[length(part)]
        if (top == "src") {
            if (!(folder in rank)) complain("folder src/" folder " has no place in the order; give it one in tools/check_order.sh")
            if (name in seen) complain("a file of this name is also in " seen[name] "; names are unique across the tree")
            seen[name] = FILENAME
        }
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        match($0, /"[^"]*"/)
        path = substr($0, RSTART + 1, RLENGTH - 2)
        if (path == "shoal.h") next
        if (top == "python") { complain("python/ sees only shoal.h, not " path); next }
        split(path, in_part, "/")
        if (!(in_part[1] in rank) || index(path, "/") == 0 || index(path, "..")) {
            complain("\"" path "\" is not written from src/ (\"folder/name.h\")")
        } else if (folder == "cli" && in_part[1] != "cli") {
            complain("cli/ sees the library through shoal.h only, not " path)
        } else if (rank[in_part[1]] > rank[folder]) {
            complain(folder "/ comes before " in_part[1] "/ and may not include " path)
        }
    }
    /^[ \t]*#[ \t]*include[ \t]*<shoal\.h>/ { complain("write \"shoal.h\"") }
    END {
        if (files == 0) { print "check_order.sh: no sources found under src/"; exit 1 }
        if (bad) { printf "check_order.sh: %d wrong\n", bad; exit 1 }
        printf "check_order.sh: %d files in order\n", files
    }'
