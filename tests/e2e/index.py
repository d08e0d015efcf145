"""index.py: the index of TFRecord files as docs/tfrecord.md says it: golden files, read by a reader of our own; random access
gives what reading through gives; files of others are indexed as well as Shoal's.
label: check"""
import gzip
import json
import pathlib
import shutil
import struct
import zlib

from _shoal import SRC, TMP, Verdict, must, run

v = Verdict()
GOLDEN = SRC / "tests/golden/tfrecord"
ENDINGS = "tfrecord", "tfrecord.gz", "tfrecord.deflate"


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        n = self.varint()
        self.at += n
        return self.data[self.at - n:self.at]


def read_index(path):
    c = Cursor(path.read_bytes())
    assert c.take("8s") == b"SHOALIDX" and c.take("I") == 1
    x = {"container": c.take("I"), "type": c.take("I")}
    n_features = c.take("I")
    x |= {"bytes": c.take("Q"), "records": c.take("Q")}
    n_blocks = c.take("Q")
    c.take("Q"), c.take("16s")  # fingerprint, digest
    x["features"], x["blocks"], offset, record = {}, [], 0, 0
    for _ in range(n_features):
        name = c.text().decode()
        f = {"type": c.text().decode(), "nullable": c.varint(), "nulls": c.varint(), "values": c.varint()}
        kind = c.varint()
        read = {0: lambda: None, 1: lambda: c.take("q"), 2: lambda: c.take("d"), 3: c.text}[kind]
        f["low"], f["high"] = read(), read()
        x["features"][name] = f
    for _ in range(n_blocks):
        offset, record = offset + c.varint(), record + c.varint()
        x["blocks"].append((offset, record, c.varint()))
    assert c.at + 8 == len(c.data), (c.at, len(c.data))
    return x


def rows(n):
    return [{"i": -i, "b": i % 2 == 0, "f": None if i % 10 == 3 else i / 4, "s": f"text {i:05}", "l": [i, -i][:i % 3], "w": "x" * (65 if i == 7 else 1),
             "n": None, "d": f"2026-01-{i % 28 + 1:02}"} for i in range(n)]


