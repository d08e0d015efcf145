# pins.sh: sourced by the other scripts. The versions and checksums of what is fetched, and where it is kept.
SHOAL_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/shoal

DUCKDB_PACKAGE=@duckdb/node-bindings-linux-x64
DUCKDB_VERSION=1.5.6-r.1
DUCKDB_SHA256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
SHOAL_DUCKDB=$SHOAL_CACHE/duckdb-$DUCKDB_VERSION
