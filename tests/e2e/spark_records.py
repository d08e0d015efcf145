"""spark_records.py: Spark, by the TFRecord formats of tensorflow-hadoop, reads what Shoal wrote, and Shoal what Spark wrote,
value for value: plain and gzip, nulls, empty lists, every encoding that protobuf allows, keys in any order.
label: test"""
import json
import random
import struct

from _example import example, parse
from _shoal import TMP, Verdict, must
from _spark import spark_session

INPUT, OUTPUT = "org.tensorflow.hadoop.io.TFRecordFileInputFormat", "org.tensorflow.hadoop.io.TFRecordFileOutputFormat"
BYTES, NOTHING = "org.apache.hadoop.io.BytesWritable", "org.apache.hadoop.io.NullWritable"
GZIP = {"mapreduce.output.fileoutputformat.compress": "true",
        "mapreduce.output.fileoutputformat.compress.codec": "org.apache.hadoop.io.compress.GzipCodec"}
SQL = ("SELECT id, i::BIGINT AS i, f::FLOAT AS f, s, l::BIGINT[] AS l, t::VARCHAR[] AS t, n::SMALLINT AS n, b::BOOLEAN AS b, d::DATE AS d, "
       "r::FLOAT[] AS r FROM src")
v = Verdict()


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def row(i):
    return {"id": i, "i": (-1) ** i * (i * 7919**3 % 2**63), "f": None if i % 11 == 0 else f32(i / 7), "s": "" if i % 5 == 0 else f"text {i} é \U0001f41f",
            "l": None if i % 6 == 5 else [-k for k in range(i % 4)], "t": [f"tag{k}" * (400 if i % 50 == 0 else 1) for k in range(i % 3)],
            "n": None if i % 2 else -i, "b": i % 3 == 0, "d": f"2026-{i % 12 + 1:02}-{i % 28 + 1:02}", "r": [f32(k / 3 - 1) for k in range(i % 5)]}


def as_features(r):
    """What the records must hold: key, kind and values of each column that is not null."""
    from datetime import date
    kinds = {"id": "int64", "i": "int64", "f": "float", "s": "bytes", "l": "int64", "t": "bytes", "n": "int64", "b": "int64", "d": "int64", "r": "float"}
    out = {}
    for key, x in r.items():
        if x is None:
            continue
        if key == "d":
            x = (date.fromisoformat(x) - date(1970, 1, 1)).days
        values = x if isinstance(x, list) else [x]
        out[key] = kinds[key], [y.encode() if isinstance(y, str) else int(y) if isinstance(y, bool) else y for y in values]
    return out


def shown(path, *more):
    return [json.loads(line) for line in must("show", path, "--json", "-n", 10**9, *more).out.splitlines()]


def same_rows(got, want, what):
    v.check(len(got) == len(want), f"{what}: {len(got)} rows instead of {len(want)}")
    for i, (a, b) in enumerate(zip(got, want)):
        if not v.check(a == b, f"{what}, row {i}: {a} instead of {b}"):
            return


def spark_reads(sc, path):
    pairs = sc.newAPIHadoopFile(str(path), INPUT, BYTES, NOTHING)
    return [parse(bytes(key)) for key, _ in pairs.collect()]


def by_id(features):
    """Hadoop promises no order of the files of a folder."""
    return sorted(features, key=lambda f: f["id"])


def spark_writes(sc, path, records, shards=2, gzip=False):
    pairs = sc.parallelize([(bytearray(r), None) for r in records], shards)
    pairs.saveAsNewAPIHadoopFile(str(path), OUTPUT, BYTES, NOTHING, conf=GZIP if gzip else {})


