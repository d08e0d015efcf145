"""changing.py: a file that is written to, cut, replaced or removed while it is read ends the reading with 3, by its name.

A reader of the output that does not read holds the command in the midst of the file; a run is held by SIGSTOP between its passes.
label: test"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run_json

v = Verdict()
os.chdir(TMP)
ROWS = 50000
must("synth", "rows.parquet", "--rows", ROWS, "--seed", 1)
must("synth", "other.parquet", "--rows", ROWS, "--seed", 2)
for name in "rows", "other":
    must("convert", f"{name}.parquet", f"{name}.tfrecord")
    must("convert", f"{name}.parquet", f"{name}.jsonl")


def grow(path):
    with open(path, "ab") as f:
        f.write(b"{}\n" if path.endswith("jsonl") else b"\0" * 64)


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def replace(path):
    shutil.copy("other" + pathlib.Path(path).suffix, "next")
    os.rename("next", path)


def while_shown(path, change):
    p = subprocess.Popen([SHOAL, "show", path, "-n", str(10 * ROWS), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.read(1) # the first rows are there
    change(path)
    err = p.communicate(timeout=100)[1].decode()
    return p.returncode, err


def while_trained(path, change):
    shutil.rmtree("out", ignore_errors=True)
    p = subprocess.Popen([SHOAL, "train", path, "--label", "label", "--model", "lr", "--epochs", "1", "--out", "out"], stderr=subprocess.PIPE, text=True)
    while p.poll() is None and not os.path.exists("out/spool/.train.pack.tmp-1"):
        time.sleep(0.001)
    p.send_signal(signal.SIGSTOP)
    change(path)
    p.send_signal(signal.SIGCONT)
    err = p.communicate(timeout=100)[1]
    v.check(not os.path.exists("out/model.json") and run_json("out")["exit_code"] == p.returncode, f"{path}: a model of changed data")
    return p.returncode, err


for held in while_shown, while_trained:
    for ending in "parquet", "tfrecord", "jsonl":
        for change in grow, cut, replace, os.unlink:
            path = f"x.{ending}"
            shutil.copy(f"rows.{ending}", path)
            code, err = held(path, change)
            last = err.splitlines()[-1] if err else ""
            what = f"{held.__name__} {path} {change.__name__}"
            if held is while_trained and change is os.unlink:
                v.check(code in (3, 5) and path in last, f"{what}: {code} {err[-300:]}")
            else:
                v.check(code == 3 and last.startswith(f"shoal: {path}"), f"{what}: {code} {err[-300:]}")
v.end()
