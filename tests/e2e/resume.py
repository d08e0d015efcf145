"""resume.py: a run that is killed at any moment and started again by the same command ends with the same bytes.

1. kill -9 at random times, in a loop of one command: lr, fm and deepfm on each kernel set that this processor has, the other
   models on the last of these; in the long form every model on every set, many times, by other draws
2. the process killed at every single write, fsync and rename of its checkpoints (builds with test hooks)
3. run.json counts only the rows after the last checkpoint
4. changed data and changed settings are refused by name
5. SIGTERM saves and ends with its own code
label: test
long: yes"""
import os
import random
import re
import shutil
import signal
import subprocess
import time

from _shoal import LONG, SHOAL, SRC, TMP, Verdict, must, run, run_json, sha256_of_weights

v = Verdict()
hooked = os.environ.get("SHOAL_ASAN") or ""
log, short_log, valid = TMP / "log.parquet", TMP / "short.parquet", TMP / "valid.parquet"
must("synth", "--rows", 20000, "--seed", 5, log)
must("synth", "--rows", 6000, "--seed", 7, short_log)
must("synth", "--rows", 2000, "--seed", 6, valid)


def small(model):
    """A model of the zoo with little work a row, and the options that make it so."""
    text = (SRC / "models" / f"{model}.yaml").read_text()
    file = TMP / f"{model}.yaml"
    file.write_text(text.replace("layers: [128, 128]", "layers: [12, 8]"))
    more = ["--hidden", "32,16", "--dropout", 0.2] if re.search(r"^  - dense: .*units: \d\d", text, re.M) else []
    return file, more + (["--embedding-dim", 8] if re.search(r"^  - embedding:", text, re.M) else [])


def command(model, out, *more, data=log):
    file, options = small(model)
    return ["train", data, "--label", "label", "--model", file, "--valid", valid, "--epochs", 3, "--batch-size", 500, *options, "--seed", 11, "--checkpoint-every", 7, "--resume", "--threads", 2, "--out", out, *more]


def fresh(name):
    shutil.rmtree(TMP / name, ignore_errors=True)
    return TMP / name


def usable_kernels():
    sets = []
    for k in ("portable", "avx2", "avx512"):
        r = run("train", log, "--label", "label", "--model", "lr", "--epochs", 1, "--steps-per-epoch", 1, "--kernels", k,
                "--out", fresh("probe"))
        sets += [k] if r.code == 0 else []
    return sets