def from_shoal(sc):
    rows = [row(i) for i in range(4000)]
    (TMP / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    want = [as_features(r) for r in rows]
    for name, more in ("one.tfrecord", []), ("one.tfrecord.gz", []), ("folder", ["--max-file-size", 100000]), \
                      ("zipped", ["--max-file-size", 100000, "--compression", "gzip"]):
        must("convert", TMP / "in.jsonl", TMP / name, "--sql", SQL, *more)
        same_rows(by_id(spark_reads(sc, TMP / name)), want, f"Spark reads {name}")
    v.check(len(list((TMP / "folder").glob("part-*"))) > 1, "the folder has several shards")


def mixed_records(n):
    """Records in all encodings that mean the same, and the rows that they mean."""
    dice = random.Random(5)
    records, rows = [], []
    for i in range(n):
        features = [("id", "int64", [i]), ("a", "int64", [-i, i, -2**63, 2**63 - 1][:i % 5]), ("f", "float", [f32(i / 3)]), ("s", "bytes", [f"é{i}".encode()]),
                    ("l", "bytes", [b"x" * (k * 1000) for k in range(i % 3)])]
        if i % 3 == 0:
            features.append(("rare", "int64", [-1]))
        if i % 4 == 0:
            features.append(("none", None, []))  # a feature without a list: as good as absent
        rows.append({"id": i, "a": [-i, i, -2**63, 2**63 - 1][:i % 5], "f": f32(i / 3), "l": ["x" * (k * 1000) for k in range(i % 3)],
                     "rare": -1 if i % 3 == 0 else None, "s": f"é{i}"})
        dice.shuffle(features)
        if i % 7 == 0:  # of a repeated key the last one counts
            features = [("f", "float", [-9.0]), ("a", "int64", [5] * 9)] + features
        records.append(example(features, packed=i % 2 == 0, key_first=i % 5 != 0))
    return records, rows


def to_shoal(sc):
    records, rows = mixed_records(3000)
    for name, gzip in ("spark", False), ("spark_gz", True):
        spark_writes(sc, TMP / name, records, gzip=gzip)
        parts = sorted(f.name for f in (TMP / name).iterdir() if not f.name.startswith("."))
        ending = ".gz" if gzip else ""
        v.check(parts == ["_SUCCESS", f"part-r-00000{ending}", f"part-r-00001{ending}"], f"{name} holds {parts}")
        got = shown(TMP / name)
        for r in got:
            r["f"] = f32(r["f"])
        same_rows(got, rows, f"Shoal reads {name}")
        v.check("3000 rows" in must("check", TMP / name).out, f"{name}: check counts")
        # There and back: what Shoal makes of it, Spark reads.
        must("convert", TMP / name, TMP / f"{name}_back", "--compression", "gzip" if gzip else "none")
        want = [{k: x for k, x in parse(r).items() if x[0]} for r in records]
        same_rows(by_id(spark_reads(sc, TMP / f"{name}_back")), want, f"Spark reads {name} as Shoal wrote it again")


def empty_parts(sc):
    spark_writes(sc, TMP / "sparse", [example([("x", "int64", [i])]) for i in range(3)], shards=5)
    same_rows(shown(TMP / "sparse"), [{"x": i} for i in range(3)], "shards without records")


def partitions(sc):
    """Spark's folders of a partitioned table, filled by the jobs that write records."""
    for k in 1, 2:
        for name in "p", "q r":
            spark_writes(sc, TMP / "parts" / f"k={k}" / f"name={name.replace(' ', '%20')}", [example([("x", "int64", [k * 10 + i])]) for i in range(3)])
    got = sorted(shown(TMP / "parts"), key=lambda r: (r["k"], r["name"], r["x"]))
    want = [{"x": k * 10 + i, "k": k, "name": name} for k in (1, 2) for name in ("p", "q r") for i in range(3)]
    same_rows(got, want, "Shoal reads partitions")


with spark_session() as spark:
    from_shoal(spark.sparkContext)
    to_shoal(spark.sparkContext)
    empty_parts(spark.sparkContext)
    partitions(spark.sparkContext)
v.end()
