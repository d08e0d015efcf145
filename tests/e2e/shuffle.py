"""shuffle.py: convert --shuffle puts rows where their draws say, whatever fits in memory, for every type, and leaves nothing behind.

1. the order is that of docs/types.md, computed here; each part of the output has rows of every part of the input, as chance has it
2. the same bytes for 1, 2 and 7 threads and any --memory: all in memory, or in buckets
3. values of all types that Parquet holds survive: nulls, empty lists and texts, lists of lists, structs, maps, decimals
label: test"""
import os

import pyarrow as pa
import pyarrow.parquet

from _shoal import TMP, Verdict, must

v = Verdict()
temporary = TMP / "temporary"
temporary.mkdir()
os.environ["TMPDIR"] = str(temporary)
ROWS = 150_000
GOLDEN, MASK, USE_ROWS = 0x9E3779B97F4A7C15, 2**64 - 1, 2


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def fold(key, coordinate):
    return mix(key ^ mix(coordinate + GOLDEN & MASK))


def order(seed, rows):
    key = fold(fold(fold(mix(seed + GOLDEN & MASK), USE_ROWS), 0), 0)
    return sorted(range(rows), key=lambda i: mix(key + (i + 1) * GOLDEN & MASK) ^ 1 << 63)


(TMP / "one.csv").write_text("a\n1\n")
must("convert", TMP / "one.csv", TMP / "ids.parquet", "--sql",
     f"SELECT range AS id, repeat('text ' || range, 1 + range % 20) AS t, range % 7 = 0 AS b FROM range({ROWS})")
want = order(5, ROWS)
first = None
for threads, memory in ((1, "256M"), (2, "256M"), (7, "16M"), (2, "1M")):
    out = TMP / "mixed"
    must("convert", TMP / "ids.parquet", out, "--to", "tfrecord", "--max-file-size", "2M", "--shuffle", "--seed", 5, "--threads", threads, "--memory", memory, "--overwrite")
    files = {f.name: f.read_bytes() for f in sorted(out.iterdir())}
    v.check(files == (first or files), f"{threads} threads, {memory}: other files than before")
    first = first or files
    v.check(not os.listdir(temporary), f"{threads} threads, {memory}: left {os.listdir(temporary)}")
v.check(sum(name.endswith(".tfrecord") for name in first) > 5, f"shards: {sorted(first)}")
must("convert", TMP / "mixed", TMP / "back.parquet")
back = pa.parquet.read_table(TMP / "back.parquet").to_pydict()
v.check(back["id"] == want, "the order is not that of the draws")
v.check(all(t == f"text {i}" * (1 + i % 20) and b == (i % 7 == 0) for i, t, b in zip(back["id"], back["t"], back["b"])), "values are of other rows")
PARTS = 16
cells = [[0] * PARTS for _ in range(PARTS)]
for at, i in enumerate(back["id"]):
    cells[at * PARTS // ROWS][i * PARTS // ROWS] += 1
mean = ROWS / PARTS**2
chi2 = sum((n - mean) ** 2 / mean for row in cells for n in row)
v.check(140 < chi2 < 330, f"chi square of {(PARTS - 1) ** 2} degrees of freedom is {chi2}")

# 3. all types
N = 3000
some = range(N)
fields = {
    "i8": pa.array([None if i % 5 == 0 else i % 256 - 128 for i in some], pa.int8()),
    "u16": pa.array([i % 65536 for i in some], pa.uint16()),
    "i64": pa.array([-i * 10**12 for i in some], pa.int64()),
    "f32": pa.array([None if i % 11 == 0 else i / 8 for i in some], pa.float32()),
    "f64": pa.array([i / 7 for i in some], pa.float64()),
    "b": pa.array([None if i % 3 == 0 else i % 2 == 0 for i in some], pa.bool_()),
    "t": pa.array([None if i % 13 == 0 else "é" * (i % 40) for i in some], pa.utf8()),
    "z": pa.array([bytes([i % 256]) * (i % 5) for i in some], pa.binary()),
    "d": pa.array([i for i in some], pa.int32()).cast(pa.date32()),
    "ts": pa.array([i * 10**9 for i in some], pa.timestamp("us")),
    "tz": pa.array([None if i % 4 == 0 else i * 10**9 for i in some], pa.timestamp("us", "UTC")),
    "dec": pa.array([None if i % 17 == 0 else i for i in some], pa.int64()).cast(pa.decimal128(30, 5)),
    "l": pa.array([None if i % 6 == 0 else list(range(i % 4)) for i in some], pa.list_(pa.int32())),
    "lt": pa.array([[None if k == 1 else "x" * k for k in range(i % 5)] for i in some], pa.list_(pa.utf8())),
    "ll": pa.array([[[i], [], [i, i + 1]][: i % 4] for i in some], pa.list_(pa.list_(pa.int64()))),
    "s": pa.array([None if i % 7 == 0 else {"a": i, "b": [str(i)] * (i % 3)} for i in some], pa.struct([("a", pa.int32()), ("b", pa.list_(pa.utf8()))])),
    "m": pa.array([[(f"k{k}", None if k == 2 else k) for k in range(i % 4)] for i in some], pa.map_(pa.utf8(), pa.int32())),
}
table = pa.table(fields)
pa.parquet.write_table(table, TMP / "types.parquet", row_group_size=700)
want = order(9, N)
plain = must("convert", TMP / "types.parquet", TMP / "plain.parquet")
plain = pa.parquet.read_table(TMP / "plain.parquet")
for memory in ("256M", "1M"):
    must("convert", TMP / "types.parquet", TMP / "mixed.parquet", "--shuffle", "--seed", 9, "--memory", memory, "--overwrite")
    got = pa.parquet.read_table(TMP / "mixed.parquet")
    v.check(got.schema.equals(plain.schema), f"{memory}: another schema: {got.schema}")
    for name in fields:
        v.check(got[name].to_pylist() == plain[name].take(pa.array(want)).to_pylist(), f"{memory}: column {name} differs")
v.end()
