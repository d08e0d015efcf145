#!/bin/sh
# deps.sh [build|demo|test|fresh]: brings what the named target needs and is not there yet.
#
# Distribution packages are installed where this user may (root, or sudo without a password); elsewhere the one command
# to run is printed and the script stops. DuckDB comes from its npm package, pinned and checked by tools/fetch.sh, into
# the user's cache folder. When everything is there the script says nothing and takes a few milliseconds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pins.sh"
want=${1:-build}

# One line a need: the groups that need it, the Debian package, and what shows that it is there: a command, or a file
# (a pattern) when it holds a slash. Probing the thing and not the package lets other distributions and hand-made
# installations count.
needs() {
    cat <<'NEEDS'
build gcc             gcc
build libc6-dev       /usr/include/stdio.h
build make            make
build cmake           cmake
build libdnnl-dev     /usr/include/oneapi/dnnl/dnnl.h
build libjansson-dev  /usr/include/jansson.h
build libyaml-dev     /usr/include/yaml.h
build libxxhash-dev   /usr/include/xxhash.h
build libzstd-dev     /usr/include/zstd.h
build zlib1g-dev      /usr/include/zlib.h
build libdeflate-dev  /usr/include/libdeflate.h
build libcmocka-dev   /usr/include/cmocka.h
build ca-certificates /etc/ssl/certs/ca-certificates.crt
demo  python3-venv    /usr/lib/python3*/ensurepip/__init__.py
test  clang           clang
test  libclang-rt-14-dev /usr/lib/*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a
test  default-jre-headless java
fresh debootstrap     debootstrap
NEEDS
    # npm is needed once, to bring DuckDB, and not again; so is Maven, for what Spark needs to know TFRecord.
    [ -e "$SHOAL_DUCKDB/libduckdb.so" ] || echo "build npm npm"
    [ -e "$SHOAL_SPARK" ] || echo "test maven mvn"
}

groups_of() {
    case $1 in
    build) echo build ;;
    demo) echo build demo ;;
    test) echo build demo test ;;
    fresh) echo fresh ;;
    *) echo "deps.sh: unknown group '$1'; expected build, demo, test or fresh" >&2; return 2 ;;
    esac
}

is_there() {
    case $1 in
    */*) for path in $1; do [ -e "$path" ] && return 0; done; return 1 ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
    esac
}

missing_packages() {
    needs | while read -r group package probe; do
        case " $1 " in *" $group "*) is_there "$probe" || printf ' %s' "$package" ;; esac
    done
}

install_packages() {
    if [ "$(uname -m)" != x86_64 ]; then
        echo "deps.sh: Shoal builds on x86-64 only; this machine is $(uname -m)" >&2
        exit 1
    fi
    as=
    if [ "$(id -u)" != 0 ]; then
        as=print
        if command -v sudo >/dev/null 2>&1; then
            if sudo -n true 2>/dev/null; then as="sudo -n"; else as="print sudo"; fi
        fi
    fi
    if [ "${as%% *}" = print ] || ! command -v apt-get >/dev/null 2>&1; then
        command="apt-get update && apt-get install -y --no-install-recommends$1"
        case $as in
        "print sudo") who= command="sudo sh -c '$command'" ;;
        *) who=" as root" ;;
        esac
        echo "Packages are missing. Run this$who (the names are Debian's), then the same make again:" >&2
        echo "    $command" >&2
        exit 1
    fi
    echo "installing, which may take minutes:$1" >&2
    quiet="-qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0"
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { $as env DEBIAN_FRONTEND=noninteractive apt-get $quiet update &&
        $as env DEBIAN_FRONTEND=noninteractive apt-get $quiet install -y --no-install-recommends $1; } >"$log" 2>&1; then
        tail -20 "$log" >&2
        echo "deps.sh: apt-get failed; the lines above and $log tell why" >&2
        exit 1
    fi
    rm -f "$log"
}

groups=$(groups_of "$want")
missing=$(missing_packages "$groups")
[ -z "$missing" ] || install_packages "$missing"
missing=$(missing_packages "$groups")
[ -z "$missing" ] || { echo "deps.sh: still missing after the installation:$missing" >&2; exit 1; }

case $groups in
build*) [ -e "$SHOAL_DUCKDB/libduckdb.so" ] || "$here/fetch.sh" duckdb >/dev/null ;;
esac
