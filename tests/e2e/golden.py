"""golden.py: the text formats and a folder of shards are written byte for byte as on the day that tests/golden has them from,
and what that day wrote is read as the same rows; the history of a run says the same. SHOAL_GOLDEN_WRITE=1 writes it anew.
label: check"""
import json
import math
import os
import shutil

from _shoal import SRC, TMP, Verdict, must

GOLDEN = SRC / "tests/golden"
# A row a line: extremes of numbers, text that has to be quoted, the ends of time, nulls, empty lists.
ROWS = """SELECT * FROM (VALUES
 (1, true, (-9223372036854775807 - 1)::BIGINT, 18446744073709551615::UBIGINT, 0.1::FLOAT, 5e-324::DOUBLE, 'plain', '\\x00\\xFFa'::BLOB,
  DATE '2026-11-24', TIMESTAMP '1969-12-31 23:59:59.5', TIMESTAMPTZ '2026-11-24 13:05:07+02', TIME '23:59:59.000001', -12345.6700::DECIMAL(18,4), [1, 2], {'a': 1, 'b': 'x'}, MAP {'k': 0.5}),
 (2, false, 9223372036854775807, 0, 'nan', '-inf', 'a "quoted", one', '', DATE '0001-01-01', TIMESTAMP 'infinity', TIMESTAMPTZ '-infinity', TIME '00:00:00', 0, [], {'a': NULL, 'b': ''}, MAP {}),
 (3, NULL, NULL, NULL, '-0.0', 1e300, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, true, 0, 1, 16777216, 0.1, 'é 🐟' || chr(10) || ' second line ', 'ab'::BLOB, DATE 'infinity', TIMESTAMP '2000-01-01', TIMESTAMPTZ '2000-01-01 00:00:00+00', TIME '12:00:00', 0.0001, [NULL, 3], {'a': 2, 'b': '"'}, MAP {'k': 1e-7, 'l': NULL})
) AS t(id, flag, i, u, f, d, text, bytes, day, moment, zoned, clock, price, list, point, weights) ORDER BY id"""
PLAIN = "SELECT id::INTEGER AS id, flag, i, f, text, bytes, day, moment, clock, list_filter(list, v -> v IS NOT NULL)::SMALLINT[] AS list FROM (" + ROWS + ")"
SVM = """SELECT label::FLOAT AS label, {field}index::BIGINT[] AS index, value::FLOAT[] AS value FROM (VALUES
 (1, [0, 3, 1], [1, 9223372036854775807, 7], [0.5, 1, -0.1]), (0, [], [], []), (-1, [2], [5], [1e-45]), (0.25, [9, 9], [3, 3], ['nan'::FLOAT, 'inf'::FLOAT]))
 AS t(label, field, index, value)"""
# The file, and the query that fills it.
FILES = {"table.csv": ROWS, "table.jsonl": ROWS, "rows.libsvm": SVM.format(field=""), "rows.libffm": SVM.format(field="field::INTEGER[] AS field, "),
         "folder": PLAIN}
v = Verdict()
(TMP / "one.csv").write_text("a\n1\n")


def same(name, written, kept):
    if os.environ.get("SHOAL_GOLDEN_WRITE"):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(written, kept)
    v.check(kept.exists() and written.read_bytes() == kept.read_bytes(), f"{name} differs from the golden file: {written.read_bytes()[:600]}")


for name, query in FILES.items():
    must("convert", TMP / "one.csv", TMP / name, "--sql", query)
    kept = GOLDEN / "table" / name
    for part in sorted((TMP / name).iterdir()) if name == "folder" else ():
        same(f"{name}/{part.name}", part, kept / part.name)
    if name != "folder":
        same(name, TMP / name, kept)
    shown = must("show", kept, "--json").out
    v.check(shown == must("show", TMP / name, "--json").out and len(shown.splitlines()) == 4, f"rows of the golden {name}: {shown}")
v.check("all sound" in must("check", GOLDEN / "table" / "folder").out, "the golden folder is sound")
v.check(sorted(p.name for p in (GOLDEN / "table/folder").iterdir()) == sorted(p.name for p in (TMP / "folder").iterdir()), "the folder holds the same files")

# The weights of `portable` are the same everywhere.
must("synth", "--rows", 600, "--seed", 3, TMP / "log.parquet")
must("train", TMP / "log.parquet", "--label", "label", "--valid", TMP / "log.parquet", "--model", "lr", "--kernels", "portable", "--epochs", 2, "--batch-size", 100,
     "--seed", 3, "--out", TMP / "out")
def close(a, b):
    """Metrics go through logarithms of the machine's library, whose last digit may differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(list(a[k]) == list(b[k]) if k == "times" else k == "seconds" or close(a[k], b[k]) for k in a)
    return math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b and type(a) is type(b)


history = GOLDEN / "history.jsonl"
if os.environ.get("SHOAL_GOLDEN_WRITE"):
    shutil.copy(TMP / "out/history.jsonl", history)
lines, kept = [[json.loads(line) for line in path.read_text().splitlines()] for path in (TMP / "out/history.jsonl", history)]
v.check(len(lines) == 2 == len(kept) and all(close(a, b) for a, b in zip(lines, kept)), f"history.jsonl differs from the golden file: {lines}")
v.check(all(isinstance(line["seconds"], float) for line in lines), f"seconds: {lines}")
v.end()
