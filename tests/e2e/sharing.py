"""sharing.py: fields that share the rows of another (share: FEATURE), on a log of an item and a list of items.

1. the vocabulary counts the values of both; with sums, a linear model is that of one bag that holds all of them
2. what _lives.py asks of every feature, by vocabulary and by hash, for models without and with matrix products
label: test"""
import json
import random

from _lives import Life, tensors, vocabulary
from _shoal import TMP, Verdict

v = Verdict()


def day(name, seed, items, rows=6000):
    chance = random.Random(seed)
    with open(TMP / name, "w", encoding="utf-8") as f:
        for i in range(rows):
            item, history = chance.randrange(items), [chance.randrange(items) for _ in range(chance.randrange(6))]
            good = sum(1 if x % 3 == 0 else -1 for x in [item, *history])
            label = int(chance.random() < (0.8 if good > 0 else 0.2)) if i > 1 else i
            f.write(json.dumps({"label": label, "item": str(item), "history": history, "both": [item, *history], "site": chance.choice("ab")}) + "\n")


day("d0.jsonl", 1, 300)
day("d1.jsonl", 2, 360)
DAYS = "d0.jsonl", "d1.jsonl"
RARE = "min_count: 50, max_size: 250, oov: 3" # of 300 values some are rarer, in one column alone all are
shared = Life(v, "shared", ["history: {type: bag, combiner: sum, share: item}", f"item: {{type: categorical, {RARE}}}", "site: categorical"], *DAYS)
auc, first = shared.live()
apart = Life(v, "apart", [f"history: {{type: bag, combiner: sum, {RARE}}}", f"item: {{type: categorical, {RARE}}}", "site: categorical"], *DAYS)
apart.train("apart")
print(auc, apart.others()[0])
v.check(auc > apart.others()[0] + 0.02 and first["feature"] == "history", f"auc {auc}, apart {apart.others()[0]}, first {first}")
one = Life(v, "one", [f"item: {{type: bag, column: both, combiner: sum, {RARE}}}", "site: categorical"], *DAYS)
one.train("one")
v.check(vocabulary(TMP / "shared", "item") == vocabulary(TMP / "one", "item"), "other vocabularies than of one bag")
a, b = (memoryview(tensors(TMP / x)["linear.table"]["data"]).cast("f") for x in ("shared", "one"))
v.check(len(a) == len(b) and max(abs(x - y) for x, y in zip(a, b)) < 1e-5, "other weights than of one bag")
v.check("the rows of item" in shared.train("again").err, "what train says")
manifest = json.loads((TMP / "shared/model.json").read_text())["features"]["features"]
v.check(manifest[0]["encoding"] == "shared" and manifest[0]["share"] == "item", f"the manifest: {manifest[0]}")
hashed = Life(v, "hashed", ["item: {type: categorical, encoding: hash, buckets: 500, seed: 3}", "history: {type: bag, combiner: max, share: item}"],
              *DAYS, "--embedding-dim", 4, "--hidden", "8,4", model="deepfm", promised=False)
hashed.live()
v.check(tensors(TMP / "hashed")["e.table"]["shape"] == [501, 4], "rows of a shared table")
v.end()
