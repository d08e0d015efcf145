"""_lives.py: what every kind of feature has to stand: the same weights for any number of threads, on every kernel set where that is
promised, after kills and on a second day, and the other commands on its model. The days are CSV or JSON lines in TMP."""
import json
import shutil
import signal
import subprocess
import time

from _shoal import SHOAL, TMP, must, run, sha256_of_weights

KERNELS = ("portable", "avx2", "avx512")


class Life:
    """A model of some features on a first day; `promised`: all kernel sets give the same bytes (models without matrix products)."""

    def __init__(self, v, name, features, first, second, *options, model="lr", promised=True):
        self.v, self.name, self.first, self.second, self.options, self.promised = v, name, first, second, options, promised
        self.features = TMP / f"{name}.features.yaml"
        self.features.write_text("label: label\nfeatures:\n" + "".join(f"  {line}\n" for line in features))
        self.model = model

    def command(self, out, *more, kernels="portable", features=None):
        return ["train", TMP / self.first, "--features", features or self.features, "--model", self.model, "--epochs", 3, "--batch-size", 256,
                "--lr", 0.02, "--kernels", kernels, "--out", TMP / out, *self.options, *more]

    def train(self, out, *more, **kw):
        shutil.rmtree(TMP / out, ignore_errors=True)
        return must(*self.command(out, *more, **kw))

    def go_on(self, out, *more):
        shutil.rmtree(TMP / out, ignore_errors=True)
        must("train", TMP / self.second, "--init-from", TMP / self.name, "--epochs", 1, "--batch-size", 256, "--kernels", "portable",
             "--out", TMP / out, *more)

    def same(self, out, want, what):
        self.v.check(sha256_of_weights(TMP / out) == sha256_of_weights(TMP / want), f"{self.name}: other weights {what}")

    def exact(self):
        for threads in 1, 7:
            self.train("again", "--save-state", "--threads", threads)
            self.same("again", self.name, f"with {threads} threads")
        self.train("again", "--save-state", features=TMP / self.name / "features.yaml")
        self.same("again", self.name, "from the features file that the run wrote")
        for kernels in KERNELS[1:]:
            shutil.rmtree(TMP / "again")
            r = run(*self.command("again", "--save-state", kernels=kernels))
            if r.code and kernels in r.err:
                print(f"skipped: kernel set {kernels}: {r.message}")
            elif self.promised:
                self.same("again", self.name, f"with {kernels}")
            else:
                want = sha256_of_weights(TMP / "again")
                self.train("again", "--save-state", "--threads", 7, kernels=kernels)
                self.v.check(sha256_of_weights(TMP / "again") == want, f"{self.name}: other weights with {kernels} and 7 threads")

    def killed(self):
        shutil.rmtree(TMP / "killed", ignore_errors=True)
        command, kills = self.command("killed", "--save-state", "--checkpoint-every", 7, "--resume"), 0
        for least in 7, 35:
            p = subprocess.Popen([SHOAL, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while p.poll() is None and not any(int(f.name[5:17]) >= least for f in (TMP / "killed/checkpoints").glob("step-*")):
                time.sleep(0.001)
            p.kill()
            kills += p.wait() == -signal.SIGKILL
        must(*command)
        self.v.check(kills > 0, f"{self.name}: the run ended before it could be killed")
        self.same("killed", self.name, f"after {kills} kills")

    def second_day(self):
        self.go_on("second")
        for threads in 1, 7:
            self.go_on("again", "--threads", threads)
            self.same("again", "second", f"on the second day with {threads} threads")

    def others(self):
        """auc of the second day by `eval`, and what `explain` finds most important; predictions give the same auc."""
        auc = json.loads(must("eval", TMP / self.name, TMP / self.second, "--json").out)["auc"]
        must("predict", TMP / self.name, TMP / self.second, TMP / "scores.jsonl", "--keep", "label", "--overwrite")
        rows = [json.loads(line) for line in (TMP / "scores.jsonl").read_text().splitlines()]
        rows.sort(key=lambda r: r["prediction"])
        clicks, rank, at = sum(int(r["label"]) for r in rows), 0, 0
        while at < len(rows): # equal scores have the mean of their ranks
            end = at
            while end < len(rows) and rows[end]["prediction"] == rows[at]["prediction"]:
                end += 1
            rank += sum(int(r["label"]) for r in rows[at:end]) * (at + end + 1) / 2
            at = end
        mine = (rank - clicks * (clicks + 1) / 2) / (clicks * (len(rows) - clicks))
        self.v.check(abs(mine - auc) < 1e-5, f"{self.name}: eval has an auc of {auc}, the predictions {mine}")
        plan = json.loads(must("plan", TMP / self.first, "--features", self.features, "--model", self.model, *self.options, "--json").out)
        rows = plan["table_rows"]["least"]
        came = sum(p["shape"][0] for n, p in tensors(TMP / self.name).items() if n.endswith("linear.table"))
        self.v.check(came == 0 or rows == came, f"{self.name}: planned rows {rows}, {came} came")
        must("summary", TMP / self.name)
        return auc, json.loads(must("explain", TMP / self.name, TMP / self.second, "--json").out)["features"][0]

    def live(self):
        self.train(self.name, "--save-state")
        self.exact()
        self.killed()
        self.second_day()
        return self.others()


def tensors(out):
    """The tensors of a model: name, {"shape", "data"}."""
    raw = (out / "model.safetensors").read_bytes()
    n = int.from_bytes(raw[:8], "little")
    return {name: {"shape": t["shape"], "data": raw[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]}
            for name, t in json.loads(raw[8:8 + n]).items() if name != "__metadata__"}


def vocabulary(out, feature):
    t = tensors(out)
    offsets, raw = memoryview(t[f"vocab.{feature}.offsets"]["data"]).cast("Q"), t[f"vocab.{feature}.bytes"]["data"]
    return [raw[a:b] for a, b in zip(offsets, offsets[1:])]