def kill_at_random(model, kernels, kills, data=log, seed=0):
    want_out, out = fresh("want"), fresh("killed")
    begin = time.monotonic()
    must(*command(model, want_out, "--kernels", kernels, data=data))
    whole = time.monotonic() - begin
    draw = random.Random(f"{model} {kernels} {seed}")
    for killed in range(kills + 1):
        # an early moment first: every run is killed once at least
        wait = draw.uniform(0.05, 0.3 if killed == 0 else 0.7) * whole
        p = subprocess.Popen([SHOAL, *map(str, command(model, out, "--kernels", kernels, data=data))], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        try:
            p.wait(timeout=wait if killed < kills else 300) # the last try is left alone
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
    error = p.stderr.read().decode() if p.returncode else ""
    v.check(p.returncode == 0, f"{model} on {kernels}: the loop ended with {p.returncode}: {error[-500:]}")
    same = p.returncode == 0 and sha256_of_weights(out) == sha256_of_weights(want_out)
    v.check(same, f"{model} on {kernels}: other weights after {killed} kills")
    v.check(killed > 0, f"{model} on {kernels}: the run ended before it could be killed")
    print(f"{model} on {kernels}: killed {killed} times, same weights: {same}", flush=True)


def kill_at_every_operation():
    """The n-th write, fsync or rename kills the process; the same command then has to end well. Every n up to the run's last."""
    few = TMP / "few.csv"
    few.write_text("label,x,c\n" + "".join(f"{i * 7919 % 3 % 2},{i % 13},{'abc'[i % 3]}\n" for i in range(300)))

    def on_few(out):
        return ["train", few, "--label", "label", "--model", "lr", "--valid", few, "--epochs", 2, "--batch-size", 100,
                "--checkpoint-every", 2, "--resume", "--threads", 1, "--out", out]
    want_out = fresh("want")
    must(*on_few(want_out), program=hooked)
    want, n = sha256_of_weights(want_out), 0
    while True:
        n += 1
        out = fresh("killed")
        r = run(*on_few(out), program=hooked, env={"SHOAL_TEST_FAIL_IO": f"{n}:-1"})
        if r.code == 0:
            break
        if not v.check(r.code == -signal.SIGKILL, f"operation {n}: ended with {r}"):
            return
        r = run(*on_few(out)) # the plain build gives the same bits
        if not v.check(r.code == 0 and sha256_of_weights(out) == want, f"killed at operation {n}, then: {r}"):
            return
    print(f"killed at each of {n - 1} writes, fsyncs and renames")
    v.check(n > 20, f"only {n} operations were tried")


def rows_counted():
    out = fresh("counted")
    steps = -(-20000 // 500)
    must(*command("lr", out, "--kernels", "portable"))
    whole = run_json(out)
    v.check(whole["rows_trained"] == 60000 and whole["rows_read_this_run"] == 60000, f"whole run: {whole}")
    # killed once checkpoints of the second epoch are there
    out = fresh("counted")
    p = subprocess.Popen([SHOAL, *map(str, command("deepfm", out))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while p.poll() is None and not list((out / "checkpoints").glob("step-0*[5-9]*")):
        time.sleep(0.002)
    p.kill()
    p.wait()
    saved = max((int(f.name[5:]) for f in (out / "checkpoints").glob("step-*") if f.name[5:].isdigit()), default=0)
    if not v.check(saved > 0, "no checkpoint was seen while training"):
        return
    must(*command("deepfm", out))
    j = run_json(out)
    left = 60000 - (saved // steps * 20000 + min(saved % steps * 500, 20000))
    v.check(j["resumed_from_step"] == saved, f"resumed from step {saved}: {j}")
    v.check(j["rows_read_this_run"] == left, f"{left} rows are left after step {saved}: {j}")
    v.check(j["rows_trained"] == 60000 and j["state"] == "finished" and j["exit_code"] == 0, f"at the end: {j}")


def interrupted(out, *more):
    """A run that SIGTERM ended in order; its exit code."""
    p = subprocess.Popen([SHOAL, *map(str, command("deepfm", out, *more))], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while p.poll() is None and not list((out / "checkpoints").glob("step-0*")):
        time.sleep(0.002)
    p.send_signal(signal.SIGTERM)
    p.send_signal(signal.SIGTERM) # as GNU timeout does, to the process and to its group
    error = p.communicate()[1].decode()
    return p.returncode, error


def refusals():
    out = fresh("refused")
    code, error = interrupted(out)
    if not v.check(code == 6, f"SIGTERM ends with 6, not {code}: {error[-500:]}"):
        return
    v.check(run_json(out)["state"] == "interrupted" and run_json(out)["exit_code"] == 6, f"run.json says {run_json(out)}")
    r = run(*command("deepfm", out, "--lr", "0.5"))
    v.check(r.code == 2 and "cannot resume" in r.message and "'lr'" in r.message, f"changed --lr: {r}")
    r = run(*command("deepfm", out, "--batch-size", "250"))
    v.check(r.code == 2 and "'batch-size'" in r.message, f"changed --batch-size: {r}")
    r = run(*command("fm", out))
    v.check(r.code == 2 and "cannot resume" in r.message, f"changed --model: {r}")
    other = TMP / "other.parquet"
    must("synth", "--rows", 20000, "--seed", 99, other)
    kept = log.read_bytes()
    log.write_bytes(other.read_bytes())
    r = run(*command("deepfm", out))
    v.check(r.code == 3 and "log.parquet" in r.message, f"changed data: {r}")
    log.write_bytes(kept)
    r = run(*command("deepfm", out, "--threads", 1))
    v.check(r.code == 0, f"the same data and settings, another number of threads: {r}")
    want = fresh("want")
    must(*command("deepfm", want))
    v.check(sha256_of_weights(out) == sha256_of_weights(want), "other weights after an interruption")


sets = usable_kernels()
v.check("portable" in sets, f"portable kernels run everywhere: {sets}")
first = ["lr", "fm", "deepfm"]
others = sorted({f.stem for f in (SRC / "models").glob("*.yaml")} - set(first))
for k in sets:
    for m in first:
        kill_at_random(m, k, 6)
for m in others:
    kill_at_random(m, sets[-1], 2, short_log)
for seed in range(1, 6 if LONG else 1):
    for k in sets:
        for m in first + others:
            kill_at_random(m, k, 8, short_log, seed)
rows_counted()
refusals()
if hooked:
    kill_at_every_operation()
else:
    print("not tried: killing at every operation; it needs SHOAL_ASAN, a build with test hooks")
v.end()
