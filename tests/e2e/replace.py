"""replace.py: what is in --out stays until something better is whole, and one run at a time works there.

1. a failing `train --overwrite` leaves the finished model, its history and an unfinished run as they were
2. killed at every write, sync, rename and removal of an overwriting run, or any of them failing (builds with test hooks): the old
   model or the new one answers, never neither; the same command with --resume ends with the new one
3. a second run into an --out that is in use is refused by name; two runs share a --spool-dir
4. a run that ends before its first checkpoint leaves no spool
label: test"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run, run_json, sha256_of_weights

v = Verdict()
os.chdir(TMP)
hooked = os.environ.get("SHOAL_ASAN") or ""
pathlib.Path("few.csv").write_text("label,x,c\n" + "".join(f"{i * 7919 % 3 % 2},{i % 13},{'abc'[i % 3]}\n" for i in range(300)))


def train(out, *more, source="few.csv"):
    return ["train", source, "--label", "label", "--model", "lr", "--epochs", 2, "--batch-size", 100, "--threads", 1, "--kernels", "portable",
            "--out", out, *more]


def files(out):
    """Everything but what tells of the last command."""
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(pathlib.Path(out).rglob("*"))
            if p.is_file() and p.name not in ("run.json", "spool")}


def failing():
    must(*train("kept"))
    before = files("kept")
    pathlib.Path("bad.csv").write_text("label,x,c\n0,1,a\n7,2,b\n")
    pathlib.Path("late.csv").write_text("label,x,c\n" + "0,1,a\n1,2,b\n" * 200)
    for what, args, code in (
            ("a wrong label", train("kept", "--overwrite", source="bad.csv"), 3),
            ("a missing source", train("kept", "--overwrite", source="none.csv"), 5),
            ("a missing column", train("kept", "--overwrite", "--drop", "nothing"), 2),
            ("a wrong option", train("kept", "--overwrite", "--hidden", "4"), 2),
            ("divergence", train("kept", "--overwrite", "--optimizer", "sgd", "--lr", "1000000", "--l2", "1000", "--epochs", "50"), 8)):
        r = run(*args)
        v.check(r.code == code, f"{what}: {r}")
        now = files("kept")
        v.check(now == before, f"{what} changed {[n for n in now.keys() | before.keys() if now.get(n) != before.get(n)]}")
        if code in (3, 8):
            v.check( run_json("kept")["exit_code"] == code, f"run.json after {what}: {run_json('kept')}")
        must("eval", "kept", "few.csv")
    # over an unfinished run
    out = interrupted("part")
    before = {n: b for n, b in files(out).items() if not n.startswith("spool")}
    r = run(*train(out, "--overwrite", source="bad.csv"))
    now = files(out)
    v.check(r.code == 3 and now == before, f"an unfinished run changed: {now.keys() ^ before.keys()}: {r}")
    must(*train(out, "--overwrite"))
    v.check(sha256_of_weights(out) == sha256_of_weights("kept"), "other weights over an unfinished run")
    v.check(not [n for n in os.listdir(out) if n.startswith(".")] and not os.path.exists(f"{out}/checkpoints"), f"left: {os.listdir(out)}")


def interrupted(out):
    p = subprocess.Popen([SHOAL, *map(str, train(out, "--epochs", 1000000, "--checkpoint-every", 1))], stderr=subprocess.DEVNULL)
    while p.poll() is None and not list(pathlib.Path(out, "checkpoints").glob("step-*")):
        time.sleep(0.01)
    p.terminate()
    v.check(p.wait(60) == 6, "an interrupted run ends with 6")
    return out


def at_every_operation():
    new = ["--overwrite", "--lr", "0.05", "--checkpoint-every", "2"]
    must(*train("old"))
    must(*train("new", "--lr", "0.05"))
    weights = {sha256_of_weights("old"): "old", sha256_of_weights("new"): "new"}
    answer = {name: run("predict", name, "few.csv", "-").out for name in ("old", "new")}
    v.check(answer["old"] != answer["new"] and len(weights) == 2, "the two models differ")
    for how, code in ("-1", -signal.SIGKILL), ("28", 5):
        n, seen, step = 0, set(), 1
        while True:
            n += step
            step = 1 if n < 40 or how == "-1" else 2
            shutil.rmtree("out", ignore_errors=True)
            shutil.copytree("old", "out")
            r = run(*train("out", *new), program=hooked, env={"SHOAL_TEST_FAIL_IO": f"{n}:{how}"})
            got = run("predict", "out", "few.csv", "-")
            which = [name for name in answer if answer[name] == got.out]
            seen |= set(which)
            if not v.check(got.code == 0 and which, f"operation {n} ({how}): no model answers: {got}"):
                return
            if r.code == 0:
                break
            v.check(r.code in (code, 4), f"operation {n} ({how}): ended with {r}")
            if how != "-1" and which == ["old"] and not os.path.exists("out/checkpoints"):
                same = files("out") == files("old")
                v.check(same, f"operation {n} ({how}): {files('out').keys() ^ files('old').keys()} are not as before")
            r = run(*train("out", *new, "--resume"))
            if not v.check(r.code == 0 and weights.get(sha256_of_weights("out")) == "new", f"operation {n} ({how}), then: {r}"):
                return
            left = set(os.listdir("out")) - set(os.listdir("new"))
            v.check(not left, f"operation {n} ({how}): left {left}")
            now, want = run_json("out"), run_json("new")
            told = [k for k in ("state", "exit_code", "step", "epoch", "rows_trained", "rows_planned") if now[k] != want[k]]
            v.check(not told, f"operation {n} ({how}): run.json: {told} of {now}")
        print(f"{how}: {n} operations; the model after each was {sorted(seen)}", flush=True)
        v.check(n > 40 and seen == {"old", "new"}, f"{n} operations, {seen}")


def in_use():
    args = [SHOAL, *map(str, train("busy", "--epochs", 1000000, "--spool-dir", "spools"))]
    with subprocess.Popen(args, stderr=subprocess.DEVNULL) as p:
        while p.poll() is None and run("summary", "busy").code and not (os.path.exists("busy/run.json") and run_json("busy")["state"] == "training"):
            time.sleep(0.02)
        before = run_json("busy")["pid"]
        for more in [], ["--overwrite"], ["--resume"]:
            r = run(*train("busy", *more))
            v.check(r.code == 5 and r.message == f"busy is in use by process {p.pid} on {os.uname().nodename}; wait for it, or choose another --out",
                    f"a second run {more}: {r}")
        v.check(run_json("busy")["pid"] == before == p.pid, "run.json is the first one's")
        must(*train("beside", "--spool-dir", "spools")) # it shares the folder, not the spool
        v.check(p.poll() is None and len(os.listdir("spools")) == 1, f"one spool is left: {os.listdir('spools')}")
        p.kill()
    must(*train("busy", "--overwrite", "--spool-dir", "spools")) # the lock of a killed one is none
    v.check(os.listdir("spools") == [], f"spools left: {os.listdir('spools')}")
    v.check(not os.path.exists("busy/.lock"), "the lock is left")


def no_spool():
    for what, args, code in (("a wrong label", train("none1", source="bad.csv"), 3), ("no hidden layers", train("none2", "--hidden", "4"), 2),
                             ("a full disk", None, 5)):
        if args is None:
            r = run(*train("none3"), prefix=["sh", "-c", 'ulimit -f 2; exec "$@"', "sh"])
        else:
            r = run(*args)
        v.check(r.code == code, f"{what}: {r}")
        out = args[-1] if args and args[-2] == "--out" else ("none1", "none2", "none3")[(3, 2, 5).index(code)]
        v.check(sorted(os.listdir(out)) == ["run.json"] and run_json(out)["exit_code"] == code, f"{what} left {os.listdir(out)}")


failing()
in_use()
no_spool()
if hooked:
    at_every_operation()
else:
    print("not tried: every operation; it needs SHOAL_ASAN, a build with test hooks")
v.end()
