"""crosses.py: crosses of fields, on a log whose clicks hang on pairs of values alone.

1. a cross learns what its columns by themselves cannot, by vocabulary and by hash
2. the same bytes as from a column that holds the cross's text, as docs/features.md has it
3. what _lives.py asks of every feature; a new day's pairs grow and old ones keep their rows
label: test"""
import csv
import json
import random

from _lives import Life, tensors, vocabulary
from _shoal import TMP, Verdict

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


day("d0.csv", 1, CITIES)
day("d1.csv", 2, [*CITIES, "new", "newer"])
DAYS = "d0.csv", "d1.csv"
KINDS = {"vocabulary": "min_count: 2, max_size: 115, oov: 2", "hash": "encoding: hash, buckets: 4000, seed: 9"}
got = {}
for kind, keys in KINDS.items():
    life = Life(v, kind, [f"both: {{type: categorical, cross: [city, genre], {keys}}}",
                          f"all: {{type: categorical, cross: [genre, open, city], {keys}}}"], *DAYS)
    got[kind], first = life.live()
    v.check(first["feature"] == "both" and first["columns"] == ["city", "genre"], f"{kind}: the most important feature: {first}")
    v.check(json.loads((TMP / kind / "model.json").read_text())["features"]["features"][0]["columns"][1]["column"] == "genre", "the manifest")
    texts = Life(v, "texts", [f"both: {{type: categorical, column: pair, {keys}}}", f"all: {{type: categorical, column: triple, {keys}}}"], *DAYS)
    said = texts.train("texts").err
    v.check((TMP / "texts/model.safetensors").read_bytes() == (TMP / kind / "model.safetensors").read_bytes(),
            f"{kind}: other weights than from columns of the crosses' texts")
    v.check(" of pair" in said and " of city x genre" in life.train("again").err, "what train says")
alone = Life(v, "alone", ["city: categorical", "genre: categorical"], *DAYS)
alone.train("alone")
got["alone"], _ = alone.others()
print(got)
v.check(got["alone"] < 0.55 and min(got["vocabulary"], got["hash"]) > 0.7, f"what crosses add: {got}")

# ---- pairs that grow --------------------------------------------------------------------------------------------------------

grown = Life(v, "grown", ["city: categorical", "both: {type: categorical, cross: [city, genre], min_count: 2}"], *DAYS, "--embedding-dim", 4,
             model="fm")
grown.live()
grown.go_on("still", "--lr", 0)


def rows(out):
    """The embeddings of the pairs, which are the last of the table."""
    names, table = vocabulary(TMP / out, "both"), tensors(TMP / out)["e.table"]["data"]
    return {name: table[len(table) - 16 * (len(names) - i):][:16] for i, name in enumerate(names)}


was, now = rows("grown"), rows("still")
v.check(all(now[name] == row for name, row in was.items()), "rows of a cross did not keep their place")
v.check(text("new", 3).encode() in now and part("newer") + b"-" in now and part("new") not in now, f"new pairs: {now.keys() - was.keys()}")
v.end()
