"""damage.py: --on-error quarantine loses exactly what is damaged, in every command, and says so; without it, damage ends them.
label: check"""
import json
import random
import shutil

from _bad_cases import record
from _shoal import TMP, Verdict, must, run, run_json

v = Verdict()
ROWS = 9000
must("synth", "--rows", ROWS, "--numeric", 2, "--categorical", 2, TMP / "a.parquet")
must("convert", TMP / "a.parquet", TMP / "whole.tfrecord", "--sql", "SELECT *, row_number() OVER () AS id FROM src")


def ids(*command):
    return [json.loads(line)["id"] for line in must("show", *command, "--json", "-n", 10**9).out.splitlines()]


def frames(data):
    at, found = 0, []
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at:at + 8], "little")
        found.append((at, end))
        at = end
    return found


def copy(name):
    for pattern in "{}", ".{}.index", ".{}.schema.json":
        shutil.copy(TMP / pattern.format("whole.tfrecord"), TMP / pattern.format(name))
    return TMP / name


sound = (TMP / "whole.tfrecord").read_bytes()
places = frames(sound)
want = ids(TMP / "whole.tfrecord")
rng = random.Random(5)
for trial in range(6):
    path = copy("bad.tfrecord")
    data, hit = bytearray(sound), set()
    for _ in range(40):
        at, n = rng.randrange(len(data)), rng.choice([1, 1, 3, 500])
        for k in range(at, min(at + n, len(data))):
            data[k] ^= rng.randrange(1, 256)
        hit |= {i for i, (begin, end) in enumerate(places) if begin < at + n and end > at}
    path.write_bytes(data)
    left = [x for i, x in enumerate(want) if i not in hit]
    shutil.rmtree(TMP / "out.tfrecord.quarantine", ignore_errors=True)
    r = must("convert", path, TMP / "out.tfrecord", "--on-error", "quarantine", "--json", "--overwrite")
    told = json.loads(r.out)
    v.check(ids(TMP / "out.tfrecord") == left, f"trial {trial}: exactly the damaged records are lost")
    v.check(told["rows"] == len(left) and told["damage"]["missing_records"] == len(hit), f"trial {trial}: {told}, {len(hit)} were hit")
    lines = [json.loads(line) for line in (TMP / "out.tfrecord.quarantine/damage-00000.jsonl").read_text().splitlines()]
    kept = (TMP / "out.tfrecord.quarantine/damage-00000.bin").read_bytes()
    v.check(len(lines) == told["damage"]["places"] and len(kept) == told["damage"]["bytes"], f"trial {trial}: {len(lines)} places, {len(kept)} bytes")
    v.check(all(kept[x["at"]:x["at"] + x["bytes"]] == data[x["offset"]:x["offset"] + x["bytes"]] for x in lines), f"trial {trial}: the bytes are kept")
    r = run("convert", path, TMP / "never.tfrecord")
    v.check(r.code == 3 and not (TMP / "never.tfrecord").exists(), f"trial {trial}: without it, {r}")

# A folder of gzip shards, one of them damaged in one member; and one cut.
must("convert", TMP / "whole.tfrecord", TMP / "z", "--compression", "gzip", "--max-file-size", "150K")
shards = sorted((TMP / "z").glob("part-*"))
v.check(len(shards) > 2, "several shards")
per = [len(ids(s)) for s in shards]
data = bytearray(shards[1].read_bytes())
data[len(data) // 2] ^= 16
shards[1].write_bytes(data)
shards[2].write_bytes(shards[2].read_bytes()[:-9])
r = must("show", TMP / "z", "--on-error", "quarantine", "--json", "-n", 10**9, "--quarantine-dir", TMP / "q")
got = [json.loads(line)["id"] for line in r.out.splitlines()]
v.check(got == want[:per[0]] + want[sum(per[:3]):], f"gzip: {len(got)} of {ROWS} rows, shards {per}")
v.check((TMP / "q/damage-00000.bin").stat().st_size == len(data) + shards[2].stat().st_size, "the members are kept")
v.check("part-00001" in r.err and "part-00002" in r.err, "both are named")
v.check(run("check", TMP / "z").code == 3, "check finds it")

# A record that is framed rightly and holds no Example.
path = copy("parse.tfrecord")
path.write_bytes(sound[:places[500][0]] + record(b"\xff\xff") + sound[places[500][0]:])
r = must("convert", path, TMP / "parsed.parquet", "--on-error", "quarantine", "--json")
v.check(json.loads(r.out)["rows"] == ROWS and json.loads(r.out)["damage"]["places"] == 1 and "no tf.train.Example" in r.err, f"no Example: {r}")
r = run("convert", path, TMP / "never.parquet", "--sql", "SELECT * FROM src")
v.check(r.code == 3, "without it an error")

# Training, evaluating, predicting.
common = ("--label", "label", "--model", "lr", "--epochs", 1, "--kernels", "portable", "--on-error", "quarantine")
must("train", TMP / "bad.tfrecord", *common, "--valid", TMP / "bad.tfrecord", "--out", TMP / "m")
damage = run_json(TMP / "m")["damage"]
v.check(damage["missing_records"] == 2 * len(hit) and (TMP / "m/records.quarantine/damage-00000.bin").stat().st_size == damage["bytes"], f"train: {damage}")
must("train", TMP / "whole.tfrecord", *common, "--out", TMP / "m2")
v.check(run_json(TMP / "m2")["damage"] == {"places": 0, "bytes": 0, "missing_records": 0}, "nothing damaged")
v.check(run("train", TMP / "bad.tfrecord", "--label", "label", "--model", "lr", "--epochs", 1, "--out", TMP / "m3").code == 3, "training stops")
v.check(json.loads(must("eval", TMP / "m", TMP / "bad.tfrecord", "--on-error", "quarantine", "--json").out)["rows"] == ROWS - len(hit), "eval")
must("predict", TMP / "m", TMP / "bad.tfrecord", TMP / "p.csv", "--on-error", "quarantine")
v.check(len((TMP / "p.csv").read_text().splitlines()) == ROWS - len(hit) + 1 and (TMP / "p.csv.quarantine").exists(), "predict")
v.end()
