#!/bin/sh
# fetch.sh duckdb                                   libduckdb.so of the pinned version; prints its folder
# fetch.sh npm PACKAGE VERSION SHA256               a package of the npm registry; prints the path of its .tgz
# fetch.sh pypi PACKAGE VERSION SHA256              a package of PyPI (never its dependencies); prints the path of the file
# fetch.sh spark                                    Spark with the TFRecord formats for Hadoop; prints its SPARK_HOME
#
# Everything is kept in the user's cache folder and fetched once. A file gets its place by a rename after its checksum was
# found right, so what is there is whole; two runs at once do no harm.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
. "$here/pins.sh"

scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
    echo "fetch.sh: $*" >&2
    [ -z "$scratch" ] || rm -rf "$scratch" # a $(...) does not inherit the trap
    exit 1
}

# new_scratch: a folder on the cache's file system, so that a rename out of it is atomic
new_scratch() {
    mkdir -p "$SHOAL_CACHE"
    scratch=$(mktemp -d "$SHOAL_CACHE/.fetch.XXXXXX")
}

# keep FILE SHA256 DESTINATION
keep() {
    got=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$got" = "$2" ] || die "checksum of $(basename "$1") is $got, expected $2: the download is damaged or not the pinned one"
    mkdir -p "$(dirname "$3")"
    mv -f "$1" "$3"
}

the_only_file() {
    set -- "$1"/*
    [ $# = 1 ] && [ -f "$1" ] || die "expected one downloaded file, found: $*"
    echo "$1"
}

# patiently COMMAND...: registries have bad moments, so three tries
patiently() {
    for pause in 2 8 0; do
        "$@" && return 0
        sleep $pause
    done
    return 1
}

fetch_npm() {
    kept=$SHOAL_CACHE/npm/$(echo "$1" | tr -d @ | tr / -)-$2.tgz
    if [ ! -e "$kept" ]; then
        new_scratch
        echo "fetching $1 $2" >&2
        command -v npm >/dev/null 2>&1 || die "npm is missing; run tools/deps.sh"
        mkdir "$scratch/in"
        (cd "$scratch" && patiently npm pack --silent --pack-destination "$scratch/in" "$1@$2" >/dev/null) ||
            die "npm could not fetch $1@$2"
        keep "$(the_only_file "$scratch/in")" "$3" "$kept"
        rm -rf "$scratch"
    fi
    echo "$kept"
}

# Debian's python3 has no pip of its own; a virtual environment has.
pip_python() {
    if python3 -m pip --version >/dev/null 2>&1; then echo python3; return; fi
    venv=$SHOAL_CACHE/pip-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python3 -m venv "$venv" >&2 || die "python3 -m venv failed; run tools/deps.sh demo"
    fi
    echo "$venv/bin/python"
}

fetch_pypi() {
    folder=$SHOAL_CACHE/pypi/$1-$2
    if [ ! -d "$folder" ]; then
        python=$(pip_python)
        new_scratch
        echo "fetching $1 $2" >&2
        mkdir "$scratch/in" "$scratch/out"
        echo "$1==$2 --hash=sha256:$3" >"$scratch/wanted" # pip checks before it runs anything of the package
        patiently "$python" -m pip --quiet --disable-pip-version-check download --no-deps --require-hashes \
            --dest "$scratch/in" --requirement "$scratch/wanted" >&2 || die "pip could not fetch $1==$2 with sha256 $3"
        file=$(the_only_file "$scratch/in")
        keep "$file" "$3" "$scratch/out/$(basename "$file")"
        mkdir -p "$SHOAL_CACHE/pypi"
        mv -T "$scratch/out" "$folder" 2>/dev/null || [ -d "$folder" ] || die "cannot write $folder"
        rm -rf "$scratch"
    fi
    the_only_file "$folder"
}

fetch_duckdb() {
    if [ ! -e "$SHOAL_DUCKDB/libduckdb.so" ]; then
        archive=$(fetch_npm "$DUCKDB_PACKAGE" "$DUCKDB_VERSION" "$DUCKDB_SHA256")
        new_scratch
        mkdir "$scratch/out"
        tar -xzf "$archive" -C "$scratch/out" --strip-components=1 package/libduckdb.so package/LICENSE
        chmod 755 "$scratch/out/libduckdb.so"
        mv -T "$scratch/out" "$SHOAL_DUCKDB" 2>/dev/null || [ -e "$SHOAL_DUCKDB/libduckdb.so" ] ||
            die "cannot write $SHOAL_DUCKDB"
        rm -rf "$scratch"
        rm -f "$archive" # the unpacked library is what is used
    fi
    echo "$SHOAL_DUCKDB"
}

# fetch_maven ARTIFACT VERSION SHA256 FOLDER: a jar (never its dependencies) into FOLDER
fetch_maven() {
    echo "fetching $1 $2" >&2
    command -v mvn >/dev/null 2>&1 || die "mvn is missing; run tools/deps.sh test"
    mkdir "$scratch/jar"
    (cd "$scratch" && patiently mvn -q -B dependency:copy "-Dartifact=$1:$2" "-DoutputDirectory=$scratch/jar" >&2) ||
        die "mvn could not fetch $1:$2"
    keep "$(the_only_file "$scratch/jar")" "$3" "$4/${1#*:}-$2.jar"
}

# The PyPI package of Spark is a source package in the layout of its build; what is kept has that of a SPARK_HOME.
fetch_spark() {
    if [ ! -e "$SHOAL_SPARK" ]; then
        archive=$(fetch_pypi pyspark "$SPARK_VERSION" "$SPARK_SHA256")
        py4j=$(fetch_pypi py4j "$PY4J_VERSION" "$PY4J_SHA256")
        new_scratch
        mkdir -p "$scratch/in" "$scratch/out/python/lib"
        tar -xzf "$archive" -C "$scratch/in" --strip-components=1 "pyspark-$SPARK_VERSION/pyspark" "pyspark-$SPARK_VERSION/deps"
        mv "$scratch/in/deps/bin" "$scratch/in/deps/jars" "$scratch/in/deps/licenses" "$scratch/out"
        mv "$scratch/in/pyspark" "$scratch/out/python"
        # Where Spark looks for both; Python takes a folder where it expects a zip file.
        cp "$py4j" "$scratch/out/python/lib/py4j-$PY4J_VERSION-src.zip"
        ln -s .. "$scratch/out/python/lib/pyspark.zip"
        fetch_maven "$TFHADOOP_ARTIFACT" "$TFHADOOP_VERSION" "$TFHADOOP_SHA256" "$scratch/out/jars"
        mv -T "$scratch/out" "$SHOAL_SPARK" 2>/dev/null || [ -e "$SHOAL_SPARK" ] || die "cannot write $SHOAL_SPARK"
        rm -rf "$scratch" "$(dirname "$archive")" "$(dirname "$py4j")"
    fi
    echo "$SHOAL_SPARK"
}

case "${1:-} $#" in
"duckdb 1") fetch_duckdb ;;
"spark 1") fetch_spark ;;
"npm 4") fetch_npm "$2" "$3" "$4" ;;
"pypi 4") fetch_pypi "$2" "$3" "$4" ;;
*) die "usage: fetch.sh duckdb|spark | fetch.sh npm|pypi PACKAGE VERSION SHA256" ;;
esac
