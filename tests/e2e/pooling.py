"""pooling.py: bags of which the largest counts (combiner: max), on a log whose clicks hang on whether any item of a row is a hot
one: a mean or a sum is drowned by the others.

1. max learns it where mean and sum do not
2. what _lives.py asks of every feature, for a model without and one with matrix products
3. predictions are those of the formula, computed from the files
label: test"""
import json
import math
import random

from _lives import Life, tensors, vocabulary
from _shoal import TMP, Verdict, must

v = Verdict()


def day(name, seed, items, rows=6000):
    chance = random.Random(seed)
    with open(TMP / name, "w", encoding="utf-8") as f:
        for i in range(rows):
            bag = None if i % 50 == 7 else [chance.randrange(items) for _ in range(chance.choice([0, 1, 3, 9, 20, 30]))]
            hot = any(x % 20 == 3 for x in bag or ())
            label = int(chance.random() < (0.8 if hot else 0.2)) if i > 1 else i
            f.write(json.dumps({"label": label, "site": chance.choice("abc"), "items": bag}) + "\n")


day("d0.jsonl", 1, 200)
day("d1.jsonl", 2, 240)
DAYS = "d0.jsonl", "d1.jsonl"


def features(combiner):
    return ["site: categorical", f"items: {{type: bag, combiner: {combiner}, min_count: 2, oov: 0}}"]


got = {}
for combiner in "max", "mean", "sum":
    life = Life(v, combiner, features(combiner), *DAYS, "--epochs", 10, "--lr", 0.1)
    got[combiner], first = life.live() if combiner == "max" else (life.train(combiner), life.others())[1]
    v.check(first["feature"] == "items", f"{combiner}: the most important feature: {first}")
print(got)
v.check(got["max"] > 0.74 and got["max"] > max(got["mean"], got["sum"]) + 0.01, f"what max adds: {got}")
deep = Life(v, "deep", features("max"), *DAYS, "--embedding-dim", 5, "--hidden", "16,8", model="deepfm", promised=False)
deep.live()

# ---- the formula ------------------------------------------------------------------------------------------------------------

weights = tensors(TMP / "max")
table, bias = (memoryview(weights[f"linear.{x}"]["data"]).cast("f") for x in ("table", "bias"))
sites, items = ({name.decode(): i for i, name in enumerate(vocabulary(TMP / "max", f))} for f in ("site", "items"))
base = 2 + len(sites)
must("predict", TMP / "max", TMP / "d1.jsonl", TMP / "scores.jsonl", "--overwrite")
scores = [json.loads(line)["prediction"] for line in (TMP / "scores.jsonl").read_text().splitlines()]
worst = 0
for line, score in zip((TMP / "d1.jsonl").read_text().splitlines(), scores, strict=True):
    row = json.loads(line)
    bag = None if row["items"] is None else [base + 1 + items[str(x)] if str(x) in items else base for x in row["items"]]
    z = bias[0] + table[2 + sites[row["site"]]] + (table[base] if bag is None else max((table[x] for x in bag), default=0))
    worst = max(worst, abs(1 / (1 + math.exp(-z)) - score))
v.check(worst < 1e-6, f"predictions are off the formula by {worst}")
v.end()
