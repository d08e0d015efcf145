"""presets.py: --preset and --set.
1. every preset of presets/ trains, and the run has the settings that its file says;
2. a preset gives the model that its text gives as a run file; run file and command line win over it, in any order of words;
3. keys of --set are the command line's before the preset's, and change the network as the YAML would;
4. a resume with another preset, or without it, is refused by name;
5. --lr-schedule plateau takes a tenth after each epoch without a better validation, also when the run was cut in two.
label: test"""
import json
import os
import re
import signal
import subprocess

from _shoal import SHOAL, SRC, TMP, Verdict, must, run, sha256_of_weights

v = Verdict()
os.chdir(TMP)
must("synth", "--rows", 300, "--numeric", 0, "--categorical", 10, "--cardinality", 20, "--seed", 1, "train.parquet")
must("synth", "--rows", 100, "--skip", 300, "--numeric", 0, "--categorical", 10, "--cardinality", 20, "--seed", 1, "valid.parquet")
DATA = ["train.parquet", "--label", "label", "--valid", "valid.parquet", "--kernels", "portable"]
DCN = "bars/criteo_x4/dcn"


def train(out, *more, data=DATA):
    must("train", *data, *more, "--out", out, "--overwrite")
    return json.load(open(f"{out}/model.json"))


def names():
    listed = re.findall(r"^  ([a-z][a-z0-9_/]*)(?: |$)", must("--presets").out, re.M)
    files = [os.path.relpath(os.path.join(at, f), SRC / "presets")[:-5] for at, _, fs in os.walk(SRC / "presets") for f in fs]
    v.check(listed == sorted(listed) and set(listed) == set(files) and len(files) > 50, f"--presets tells {listed}, there are {files}")
    return sorted(files)


def every_one():
    for name in names():
        text = (SRC / f"presets/{name}.yaml").read_text()
        v.check(must("--presets", name).out == text, f"--presets {name}")
        v.check(text.startswith("# ") and "# Source: " in text, f"{name} does not say what it is and where it is from")
        settings = train("out", "--preset", name, "--epochs", 1)["settings"]
        said = dict(re.findall(r"^([a-z0-9-]+): ([^\[\n]+)$", text, re.M))
        v.check(settings["preset"] == name and len(said) > 5, f"{name}: {settings}")
        for key, value in said.items():
            v.check(settings[key] == ("1" if key == "epochs" else value), f"{name}: {key} is {settings[key]}, not {value}")


def who_wins():
    (TMP / "dcn.yaml").write_text(must("--presets", DCN).out)
    small = ["--hidden", "8,8", "--epochs", 2]
    train("preset", "--preset", DCN, *small)
    train("file", *small, data=["dcn.yaml", *DATA])
    v.check(sha256_of_weights("preset") == sha256_of_weights("file"), "a preset is not what its text is")
    train("other", "--lr", 0.5, *small, "--preset", DCN)
    s = train("last", "--preset", DCN, *small, "--lr", 0.5)["settings"]
    v.check(s["lr"] == "0.5" and s["batch-size"] == "10000" and s["hidden"] == ["8", "8"], f"settings {s}")
    v.check(sha256_of_weights("other") == sha256_of_weights("last"), "the order of words counts")
    (TMP / "run.yaml").write_text(f"preset: {DCN}\nlr: 0.25\nbatch-size: 100\nhidden: [8]\n")
    s = train("run", "--batch-size", 50, data=["run.yaml", *DATA, "--epochs", 1])["settings"]
    v.check((s["lr"], s["batch-size"], s["embedding-update"]) == ("0.25", "50", "dense"), f"run file over preset: {s}")
    plan = json.loads(must("plan", *DATA, "--preset", DCN, *small, "--json").out)
    v.check(plan["batch"] == 10000, f"plan: {plan}")


def layer(model, name):
    return next(one for entry in model["model"]["layers"] for one in entry.values() if one["name"] == name)


