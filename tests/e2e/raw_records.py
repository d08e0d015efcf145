"""raw_records.py: TFRecord of any bytes (--record-type bytes): TensorFlow reads what Shoal wrote and the other way round, byte for byte;
every command that reads them; damage at every byte of a small file, and quarantine.
label: test"""
import json
import os
import random

from _shoal import TMP, Verdict, must, run
from _tensorflow import tf

v = Verdict()
os.chdir(TMP)
RAW = ["--record-type", "bytes"]
rng = random.Random(3)
records = [b"", b"\0", b"text", bytes(range(256))] + [rng.randbytes(rng.choice((1, 9, 300, 5000))) for _ in range(6000)]


def write(name, items, compression=""):
    with tf.io.TFRecordWriter(name, tf.io.TFRecordOptions(compression_type=compression)) as out:
        for item in items:
            out.write(item)
    return name


def of_tensorflow(name, compression=""):
    return [x.numpy() for x in tf.data.TFRecordDataset(name, compression_type=compression)]


def of_shoal(*source):
    lines = must("show", *source, "-n", 1000000, "--json", "--sql", 'SELECT hex("byteArray") AS h FROM src').out.splitlines()
    return [bytes.fromhex(json.loads(line)["h"]) for line in lines]


for kind, ending in ("", ""), ("GZIP", ".gz"), ("ZLIB", ".deflate"):
    name = write("tf.tfrecord" + ending, records, kind)
    v.check(of_shoal(name, *RAW) == records, f"what TensorFlow wrote, {kind or 'plain'}")
    must("convert", name, "own.tfrecord" + ending, *RAW, "--overwrite")
    v.check(of_tensorflow("own.tfrecord" + ending, kind) == records, f"what Shoal wrote, {kind or 'plain'}")
    v.check(of_shoal("own.tfrecord" + ending) == records, f"the index tells what they are, {kind or 'plain'}")
    v.check(must("check", name, *RAW).out.startswith(f"ok   {name}: {len(records)} rows"), "check")
    must("index", name, *RAW)
    v.check(must("show", name, "--count").out == f"{len(records)}\n" and of_shoal(name) == records, "the index of TensorFlow's file")
    v.check(must("check", name).out.startswith("ok"), "check against the index")

must("convert", "tf.tfrecord", "folder/", *RAW, "--to", "tfrecord", "--max-file-size", 100000)
v.check(of_shoal("folder") == records and len(list((TMP / "folder").glob("*.tfrecord"))) > 1, "a folder of shards")
must("convert", "own.tfrecord", "own.parquet")
must("convert", "own.parquet", "back.tfrecord", *RAW)
v.check((TMP / "back.tfrecord").read_bytes() == (TMP / "tf.tfrecord").read_bytes(), "through Parquet and back")
v.check(must("show", "own.tfrecord", "--schema").out.split() == ["byteArray", "binary", "not", "null"], "the column")
for threads in 1, 3:
    must("convert", "own.tfrecord", f"by{threads}.jsonl", "--threads", threads, "--sql", 'SELECT hex("byteArray") AS h FROM src')
v.check((TMP / "by1.jsonl").read_bytes() == (TMP / "by3.jsonl").read_bytes(), "any number of threads")
v.check(of_shoal("own.tfrecord", "--skip", 5990) == records or len(must("show", "own.tfrecord", "--skip", 5990, "-n", 1000000, "--json").out.splitlines()) == len(records) - 5990, "--skip")

example = tf.train.Example(features=tf.train.Features(feature={"x": tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))})).SerializeToString()
write("examples.tfrecord", [example] * 3)
v.check(of_shoal("examples.tfrecord", *RAW) == [example] * 3, "Examples as bytes")
must("index", "examples.tfrecord")
v.check(of_shoal("examples.tfrecord", *RAW) == [example] * 3 and must("show", "examples.tfrecord", "--json", "-n", 1).out == '{"x":7}\n', "with an index of Examples, too")

# ---- damage ---------------------------------------------------------------------------------------------------------------
small = [b"first", b"", b"third record"]
sound = (TMP / write("small.tfrecord", small)).read_bytes()
for at in range(len(sound)):
    (TMP / "bad.tfrecord").write_bytes(sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1:])
    r = run("show", "bad.tfrecord", *RAW)
    v.check(r.code == 3 and "bad.tfrecord" in r.message, f"a bit at byte {at}: {r.message}")
    if at > 0:
        (TMP / "bad.tfrecord").write_bytes(sound[:at])
        whole = at in (21, 37)
        r = run("show", "bad.tfrecord", *RAW)
        v.check(r.code == (0 if whole else 3), f"cut at {at}: {r.code} {r.message}")
place = sound.index(b"third")
(TMP / "bad.tfrecord").write_bytes(sound[:16] + b"X" + sound[17:])
v.check(of_shoal("bad.tfrecord", *RAW, "--on-error", "quarantine") == small[1:], "quarantine loses the damaged record alone")
v.end()
