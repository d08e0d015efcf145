# label: test
"""Makes the n-th allocation, and the n-th write, sync or rename, fail in every command, for n = 1, 2, ... until nothing
fails any more (in steps that grow, so that the whole of a run is covered). Whatever fails: one line, the right exit code, no
half-written output, nothing leaked or touched wrongly (the program is the one with address sanitizer)."""
import os
import shutil
import subprocess
import sys

shoal = os.environ.get("SHOAL_ASAN")
if not shoal:
    print("no build with sanitizers")
    sys.exit(77)

CSV = "clicks.csv"
with open(CSV, "w", encoding="utf-8") as f:
    f.write("click,user,price\n")
    for i in range(300):
        f.write(f"{i * 7919 % 3 % 2},u{i * 31 % 17},{i * 37 % 101 / 8}\n")

MODEL = ["--label", "click", "--model", "fm", "--epochs", "1", "--batch-size", "64", "--seed", "1", "--threads", "1"]


def run(args, **environment):
    return subprocess.run([shoal, *args], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300)


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    if os.path.exists(path):
        os.remove(path)


# What is made once, whole, for the commands that read it.
for args in (["convert", CSV, "whole.tfrecord"], ["train", CSV, *MODEL, "--out", "whole"]):
    done = run(args)
    if done.returncode:
        sys.exit(f"{args}: {done.stderr}")

# name, arguments, the output that must be whole or absent
COMMANDS = [
    ("convert", ["convert", CSV, "out.tfrecord"], "out.tfrecord"),
    ("show", ["show", "whole.tfrecord", "-n", "5"], None),
    ("check", ["check", "whole.tfrecord"], None),
    ("train", ["train", CSV, *MODEL, "--out", "out"], "out"),
    ("train", ["train", CSV, *MODEL, "--preset", "xlearn/fm", "--set", "e.dim=3", "--profile", "--out", "out"], "out"),
    ("plan", ["plan", CSV, *MODEL, "--spool-dir", "spool"], "spool"),
    ("eval", ["eval", "whole", CSV], None),
    ("explain", ["explain", "whole", CSV, "--json"], None),
    ("predict", ["predict", "whole", CSV, "out.csv"], "out.csv"),
]
FAULTS = [("SHOAL_TEST_FAIL_ALLOC", 4), ("SHOAL_TEST_FAIL_IO", 5)]
RUNS_MAX = 60  # a fault and command

bad = runs = failures = 0
for name, args, output in COMMANDS:
    for variable, code in FAULTS:
        n, fine_in_a_row = 1, 0
        for _ in range(RUNS_MAX):
            if output:
                fresh(output)
            done = run(args, **{variable: str(n)})
            runs += 1
            lines = [x for x in done.stderr.splitlines() if x.startswith("shoal: ") and not x.startswith("shoal: warning")]
            wrong = None
            if "Sanitizer" in done.stderr or "runtime error" in done.stderr:
                wrong = "a sanitizer complains"
            elif done.returncode not in (0, code):
                wrong = f"exit code {done.returncode}, expected {code}"
            elif done.returncode and len(lines) != 1:
                wrong = f"{len(lines)} error lines, expected one"
            elif done.returncode and output and os.path.isfile(output):
                wrong = "a failed run left its output"
            if wrong:
                bad += 1
                print(f"{name} with {variable}={n}: {wrong}\n{done.stderr[-3000:]}")
            failures += done.returncode != 0
            fine_in_a_row = 0 if done.returncode else fine_in_a_row + 1
            if fine_in_a_row >= 3:
                break
            n += 1 if n < 20 else n // 6
            if bad >= 10:
                sys.exit("too many; stopped")
print(f"{runs} runs, {failures} failed as they had to, {bad} wrong")
sys.exit(1 if bad or not failures else 0)
