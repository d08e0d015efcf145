"""predict.py: predictions as other readers see them: one a row, in order, kept columns unchanged, probabilities that give
the metrics of `shoal eval`; the same bytes for any number of threads; all or nothing.
label: test"""
import json
import math

from _shoal import SKIP, TMP, Verdict, must, run

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    print("not tried: there is no pyarrow package")
    raise SystemExit(SKIP)

v = Verdict()
train, test, model = TMP / "train.parquet", TMP / "test.parquet", TMP / "model"
must("synth", "--rows", 20000, "--seed", 5, train)
must("synth", "--rows", 5000, "--seed", 6, TMP / "plain.parquet")
plain = pq.read_table(TMP / "plain.parquet")
rows = plain.append_column("row_id", pa.array(range(plain.num_rows), pa.int64()))
rows = rows.append_column("note", pa.array([None if i % 7 == 0 else f"row {i} é" for i in range(plain.num_rows)]))
pq.write_table(rows, test, row_group_size=700)
must("train", train, "--label", "label", "--model", "deepfm", "--epochs", 1, "--batch-size", 500, "--hidden", "32,16",
     "--out", model)


def predict(dst, *more, src=test):
    must("predict", model, src, dst, *more)
    return pq.read_table(dst)


def auc(p, y):
    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order]
    _, first, count = np.unique(p, return_index=True, return_counts=True)
    rank = np.repeat(first + (count + 1) / 2, count)
    positive = y.sum()
    return (rank[y == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(y) - positive))


got = predict(TMP / "p.parquet", "--keep", "row_id", "--keep", "note", "--keep", "label")
v.check(got.schema.names == ["row_id", "note", "label", "prediction"], f"columns: {got.schema}")
v.check(got.schema.field("prediction").type == pa.float32(), f"type: {got.schema}")
for name in ("row_id", "note", "label"):
    v.check(got.column(name).to_pylist() == rows.column(name).to_pylist(), f"column {name} was changed")
p = got.column("prediction").to_numpy().astype(float)
y = got.column("label").to_numpy().astype(float)
v.check(bool(((p > 0) & (p < 1)).all()), "predictions are probabilities")

said = json.loads(must("eval", model, test, "--json").out)
v.check(said["rows"] == 5000, f"eval counts rows: {said}")
v.check(abs(said["auc"] - auc(p, y)) < 1e-6, f"auc {said['auc']}, of the predictions {auc(p, y)}")
logloss = -(y * np.log(p) + (1 - y) * np.log1p(-p)).mean()
v.check(abs(said["logloss"] - logloss) < 1e-5, f"logloss {said['logloss']}, of the predictions {logloss}")
v.check(abs(said["calibration"] - p.mean() / y.mean()) < 1e-5, f"calibration {said['calibration']}")
v.check(math.isclose(said["mean_label"], y.mean(), rel_tol=1e-9), f"mean label {said['mean_label']}")

alone = predict(TMP / "alone.parquet")
v.check(alone.schema.names == ["prediction"], f"without --keep: {alone.schema}")
for threads in (1, 2, 7):
    again = predict(TMP / f"t{threads}.parquet", "--threads", threads)
    v.check(again.equals(alone), f"other predictions on {threads} threads")
    e = json.loads(must("eval", model, test, "--json", "--threads", threads).out)
    v.check(all(e[k] == said[k] for k in ("auc", "logloss", "calibration")), f"other metrics on {threads} threads: {e}")

no_label = TMP / "no_label.parquet"
pq.write_table(rows.drop_columns(["label"]), no_label)
v.check(predict(TMP / "n.parquet", src=no_label).equals(alone), "a label column is not needed and not used")

must("predict", model, test, TMP / "p.csv", "--keep", "row_id")
lines = (TMP / "p.csv").read_text().splitlines()
v.check(len(lines) == 5001 and lines[0].replace('"', "") == "row_id,prediction", f"csv: {lines[:2]}")
must("predict", model, test, TMP / "p.tfrecord", "--keep", "row_id")
v.check(must("show", TMP / "p.tfrecord", "--json", "-n", 1).out.count("prediction") == 1, "tfrecord can be shown")

for args, code, words in (
        (["--keep", "nothing"], None, "nothing"),
        (["--keep", "prediction"], 2, "prediction"),
        (["--keep", "row_id", "--keep", "row_id"], 2, "row_id")):
    dst = TMP / "refused.parquet"
    r = run("predict", model, test, dst, *args)
    v.check(r.code in ((2, 3) if code is None else (code,)) and words in r.message, f"{args}: {r}")
    v.check(not dst.exists(), f"{args}: an output is there")
r = run("predict", model, test, TMP / "p.parquet")
v.check(r.code != 0 and "p.parquet" in r.message, f"an output that exists is kept: {r}")
must("predict", model, test, TMP / "p.parquet", "--overwrite")

missing = TMP / "missing.parquet"
feature = next(n for n in plain.schema.names if n != "label")
pq.write_table(rows.drop_columns([feature]), missing)
r = run("predict", model, missing, TMP / "refused.parquet")
v.check(r.code in (2, 3) and feature in r.message and not (TMP / "refused.parquet").exists(), f"without {feature}: {r}")
r = run("predict", TMP, test, TMP / "refused.parquet")
v.check(r.code == 3 and "model.json" in r.message, f"a folder that is no model: {r}")

shown = must("summary", model).out
v.check("Total" in shown or "total" in shown.lower(), f"summary: {shown}")
v.check(json.loads(must("summary", model, "--json").out).get("trained") is True, "summary --json says it is trained")
v.check("embedding" in must("summary", "deepfm").out, "summary of a zoo name")
v.end()
