"""json_output.py: with --json every command writes one JSON object a line to standard output and nothing else; lines for
people stay on standard error; what goes to a pipe is not said to have been read back; docs/json.md names every field.
label: check
sanitize: yes"""
import json
import os
import pathlib
import subprocess

from _shoal import SHOAL, SRC, TMP, Verdict, must, run

v = Verdict()
os.chdir(TMP)
DOC = (SRC / "docs/json.md").read_text()
must("synth", "--rows", 2000, "--seed", 1, "--numeric", 2, "--categorical", 2, "--cardinality", 20, "a.parquet")
must("synth", "--rows", 300, "--skip", 2000, "--seed", 1, "--numeric", 2, "--categorical", 2, "--cardinality", 20, "b.csv")


def objects(*args, **kw):
    """The objects that a command writes; each line has to be one."""
    r = run(*args, "--json", **kw)
    found = []
    v.check(r.code == 0 and r.out.endswith("\n"), f"{args}: {r}")
    for line in r.out.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append(None)
    v.check(found and all(isinstance(j, dict) for j in found), f"{args}: not one object a line: {r.out[:300]}")
    for j in found:
        for key in j or ():
            v.check(f"`{key}`" in DOC or args[0] in ("show", "plan", "summary"), f"docs/json.md does not name '{key}' of {args[0]}")
    return found or [{}]


v.check(objects("synth", "--rows", 10, "--seed", 1, "s.csv")[0]["path"] == "s.csv", "synth names its output")
got = objects("convert", "a.parquet", "a.tfrecord")
v.check(len(got) == 1 and got[0]["rows"] == 2000 and got[0]["path"] == "a.tfrecord" and got[0]["seconds"] >= 0, f"convert: {got}")
v.check(objects("convert", "a.tfrecord", "q.csv", "--on-error", "quarantine")[0]["damage"] == {"places": 0, "bytes": 0, "missing_records": 0}, "damage")
got = objects("check", "a.tfrecord")
v.check(got == [{"file": "a.tfrecord", "rows": 2000, "ok": True}], f"check: {got}")
v.check(objects("index", "a.tfrecord")[0]["records"] == 2000, "index")
v.check([j["name"] for j in objects("show", "a.parquet", "--schema")] == ["label", "n0", "n1", "c0", "c1"], "show --schema")
v.check(objects("show", "a.parquet", "--count") == [{"rows": 2000}], "show --count")
v.check(len(objects("show", "a.parquet", "-n", 3)) == 3, "show")
v.check(len(objects("plan", "a.parquet", "--label", "label", "--model", "lr")) == 1, "plan")
v.check(len(objects("summary", "deepfm")) == 1, "summary of a name")

# train: a line an epoch, as in history.jsonl, and the result
train = "train", "a.parquet", "--label", "label", "--model", "lr", "--epochs", 2, "--valid", "b.csv", "--out", "m"
got = objects(*train)
history = [json.loads(line) for line in pathlib.Path("m/history.jsonl").read_text().splitlines()]
v.check(got[:2] == history and [j["epoch"] for j in got[:2]] == [1, 2], f"the history of train: {got}")
end, model = got[-1], json.loads(pathlib.Path("m/model.json").read_text())
v.check(len(got) == 3 and end["path"] == "m" and end["rows"] == 4000 and end["steps"] == 2 and end["epochs"] == 2, f"the result of train: {end}")
v.check(end["valid"] == model["metrics"]["valid"] and end["best"] == model["best"], f"the best of train: {end}")
again = objects(*train, "--resume")
v.check(len(again) == 1 and {k: x for k, x in again[0].items() if k != "seconds"} == {k: x for k, x in end.items() if k != "seconds"},
        f"a run that is finished tells its result: {again}")
r = run("train", "a.parquet", "--label", "label", "--model", "lr", "--epochs", 1, "--out", "plain")
v.check(r.code == 0 and r.out == "", f"train without --json writes nothing to standard output: {r.out}")
v.check(objects("train", "a.parquet", "--label", "label", "--model", "lr", "--epochs", 1, "--out", "m1")[-1]["valid"] is None, "no validation")

# A reader that went away does not end a run; a full disk is told at its end.
p = subprocess.Popen([SHOAL, *map(str, train[:-1]), "m2", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdout.close()
err = p.stderr.read().decode()
v.check(p.wait() == -13 and "warning: standard output takes no more: the run goes on, its history is in m2/history.jsonl" in err, f"a closed pipe: {err}")
v.check(json.loads(pathlib.Path("m2/run.json").read_text())["state"] == "finished" and run("eval", "m2", "b.csv").code == 0, "its model is there")
with open("/dev/full", "w", encoding="utf-8") as full:
    p = subprocess.run([SHOAL, *map(str, train[:-1]), "m3", "--json"], stdout=full, stderr=subprocess.PIPE, check=False)
v.check(p.returncode == 5 and run("eval", "m3", "b.csv").code == 0, f"a full disk: {p.stderr.decode()}")

got = objects("eval", "m", "b.csv")
v.check(got[0]["rows"] == 300 and got[0]["path"] == "m", f"eval: {got}")
got = objects("predict", "m", "b.csv", "p.csv")
v.check(got[0]["rows"] == 300 and got[0]["path"] == "p.csv", f"predict: {got}")
v.check(len(objects("summary", "m")) == 1, "summary")

# Rows on standard output are all that is there, by whatever name; a pipe is not read back, and nobody says so.
for name in "-", "/dev/stdout":
    for command in ("convert", "a.parquet"), ("predict", "m", "a.parquet"), ("synth", "--rows", 2000):
        r = run(*command, name, "--json", "--to", "csv")
        v.check(r.code == 0 and r.out.count("\n") == 2001 and "{" not in r.out, f"{command} {name}: {r}")
os.mkfifo("pipe")
for more in (), ("--json",):
    with subprocess.Popen(["wc", "-l", "pipe"], stdout=subprocess.PIPE) as reader:
        r = run("convert", "a.parquet", "pipe", "--to", "csv", *more)
        v.check(reader.stdout.read().split()[0] == b"2001", "the pipe has the rows")
    v.check(r.code == 0 and "read back" not in r.err and "2000 rows" in r.err + ("2000 rows" if more else ""), f"a pipe: {r}")
v.check("read back and counted" in must("convert", "a.parquet", "c.csv").err, "a file is read back")
v.end()