def settings_of_layers():
    m = train("set", "--set", "cross.layers=2,h1.batch_norm=true", "--preset", DCN, "--hidden", "8,8", "--epochs", 1)
    v.check(layer(m, "cross")["layers"] == 2 and layer(m, "h1")["batch_norm"] is True and layer(m, "e")["init_std"] == 0.0001, str(m["model"]))
    m = train("cin", "--model", "xdeepfm", "--hidden", "4", "--set", "cin.layers=[3, 5],cin.split_half=false", "--epochs", 1)
    v.check(layer(m, "cin")["layers"] == [3, 5], str(m["model"]))
    lines = (SRC / "models/dcn.yaml").read_text().replace("layers: 3}", "layers: 2}").replace("units: 400", "units: 8")
    (TMP / "mine.yaml").write_text(lines)
    train("yaml", "--model", "mine.yaml", "--epochs", 1)
    train("option", "--model", "dcn", "--set", "cross.layers=2", "--hidden", "8,8,8", "--epochs", 1)
    v.check(sha256_of_weights("yaml") == sha256_of_weights("option"), "--set is not as the YAML")
    network = "{layers: [{embedding: {name: e, dim: 4}}, {dense: {units: 1, input: [e, numeric]}}]}"
    train("inline", "--model", network, "--epochs", 1)
    (TMP / "block.yaml").write_text("model:\n  layers:\n    - embedding: {name: e, dim: 4}\n    - dense: {units: 1, input: [e, numeric]}\n")
    train("block", "--epochs", 1, data=["block.yaml", *DATA])
    v.check(sha256_of_weights("inline") == sha256_of_weights("block"), "a network in the run file")


def resumes():
    long = ["train", *DATA, "--preset", DCN, "--hidden", "8", "--epochs", 100000, "--patience", 0, "--batch-size", 10, "--out", "cut"]
    cut(long)
    for more, was in ([], f"'{DCN}'"), (["--preset", "bars/avazu_x4/dcn"], f"'{DCN}'"):
        again = [x for x in long if x not in ("--preset", DCN)] + more
        r = run(*again, "--lr", 0.001, "--resume")
        v.check(r.code == 2 and "cannot resume" in r.message, f"{more}: {r}")
    r = run(*long, "--resume", "--set", "cross.layers=2")
    v.check(r.code == 2 and "cannot resume: 'set" in r.message, f"{r}")


def cut(command):
    """Ends a run by Ctrl-C after a few epochs."""
    p = subprocess.Popen([SHOAL, *map(str, command)], stderr=subprocess.DEVNULL)
    while not os.path.exists(f"{command[-1]}/history.jsonl") or len(open(f"{command[-1]}/history.jsonl").readlines()) < 3:
        if p.poll() is not None:
            raise SystemExit(f"{command} ended by itself with {p.returncode}")
    p.send_signal(signal.SIGINT)
    v.check(p.wait(60) == 6, f"an interrupted run ended with {p.returncode}")


def plateaus():
    base = ["train", *DATA, "--model", "lr", "--lr", 1, "--lr-schedule", "plateau", "--patience", 0, "--monitor", "auc-logloss", "--batch-size", 10]
    must(*base, "--epochs", 12, "--out", "falls")
    lr = 1.0
    history = [json.loads(line) for line in open("falls/history.jsonl")]
    for h in history:
        v.check(abs(h["lr"] - lr) < 1e-12, f"epoch {h['epoch']}: lr {h['lr']}, expected {lr}")
        lr = max(lr * (1 if h["best"] else 0.1), 1e-6)
    v.check(lr < 1e-3, f"the rate has not fallen: {lr}")
    best = max(history, key=lambda h: h["valid"]["auc"] - h["valid"]["logloss"])
    v.check(json.load(open("falls/model.json"))["best"]["epoch"] == best["epoch"], "auc-logloss does not choose the best epoch")
    whole = [*base, "--epochs", 400, "--out", "whole"]
    must(*whole)
    parts = [*base, "--epochs", 400, "--out", "parts"]
    cut(parts)
    must(*parts, "--resume")
    v.check(sha256_of_weights("whole") == sha256_of_weights("parts"), "a cut run with plateaus has other weights")
    r = must("train", "train.parquet", "--label", "label", "--model", "lr", "--lr-schedule", "plateau", "--epochs", 1, "--out", "alone")
    v.check("--lr-schedule plateau has no effect without --valid" in r.err, r.err)


every_one()
who_wins()
settings_of_layers()
resumes()
plateaus()
v.end()
