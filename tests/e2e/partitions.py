"""partitions.py: folders k=v as pyarrow writes and reads them; append and overwriting of single partitions; a failure at any
write leaves the table that was there, and no kill leaves half of one unseen; all rows mixed by a seed.
label: test
sanitize: yes"""
import hashlib
import json
import shutil

from _shoal import SKIP, SHOAL, TMP, Verdict, must, run

v = Verdict()
one = TMP / "one.csv"
one.write_text("x\n1\n")


def make(dst, query, *more, env=None, ok=True):
    f = must if ok else run
    return f("convert", one, dst, "--sql", query, *more, env=env)


def rows(src, *more):
    return sorted(must("show", src, "--json", "-n", 10**9, *more).out.splitlines())


def state(folder):
    """Names and digests of all files."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def leftovers():
    return [p.name for p in TMP.iterdir() if ".tmp-" in p.name]


TABLE = ("SELECT i::INT AS i, CASE WHEN i % 4 = 0 THEN NULL ELSE 'a/b=' || (i % 3) || ' é%' END AS s, DATE '2026-11-01' + (i % 2)::INT AS d, "
         "CASE WHEN i % 5 = 0 THEN NULL WHEN i % 5 = 1 THEN [] ELSE [i::INT] END AS l FROM range(3000) r(i)")
want = sorted(json.dumps(json.loads(x), sort_keys=True) for x in must("show", one, "--sql", TABLE, "--json", "-n", 10**9).out.splitlines())
for to in "tfrecord", "parquet", "jsonl":
    out = TMP / f"by_{to}"
    make(out, TABLE, "--to", to, "--partition-by", "d,s", "--rows-per-file", 300)
    got = sorted(json.dumps(json.loads(x), sort_keys=True) for x in rows(out))
    v.check(got == want, f"{to}: rows by partitions differ: {got[:2]} {want[:2]}")
    counts = [json.loads(x)["rows"] for x in must("check", out, "--json").out.splitlines()]
    v.check(sum(counts) == 3000 and max(counts) == 300, f"{to}: rows of the files: {counts}")
    v.check(sorted(p.name for p in out.iterdir() if "=" in p.name) == ["d=2026-11-01", "d=2026-11-02"], f"{to}: folders {list(out.iterdir())}")

try:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    import pyarrow as pa
except ImportError:
    print("not tried: there is no pyarrow package")
    raise SystemExit(SKIP if v.bad == 0 else 1)

read = ds.dataset(str(TMP / "by_parquet"), partitioning=ds.partitioning(flavor="hive", schema=pa.schema([("d", pa.date32()), ("s", pa.string())]))).to_table()
got = sorted(json.dumps({**r, "d": str(r["d"])}, sort_keys=True) for r in read.to_pylist())
v.check(got == want, "pyarrow reads other rows of --partition-by")
table = pa.table({"n": pa.array(range(100), pa.int64()), "k": [["x y", "%", "ü", None][i % 4] for i in range(100)], "m": [i % 3 for i in range(100)]})
pq.write_to_dataset(table, TMP / "theirs", partition_cols=["k", "m"])
got = sorted(tuple(json.loads(x).items()) for x in rows(TMP / "theirs"))
v.check(got == sorted(tuple(r.items()) for r in table.select(["n", "k", "m"]).to_pylist()), f"rows of pyarrow's folders: {got[:3]}")
v.check(len(rows(TMP / "theirs", "--where", "k = 'ü' AND m >= 1 AND n < 50")) == len([i for i in range(50) if i % 4 == 2 and i % 3 >= 1]), "--where over pyarrow's folders")

# Single partitions are replaced, all others stay as they are; more are added.
out = TMP / "by_tfrecord"
before = state(out)
new = "SELECT 7::INT AS i, NULL::VARCHAR AS s, DATE '2026-11-01' AS d, [1::INT] AS l"
make(out, new, "--partition-by", "d,s", "--overwrite-partitions")
after = state(out)
same = {k for k in before if k.startswith("d=") and "d=2026-11-01/s=__HIVE" not in k}
v.check(all(after.get(k) == before[k] for k in same), "another partition was changed")
v.check(rows(out, "--where", "d = '2026-11-01' AND s IS NULL") == ['{"i":7,"l":[1],"d":"2026-11-01","s":null}'], "the partition was not replaced")
v.check(must("check", out).out.splitlines()[-1].endswith("all sound"), "the manifest does not fit")
make(out, new.replace("NULL::VARCHAR", "'new'"), "--partition-by", "d,s", "--append")
v.check(len(rows(out, "--where", "s = 'new'")) == 1 and set(after) < set(state(out)), "--append of a partition")

# Whatever write fails: the table that was there, or the new one.
TWO = "SELECT i::INT AS i, CASE WHEN i = 0 THEN 'new' ELSE 'fresh' END AS s, DATE '2026-11-01' AS d, [2::INT] AS l FROM range(2) r(i)"
for mode in "--overwrite-partitions", "--append":
    base = TMP / "base"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(out, base)
    old, tried, passed = state(base), 0, 0
    if make(base, TWO, "--partition-by", "d,s", mode, env={"SHOAL_TEST_FAIL_IO": "1:-1"}, ok=False).code >= 0:
        print("failing writes were not tried: this is no debug build of", SHOAL)
        break
    for n in range(1, 400):
        shutil.rmtree(base)
        shutil.copytree(out, base)
        r = make(base, TWO, "--partition-by", "d,s", mode, env={"SHOAL_TEST_FAIL_IO": str(n)}, ok=False)
        passed = passed + 1 if r.code == 0 else 0  # sweeping may fail: what is left then goes another time
        if passed == 5:
            break
        tried += r.code != 0
        v.check(not leftovers() or r.code == 0, f"{mode}, write {n} failed: {r.code} {r.message} left are {leftovers()}")
        v.check((state(base) == old) == (r.code != 0), f"{mode}, write {n} failed: {r}; {set(state(base)) ^ set(old)}")
    v.check(tried > 10, f"{mode}: only {tried} writes")

# Killed at any write: a reader sees the old table, the new one, or an error that names the file; and replacing the same
# partitions again makes the table whole.
for mode in "--overwrite-partitions", "--append":
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(out, base)
    old = rows(base)
    make(base, TWO, "--partition-by", "d,s", mode)
    new, seen = rows(base), set()
    for n in range(1, 400):
        shutil.rmtree(base)
        shutil.copytree(out, base)
        r = make(base, TWO, "--partition-by", "d,s", mode, env={"SHOAL_TEST_FAIL_IO": f"{n}:-1"}, ok=False)
        if r.code >= 0:
            break
        look = run("show", base, "--json", "-n", 10**9)
        got = sorted(look.out.splitlines())
        kind = "error" if look.code else "old" if got == old else "new" if got == new else "other"
        seen.add(kind)
        v.check(kind != "other", f"{mode}, killed at write {n}: {len(got)} rows, neither the old nor the new table")
        v.check(look.code == 0 or "_manifest.json" in look.message, f"{mode}, killed at write {n}: {look}")
        if mode == "--overwrite-partitions":
            again = make(base, TWO, "--partition-by", "d,s", mode, ok=False)
            v.check(again.code == 0 and rows(base) == new and not leftovers(), f"{mode}, killed at write {n}, then again: {again} {leftovers()}")
    v.check(seen in ({"old", "new", "error"}, set()), f"{mode}: kills gave only {seen}")

# Mixed: the same rows, in an order that the seed decides.
def mixed(seed, *more):
    make(TMP / f"mixed{seed}.jsonl", TABLE, "--shuffle", "--seed", seed, "--overwrite", *more)
    return (TMP / f"mixed{seed}.jsonl").read_text().splitlines()


plain = must("show", one, "--sql", TABLE, "--json", "-n", 10**9).out.splitlines()
first, other = mixed(1), mixed(2)
v.check(sorted(first) == sorted(plain) == sorted(other), "rows were lost in mixing")
v.check(first != plain and first != other and first == mixed(1, "--memory", "1M", "--threads", 1), "the order does not follow from the seed")
v.check(mixed(3, "-n", 100) == mixed(3)[:100], "-n takes other rows than the first of the mixed ones")

v.end()
