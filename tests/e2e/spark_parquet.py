"""spark_parquet.py: Shoal reads the Parquet that Spark writes, in each of its encodings and compressions, and Spark what Shoal
makes of it: dates, timestamps in three ways, decimals of three widths, small integers, arrays of arrays, maps, structs.
label: test"""
import datetime
import decimal
import math

import pyarrow as pa

from _library import read
from _shoal import TMP, Verdict, must
from _spark import spark_session

v = Verdict()
D, DATE, UTC = decimal.Decimal, datetime.date, datetime.timezone.utc
SCHEMA = ("id LONG, flag BOOLEAN, b BYTE, s SHORT, i INT, f FLOAT, d DOUBLE, text STRING, bytes BINARY, day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, "
          "small DECIMAL(5,2), middle DECIMAL(18,4), large DECIMAL(38,10), list ARRAY<INT>, lists ARRAY<ARRAY<STRING>>, "
          "map MAP<STRING,BIGINT>, point STRUCT<x: FLOAT, tags: ARRAY<STRING>>, points ARRAY<STRUCT<x: INT>>")
NAMES = [part.split()[0] for part in SCHEMA.replace("STRUCT<x: FLOAT, tags: ARRAY<STRING>>", "T").replace("DECIMAL(5,2)", "T").replace(
    "DECIMAL(18,4)", "T").replace("DECIMAL(38,10)", "T").replace("MAP<STRING,BIGINT>", "T").split(", ")]


def at(ms, zone):
    return datetime.datetime(2026, 11, 24, 13, 5, 7, ms * 1000, zone)


def rows():
    yield (1, True, -128, -32768, -2**31, 0.5, 1e300, "é \U0001f41f", b"\xff\0", DATE(1970, 1, 1), at(123, UTC), at(456, None), D("-999.99"),
           D("-99999999999999.9999"), D("9" * 28 + ".0123456789"), [1, None, 3], [["a", None], [], None], {"k": 1, "l": None},
           (0.5, ["t", "u"]), [(1,), (None,)])
    yield (2, False, 127, 32767, 2**31 - 1, -0.0, math.inf, "", b"", DATE(9999, 12, 31), at(0, UTC), at(0, None), D("0.00"), D("0.0001"), D("0E-10"),
           [], [], {}, (None, []), [])
    yield (3, *[None] * 19)
    for i in range(4, 800):
        yield (i, i % 2 == 0, i % 128, i, -i, i / 4, i / 3, f"row {i}", b"%d" % i, DATE(2000, 1, 1) + datetime.timedelta(i), at(i % 1000, UTC), at(i % 1000, None),
               D(i % 1000), D(i) / 8, D(i) / 16, [i] * (i % 4), [[f"{i}"] * (i % 3)], {f"k{i % 5}": i}, (i / 2, [f"{i}"]), [(i,)])


def plain(x, name):
    """A value of Python, of pyarrow or of Spark, in one form."""
    if isinstance(x, float) and x == 0:
        return "-0.0" if math.copysign(1, x) < 0 else 0.0
    if isinstance(x, datetime.datetime):
        return x.astimezone(UTC).replace(tzinfo=None) if x.tzinfo else x
    if isinstance(x, (bytearray, bytes)):
        return bytes(x)
    if isinstance(x, dict) and name in ("point", "points"):
        x = tuple(x.values())
    if isinstance(x, dict):
        return sorted(x.items())
    if isinstance(x, list) and name == "map":
        return sorted(x)
    if isinstance(x, (list, tuple)):
        return [plain(y, name) for y in x]
    return x


def compare(got, want, what):
    """By id, as Spark promises no order of rows."""
    v.check(len(got) == len(want), f"{what}: {len(got)} rows instead of {len(want)}")
    for a, b in zip(sorted(got), sorted(want, key=lambda r: r[0])):
        for name, x, y in zip(NAMES, a, b):
            if not v.check(plain(x, name) == plain(y, name), f"{what}, row {b[0]}, {name}: {x} instead of {y}"):
                return


