"""crosses.py: crosses of fields, on a log whose clicks hang on pairs of values alone.

1. a cross learns what its columns by themselves cannot, by vocabulary and by hash
2. the same bytes as from a column that holds the cross's text, as docs/features.md has it, and for any number of threads
3. the same bytes after a kill; a new day's pairs grow and old ones keep their rows
4. eval, predict, explain, summary and plan know it
label: test"""
import csv
import json
import random
import shutil
import signal
import subprocess
import time

from _shoal import SHOAL, TMP, Verdict, must, run, sha256_of_weights

v = Verdict()
CITIES, GENRES = ["", "a", "ab", "abc", "b", "bc", "Zürich", "1:a", "-", "x,y"], ["", *range(-3, 9)]


def part(value):
    value = str(value).encode()
    return str(len(value)).encode() + b":" + value if value else b"-"


def text(*values):
    """What the cross of these values is, by itself; missing when all are."""
    return b"".join(map(part, values)).decode() if any(str(x) for x in values) else ""


def day(name, seed, cities, rows=8000):
    chance = random.Random(seed)
    with open(TMP / name, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["label", "city", "genre", "open", "pair", "triple"])
        for i in range(rows):
            city, genre, flag = chance.choice(cities), chance.choice(GENRES), chance.choice(["true", "false"])
            odd = (CITIES.index(city) + GENRES.index(genre)) % 2 if city in CITIES else 1
            label = int(chance.random() < (0.8 if odd else 0.2)) if i > 1 else i
            out.writerow([label, city, genre, flag, text(city, genre), text(genre, int(flag == "true"), city)])


def features(name, body):
    (TMP / name).write_text("label: label\nfeatures:\n" + "".join(f"  {line}\n" for line in body))
    return TMP / name


def command_of(out, which, *more, model="lr"):
    return ["train", TMP / "d0.csv", "--features", which, "--model", model, "--epochs", 3, "--batch-size", 256, "--lr", 0.02, "--kernels",
            "portable", "--out", TMP / out, *more]


def train(out, *more, **kw):
    shutil.rmtree(TMP / out, ignore_errors=True)
    return must(*command_of(out, *more, **kw))


def auc(out):
    return json.loads(must("eval", TMP / out, TMP / "d1.csv", "--json").out)["auc"]


for name, seed in ("d0.csv", 1), ("d1.csv", 2):
    day(name, seed, CITIES)
alone = features("alone.yaml", ["city: categorical", "genre: categorical"])
KINDS = {"vocabulary": "min_count: 2, max_size: 115, oov: 2", "hash": "encoding: hash, buckets: 4000, seed: 9"}
for kind, keys in KINDS.items():
    crossed = features(f"{kind}.yaml", [f"both: {{type: categorical, cross: [city, genre], {keys}}}",
                                        f"all: {{type: categorical, cross: [genre, open, city], {keys}}}"])
    texts = features(f"{kind}_text.yaml", [f"both: {{type: categorical, column: pair, {keys}}}",
                                           f"all: {{type: categorical, column: triple, {keys}}}"])
    train(kind, crossed)
    train(f"{kind}_text", texts)
    same = all((TMP / f"{kind}{x}/model.safetensors").read_bytes() == (TMP / f"{kind}/model.safetensors").read_bytes() for x in ("", "_text"))
    v.check(same, f"{kind}: other weights than from columns of the crosses' texts")
    v.check(json.loads((TMP / kind / "model.json").read_text())["features"]["features"][0]["columns"][1]["column"] == "genre", "the manifest")
    want = sha256_of_weights(TMP / kind)
    for threads in 1, 7:
        train("again", crossed, "--threads", threads)
        v.check(sha256_of_weights(TMP / "again") == want, f"{kind}: other weights with {threads} threads")
    for kernels in "avx2", "avx512":
        shutil.rmtree(TMP / "again")
        r = run(*(x if x != "portable" else kernels for x in command_of("again", crossed)))
        v.check(r.code and kernels in r.err or sha256_of_weights(TMP / "again") == want, f"{kind}: other weights with {kernels}")
    train("again", TMP / kind / "features.yaml")
    v.check(sha256_of_weights(TMP / "again") == want, f"{kind}: other weights from the features file that the run wrote")
