"""daily.py: a model goes on day by day (`train --init-from`), on a planted log whose days follow each other.

1. a chain of three days is better on the fourth than a model of the third day alone
2. the same bytes for any number of threads, when repeated, and when killed at checkpoints and resumed
3. rows and state move with their keys: read from the files and compared key by key; statistics stay the model's
4. what does not fit is refused (bad_input.py has the messages); a model without state is gone on from with a warning
label: test"""
import json
import shutil
import signal
import struct
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run, sha256_of_weights

v = Verdict()
ROWS, DAYS = 30000, 4
for day in range(DAYS):
    must("synth", "--rows", ROWS, "--skip", day * ROWS, "--seed", 7, "--cardinality", 5000, "--numeric", 3, "--categorical", 6, TMP / f"d{day}.parquet")
SETTINGS = ["--epochs", 1, "--batch-size", 512, "--kernels", "portable"]
FRESH = ["--label", "label", "--hidden", "32,16"]


def first(day, out, *more):
    return must("train", TMP / f"d{day}.parquet", *FRESH, *SETTINGS, "--out", TMP / out, *more)


def go_on(day, source, out, *more, **kw):
    return must("train", TMP / f"d{day}.parquet", "--init-from", TMP / source, *SETTINGS, "--out", TMP / out, *more, **kw)


def auc(out, day):
    return json.loads(must("eval", TMP / out, TMP / f"d{day}.parquet", "--json").out)["auc"]


