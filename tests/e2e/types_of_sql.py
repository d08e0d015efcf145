"""types_of_sql.py: every type of DuckDB has one rule for each format: exact at its extremes, to TFRecord, Parquet, CSV and JSON lines
and back; or refused by name, and then what the message advises works. docs/types.md says the same.
label: test"""
import pyarrow as pa
import pyarrow.parquet

from _library import read
from _shoal import TMP, Verdict, must, run

v = Verdict()
ONE = TMP / "one.csv"
ONE.write_text("a\n1\n")
BINARY, CSV, TEXT = ("out.tfrecord", "out.parquet"), ("out.csv",), ("out.csv", "out.jsonl")
NO_TEXT = "column 'x' has the type {0}, which cannot be written; leave it out or cast it by --sql"
NO_TFRECORD = "column 'x' has the type {0}, which TFRecord cannot hold; leave it out or cast it by --sql, as CAST(x AS DOUBLE)"

# type: its values as SQL. Exact everywhere but in `refused`: by file, the type's name in the message, or a whole message.
EXACT = {
    "BOOLEAN": ["true", "false", "NULL"],
    "TINYINT": ["-128", "127", "NULL"], "SMALLINT": ["-32768", "32767"], "INTEGER": ["-2147483648", "2147483647"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807", "NULL"],
    "UTINYINT": ["0", "255"], "USMALLINT": ["65535"], "UINTEGER": ["4294967295", "0", "NULL"], "UBIGINT": ["9223372036854775807", "0"],
    "FLOAT": ["0.1", "'-0.0'", "1e-45", "1.17549435e-38", "3.4028235e38", "'nan'", "'inf'", "'-inf'", "NULL"],
    "DOUBLE": ["0.5", "'-0.0'", "1e-45::FLOAT", "3.4028235e38::FLOAT", "'nan'", "'inf'", "'-inf'", "NULL"],
    "VARCHAR": ["''", "'a'", "'é🐟'", "'a' || chr(0) || 'b'", "'\"quoted\", \\'", "' x '", "repeat('long ', 5000)", "NULL", "'NULL'", "'line' || chr(10) || 'end'"],
    "BLOB": ["''", "'\\x00\\xFF'", "'a\\x5Cb\"'", "'\\xC3\\xA9'", "NULL"],
    "DATE": ["'1970-01-01'", "'5877642-06-25 (BC)'", "'5881580-07-10'", "'0001-01-01'", "'0044-03-15 (BC)'", "NULL"],
    "TIME": ["'00:00:00'", "'23:59:59.999999'", "'24:00:00'", "'12:34:56.7'", "NULL"],
    "TIMESTAMP": ["'1970-01-01'", "'290309-12-22 (BC) 00:00:00'", "'294247-01-10 04:00:54.775806'", "'1969-12-31 23:59:59.999999'", "NULL"],
    "TIMESTAMPTZ": ["'1970-01-01 00:00:00+00'", "'2026-11-24 13:05:07.123456+02'", "NULL"],
    "UUID": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'80000000-0000-0000-0000-000000000001'", "NULL"],
    "ENUM('b', 'a', '')": ["'a'", "'b'", "''", "NULL"],
    "JSON": ["'{\"a\": [1, null]}'", "'null'", "'\"x\"'", "NULL"],
    "INTEGER[]": ["[1, -2]", "[]", "NULL"], "VARCHAR[]": ["['', 'é', 'a,b\"c']", "[]", "NULL"], "DATE[]": ["['2026-11-24'::DATE]", "[]"],
    "INTEGER[2]": ["[1, -2]", "[2147483647, 0]", "NULL"],
}
REFUSED = {  # by TFRecord alone: type, values, name, what the user may say instead
    "DECIMAL(4, 1)": (["-999.9", "999.9", "0.0", "NULL"], "decimal(4,1)", "x::FLOAT"),
    "DECIMAL(9, 3)": (["-999999.999", "0.001"], "decimal(9,3)", "x::FLOAT"),
    "DECIMAL(18, 6)": (["-999999999999.999999", "0.000001"], "decimal(18,6)", "x::VARCHAR"),
    "DECIMAL(38, 10)": (["-9999999999999999999999999999.9999999999", "0.0000000001", "NULL"], "decimal(38,10)", "x::VARCHAR"),
    "HUGEINT": (["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "0", "NULL"], "decimal(38,0)", "x::VARCHAR"),
    "UHUGEINT": (["99999999999999999999999999999999999999", "0", "NULL"], "decimal(38,0)", "x::VARCHAR"),
    "STRUCT(a INTEGER, b VARCHAR)": (["{'a': 1, 'b': 'x'}", "{'a': NULL, 'b': ''}", "NULL"], "struct<a int32, b utf8>", "x.a"),
    "MAP(VARCHAR, INTEGER)": (["MAP {'k': 1, 'l': NULL}", "MAP {}", "NULL"], "map<utf8, int32>", "map_keys(x)"),
    "STRUCT(a INTEGER[])[]": (["[{'a': [1]}, {'a': NULL}]", "[]"], "list<struct<a list<int32>>>", "len(x)"),
}
NOWHERE = {  # by all formats: value, name, what the user may say instead
    "INTERVAL": ("'1 day 2 hours'", "interval", "epoch_us(x)"), "BIT": ("'0101'", "bit", "x::VARCHAR"), "TIMETZ": ("'12:00:00+02'", "time with time zone", "x::VARCHAR"),
    "BIGNUM": ("'123456789012345678901234567890123456789012345'", "bignum", "x::VARCHAR"),
    "UNION(n INTEGER, s VARCHAR)": ("1", "union", "x::VARCHAR"), "INTERVAL[]": ("['1 day']", "list<interval>", "len(x)"),
    "STRUCT(a BIT)": ("{'a': '01'}", "struct<a bit>", "x.a::VARCHAR"), "MAP(VARCHAR, TIMETZ)": ("MAP {'a': '12:00:00+02'}", "map<utf8, time with time zone>", "map_keys(x)"),
}
# What a value says when its type would do but it does not.
VALUES = [
    ("UBIGINT", "18446744073709551615", "out.tfrecord", "column 'x', row 0: 18446744073709551615 is above the int64 that TFRecord holds; cast it to VARCHAR by --sql", "x::VARCHAR"),
    ("DOUBLE", "0.1", "out.tfrecord", "column 'x', row 0: 0.1 has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"x\" AS FLOAT) AS \"x\") FROM src'", "x::FLOAT"),
    ("DOUBLE", "5e-324", "out.tfrecord", "column 'x', row 0: 5e-324 has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"x\" AS FLOAT) AS \"x\") FROM src'", "x::FLOAT"),
    ("INTEGER[]", "[1, NULL]", "out.tfrecord", "column 'x', row 0: a list with a null inside, which TFRecord cannot hold; filter it by --sql, as list_filter(x, v -> v IS NOT NULL)", "list_filter(x, v -> v IS NOT NULL)"),
    ("HUGEINT", "100000000000000000000000000000000000000", "out.parquet", "row 0 of the query: column 'x': a value of type hugeint has more than 38 digits, which decimal does not hold; cast it to VARCHAR by --sql", "x::VARCHAR"),
    ("UHUGEINT", "340282366920938463463374607431768211455", "out.csv", "row 0 of the query: column 'x': a value of type uhugeint has more than 38 digits, which decimal does not hold; cast it to VARCHAR by --sql", "x::VARCHAR"),
]


def query(kind, values, more="x"):
    rows = " UNION ALL ".join(f"SELECT {i} AS i, ({value})::{kind} AS x" for i, value in enumerate(values))
    return f"SELECT {more} AS x FROM ({rows}) WHERE (SELECT count(*) FROM src) = 1 ORDER BY i"


def bits(column):
    """Values that are equal only when their bits are."""
    out = []
    for chunk in column.chunks:
        if pa.types.is_floating(chunk.type):
            chunk = chunk.view(pa.int32() if chunk.type.bit_width == 32 else pa.int64())
        elif pa.types.is_temporal(chunk.type):
            chunk = chunk.view(pa.int32() if chunk.type.bit_width == 32 else pa.int64())
        elif pa.types.is_list(chunk.type) and pa.types.is_temporal(chunk.type.value_type):
            chunk = chunk.cast(pa.list_(pa.int32()))
        out += chunk.to_pylist()
    return out


def comes_back(kind, values, files, more="x"):
    sql = query(kind, values, more)
    want = read(None, ONE, sql=sql).column("x")
    for name in files:
        r = run("convert", ONE, TMP / name, "--sql", sql, "--overwrite")
        if not v.check(r.code == 0, f"{kind} to {name}: {r}"):
            continue
        cast = {} if name in BINARY else {"sql": f"SELECT CAST(x AS {kind}) AS x FROM src"}
        got = read(None, TMP / name, **cast).column("x")
        v.check(bits(got) == bits(want), f"{kind} by {name}: {bits(got)} instead of {bits(want)}")
        v.check(got.type == want.type, f"{kind} by {name}: {got.type} instead of {want.type}")


def is_written(kind, values):
    """Text holds every digit, as DuckDB itself writes it; structs and maps are JSON."""
    nested = "(" in kind and not kind.startswith("DECIMAL")
    must("convert", ONE, TMP / "out.jsonl", "--sql", query(kind, values), "--overwrite")
    want = read(None, ONE, sql=query(kind, values, "to_json(x)::VARCHAR" if nested else "x::VARCHAR")).column("x").to_pylist()
    v.check((TMP / "out.jsonl").read_text() == "".join(f'{{"x":{x or "null"}}}\n' for x in want), f"{kind} as JSON: {(TMP / 'out.jsonl').read_text()}")
    must("convert", ONE, TMP / "out.csv", "--sql", query(kind, values), "--overwrite")
    lines = [x.replace('"', '""') if x else "" for x in want]
    v.check((TMP / "out.csv").read_text() == "".join(f'"{x}"\n' if '"' in x or "," in x else f"{x}\n" for x in ["x", *lines]), f"{kind} as CSV: {(TMP / 'out.csv').read_text()}")


def is_refused(kind, value, name, message, instead):
    """The message, word for word; and the advice helps."""
    r = run("convert", ONE, TMP / name, "--sql", query(kind, [value]), "--overwrite")
    v.check(r.code == 3 and r.message == message, f"{kind} to {name}: {r.code} {r.message}\ninstead of {message}")
    must("convert", ONE, TMP / name, "--sql", query(kind, [value], instead), "--overwrite")
    v.check(read(None, TMP / name).num_rows == 1, f"{kind} to {name} as {instead}")


for kind, values in EXACT.items():
    comes_back(kind, values, BINARY + TEXT)
for kind, values in ("INTEGER[][]", ["[[1, -2], []]", "[]", "NULL", "[[2147483647], NULL]"]), ("VARCHAR[][]", ["[['', 'é'], ['a']]", "[[]]"]):
    comes_back(kind, values, BINARY)
# Parquet has no seconds, and DuckDB reads milliseconds as microseconds: the same instants.
for kind, values, unit in ("TIMESTAMP_S", ["'1970-01-01 00:00:01'", "'0001-01-01'", "'9999-12-31 23:59:59'", "NULL"], "s"), \
                          ("TIMESTAMP_MS", ["'1970-01-01 00:00:00.001'", "'0001-01-01'", "'9999-12-31 23:59:59.999'", "NULL"], "ms"):
    comes_back(kind, values, ("out.tfrecord", *TEXT))
    must("convert", ONE, TMP / "out.parquet", "--sql", query(kind, values), "--overwrite")
    got, want = read(None, TMP / "out.parquet").column("x"), read(None, ONE, sql=query(kind, values)).column("x")
    v.check(got.type == pa.timestamp("us") and want.type == pa.timestamp(unit) and got.cast(want.type).equals(want), f"{kind} by Parquet: {got}")
# What reading text by guessed types would cut or mistake comes back from the others, and is written whole.
comes_back("TIMESTAMP_NS", ["'1970-01-01 00:00:00.000000001'", "'1677-09-22 00:00:00'", "'2262-04-11 23:47:16.854775806'", "NULL"], BINARY)
for kind in "DATE", "TIMESTAMP", "TIMESTAMPTZ":
    comes_back(kind, ["'infinity'", "'-infinity'", "'2026-11-24'"], BINARY + CSV)
comes_back("TIME_NS", ["'00:00:00'", "'23:59:59.999999999'", "NULL"], BINARY)
must("convert", ONE, TMP / "out.jsonl", "--sql", "SELECT '23:59:59.999999999'::TIME_NS AS t, '2262-04-11 23:47:16.854775806'::TIMESTAMP_NS AS n, 'infinity'::DATE AS d, '-infinity'::TIMESTAMPTZ AS z FROM src", "--overwrite")
v.check((TMP / "out.jsonl").read_text() == '{"t":"23:59:59.999999999","n":"2262-04-11 23:47:16.854775806","d":"infinity","z":"-infinity"}\n', (TMP / "out.jsonl").read_text())
for kind, (values, called, instead) in REFUSED.items():
    comes_back(kind, values, ("out.parquet",))
    is_written(kind, values)
    is_refused(kind, values[0], "out.tfrecord", NO_TFRECORD.format(called), instead)
for kind, (value, called, instead) in NOWHERE.items():
    for name in BINARY + TEXT:
        is_refused(kind, value, name, (NO_TFRECORD if name == "out.tfrecord" else NO_TEXT).format(called), instead)
for kind, value, name, message, instead in VALUES:
    is_refused(kind, value, name, message, instead)
v.end()
