"""spills.py: queries that compute end when they are asked to, and killed processes leave no temporary data for long.

1. SIGINT and SIGTERM in the midst of a query that gives no row: code 6, the output as it was, nothing left in TMPDIR
2. the folder of a sort that was killed (-9) goes with the next command, that of a live process stays
3. the spool below --spool-dir of a killed run whose OUT was removed goes with the next run there, and no other one does
label: test"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run

v = Verdict()
os.chdir(TMP)
temporary = TMP / "temporary"
temporary.mkdir()
os.environ["TMPDIR"] = str(temporary)
pathlib.Path("few.csv").write_text("label,x,c\n" + "".join(f"{i * 7919 % 3 % 2},{i % 13},{'abc'[i % 3]}\n" for i in range(300)))
must("convert", "few.csv", "few.parquet")
must("train", "few.csv", "--label", "label", "--model", "lr", "--epochs", 1, "--out", "model")
NO_ROWS = ("SELECT a.label, a.x, a.c FROM src a, range(100000000000) b WHERE sqrt(b.range) = -1",                  # filters for ages
           "SELECT label, x, c FROM src, range(3000000000) b ORDER BY hash(b.range), x",                           # sorts for ages
           "SELECT any_value(a.label) AS label, sum(a.x) AS x, 'a' AS c FROM src a, range(100000000000) b")        # sums up for ages


def start(*args):
    """A command whose query has been computing for a while."""
    p = subprocess.Popen([SHOAL, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for _ in range(6000):
        ticks = pathlib.Path(f"/proc/{p.pid}/stat").read_text().rsplit(")", 1)[1].split()[11]
        if p.poll() is not None or int(ticks) >= 30:
            return p
        time.sleep(0.01)
    return p


def interrupted():
    pathlib.Path("old.csv").write_text("as it was\n")
    for sql in NO_ROWS:
        for number, source, args in (
                (signal.SIGTERM, "few.parquet", ("show", "few.parquet")),
                (signal.SIGINT, "few.parquet", ("convert", "few.parquet", "old.csv", "--overwrite")),
                (signal.SIGTERM, "few.csv", ("convert", "few.csv", "old.csv", "--overwrite")),
                (signal.SIGTERM, "few.csv", ("eval", "model", "few.csv")),
                (signal.SIGINT, "few.parquet", ("train", "few.parquet", "--label", "label", "--model", "lr", "--out", "none"))):
            p = start(*args, "--sql", sql)
            p.send_signal(number)
            try:
                err = p.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                p.kill()
                err = "it goes on and on"
            v.check(p.returncode == 6, f"{args} {sql}: {p.returncode}: {err}")
            v.check(err.splitlines()[-1].startswith("shoal: interrupted"), f"{args} {sql}: {err}")
            v.check(pathlib.Path("old.csv").read_text() == "as it was\n", f"{args}: the output changed")
            left = [*os.listdir(temporary), *(n for n in os.listdir(".") if n.startswith("."))]
            v.check(not left, f"{args}: left {left}")
    v.check(sorted(os.listdir("none")) == ["run.json"], f"an interrupted reading left {os.listdir('none')}")


def spilled(p):
    for _ in range(6000):
        if p.poll() is not None or any(f.stat().st_size for f in temporary.glob(f".shoal-spill.tmp-{p.pid}*/*")):
            return
        time.sleep(0.01)


def killed():
    dead, live = (start("show", "few.csv", "--sql", NO_ROWS[1]) for _ in range(2))
    spilled(dead)
    spilled(live)
    dead.kill()
    dead.wait()
    v.check(any(temporary.glob(f".shoal-spill.tmp-{dead.pid}*/*")), f"nothing was spilled: {os.listdir(temporary)}")
    v.check(all(f.stat().st_mode & 0o77 == 0 for f in temporary.iterdir()), "others can read what was spilled")
    must("show", "few.parquet")
    v.check(not any(temporary.glob(f".shoal-spill.tmp-{dead.pid}*")), f"left: {os.listdir(temporary)}")
    v.check(any(temporary.glob(f".shoal-spill.tmp-{live.pid}*")), f"the live one's went: {os.listdir(temporary)}")
    live.terminate()
    live.wait()
    v.check(not os.listdir(temporary), f"left: {os.listdir(temporary)}")


def spooling(out):
    """A run whose spool is whole."""
    p = subprocess.Popen([SHOAL, "train", "few.csv", "--label", "label", "--model", "lr", "--epochs", "1000000", "--checkpoint-every", "1", "--out", out,
                          "--spool-dir", "spools"], stderr=subprocess.DEVNULL)
    while p.poll() is None and not list(pathlib.Path(out, "checkpoints").glob("step-*")):
        time.sleep(0.01)
    return p


def orphans():
    os.mkdir("spools")
    pathlib.Path("spools/mine.txt").write_text("somebody's")
    gone, kept, live = spooling("gone"), spooling("kept"), spooling("live")
    for p in gone, kept:
        p.kill()
        p.wait()
    v.check(len(os.listdir("spools")) == 4, f"spools: {os.listdir('spools')}")
    shutil.rmtree("gone")
    live.send_signal(signal.SIGSTOP)
    os.rename("live", "moved")
    must("train", "few.csv", "--label", "label", "--model", "lr", "--epochs", 1, "--out", "next", "--spool-dir", "spools")
    v.check(len(os.listdir("spools")) == 3 and os.path.exists("spools/mine.txt"), f"spools: {os.listdir('spools')}")
    live.terminate()
    live.send_signal(signal.SIGCONT)
    v.check(live.wait(60) in (5, 6), f"the moved run ended with {live.returncode}")
    r = run("train", "few.csv", "--label", "label", "--model", "lr", "--epochs", 1000000, "--checkpoint-every", 1, "--out", "kept", "--spool-dir", "spools",
            "--resume", "--stall-timeout", 100, prefix=("timeout", "--preserve-status", "-s", "TERM", "5"))
    v.check(r.code == 6 and "resuming at step" in r.err and "of the source" not in r.err, f"the kept spool serves: {r}")
    shutil.rmtree("kept")
    shutil.rmtree("live", ignore_errors=True) # it may have come back
    must("train", "few.csv", "--label", "label", "--model", "lr", "--epochs", 1, "--out", "last", "--spool-dir", "spools")
    v.check(os.listdir("spools") == ["mine.txt"], f"spools: {os.listdir('spools')}")


interrupted()
killed()
orphans()
v.end()
