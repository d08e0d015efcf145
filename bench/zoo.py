"""zoo.py: runs what zoo.sh set up; see there. Python's standard library only."""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SHOAL = os.environ.get("SHOAL", "shoal")
TORCH = {"lr": "LR", "fm": "FM", "ffm": "FFM", "wide_deep": "Wide&Deep", "deepfm": "DeepFM", "dcn": "DCN", "dcnv2": "DCN-v2",
         "xdeepfm": "xDeepFM"}
BATCH, BUCKETS, WARM = 4096, 100000, 2
HEAVY = {"xdeepfm": 8}  # so many times fewer rows


def run(command, **more):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    p = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if p.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{p.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return p, time.perf_counter() - begin, after.ru_utime - before.ru_utime


def train(a, model, threads, steps):
    """Seconds of the command, of the clock and of processor time, and of the steps."""
    out = a.work / "zoo-model"
    shutil.rmtree(out, ignore_errors=True)
    ffm = model in ("ffm", "libffm")
    _, wall, user = run([SHOAL, "train", a.parquet, "--label", "label", "--model", model, "--epochs", 1, "--features",
                         a.work / ("fields.yaml" if ffm else "features.yaml"), "--batch-size", BATCH, "--steps-per-epoch",
                         steps, "--optimizer", "adagrad" if ffm else "adam", "--lr", "0.001", "--threads", threads, "--seed", 1,
                         "--out", out])
    epoch = json.loads((out / "history.jsonl").read_text().splitlines()[0])
    return wall, user, epoch["seconds"]


def shoal(a, model, threads):
    """Rows a second of the steps by the clock, and by processor time with reading and writing taken off."""
    steps = max(WARM + 1, a.rows // BATCH // HEAVY.get(model, 1))
    few, many = train(a, model, threads, WARM), train(a, model, threads, steps)
    rows = (steps - WARM) * BATCH
    return rows / (many[2] - few[2]), 1e6 * (many[1] - few[1]) / rows


def torch(a, model, threads):
    if not a.peer or model not in TORCH:
        return None
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    more = ["--dim", 4, "--forms", "rows"] if model == "ffm" else []  # whole tables of Adam's state would take 7 GB
    p, _, _ = run([a.peer, HERE / "peer_torch.py", a.parquet, TORCH[model], threads, a.peer_rows // HEAVY.get(model, 1),
                   "--batch", BATCH, "--buckets", BUCKETS, *more], env=env)
    return json.loads(p.stdout)


def libffm_rows(a):
    """The log as libffm reads it: 39 fields of one key of value 1 each."""
    text = a.work / f"log-{a.rows}.ffm"
    if not text.exists():
        numbers = ", ".join(f"coalesce(floor(ln(1 + greatest(n{k}, 0)) * 4), -1)::INTEGER + 1 + {k} * 1000" for k in range(13))
        words = ", ".join(f"(hash(c{k}) % {BUCKETS})::INTEGER + {20000 + k * BUCKETS}" for k in range(26))
        run([SHOAL, "convert", a.parquet, text, "--to", "libffm", "--sql",
             f"SELECT label, {list(range(39))} AS field, [{numbers}, {words}] AS index, {[1] * 39}::FLOAT[] AS value FROM src"])
    return text


def libffm(a, threads):
    """Rows a second by the clock and microseconds of processor time a row: of five epochs less those of one, so that reading
    and converting the text are left out."""
    if not a.libffm:
        return None
    text = libffm_rows(a)
    (_, wall, user), (_, wall5, user5) = (run([a.libffm, "-t", t, "-k", 4, "-s", threads, text, a.work / "libffm.model"], cwd=a.work)
                                     for t in (1, 5))
    return {"rows_per_second": round(4 * a.rows / max(wall5 - wall, 1e-9)), "us": round((user5 - user) * 1e6 / (4 * a.rows), 2), "form": "libffm"}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=pathlib.Path), a.add_argument("--peer"), a.add_argument("--libffm")
    a.add_argument("--rows", type=int), a.add_argument("--peer-rows", type=int)
    a.add_argument("--threads"), a.add_argument("--models")
    a = a.parse_args()
    a.parquet, result = a.work / f"log-{a.rows}.parquet", []
    features = (HERE / "criteo.features.yaml").read_text()
    (a.work / "features.yaml").write_text(features)
    (a.work / "fields.yaml").write_text(re.sub(r"type: numeric, scale: standard", "type: numeric, scale: bucket", features))
    if not a.parquet.exists():
        run([SHOAL, "synth", "--rows", a.rows, "--seed", 1, a.parquet])
    print(f"{a.rows:,} planted rows, batch {BATCH}; load {' '.join(f'{x:.1f}' for x in os.getloadavg())}. Of the steps: rows a second by")
    print("the clock, and microseconds of processor time a row, which is what counts where others use the machine.\n")
    print(f"{'':16}{'':8}{'Shoal':>16}{'':5}{'peer':>16}\n{'':16}{'threads':>8}{'rows/s':>11}{'us a row':>10}{'rows/s':>11}{'us a row':>10}  form    ratio of us")
    for model in a.models.split():
        for threads in map(int, a.threads.split()):
            rate, cost = shoal(a, model, threads)
            p = libffm(a, threads) if model == "libffm" else torch(a, model, threads)
            print(f"{model:16}{threads:>8}{rate:>11,.0f}{cost:>10.2f}"
                  + (f"{p['rows_per_second']:>11,}{p['us']:>10.2f}  {p['form']:8}{p['us'] / cost:>6.1f}" if p else ""), flush=True)
            result.append({"model": model, "threads": threads, "rows_per_second": round(rate), "us": round(cost, 2), "peer": p,
                           "load": os.getloadavg()})
    (a.work / "zoo.json").write_text(json.dumps(result, indent=1) + "\n")


main()
