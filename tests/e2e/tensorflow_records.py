"""tensorflow_records.py: TensorFlow reads what Shoal wrote, and Shoal what TensorFlow wrote, value for value.
label: test"""
import json
import math
import struct

from _shoal import TMP, Verdict, must, run
from _tensorflow import tf

v = Verdict()
F32 = lambda x: struct.unpack("f", struct.pack("f", x))[0]
rows = []
for i in range(3000):
    rows.append({"i": (-1) ** i * (i * 7919 ** 3 % 2 ** 63), "f": None if i % 11 == 0 else F32(i / 7), "s": "" if i % 5 == 0 else f"text {i} é",
                 "l": None if i % 6 == 5 else list(range(i % 4)), "t": [f"tag{k}" for k in range(i % 3)], "n": None if i % 2 else i})
(TMP / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
SQL = "SELECT i::BIGINT AS i, f::FLOAT AS f, s, l::BIGINT[] AS l, t::VARCHAR[] AS t, n::INTEGER AS n FROM src"


def of_tensorflow(feature):
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    values = list(getattr(feature, kind).value)
    return [x.decode() for x in values] if kind == "bytes_list" else values


for name in "out.tfrecord", "out.tfrecord.gz", "out.tfrecord.deflate", "folder":
    must("convert", TMP / "in.jsonl", TMP / name, "--sql", SQL, "--max-file-size", 60000)
    files = sorted((TMP / name).glob("part-*")) if name == "folder" else [TMP / name]
    v.check(name != "folder" or len(files) > 1, "a folder has several shards")
    got = tf.data.TFRecordDataset([str(f) for f in files], compression_type={"gz": "GZIP", "deflate": "ZLIB"}.get(name.rpartition(".")[2], ""))
    n = 0
    for want, record in zip(rows, got):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        flat = {k: of_tensorflow(f) for k, f in features.items()}
        expected = {k: x if isinstance(x, list) else [x] for k, x in want.items() if x is not None}
        if not v.check(flat == expected, f"{name}, record {n}: {flat} instead of {expected}"):
            break
        n += 1
    v.check(n == len(rows) and sum(1 for _ in got) == len(rows), f"{name}: {n} records of {len(rows)}")
    back = [json.loads(line) for line in must("show", TMP / name, "--json", "-n", 10**9).out.splitlines()]
    v.check(all(a["i"] == b["i"] and a["s"] == b["s"] and a["l"] == b["l"] and a["t"] == b["t"] and a["n"] == b["n"]
                and (a["f"] is None) == (b["f"] is None) and (a["f"] is None or F32(a["f"]) == b["f"]) for a, b in zip(back, rows))
            and len(back) == len(rows), f"{name}: shoal reads back what it wrote")

# The other way: records that TensorFlow wrote, with keys missing, features empty and lists of all lengths.
T = tf.train


def example(i):
    feature = {"whole": T.Feature(int64_list=T.Int64List(value=[-i])), "real": T.Feature(float_list=T.FloatList(value=[i / 3])),
               "text": T.Feature(bytes_list=T.BytesList(value=[b"x%d" % i])), "list": T.Feature(int64_list=T.Int64List(value=range(i % 5))),
               "none": T.Feature()}
    if i % 3 == 0:
        feature["rare"] = T.Feature(float_list=T.FloatList(value=[math.inf if i % 2 else -0.5]))
    return T.Example(features=T.Features(feature=feature))


for name, compression in ("tf.tfrecord", ""), ("tf.tfrecord.gz", "GZIP"), ("zlib.tfrecord", "ZLIB"):
    with tf.io.TFRecordWriter(str(TMP / name), tf.io.TFRecordOptions(compression_type=compression)) as w:
        for i in range(2500):
            w.write(example(i).SerializeToString())
    back = [json.loads(line) for line in must("show", TMP / name, "--json", "-n", 10**9).out.splitlines()]
    v.check(len(back) == 2500, f"{name}: {len(back)} rows")
    for i, row in enumerate(back):
        rare = None if i % 3 else ("Infinity" if i % 2 else -0.5)
        want = {"list": list(range(i % 5)), "rare": rare, "real": F32(i / 3), "text": f"x{i}", "whole": -i}
        row["real"] = F32(row["real"])
        if not v.check(row == want, f"{name}, record {i}: {row} instead of {want}"):
            break
    v.check("2500 rows" in must("check", TMP / name).out, f"{name}: check counts")

# A feature that comes after the sample is an error that says what to do, and the file beside it helps.
with tf.io.TFRecordWriter(str(TMP / "late.tfrecord")) as w:
    for i in range(1500):
        e = T.Example()
        e.features.feature["a"].int64_list.value.append(i)
        if i == 1400:
            e.features.feature["b"].float_list.value.append(1.5)
        w.write(e.SerializeToString())
r = run("show", TMP / "late.tfrecord", "--json", "-n", 10**9)
v.check(r.code == 3 and "record 1400, feature 'b'" in r.message and "_schema.json" in r.message, f"late feature: {r}")
(TMP / ".late.tfrecord.schema.json").write_text('{"shoal_schema": 1, "columns": [{"name": "a", "type": "int32"}, {"name": "b", "type": "float32"}]}')
r = run("show", TMP / "late.tfrecord", "--sql", "SELECT count(*) AS n, sum(b) AS b FROM src", "--json")
v.check(json.loads(r.out or "{}") == {"n": 1500, "b": 1.5}, f"with its schema said: {r}")
v.end()
