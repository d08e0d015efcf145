"""_shoal.py: what the end-to-end tests share: running the program, small tables, digests, and a verdict at the end."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

SHOAL = os.environ.get("SHOAL", "shoal")
SRC = pathlib.Path(os.environ.get("SRC", pathlib.Path(__file__).resolve().parents[2]))
TMP = pathlib.Path(os.environ.get("TMP", "."))
SKIP = 77
LONG = os.environ.get("SHOAL_LONG") == "1" # `make test-full`


class Ended:
    """How a command ended: code, out, err (texts)."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        lines = [line for line in err.splitlines() if line.startswith("shoal: ")]
        self.message = lines[-1][len("shoal: "):] if lines else ""

    def __repr__(self):
        return f"exit code {self.code}\n--- out\n{self.out[-2000:]}\n--- err\n{self.err[-2000:]}"


def run(*args, program=None, env=None, stdin=None, timeout=300, prefix=()):
    p = subprocess.run([*prefix, program or SHOAL, *map(str, args)], capture_output=True, stdin=stdin, timeout=timeout,
                       env={**os.environ, **(env or {})})
    return Ended(p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace"))


def must(*args, **kw):
    """Runs a command that has to succeed."""
    r = run(*args, **kw)
    if r.code != 0:
        sys.exit(f"shoal {' '.join(map(str, args))}\n{r}")
    return r


def sha256_of_weights(out):
    """One digest over the weights of a model folder; there must be some."""
    h, files = hashlib.sha256(), sorted(pathlib.Path(out).glob("*.safetensors"))
    if not files:
        sys.exit(f"{out} holds no *.safetensors")
    for f in files:
        h.update(f.read_bytes())
    return h.hexdigest()


def run_json(out):
    return json.loads((pathlib.Path(out) / "run.json").read_text())


class Verdict:
    """Counts what held and what did not; `end` exits with 1 when anything did not."""

    def __init__(self):
        self.good = self.bad = 0

    def check(self, holds, what):
        if holds:
            self.good += 1
        else:
            self.bad += 1
            print(f"FAILED: {what}", flush=True)
        return holds

    def end(self):
        print(f"{self.good} checks held, {self.bad} did not")
        sys.exit(1 if self.bad or not self.good else 0)