def chain():
    first(0, "m0", "--save-state")
    go_on(1, "m0", "m1")
    go_on(2, "m1", "m2")
    first(2, "alone")
    aucs = {out: auc(out, 3) for out in ("m0", "m1", "m2", "alone")}
    print(aucs)
    v.check(aucs["m0"] < aucs["m1"] < aucs["m2"], f"more days are not better: {aucs}")
    v.check(aucs["m2"] > aucs["alone"] + 0.003, f"the chain is not better than its last day alone: {aucs}")
    steps = [json.loads((TMP / m / "model.json").read_text())["state"]["steps"] for m in ("m0", "m1", "m2")]
    one = -(-ROWS // 512)
    v.check(steps == [one, 2 * one, 3 * one], f"steps of the state: {steps}")


def same_bytes():
    want = sha256_of_weights(TMP / "m2")
    for threads in 1, 3:
        shutil.rmtree(TMP / "again", ignore_errors=True)
        go_on(2, "m1", "again", "--threads", threads)
        v.check(sha256_of_weights(TMP / "again") == want, f"other weights with {threads} threads")
    killed = 0
    shutil.rmtree(TMP / "killed", ignore_errors=True)
    command = ["train", TMP / "d2.parquet", "--init-from", TMP / "m1", *SETTINGS, "--checkpoint-every", 5, "--resume", "--out", TMP / "killed"]
    for least in 5, 20, 40:
        p = subprocess.Popen([SHOAL, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while p.poll() is None and not any(int(f.name[5:17]) >= least for f in (TMP / "killed/checkpoints").glob("step-*")):
            time.sleep(0.002)
        p.kill()
        killed += p.wait() == -signal.SIGKILL
    must(*command)
    v.check(killed > 0, "the run ended before it could be killed")
    v.check(sha256_of_weights(TMP / "killed") == want, f"other weights after {killed} kills")
    r = must(*command)
    v.check("nothing to do" in r.err, f"a finished run is not found finished: {r}")
    r = run(*command[:3], TMP / "m0", *command[4:])
    v.check(r.code == 2 and "cannot resume: 'init-from' was " in r.message, f"resumed from another model: {r}")


# ---- the files -----------------------------------------------------------------------------------------------------------

def tensors(path):
    data = path.read_bytes()
    n, = struct.unpack("<Q", data[:8])
    out = {}
    for name, t in json.loads(data[8:8 + n]).items():
        begin, end = (8 + n + x for x in t["data_offsets"])
        form = {"F32": "f", "U64": "Q", "U8": "B"}[t["dtype"]]
        out[name] = (t["shape"], struct.unpack(f"<{(end - begin) // struct.calcsize(form)}{form}", data[begin:end]))
    return out


class Model:
    def __init__(self, out):
        self.manifest = json.loads((out / "model.json").read_text())
        self.t = tensors(out / "model.safetensors")
        self.state = tensors(out / self.manifest["state"]["file"]) if "state" in self.manifest else {}
        self.row, self.base = {}, 0
        for f in self.manifest["features"]["features"]:
            self.place(f)

    def place(self, f):
        """Names of rows: (feature, key), or (feature, number) for those of no key."""
        if f["type"] == "numeric":
            names = range(len(f["edges"]) + 2)
        else:
            raw, offsets = bytes(self.t[f"vocab.{f['name']}.bytes"][1]), self.t[f"vocab.{f['name']}.offsets"][1]
            names = [*range(1 + f["oov"]), *(raw[a:b] for a, b in zip(offsets, offsets[1:]))]
        for name in names:
            self.row[f["name"], name] = self.base
            self.base += 1

    def rows(self, tensor):
        (_, cols), values = (self.t | self.state)[tensor]
        return lambda at: values[at * cols:(at + 1) * cols]


def rows_move_with_keys():
    """A learning rate of zero changes no weight."""
    go_on(1, "m0", "still", "--lr", 0)
    was, now = Model(TMP / "m0"), Model(TMP / "still")
    new = now.row.keys() - was.row.keys()
    v.check(len(new) > 100 and not was.row.keys() - now.row.keys(), f"{len(new)} new keys")
    v.check(any(was.row[k] != now.row[k] for k in was.row), "no row has moved")
    for table in "e.table", "linear.table":
        a, b = was.rows(table), now.rows(table)
        v.check(all(a(was.row[k]) == b(now.row[k]) for k in was.row), f"rows of {table} did not move with their keys")
    b = now.rows("e.table")
    v.check(all(any(b(now.row[k])) for k in new), "new rows have no first values")
    for name in set(was.t) - {"e.table", "linear.table"}:
        v.check(name.startswith("vocab.") or was.t[name] == now.t[name], f"{name} is another")
    v.check(was.manifest["features"] == now.manifest["features"], "statistics changed")
    # one step on one row: state of keys that are not in it stays
    go_on(1, "m0", "one", "--steps-per-epoch", 1, "--batch-size", 1)
    now = Model(TMP / "one")
    for name in "e.table.state0", "e.table.state1", "linear.table.state1":
        a, b = was.rows(name), now.rows(name)
        kept = sum(a(was.row[k]) == b(now.row[k]) for k in was.row)
        v.check(len(was.row) - 10 <= kept < len(was.row), f"{name}: {kept} of {len(was.row)} rows kept their state")
    v.check(any(any(was.rows("e.table.state1")(i)) for i in range(was.base)), "there was no state")


def without_state():
    r = go_on(1, "alone", "restarted")
    v.check("alone has no optimiser state (--save-state keeps it): the optimiser starts anew" in r.err, f"no warning: {r}")
    v.check("state" in Model(TMP / "restarted").manifest, "a chain does not keep its state")
    go_on(1, "alone", "restarted", "--overwrite")
    v.check(len(list((TMP / "restarted").glob("state-*"))) == 1, "states are left behind")
    must("train", TMP / "d1.parquet", *FRESH, *SETTINGS, "--out", TMP / "restarted", "--overwrite")
    v.check(not list((TMP / "restarted").glob("state-*")), "a state is left that no model names")


def other_forms():
    """The same day as CSV from a pipe, where types are the model's; and the network said again, as it is."""
    must("convert", TMP / "d1.parquet", TMP / "d1.csv")
    with open(TMP / "d1.csv", "rb") as f:
        must("train", "-", "--format", "csv", "--init-from", TMP / "m0", *SETTINGS, "--model", "deepfm", "--hidden", "32,16", "--label", "label",
             "--out", TMP / "csv", stdin=f)
    v.check(sha256_of_weights(TMP / "csv") == sha256_of_weights(TMP / "m1"), "other weights from CSV")
    plan = json.loads(must("plan", TMP / "d1.parquet", "--init-from", TMP / "m0", *SETTINGS, "--json").out)
    v.check(plan["table_rows"]["least"] == Model(TMP / "m1").base, f"planned rows: {plan['table_rows']}, {Model(TMP / 'm1').base} came")


for part in chain, same_bytes, rows_move_with_keys, without_state, other_forms:
    part()
v.end()