SQL = "SELECT i::SMALLINT AS i, b::BOOLEAN AS b, f::FLOAT AS f, s, l::INTEGER[] AS l, w, n::INTEGER AS n, d::DATE AS d FROM src"
(TMP / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows(3000)))
(TMP / "small.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows(5)))


def frames(data):
    """Offsets of the records of inflated bytes."""
    at, found = 0, []
    while at < len(data):
        found.append(at)
        at += 16 + struct.unpack_from("<Q", data, at)[0]
    assert at == len(data)
    return found


def inflated_from(path, offset, container):
    data = path.read_bytes()[offset:]
    if container == 0:
        return data
    if container == 2:
        return (zlib.decompressobj(-15 if offset else 15)).decompress(data)
    return gzip.decompress(data)


for ending in ENDINGS:  # what is written does not change from version to version
    must("convert", TMP / "small.jsonl", TMP / f"golden.{ending}", "--sql", SQL)
    for name in (f"golden.{ending}", f".golden.{ending}.index") if ending == "tfrecord" else ():  # others hold bytes of a library
        v.check((GOLDEN / name).read_bytes() == (TMP / name).read_bytes(), f"{name} differs from the golden file")
    shutil.copytree(GOLDEN, TMP / "g", dirs_exist_ok=True)
    v.check("all sound" in must("check", TMP / "g" / f"golden.{ending}").out, f"the golden {ending} is sound")
    v.check(must("show", TMP / "g" / f"golden.{ending}", "--json").out == must("show", TMP / f"golden.{ending}", "--json").out, f"rows of the golden {ending}")

for ending in ENDINGS:
    path = TMP / f"a.{ending}"
    must("convert", TMP / "in.jsonl", path, "--sql", SQL)
    x = read_index(TMP / f".a.{ending}.index")
    f = x["features"]
    v.check(x["records"] == 3000 and x["bytes"] == path.stat().st_size and x["container"] == ENDINGS.index(ending), f"{ending}: {x['records']}")
    v.check(f["i"] == {"type": "int16", "nullable": 1, "nulls": 0, "values": 3000, "low": -2999, "high": 0}, f"{ending}: i {f['i']}")
    v.check((f["f"]["nulls"], f["f"]["low"], f["f"]["high"]) == (300, 0.0, 2999 / 4), f"{ending}: f {f['f']}")
    v.check((f["s"]["low"], f["s"]["high"]) == (b"text 00000", b"text 02999"), f"{ending}: s {f['s']}")
    v.check((f["l"]["type"], f["l"]["values"], f["l"]["low"], f["l"]["high"]) == ("list<int32>", 3000, -2999, 2999), f"{ending}: l {f['l']}")
    v.check(f["w"]["high"] is None and f["n"]["nulls"] == 3000 and f["n"]["low"] is None, f"{ending}: long texts and nulls")
    v.check((f["d"]["low"], f["d"]["high"]) == (20454, 20481), f"{ending}: d {f['d']}")
    whole = inflated_from(path, 0, x["container"])
    starts = frames(whole)
    v.check(len(starts) == 3000 and len(x["blocks"]) >= 1, f"{ending}: {len(starts)} records, {len(x['blocks'])} blocks")
    for offset, record, skip in x["blocks"]:
        v.check(inflated_from(path, offset, x["container"])[skip:] == whole[starts[record]:], f"{ending}: block at {offset}")

# Random access is what reading through gives; with an index the rows in front are not read.
must("synth", "--rows", 30000, "--numeric", 3, "--categorical", 3, TMP / "big.parquet")
for compression in "none", "gzip", "zlib":
    folder = TMP / f"folder-{compression}"
    must("convert", TMP / "big.parquet", folder, "--max-file-size", 300000, "--compression", compression)
    every = must("show", folder, "--json", "-n", 10**9).out.splitlines()
    v.check(must("show", folder, "--count").out == "30000\n", f"{compression}: count")
    for skip in 0, 1, 2047, 4096, 12345, 29999, 30000, 99999:
        got = must("show", folder, "--json", "--skip", skip, "-n", 3).out.splitlines()
        v.check(got == every[skip:skip + 3], f"{compression}: rows from {skip} on")

# The same from outside: rows of Parquet are passed over by reading.
v.check(must("show", TMP / "big.parquet", "--json", "--skip", 20001, "-n", 2).out == must("show", TMP / "folder-none", "--json", "--skip", 20001, "-n", 2).out,
        "Parquet from a row on")
v.check(must("show", TMP / "big.parquet", "--json", "--skip", 7, "-n", 1, "--sql", "SELECT label FROM src ORDER BY c0, c1, c2, n0, n1, n2").code == 0, "a query from a row on")

# Files of others: one gzip member, several that are not cut between records, no index yet.
plain = (TMP / "a.tfrecord").read_bytes()
cut = len(plain) // 3
(TMP / "one.tfrecord.gz").write_bytes(gzip.compress(plain))
(TMP / "three.tfrecord.gz").write_bytes(b"".join(gzip.compress(plain[k:k + cut]) for k in range(0, len(plain), cut)))
(TMP / "other.tfrecord").write_bytes(plain)
(TMP / "other.zlib").write_bytes(zlib.compress(plain))
want = None
for name in "other.tfrecord", "one.tfrecord.gz", "three.tfrecord.gz", "other.zlib":
    before = must("show", TMP / name, "--json", "-n", 10**9, "--format", "tfrecord").out
    want = want or before
    v.check(before == want, f"{name}: rows")
    v.check("3000 records" in must("index", TMP / name).out if name != "other.zlib" else True, f"{name}: index")
    if name == "other.zlib":
        continue
    v.check(must("show", TMP / name, "--json", "-n", 10**9).out == want and "all sound" in must("check", TMP / name).out, f"{name}: with its index")
    x = read_index(TMP / f".{name}.index")
    whole = inflated_from(TMP / name, 0, x["container"])
    for offset, record, skip in x["blocks"]:
        v.check(inflated_from(TMP / name, offset, x["container"])[skip:] == whole[starts[record]:], f"{name}: block at {offset}")
    for skip in 5, 1000, 1500, 2999:
        v.check(must("show", TMP / name, "--json", "--skip", skip, "-n", 1).out == want.splitlines()[skip] + "\n", f"{name}: row {skip}")
v.check(len(read_index(TMP / ".three.tfrecord.gz.index")["blocks"]) >= 3, "members not cut between records are blocks")
v.check((TMP / ".a.tfrecord.index").read_bytes()[72:] != b"" and "3000 records" in must("index", TMP / "a.tfrecord").out, "an index that is right stays")
v.check(read_index(TMP / ".a.tfrecord.index")["features"]["i"]["type"] == "int16", "with its types")

# What one file lacks is null, what is a list somewhere is one everywhere.
(TMP / "u").mkdir()
for name, query in ("a", "1 AS x, 'a' AS t"), ("b", "[2, 3] AS x, 'b' AS t, 1.5::FLOAT AS y"):
    must("convert", TMP / "small.jsonl", TMP / f"u/{name}.tfrecord", "--sql", f"SELECT {query} FROM src LIMIT 1")
    (TMP / f"u/.{name}.tfrecord.schema.json").unlink()
got = [json.loads(line) for line in must("show", TMP / "u", "--json").out.splitlines()]
v.check(got == [{"x": [1], "t": "a", "y": None}, {"x": [2, 3], "t": "b", "y": 1.5}], f"columns of two indexes: {got}")
v.end()
