"""events.py: TensorBoard's own reader reads the events of a run, also of one that was interrupted and resumed.
label: test"""
import json
import math
import signal
import subprocess
import time

from _shoal import SHOAL, SKIP, TMP, Verdict, must

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("not tried: there is no tensorboard package")
    raise SystemExit(SKIP)

v = Verdict()
log, valid = TMP / "log.parquet", TMP / "valid.parquet"
must("synth", "--rows", 20000, "--seed", 5, log)
must("synth", "--rows", 2000, "--seed", 6, valid)


def command(out):
    return ["train", log, "--label", "label", "--model", "deepfm", "--valid", valid, "--epochs", 3, "--batch-size", 500,
            "--hidden", "32,16", "--checkpoint-every", 7, "--resume", "--out", out]


def scalars(out):
    a = EventAccumulator(str(out / "tensorboard"))
    a.Reload()
    return {tag: a.Scalars(tag) for tag in a.Tags()["scalars"]}


def judge(out, name):
    got = scalars(out)
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    v.check([h["epoch"] for h in history] == [1, 2, 3], f"{name}: epochs of the history: {history}")
    v.check([h["step"] for h in history] == [40, 80, 120], f"{name}: steps of the history: {history}")
    for tag in ("loss", "lr", "rows_per_second", "valid/auc", "valid/logloss", "valid/calibration"):
        if not v.check(tag in got, f"{name}: no scalar {tag} in {sorted(got)}"):
            continue
        steps = [e.step for e in got[tag]]
        v.check(steps == sorted(set(steps)), f"{name}: steps of {tag} do not ascend: {steps}")
        v.check(all(math.isfinite(e.value) for e in got[tag]), f"{name}: {tag} is not finite")
    for tag, key in (("valid/auc", "auc"), ("valid/logloss", "logloss")):
        events = {e.step: e.value for e in got.get(tag, [])}
        for h in history:
            seen = events.get(h["step"])
            v.check(seen is not None and abs(seen - h["valid"][key]) < 1e-6, f"{name}: {tag} at {h['step']}: {seen}, {h}")


must(*command(TMP / "whole"))
judge(TMP / "whole", "whole run")

out = TMP / "resumed"
for kind in (signal.SIGTERM, signal.SIGKILL):
    before = len(list((out / "checkpoints").glob("step-*"))) if out.exists() else 0
    p = subprocess.Popen([SHOAL, *map(str, command(out))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while p.poll() is None and time.monotonic() < end and len(list((out / "checkpoints").glob("step-*"))) <= before:
        time.sleep(0.002)
    p.send_signal(kind)
    p.wait()
must(*command(out))
judge(out, "resumed run")
v.end()
