"""explain.py: `shoal explain` tells what a model leans on.

1. the log loss and AUC of the rows as they are are those of `eval`; the rise of a feature is what `eval` finds when its column is
   shuffled here, by another generator, within the scatter of shuffling; of a bag as well
2. a column that the label does not depend on, and that L2 takes out of the model, changes nothing
3. the same for any number of threads, and when repeated; another seed permutes otherwise; a sample is of all rows, not of the first
label: test"""
import csv
import json
import os
import random
import statistics

from _shoal import TMP, Verdict, must

v = Verdict()
os.chdir(TMP)
draw = random.Random(5)


def rows(n):
    for _ in range(n):
        strong, weak, noise = draw.randrange(6), draw.randrange(6), draw.randrange(6)
        tags = [draw.choice("abcd") for _ in range(draw.randrange(3))]
        p = 0.1 + 0.1 * strong + 0.03 * weak + 0.1 * ("a" in tags)
        yield {"label": int(draw.random() < p), "strong": f"s{strong}", "weak": f"w{weak}", "noise": f"n{noise}", "tags": " ".join(tags)}


def write(path, table):
    with open(path, "w", newline="") as f:
        w = csv.DictWriter(f, ["label", "strong", "weak", "noise", "tags"])
        w.writeheader()
        w.writerows(table)


BAG = "SELECT label, strong, weak, noise, string_split(tags, ' ') AS tags FROM src"
test = list(rows(4000))
write("train.csv", rows(20000))
write("test.csv", test)
with open("features.yaml", "w") as f:
    f.write("features: {strong: categorical, weak: categorical, noise: categorical, tags: {type: bag, combiner: sum}}\n")
must("train", "train.csv", "--sql", BAG, "--label", "label", "--features", "features.yaml", "--model", "lr", "--epochs", 4, "--optimizer", "ftrl",
     "--lr", 0.1, "--l1", 1, "--batch-size", 256, "--out", "model")


def explain(source="test.csv", *more):
    return json.loads(must("explain", "model", source, "--sql", BAG, "--json", *more).out)


def evaluate(table):
    write("shuffled.csv", table)
    j = json.loads(must("eval", "model", "shuffled.csv", "--sql", BAG, "--json").out)
    return j["logloss"], j["auc"]


got = explain()
loss, auc = evaluate(test)
v.check(got["rows"] == got["sample_rows"] == 4000 and got["logloss"] == loss and got["auc"] == auc, f"base: {got}, eval has {loss}, {auc}")
fields = {f["feature"]: f for f in got["features"]}
v.check([f["feature"] for f in got["features"]][0] == "strong" and fields.keys() == {"strong", "weak", "noise", "tags"}, f"order: {got}")
v.check(fields["strong"]["logloss_rise"] > 5 * fields["weak"]["logloss_rise"] > 0, f"strong is not stronger than weak: {got}")
v.check(fields["noise"]["logloss_rise"] == 0 and fields["noise"]["auc_fall"] == 0, f"noise matters: {got}")
for name in "strong", "weak", "tags":
    rises = []
    for _ in range(12):
        values = [r[name] for r in test]
        draw.shuffle(values)
        a, b = evaluate([{**r, name: x} for r, x in zip(test, values)])
        rises.append((a - loss, auc - b))
    for i, key in enumerate(("logloss_rise", "auc_fall")):
        mean, deviation = statistics.mean(r[i] for r in rises), statistics.stdev(r[i] for r in rises)
        v.check(abs(fields[name][key] - mean) < 5 * deviation, f"{name}: {key} {fields[name][key]}, shuffled here {mean} +- {deviation}")
        v.check(mean > 0 or name == "weak", f"{name} does not matter: {mean}")


def still(j):
    return {k: x for k, x in j.items() if k != "seconds"}


for more in ["--threads", 1], ["--threads", 3], []:
    v.check(still(explain("test.csv", *more)) == still(got), f"another result with {more}")
other = explain("test.csv", "--seed", 2)
v.check(other["logloss"] == got["logloss"] and other["features"][0] != got["features"][0], "the seed changes nothing")
# sorted by label: the first rows have no click
write("sorted.csv", sorted(test, key=lambda r: r["label"]))
part = explain("sorted.csv", "-n", 1000)
v.check(part["rows"] == 4000 and part["sample_rows"] == 1000 and abs(part["auc"] - auc) < 0.05, f"a sample of sorted rows: {part}")
v.check(part["features"][0]["feature"] == "strong", f"a sample of sorted rows: {part}")
text = must("explain", "model", "test.csv", "--sql", BAG, "-n", 1000).out
v.check("1000 of 4000" in text and text.index("strong ") < text.index("noise "), text)
v.end()
