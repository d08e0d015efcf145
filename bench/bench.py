"""bench.py: runs what run.sh set up; see there. Python's standard library only."""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

MODELS = ("lr", "LR"), ("fm", "FM"), ("deepfm", "DeepFM")
HIDDEN, DIM, BATCH, MICRO, BUCKETS = (400, 400, 400), 16, 4096, 512, 100000
HERE = pathlib.Path(__file__).resolve().parent
SHOAL = os.environ.get("SHOAL", "shoal")


def tell(text):
    print(text, file=sys.stderr, flush=True)


def shoal(*args):
    p = subprocess.run([SHOAL, *map(str, args)], capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"shoal {' '.join(map(str, args))}\n{p.stderr[-3000:]}")
    return p


def train(work, source, model, threads):
    """Rows a second: of the whole command, and of its steps alone."""
    out = work / "model"
    shutil.rmtree(out, ignore_errors=True)
    begin = time.perf_counter()
    shoal("train", source, "--label", "label", "--model", model, "--features", work / "features.yaml", "--epochs", 1,
          "--batch-size", BATCH, "--optimizer", "adam", "--lr", "0.001", "--threads", threads, "--seed", 1, "--out", out,
          *(["--hidden", ",".join(map(str, HIDDEN))] if model == "deepfm" else []))
    wall = time.perf_counter() - begin
    epochs = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    rows, seconds = sum(e["rows"] for e in epochs), sum(e["seconds"] for e in epochs)
    return rows / wall, rows / seconds


def peer(python, table, model, threads, rows):
    if not python:
        return None
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    p = subprocess.run([python, HERE / "peer_torch.py", table, model, str(threads), str(rows), "--batch", str(BATCH),
                        "--dim", str(DIM), "--buckets", str(BUCKETS)], capture_output=True, text=True, env=env)
    if p.returncode:
        sys.exit(f"peer_torch.py\n{p.stderr[-3000:]}")
    return json.loads(p.stdout)


def mlp_widths(model):
    """Of the MLP that was trained: its input has a column more for each number that can be missing."""
    with open(model / "model.safetensors", "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    return [header["h1.weight"]["shape"][0], *HIDDEN, 1]


def peak(work, threads, widths):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    p = subprocess.run([work / "gemm_peak", str(threads), str(MICRO), *map(str, widths[:-1])], capture_output=True,
                       text=True, check=True, env=env)
    return float(p.stdout)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=pathlib.Path), a.add_argument("--features", type=pathlib.Path)
    a.add_argument("--peer"), a.add_argument("--rows", type=int), a.add_argument("--peer-rows", type=int)
    a.add_argument("--threads")
    a = a.parse_args()
    work, parquet, tfrecord = a.work, a.work / f"log-{a.rows}.parquet", a.work / f"log-{a.rows}.tfrecord"
    (work / "features.yaml").write_text(a.features.read_text())
    if not parquet.exists():
        tell(f"making a planted log of {a.rows} rows")
        shoal("synth", "--rows", a.rows, "--seed", 1, parquet)
    if not tfrecord.exists():
        shoal("convert", parquet, tfrecord)
    result = {"format": "shoal-bench", "version": 1, "when": datetime.datetime.now().isoformat(timespec="seconds"),
              "rows": a.rows, "batch": BATCH, "train": [], "peak": []}
    print(f"{a.rows:,} planted rows, batch {BATCH}, width {DIM}, MLP {'-'.join(map(str, HIDDEN))}, Adam; rows a second\n")
    print(f"{'':8}{'threads':>8} {'Parquet':>10} {'TFRecord':>10} {'steps only':>11} {'PyTorch':>10} {'form':>7} {'ratio':>7}")
    steps_only = {}
    for name, title in MODELS:
        for threads in map(int, a.threads.split()):
            tell(f"{title} on {threads} thread(s)")
            from_parquet, steps = train(work, parquet, name, threads)
            from_tfrecord, steps2 = train(work, tfrecord, name, threads)
            p = peer(a.peer, parquet, title, threads, a.peer_rows)
            steps_only[name, threads] = max(steps, steps2)
            ratio = from_parquet / p["rows_per_second"] if p else None
            print(f"{title:8}{threads:>8} {from_parquet:>10,.0f} {from_tfrecord:>10,.0f} {max(steps, steps2):>11,.0f} "
                  + (f"{p['rows_per_second']:>10,} {p['form']:>7} {ratio:>6.1f}x" if p else f"{'-':>10}"), flush=True)
            result["train"].append({"model": name, "threads": threads, "parquet": round(from_parquet),
                                    "tfrecord": round(from_tfrecord), "steps": round(max(steps, steps2)), "peer": p,
                                    "ratio": ratio and round(ratio, 2)})
    widths = mlp_widths(work / "model")
    # forward, gradient of the weights, gradient of the input; a multiplication and an addition each
    flop = 3 * 2 * sum(m * n for m, n in zip(widths, widths[1:]))
    result.update(mlp=widths, flop_per_row=flop)
    print(f"\nDeepFM's matrix products: {flop / 1e6:.2f} MFLOP a row; peak by dnnl_sgemm at its shapes, {MICRO} rows a call")
    for threads in map(int, a.threads.split()):
        gflops = peak(work, threads, widths)
        reached = steps_only["deepfm", threads] * flop * 1e-9
        print(f"{threads:>2} thread(s): peak {gflops:.0f} GFLOP/s, reached {reached:.0f} GFLOP/s: {100 * reached / gflops:.0f} %")
        result["peak"].append({"threads": threads, "gflops": gflops, "reached": round(reached, 1),
                               "share": round(reached / gflops, 3)})
    if len(a.threads.split()) > 1:
        t = [int(t) for t in a.threads.split()]
        print(f"DeepFM's steps on {t[-1]} threads against {t[0]}: {steps_only['deepfm', t[-1]] / steps_only['deepfm', t[0]]:.2f}x")
    (work / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nfigures: {work / 'bench.json'}")


main()
