"""parquet_names.py: Parquet whose names differ only in case is refused by every command, nested names too; equal names in other places
are none of that.
label: test"""
import os

import pyarrow as pa
import pyarrow.parquet as pq

from _shoal import TMP, Verdict, must, run

v = Verdict()
os.chdir(TMP)
n = 20
label = [i % 2 for i in range(n)]
pq.write_table(pa.table({"a": list(range(n)), "A": [100 + i for i in range(n)], "label": label}), "top.parquet")
pq.write_table(pa.table({"x": pa.array([[{"b": 1, "B": 2}]] * n), "label": label}), "deep.parquet")
pq.write_table(pa.table({"b": pa.array([{"b": 1, "c": {"B": 3}}] * n), "c": label, "label": label}), "good.parquet")
for name, one, two in ("top", "A", "a"), ("deep", "B", "b"):
    path = f"{name}.parquet"
    for args in (("show", path), ("convert", path, "out.csv"), ("show", path, "--sql", "SELECT label FROM src"),
                 ("train", path, "--label", "label", "--model", "lr", "--out", "out")):
        r = run(*args)
        v.check(r.code == 3 and r.message.startswith(f"{path}: the names '{one}' and '{two}' differ only in the case of letters"), f"{args}: {r}")
v.check(not os.path.exists("out.csv"), "an output was made")
must("show", "good.parquet", "--json")
must("convert", "good.parquet", "again.parquet")
v.check(pq.read_table("again.parquet").schema.names == ["b", "c", "label"], "names of a sound table")
v.end()
