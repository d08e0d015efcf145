"""skew.py: scoring sees what training saw, whatever the table's format: the same scores, or a refusal by name, never other ones.
label: test, sanitize: yes"""
import json

from _shoal import TMP, Verdict, must, run

v = Verdict()
rows = [{"click": i * 7919 % 3 % 2, "flag": bool(i % 3), "word": "true" if i % 2 else "false", "day": f"2024-03-{i % 5 + 1:02d}",
         "tags": [["a"], ["a", "b"], [], None, ["c"]][i % 5], "id": i % 7, "price": i % 11 / 4, "note": f"n{i}"} for i in range(600)]
(TMP / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
types = "click, flag, word, day::date AS day, tags, id, price::float AS price, note"
must("convert", "rows.jsonl", "rows.parquet", "--sql", f"SELECT {types} FROM src")
(TMP / "f.yaml").write_text("label: click\nfeatures:\n" + "".join(f"  {c}: categorical\n" for c in ("flag", "word", "day", "id")) +
                            "  tags: bag\n  price: numeric\n")
must("train", "rows.parquet", "--features", "f.yaml", "--model", "fm", "--epochs", 3, "--batch-size", 64, "--lr", "0.05", "--out", "m")


def scores(source, *more):
    r = run("predict", "m", source, "-", *more)
    return r if r.code else [json.loads(line)["prediction"] for line in r.out.splitlines()]


want = scores("rows.parquet")
v.check(len(want) == 600 and len(set(want)) > 20, f"scores: {want}")
must("convert", "rows.parquet", "rows.tfrecord")
v.check(scores("rows.tfrecord") == want, "TFRecord gives the same scores")
same = ["id::varchar AS id", "flag::int AS flag", "price::varchar AS price"]
for cast in same:
    name = cast.split()[-1]
    v.check(scores("rows.parquet", "--sql", f"SELECT * REPLACE ({cast}) FROM src") == want, f"{cast}: not the same scores")
for cast, column in (("flag::varchar AS flag", "flag"), ("day::varchar AS day", "day"), ("tags::varchar AS tags", "tags"),
                     ("word = 'true' AS word", "word"), ("day - DATE '1970-01-01' AS day", "day")):
    for command in (["predict", "m", "rows.parquet", "-"], ["eval", "m", "rows.parquet"]):
        r = run(*command, "--sql", f"SELECT * REPLACE ({cast}) FROM src")
        v.check(r.code == 3 and f"feature column '{column}' is " in r.message and "when the model was trained" in r.message, f"{cast}: {r}")
    r = run("train", "rows.parquet", "--features", "f.yaml", "--model", "lr", "--valid", "rows.parquet", "--valid-sql",
            f"SELECT * REPLACE ({cast}) FROM src", "--out", "other")
    v.check(r.code == 3 and f"feature column '{column}' is " in r.message, f"validation, {cast}: {r}")

# CSV has no types: its columns are read as the model's were, though these rows alone look like bool, numbers, or nothing
words = [(i * 7919 % 3 % 2, ["true", "false", "x"][i % 3], f"{i % 5:03d}", f"2024-03-{i % 5 + 1:02d}") for i in range(400)]
(TMP / "words.csv").write_text("label,b,z,d\n" + "".join(f"{y},{b},{z},{d}\n" for y, b, z, d in words))
must("convert", "words.csv", "words.parquet", "--types", "z=utf8")
(TMP / "w.yaml").write_text("features: {b: categorical, z: categorical, d: categorical}\n")
must("train", "words.parquet", "--label", "label", "--model", "lr", "--epochs", 9, "--lr", "0.1", "--batch-size", 64, "--features", "w.yaml", "--out", "w")
(TMP / "few.csv").write_text("b,z,d\n" + "".join(f"{b},{z},\n" for _, b, z, _ in words if b != "x"))
few = "SELECT b, z, NULL::date AS d FROM src WHERE b <> 'x'"
a, b = run("predict", "w", "few.csv", "-"), run("predict", "w", "words.parquet", "-", "--sql", few)
v.check(a.code == 0 and len(a.out.splitlines()) == 267 and a.out == b.out, f"CSV: {a.err} {b.err}")

# --keep '*': the table as it is, and the score behind it
must("predict", "m", "rows.parquet", "all.parquet", "--keep", "*")
must("predict", "m", "rows.parquet", "two.parquet", "--keep", "note,id")
schema = [json.loads(x)["name"] for x in must("show", "all.parquet", "--schema", "--json").out.splitlines()]
v.check(schema == ["click", "flag", "word", "day", "tags", "id", "price", "note", "prediction"], f"--keep '*': {schema}")
r = run("show", "all.parquet", "--sql", "SELECT count(*) n FROM src s JOIN 'two.parquet' t ON s.note = t.note AND s.prediction = t.prediction", "--json")
v.check(r.code == 0 and json.loads(r.out)["n"] == 600, f"kept rows and scores belong together: {r}")
r = run("predict", "m", "all.parquet", "again.parquet", "--keep", "*")
v.check(r.code == 2 and "--output-column" in r.message, f"a column of that name is there: {r}")

# mistakes that show before the long pass
for more, what in ((["--model", "nosuch"], "unknown model"), (["--valid", "missing.parquet"], "missing.parquet"),
                   (["--model", "lr", "--hidden", "3"], "no hidden dense layers"), (["--valid", "two.parquet"], "there is no column")):
    r = run("train", "rows.parquet", "--features", "f.yaml", *more, "--out", "early")
    v.check(r.code != 0 and what in r.message and not (TMP / "early" / "spool" / "train.pack").exists(), f"{more}: {r}")
v.end()
