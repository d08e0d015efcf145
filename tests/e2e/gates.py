"""gates.py: `shoal explain` tells attention, gates and weights of pairs, a mean for each field or pair.

1. fwfm: the weights of the pairs are those of the model's file
2. finalmlp: the gates are those of the formula, computed here from the model's weights
3. fibinet, afm, autoint, masknet: attention sums to one; means of the log are those of its parts together
4. the same for any number of threads; a model without gates has none
label: test"""
import itertools
import json
import os
import struct

import numpy as np

from _shoal import TMP, Verdict, must

v = Verdict()
os.chdir(TMP)
FIELDS, ROWS, DIM = 5, 3000, 6
must("synth", "--rows", ROWS, "--numeric", 0, "--categorical", FIELDS, "--cardinality", 9, "--seed", 4, "log.parquet")
MIDDLE = sorted(json.loads(line)["c0"] for line in must("show", "log.parquet", "-n", ROWS, "--json").out.splitlines())[ROWS // 2]
NAMES = [f"c{i}" for i in range(FIELDS)]
PAIRS = list(itertools.combinations(range(FIELDS), 2))


def weights(model):
    with open(f"{model}/model.safetensors", "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head = json.loads(f.read(size))
        data = f.read()
    return {k: np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], "<f4").reshape(t["shape"]).astype(float)
            for k, t in head.items() if k != "__metadata__" and t["dtype"] == "F32"}


def trained(model, *more):
    must("train", "log.parquet", "--label", "label", "--model", model, "--embedding-dim", DIM, "--epochs", 5, "--lr", 0.02, "--batch-size", 100, *more,
         "--out", model)
    got = json.loads(must("explain", model, "log.parquet", "--json").out)["gates"]
    for threads in 1, 3:
        again = json.loads(must("explain", model, "log.parquet", "--json", "--threads", threads).out)["gates"]
        v.check(again == got, f"{model}: another result on {threads} threads")
    for g in got:
        sizes = [abs(w["weight"]) for w in g["weights"]]
        v.check(sizes == sorted(sizes, reverse=True), f"order: {g}")
    return got, weights(model)


def by_name(gate):
    return {tuple(w["fields"]) if "fields" in w else w["field"]: w["weight"] for w in gate["weights"]}


def near(gate, expected, what, within=1e-4):
    got = by_name(gate)
    v.check(got.keys() == expected.keys() and all(abs(got[k] - x) < within * max(1, abs(x)) for k, x in expected.items()), f"{what}: {got}, expected {expected}")


def is_mean(model, all_rows):
    """The means of the log are those of its two parts, weighted by their rows."""
    parts, rows = [], []
    for where in "c0 < 'c'", "NOT c0 < 'c'":
        j = json.loads(must("explain", model, "log.parquet", "--where", where.replace("'c'", f"'{MIDDLE}'"), "--json").out)
        parts.append(j["gates"])
        rows.append(j["rows"])
    v.check(sum(rows) == ROWS and min(rows) > 100, f"parts of {rows} rows")
    for g, x, y in zip(all_rows, *parts, strict=True):
        x, y = by_name(x), by_name(y)
        near(g, {k: (rows[0] * x[k] + rows[1] * y[k]) / ROWS for k in x}, f"{model}: means of parts", 1e-9)
        v.check(any(abs(x[k] - y[k]) > 1e-6 for k in x), f"{model}: the weights are those of no row: {x}")


pairs = {(NAMES[i], NAMES[j]): n for n, (i, j) in enumerate(PAIRS)}
got, w = trained("fwfm")
v.check([(g["layer"], g["what"]) for g in got] == [("r", "weight")], f"{got}")
near(got[0], {name: float(w["r.weight"].ravel()[n]) for name, n in pairs.items()}, "fwfm")

got, w = trained("fibinet", "--hidden", "8")
v.check([(g["layer"], g["what"]) for g in got] == [("v", "gate")] and set(by_name(got[0])) == set(NAMES), f"{got}")
is_mean("fibinet", got)
got, w = trained("afm")
v.check([(g["layer"], g["what"]) for g in got] == [("pooled", "attention")] and by_name(got[0]).keys() == pairs.keys(), f"{got}")
v.check(abs(sum(by_name(got[0]).values()) - 1) < 1e-6, f"attention does not sum to 1: {got}")
is_mean("afm", got)
got, w = trained("autoint")
v.check([(g["layer"], g["what"]) for g in got] == [(f"a{i}", "attention") for i in (1, 2, 3)], f"{got}")
v.check(all(set(by_name(g)) == set(NAMES) and abs(sum(by_name(g).values()) - 1) < 1e-6 for g in got), f"{got}")
is_mean("autoint", got)
got, _ = trained("masknet", "--hidden", "8")
v.check([(g["layer"], g["what"]) for g in got] == [(f"masked{i}", "gate") for i in (1, 2, 3)], f"{got}")
is_mean("masknet", got)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


got, w = trained("finalmlp", "--hidden", "8")
for g, n in zip(got, "12", strict=True):
    gate = 2 * sigmoid(np.maximum(w[f"c{n}.value"].ravel() @ w[f"open{n}.weight"] + w[f"open{n}.bias"], 0) @ w[f"gate{n}.weight"] + w[f"gate{n}.bias"])
    near(g, dict(zip(NAMES, gate.reshape(FIELDS, DIM).mean(1).tolist())), f"finalmlp {n}")
text = must("explain", "fwfm", "log.parquet").out
v.check("weight\n" in text and "c0, c1" in text, text)
got, _ = trained("deepfm", "--hidden", "4")
v.check(got == [] and "attention" not in must("explain", "deepfm", "log.parquet").out, f"{got}")
v.end()