def shoal_rows(path):
    table = read(None, path)
    return list(zip(*[table.column(name).to_pylist() for name in NAMES])), table.schema


def both_ways(spark, frame, want, name, zoned, **write):
    frame.write.parquet(str(TMP / name), **write)
    got, schema = shoal_rows(TMP / name)
    compare(got, want, f"Shoal reads {name}")
    types = {"b": pa.int8(), "s": pa.int16(), "i": pa.int32(), "day": pa.date32(), "at": pa.timestamp("us", "UTC") if zoned else pa.timestamp("us"),
             "local": pa.timestamp("us"), "small": pa.decimal128(5, 2), "middle": pa.decimal128(18, 4), "large": pa.decimal128(38, 10),
             "lists": pa.list_(pa.list_(pa.string())), "map": pa.map_(pa.string(), pa.int64())}
    for column, kind in types.items():
        v.check(schema.field(column).type == kind, f"{name}, {column}: {schema.field(column).type} instead of {kind}")
    must("convert", TMP / name, TMP / f"{name}.parquet")
    again = spark.read.parquet(str(TMP / f"{name}.parquet"))
    same = lambda kind: kind.replace("timestamp_ntz", "timestamp")  # INT96 says nothing of zones
    v.check([(n, same(t)) for n, t in again.dtypes] == [(n, same(t)) for n, t in frame.dtypes], f"Spark on {name}: {again.dtypes}")
    compare([tuple(r) for r in again.collect()], want, f"Spark reads {name} as Shoal wrote it")


def partitions(spark, frame):
    """k=v/ folders, as Spark writes and reads a table by partitions; a null is a folder of its own."""
    frame.selectExpr("id", "i", "CASE WHEN id % 3 = 0 THEN NULL ELSE id % 3 END AS part", "concat('p/=% é:', id % 2) AS kind",
                     "date_add(DATE '2026-11-24', CAST(id % 2 AS INT)) AS day").write.partitionBy("part", "kind", "day").parquet(str(TMP / "parts"))
    must("convert", TMP / "parts", TMP / "ours", "--to", "parquet", "--partition-by", "part,kind,day", "--rows-per-file", 50)
    folders = [sorted(str(p.relative_to(TMP / made)) for p in (TMP / made).rglob("*=*")) for made in ("parts", "ours")]
    v.check(folders[0] == folders[1], f"partitions: Shoal names other folders: {set(folders[0]) ^ set(folders[1])}")
    spark_reads = [r.asDict() for r in spark.read.parquet(str(TMP / "ours")).collect()]
    for who, got in ("Shoal", read(None, TMP / "parts").to_pylist()), ("Spark", spark_reads):
        v.check(len(got) == 799, f"partitions: {who} reads {len(got)} rows")
        for r in got:
            n = r["id"]
            want = {"id": n, "i": r["i"], "part": n % 3 or None, "kind": f"p/=% é:{n % 2}", "day": DATE(2026, 11, 24 + n % 2)}
            if not v.check(r == want, f"partitions: {who} reads {r} instead of {want}"):
                break


with spark_session() as spark:
    want = list(rows())
    for mode, zoned in ("INT96", False), ("TIMESTAMP_MICROS", True), ("TIMESTAMP_MILLIS", True):
        spark.conf.set("spark.sql.parquet.outputTimestampType", mode)
        frame = spark.createDataFrame(want, SCHEMA)
        both_ways(spark, frame, want, mode.lower(), zoned, compression={"INT96": "snappy", "TIMESTAMP_MICROS": "gzip", "TIMESTAMP_MILLIS": "zstd"}[mode])
    spark.conf.set("spark.sql.parquet.writeLegacyFormat", "true")  # decimals as bytes, lists in the old way
    both_ways(spark, frame.repartition(3), want, "legacy", True, compression="none")
    partitions(spark, frame)
v.end()
