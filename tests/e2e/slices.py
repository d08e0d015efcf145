"""slices.py: quality within groups and slices (`--group-by`, `--slice`) against an independent computation by NumPy.

1. eval: AUC, GAUC with row weights and ties, groups of one class; AUC, log loss and calibration of every value of a column
2. the same with 1 MiB of memory, where everything is spilled, and for any number of threads
3. train: GAUC of the validation rows is that of eval; `--monitor gauc` keeps the best epoch, also when the run was interrupted
label: test"""
import csv
import json
import math
import os
import sys

from _shoal import TMP, Verdict, must

try:
    import numpy as np
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

v = Verdict()
os.chdir(TMP)
ROWS = 60000
must("synth", "--rows", ROWS, "--seed", 3, "--cardinality", 500, "--numeric", 2, "--categorical", 4, "log.parquet")
must("synth", "--rows", ROWS, "--skip", ROWS, "--seed", 3, "--cardinality", 500, "--numeric", 2, "--categorical", 4, "raw.parquet")
# whole weights of 0 to 3, users of a few rows each, and a column with missing values
must("convert", "raw.parquet", "test.parquet", "--sql",
     "SELECT *, CAST(n0 AS BIGINT) % 4 AS w0, abs(hash(c0, c1)) % 9000 AS user, CASE WHEN c2 < '8' THEN c1 || '-' || (abs(hash(c2)) % 20) END AS part FROM src")
must("convert", "test.parquet", "test2.parquet", "--sql", "SELECT * EXCLUDE (w0), CASE WHEN w0 IS NULL OR w0 < 0 THEN 1 ELSE w0 END AS weight FROM src")
must("train", "log.parquet", "--label", "label", "--model", "lr", "--epochs", 1, "--lr", 0.02, "--out", "model")
must("predict", "model", "test2.parquet", "scores.csv", "--keep", "label,weight,user,part")
with open("scores.csv", newline="") as f:
    table = list(csv.DictReader(f))
label, weight = (np.array([float(r[c]) for r in table]) for c in ("label", "weight"))
p = np.array([float(r["prediction"]) for r in table])
user = np.array([r["user"] for r in table])
part = np.array([r["part"] for r in table])


def auc(rows):
    """Weighted, ties counted half: by the sums of weights below each distinct score."""
    y, w, s = label[rows], weight[rows], p[rows]
    levels, at = np.unique(s, return_inverse=True)
    negative = np.bincount(at, w * (y == 0), len(levels))
    positive = np.bincount(at, w * (y == 1), len(levels))
    if not negative.sum() or not positive.sum():
        return None
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / negative.sum() / positive.sum())


def near(a, b, tolerance=1e-6):
    return a is None and b is None or a is not None and b is not None and abs(a - b) <= tolerance * max(1, abs(b))


def split(column):
    order = np.argsort(column, kind="stable")
    values, starts = np.unique(column[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:])))


def evaluate(*more):
    j = json.loads(must("eval", "model", "test2.parquet", "--weight", "weight", "--json", "--group-by", "user", "--slice", "part,weight",
                        "--slice-values", 30, *more).out)
    return {k: x for k, x in j.items() if k != "seconds"}


def groups_and_slices():
    got = evaluate()
    users = [(weight[rows].sum(), auc(rows)) for rows in split(user).values()]
    mixed = [(w, a) for w, a in users if a is not None]
    want = sum(w * a for w, a in mixed) / sum(w for w, _ in mixed)
    v.check(got["groups"] == len(users) and got["groups_mixed"] == len(mixed) < len(users), f"{got['groups_mixed']} of {got['groups']} groups")
    v.check(near(got["gauc"], want), f"GAUC {got['gauc']}, NumPy has {want}")
    v.check(near(got["auc"], auc(slice(None))), f"AUC {got['auc']}, NumPy has {auc(slice(None))}")
    v.check(abs(got["gauc"] - got["auc"]) > 1e-4, "groups change nothing")
    columns = {s["column"]: s for s in got["slices"]}
    by_part = split(part)
    v.check(len(by_part) > 31 and columns["part"]["values"] == len(by_part), f"{columns['part']['values']} values")
    v.check(len(columns["part"]["slices"]) == 31, "30 values and the missing ones")
    listed = 0
    counts = [len(rows) for rows in by_part.values()]
    for s in columns["part"]["slices"]:
        rows = by_part[s["value"] or ""]
        y, w, q = label[rows], weight[rows], p[rows]
        loss = -(w * np.where(y == 1, np.log(q), np.log1p(-q))).sum() / w.sum()
        v.check(s["rows"] == len(rows) and near(s["weight"], w.sum()) and near(s["auc"], auc(rows)) and near(s["logloss"], loss, 1e-5)
                and near(s["calibration"], (w * q).sum() / (w * y).sum(), 1e-5), f"slice {s}")
        listed += len(rows)
    sizes = [s["rows"] for s in columns["part"]["slices"][:-1]]
    v.check(sizes == sorted(sizes, reverse=True) and columns["part"]["slices"][-1]["value"] is None, f"order of slices: {sizes}")
    v.check(columns["part"]["other_rows"] == ROWS - listed and columns["part"]["other_values"] == len(counts) - 31, "the rest")
    v.check([s["value"] for s in columns["weight"]["slices"]][-1:] != [None] and len(columns["weight"]["slices"]) == len(np.unique(weight)),
            "values of a number")
    for more in ["--memory", "1M"], ["--threads", 1], ["--threads", 3]:
        v.check(evaluate(*more) == got, f"another result with {more}")
    text = must("eval", "model", "test2.parquet", "--group-by", "user", "--slice", "part").out
    v.check(f"of {len(users)} groups of user: those of both classes" in text and "(missing) " in text and "more values in" in text, text)


def training():
    run = ["train", "log.parquet", "--label", "label", "--model", "lr", "--lr", 0.05, "--epochs", 4, "--patience", 0, "--valid", "test2.parquet",
           "--group-by", "user", "--kernels", "portable"]
    must(*run, "--monitor", "gauc", "--out", "judged")
    history = [json.loads(line)["valid"] for line in open("judged/history.jsonl")]
    best = json.load(open("judged/model.json"))
    values = [h["gauc"] for h in history]
    v.check(best["best"]["monitor"] == "gauc" and best["best"]["epoch"] == 1 + values.index(max(values)), f"{best['best']} of {values}")
    j = json.loads(must("eval", "judged", "test2.parquet", "--group-by", "user", "--json").out)
    v.check(all(near(j[k], best["metrics"]["valid"][k], 1e-12) for k in ("gauc", "groups", "groups_mixed", "auc")), f"{j} and {best['metrics']}")
    v.check(all(math.isfinite(x) for x in values), f"{values}")


groups_and_slices()
training()
v.end()
