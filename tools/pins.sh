# pins.sh: sourced by the other scripts. The versions and checksums of what is fetched, and where it is kept.
SHOAL_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/shoal

DUCKDB_PACKAGE=@duckdb/node-bindings-linux-x64
DUCKDB_VERSION=1.5.6-r.1
DUCKDB_SHA256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
SHOAL_DUCKDB=$SHOAL_CACHE/duckdb-$DUCKDB_VERSION

# Spark, as PyPI has it, and the TFRecord formats for Hadoop: only `make test` compares with them.
SPARK_VERSION=3.5.7
SPARK_SHA256=80e36514e0c5c126d35a26adf4f405cd4a69de96a8ea8a3c1e9a65fce2fb4eaa
PY4J_VERSION=0.10.9.7
PY4J_SHA256=85defdfd2b2376eb3abf5ca6474b51ab7e0de341c75a02f46dc9b5976f5a5c1b
TFHADOOP_ARTIFACT=org.tensorflow:tensorflow-hadoop
TFHADOOP_VERSION=1.15.0
TFHADOOP_SHA256=a70d4cf0f89cfa33260e49154cc52bf8ddba01ec39c5441825282e5e242fd2e1
SHOAL_SPARK=$SHOAL_CACHE/spark-$SPARK_VERSION-tfhadoop-$TFHADOOP_VERSION
