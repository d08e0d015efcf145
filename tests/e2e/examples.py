"""examples.py: the run files of examples/data/ read the original files of Criteo, Avazu and MovieLens, here small ones of the same
format: they train, every row and column counts, and what is planted in one column is found by `shoal explain`.
label: test"""
import json
import os
import random

from _shoal import SRC, TMP, Verdict, must

v = Verdict()
os.chdir(TMP)
os.symlink(os.path.join(SRC, "examples"), "examples")
draw = random.Random(3)
HEX = [f"{draw.getrandbits(32):08x}" for _ in range(30)] + ["00012345", "12345678", "1e200000"]


def click(strength):
    return int(draw.random() < 0.1 + 0.8 * strength)


def criteo(path, n):
    with open(path, "w") as f:
        for _ in range(n):
            c = [draw.choice(HEX) if draw.random() < 0.9 else "" for _ in range(26)]
            i = [str(draw.randrange(-1, 500)) if draw.random() < 0.8 else "" for _ in range(13)]
            f.write("\t".join([str(click(c[2] in HEX[:15])), *i, *c]) + "\n")


AVAZU = ("id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,device_id,device_ip,device_model,"
         "device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21")


def avazu(path, n):
    with open(path, "w") as f:
        f.write(AVAZU + "\n")
        for row in range(n):
            hour = 14102100 + draw.randrange(10) * 100 + draw.randrange(24)
            f.write(",".join(map(str, [10 ** 18 + row * 7919, click(hour % 100 < 12), hour, 1005, draw.randrange(2), *draw.choices(HEX, k=9), 1, 0,
                                       draw.randrange(15000, 15050), 320, 50, 1722, 0, 35, -1, draw.randrange(80)])) + "\n")


def ratings(n):
    for _ in range(n):
        user, film = draw.randrange(1, 60), draw.randrange(1, 40)
        yield user, film, 5 if click(film % 2) else draw.randrange(1, 4), 880000000 + draw.randrange(10 ** 8)


def movielens(path, n, between, head=""):
    with open(path, "w") as f:
        f.write(head)
        f.writelines(between.join(map(str, r)) + "\n" for r in ratings(n))


def check(name, make, strongest, *more, features=None):
    make(f"{name}.train", 4000)
    make(f"{name}.test", 2000)
    run_file = f"examples/data/{name}.yaml"
    more = [*more, *(["--features", features] if features else [])]
    must("train", run_file, f"{name}.train", *more, "--epochs", 30, "--batch-size", 500, "--patience", 0, "--hidden", "16", "--out", f"m-{name}")
    model = json.load(open(f"m-{name}/model.json"))
    listed = open(features or f"examples/data/{'movielens' if 'movielens' in name else name}.features.yaml").read()
    n = sum(line.startswith("  ") for line in listed.splitlines())
    v.check(len(model["features"]["features"]) == n and model["training"]["rows"] == 30 * 4000, f"{name}: {len(model['features']['features'])} of {n} features")
    given = {}
    for key in ("format", "delimiter", "no-header", "types", "sql"):  # what reads the file, for the commands that take no run file
        given[key] = model_option(run_file, key)
    read = [w for key, x in given.items() if x for w in ([f"--{key}"] if x == "true" else [f"--{key}", x])]
    got = json.loads(must("explain", f"m-{name}", f"{name}.test", *read, *[m for m in more if m not in ("--features", features)], "--json").out)
    v.check(got["features"][0]["feature"] == strongest and got["auc"] > 0.75, f"{name}: {got['auc']}, {got['features'][:2]}")
    print(f"{name}: AUC {got['auc']:.3f}, first {got['features'][0]['feature']}")


def model_option(path, key):
    """A key of a run file: a word, a list in brackets, or folded text."""
    lines = open(path).read().split("\n")
    for i, line in enumerate(lines):
        if line.startswith(key + ":"):
            text = line[len(key) + 1:].strip()
            for more in lines[i + 1:]:
                if not more.startswith(" "):
                    break
                text += " " + more.strip()
            return text.removeprefix(">-").strip().strip('[]"').replace(", ", "," if key == "types" else ", ")
    return None


check("criteo", criteo, "C3")
check("avazu", avazu, "hour")
for name in "criteo", "avazu":
    v.check(all(x in open(f"m-{name}/model.safetensors", "rb").read() for x in (b"00012345", b"1e200000")), f"{name}: categories were taken for numbers")
check("movielens-100k", lambda path, n: movielens(path, n, "\t"), "item_id")
check("movielens-1m", lambda path, n: movielens(path, n, "::"), "item_id")
with open("movies.csv", "w") as f:
    f.write("movieId,title,genres\n")
    f.writelines(f'{film},"A, B ({1950 + film})",{"Drama|War" if film % 2 else "Comedy"}\n' for film in range(1, 40))
check("movielens", lambda path, n: movielens(path, n, ",", "userId,movieId,rating,timestamp\n"), "genres", "--table", "movies=movies.csv",
      features="examples/data/movielens-genres.features.yaml")
v.end()
