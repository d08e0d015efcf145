"""plan.py: what `shoal plan` predicts beside what the run then reads and needs; what it refuses; nothing is left behind.
label: test, sanitize: yes"""
import json
import os
import pathlib
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run, run_json

v = Verdict()
scratch = TMP / "scratch"
scratch.mkdir()
env = {"TMPDIR": str(scratch)}
ROWS = 150000


def plan(*args):
    r = run("plan", *args, "--json", env=env)
    return json.loads(r.out) if r.out else r


def size(path):
    return sum(f.stat().st_size for f in pathlib.Path(path).rglob("*") if f.is_file())


small = ["--categorical", 6, "--numeric", 2, "--cardinality", 20000]
must("synth", "--rows", ROWS, "--seed", 5, *small, TMP / "log.parquet")
must("synth", "--rows", 3000, "--seed", 6, *small, TMP / "valid.parquet")
options = ["--label", "label", "--model", "fm", "--embedding-dim", 4, "--epochs", 2, "--valid", TMP / "valid.parquet"]

p = plan(TMP / "log.parquet", *options)
v.check(p["train"]["rows"] == ROWS and p["train"]["exact"] is True, f"footers count rows: {p['train']}")
v.check(p["valid"]["rows"] == 3000, f"validation rows: {p['valid']}")
v.check(p["sample_rows"] == 131072, f"a sample of the rows is tried: {p['sample_rows']}")
v.check(p["steps"] == -(-ROWS // 4096) and p["epochs"] == 2, f"steps: {p['steps']}")
v.check(min(p["rows_per_second"].values()) > 0 and p["seconds"]["training"] > 0, f"times: {p}")
out = TMP / "out"
must("train", TMP / "log.parquet", *options, "--checkpoint-every", 10, "--out", out)
weights = (out / "model.safetensors").stat().st_size
v.check(p["model_bytes"]["least"] * 0.9 <= weights <= p["model_bytes"]["most"], f"the model has {weights} bytes: {p['model_bytes']}")
v.check(abs(p["model_bytes"]["expected"] - weights) < 0.3 * weights, f"the model has {weights} bytes: {p['model_bytes']}")

# the spool, from a run that is stopped in the middle
stopped = TMP / "stopped"
job = subprocess.Popen([SHOAL, "train", TMP / "log.parquet", *map(str, options), "--epochs", "1000", "--patience", "0", "--checkpoint-every", "1", "--out",
                        stopped], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while job.poll() is None and not list((stopped / "checkpoints").glob("step-*")):
    time.sleep(0.01)
job.terminate()
packs = sum(f.stat().st_size for f in stopped.rglob("*.pack")) if job.wait() == 6 else 0
v.check(packs and abs(p["spool_bytes"] - packs) < 0.02 * packs, f"the spool has {packs} bytes: {p['spool_bytes']} ({job.returncode})")

# fewer rows than the sample: everything is known
whole = plan(TMP / "valid.parquet", *options[:6])
v.check(whole["train"]["rows"] == 3000 and whole["table_rows"]["least"] == whole["table_rows"]["most"], f"all rows were tried: {whole}")
few = plan(TMP / "log.parquet", *options, "--sql", "SELECT * FROM src WHERE n0 > 100000")
v.check(isinstance(few, dict) or few.code == 3, f"a filter that leaves nothing: {few}")

# other formats: rows from an index, or from the heads of files and never far off
for ending in ("csv", "jsonl", "tfrecord", "tfrecord.gz"):
    must("convert", TMP / "log.parquet", TMP / f"log.{ending}")
    t = plan(TMP / f"log.{ending}", *options)["train"]
    v.check(abs(t["rows"] - ROWS) < 0.03 * ROWS, f"{ending}: {t}")
    v.check(t["exact"] == ("tfrecord" in ending) and (t["rows"] == ROWS or not t["exact"]), f"{ending}: an index counts: {t}")
    v.check(t["bytes"] == (TMP / f"log.{ending}").stat().st_size, f"{ending}: {t}")

(TMP / ".log.tfrecord.gz.index").unlink()
t = plan(TMP / "log.tfrecord.gz", *options)["train"]
v.check(not t["exact"] and abs(t["rows"] - ROWS) < 0.03 * ROWS, f"without an index: {t}")

# columns that are not used are not read
drop = plan(TMP / "log.parquet", *options, "--drop", "c0,c1,c2,c3")
v.check(drop["columns"] == 9 and drop["columns_used"] == 5 and drop["train"]["read_bytes"] < 0.6 * p["train"]["read_bytes"], f"--drop: {drop}")

# what cannot fit is refused, and not tried
(TMP / "huge.yaml").write_text("label: label\nfeatures:\n  c0: {type: categorical, encoding: hash, buckets: 1000000000}\n")
r = run("plan", TMP / "log.parquet", "--label", "label", "--features", TMP / "huge.yaml", "--embedding-dim", 1000, env=env)
v.check(r.code == 4 and "this run cannot fit: it needs " in r.message and "hash the largest vocabularies (c0 (1.0G))" in r.message, f"a huge table: {r}")
v.check("time         not tried" in r.out, f"a huge table: {r}")
r = run("plan", "-", "--format", "csv", "--label", "label", env=env)
v.check(r.code == 2 and "cannot be known before it is read" in r.message, f"standard input: {r}")
# a sorted table: the sample has one label only
must("synth", "--rows", 200000, "--seed", 5, *small, "--sort-by-label", TMP / "sorted.parquet")
v.check(isinstance(plan(TMP / "sorted.parquet", *options), dict), "a table sorted by its label")
v.check(not os.listdir(scratch), f"left behind: {os.listdir(scratch)}")
v.end()
