"""tensorflow_sequences.py: TensorFlow reads the SequenceExamples that Shoal wrote, and Shoal those of TensorFlow, value for value.
label: test"""
import json
import struct

from _shoal import TMP, Verdict, must, run
from _tensorflow import tf

v = Verdict()
T = tf.train


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def row(i):
    return {"id": i, "tags": [f"t{k}" for k in range(i % 3)] if i % 7 else None,
            "clicks": None if i % 11 == 0 else [[(-1) ** k * k * 10**15 for k in range(j % 4)] for j in range(i % 5)],
            "words": [[f"w{i} é" * (60 if i % 50 == 0 else 1), ""][:j % 3] if j != 2 else None for j in range(i % 4)],
            "scores": [[f32(i / 7)] * (i % 3)], "none": []}


rows = [row(i) for i in range(3000)]
(TMP / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
SQL = "SELECT id::INT AS id, tags, clicks::BIGINT[][] AS clicks, words, scores::FLOAT[][] AS scores, none::SMALLINT[][] AS none FROM src"


def values(feature):
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    found = list(getattr(feature, kind).value)
    return [x.decode() for x in found] if kind == "bytes_list" else found


for name, compression in ("out.tfrecord", ""), ("out.tfrecord.gz", "GZIP"):
    must("convert", TMP / "in.jsonl", TMP / name, "--sql", SQL)
    n = 0
    for want, record in zip(rows, tf.data.TFRecordDataset(str(TMP / name), compression_type=compression)):
        e = T.SequenceExample.FromString(record.numpy())
        context = {k: values(f) for k, f in e.context.feature.items()}
        lists = {k: [values(f) for f in x.feature] for k, x in e.feature_lists.feature_list.items()}
        expected = {k: x if isinstance(x, list) else [x] for k, x in want.items() if k in ("id", "tags") and x is not None}
        expected_lists = {k: x for k, x in want.items() if k not in ("id", "tags") and x is not None}
        if not v.check(context == expected and lists == expected_lists, f"{name}, record {n}: {context} {lists} instead of {want}"):
            break
        n += 1
    v.check(n == len(rows), f"{name}: {n} records")
    back = [json.loads(line) for line in must("show", TMP / name, "--json", "-n", 10**9).out.splitlines()]
    for a, b in zip(back, rows):
        a["scores"] = [[f32(x) for x in inner] for inner in a["scores"]]
        if not v.check(a == b, f"{name}: {a} instead of {b}"):
            break
    v.check(len(back) == len(rows) and "all sound" in must("check", TMP / name).out, f"{name}: shoal reads back what it wrote")

# TensorFlow's own parser, as a program that trains would use it.
context, lists = tf.io.parse_single_sequence_example(
    next(iter(tf.data.TFRecordDataset(str(TMP / "out.tfrecord")).skip(9))), context_features={"id": tf.io.FixedLenFeature([], tf.int64)},
    sequence_features={"clicks": tf.io.RaggedFeature(tf.int64), "words": tf.io.RaggedFeature(tf.string)})
v.check(int(context["id"]) == 9 and lists["clicks"].to_list() == rows[9]["clicks"], "parse_single_sequence_example")


# The other way, with an order of keys and shapes of its own.
def sequence(i):
    lists = {"steps": T.FeatureList(feature=[T.Feature(int64_list=T.Int64List(value=[-k] * k)) for k in range(i % 4)]),
             "text": T.FeatureList(feature=[T.Feature(bytes_list=T.BytesList(value=[b"x%d" % i])), T.Feature()])}
    if i % 3 == 0:
        lists["rare"] = T.FeatureList(feature=[T.Feature(float_list=T.FloatList(value=[i / 2]))])
    return T.SequenceExample(context=T.Features(feature={"user": T.Feature(int64_list=T.Int64List(value=[i]))}), feature_lists=T.FeatureLists(feature_list=lists))


with tf.io.TFRecordWriter(str(TMP / "tf.tfrecord")) as w:
    for i in range(2500):
        w.write(sequence(i).SerializeToString())
for indexed in False, True:
    if indexed:
        must("index", TMP / "tf.tfrecord")
    back = [json.loads(line) for line in must("show", TMP / "tf.tfrecord", "--json", "-n", 10**9).out.splitlines()]
    for i, got in enumerate(back):
        want = {"rare": [[i / 2]] if i % 3 == 0 else None, "steps": [[-k] * k for k in range(i % 4)], "text": [[f"x{i}"], None], "user": i}
        if not v.check(got == want, f"record {i}: {got} instead of {want}"):
            break
    v.check(len(back) == 2500, f"{len(back)} rows")
must("convert", TMP / "tf.tfrecord", TMP / "tf.parquet")
v.check(must("show", TMP / "tf.parquet", "--json", "-n", 10**9).out == must("show", TMP / "tf.tfrecord", "--json", "-n", 10**9).out, "to Parquet")
r = run("show", TMP / "tf.tfrecord", "--json", "--sql", "SELECT sum(len(steps)) AS n FROM src")
v.check(json.loads(r.out) == {"n": sum(i % 4 for i in range(2500))}, f"a query: {r}")
v.end()