train("alone", alone)
got = {out: auc(out) for out in ("alone", "vocabulary", "hash")}
print(got)
v.check(got["alone"] < 0.55 and min(got["vocabulary"], got["hash"]) > 0.75, f"what crosses add: {got}")

# ---- kill, resume, go on ----------------------------------------------------------------------------------------------------

crossed = features("grown.yaml", ["city: categorical", "both: {type: categorical, cross: [city, genre], min_count: 2}"])
SETTINGS = ["--checkpoint-every", 7, "--resume", "--embedding-dim", 4, "--save-state"]
day("d2.csv", 3, [*CITIES, "new", "newer"])
train("whole", crossed, *SETTINGS, model="fm")
command = command_of("killed", crossed, *SETTINGS, model="fm")
killed = 0
for least in 7, 35:
    p = subprocess.Popen([SHOAL, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while p.poll() is None and not any(int(f.name[5:17]) >= least for f in (TMP / "killed/checkpoints").glob("step-*")):
        time.sleep(0.001)
    p.kill()
    killed += p.wait() == -signal.SIGKILL
must(*command)
v.check(killed > 0 and sha256_of_weights(TMP / "killed") == sha256_of_weights(TMP / "whole"), f"other weights after {killed} kills")


def pairs(out):
    raw = (TMP / out / "model.safetensors").read_bytes()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])

    def tensor(name):
        begin, end = head[name]["data_offsets"]
        return raw[8 + n + begin:8 + n + end]

    offsets = memoryview(tensor("vocab.both.offsets")).cast("Q")
    names = [tensor("vocab.both.bytes")[a:b] for a, b in zip(offsets, offsets[1:])]
    table = tensor("e.table") # the last names of the last field
    width = len(table) // head["e.table"]["shape"][0]
    first = len(table) - width * len(names)
    return {name: table[first + i * width:first + (i + 1) * width] for i, name in enumerate(names)}


def go_on(out, *more):
    shutil.rmtree(TMP / out, ignore_errors=True)
    must("train", TMP / "d2.csv", "--init-from", TMP / "whole", "--epochs", 1, "--batch-size", 256, "--kernels", "portable", "--out", TMP / out, *more)


go_on("still", "--lr", 0)
was, now = pairs("whole"), pairs("still")
v.check(all(now[name] == row for name, row in was.items()), "rows of a cross did not keep their place")
v.check(text("new", 3).encode() in now and part("newer") + b"-" in now and part("new") not in now, f"new pairs: {now.keys() - was.keys()}")
go_on("one")
for threads in 1, 7:
    go_on("again", "--threads", threads)
    v.check(sha256_of_weights(TMP / "again") == sha256_of_weights(TMP / "one"), f"another second day with {threads} threads")

# ---- the other commands -----------------------------------------------------------------------------------------------------

must("predict", TMP / "one", TMP / "d1.csv", TMP / "scores.csv")
scores = [float(line.split(",")[-1]) for line in (TMP / "scores.csv").read_text().splitlines()[1:]]
v.check(len(scores) == 8000 and len(set(scores)) > 100, f"{len(scores)} scores, {len(set(scores))} of them different")
first = json.loads(must("explain", TMP / "one", TMP / "d1.csv", "--json").out)["features"][0]
v.check(first["feature"] == "both" and first["columns"] == ["city", "genre"], f"the most important feature: {first}")
v.check(" of city x genre" in must("train", TMP / "d0.csv", "--features", crossed, "--model", "lr", "--epochs", 1, "--out", TMP / "said").err, "what train says")
plan = json.loads(must("plan", TMP / "d0.csv", "--features", crossed, "--model", "fm", "--json").out)
v.check(plan["table_rows"]["least"] > 100, f"planned rows: {plan['table_rows']}")
must("summary", TMP / "one")
v.end()
