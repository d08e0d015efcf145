"""show.py: what people see of a table: rows that fit the terminal, numbers that can be read, as many rows as were asked for;
and that a file without a known ending is known by what is in it.
label: check
sanitize: yes"""
import gzip
import json
import os
import pathlib
import subprocess

from _shoal import SHOAL, TMP, Verdict, must, run

v = Verdict()
os.chdir(TMP)
CSV = "id,score,day,name\n" + "".join(f"{i},{x},2026-11-{i + 1:02d},row {i}\n" for i, x in enumerate(
    ("0.30000000000000004", "1234567.891", "-0.000012345678", "12.5", "1e300", "NaN", "")))
pathlib.Path("t.csv").write_text(CSV)


def show(*args, **kw):
    return must("show", "t.csv", *args, **kw).out.splitlines()


want = ["   id         score  day         name ", "int64       float64  date32      utf8 ",
        "    0           0.3  2026-11-01  row 0", "    1       1234568  2026-11-02  row 1", "    2  -1.23457e-05  2026-11-03  row 2",
        "    3          12.5  2026-11-04  row 3", "    4        1e+300  2026-11-05  row 4", "    5           nan  2026-11-06  row 5",
        "    6             -  2026-11-07  row 6"]
got = show()
v.check([line.rstrip() for line in got] == [line.rstrip() for line in want], "the table:\n" + "\n".join(got))
v.check([json.loads(line)["score"] for line in show("--json", "-n", 3)] == [0.30000000000000004, 1234567.891, -0.000012345678], "--json is exact")

# rows
v.check(len(show("-n", 0)) == 2 and show("-n", 0)[0].split() == ["id", "score", "day", "name"], "-n 0 prints the head alone")
v.check(show("-n", 0, "--json") == [] and len(show("-n", 2)) == 4, "-n")
v.check(must("convert", "t.csv", "none.parquet", "-n", 0).code == 0 and must("show", "none.parquet", "--count").out == "0\n", "convert -n 0")
r = run("show", "t.csv", "-n", -1)
v.check(r.code == 2 and r.message.startswith("--rows is -1, expected 0 to"), f"-n -1: {r}")

# the terminal
for columns in 20, 33, 40:
    r = run("show", "t.csv", env={"COLUMNS": str(columns)})
    v.check(r.code == 0 and all(len(line) <= columns for line in r.out.splitlines()), f"{columns} columns:\n{r.out}")
    left = 4 - len(r.out.splitlines()[0].split())
    v.check(left == 0 or f"{left} more column" in r.err, f"{columns} columns: what is left out is told: {r}")
for columns in 40, 60, 200:
    for command in ("--help",), ("train", "--help"):
        lines = run(*command, env={"COLUMNS": str(columns)}).out.splitlines()
        v.check(all(len(line) <= columns or " " not in line.strip() or "|" in line or "shoal " in line for line in lines),
                f"help in {columns} columns: {[line for line in lines if len(line) > columns]}")

# formats by content
rows = must("show", "t.csv", "--json").out
must("convert", "t.csv", "t.parquet", "--sql", "SELECT id, day, name FROM src")
must("convert", "t.parquet", "t.tfrecord")
few = must("show", "t.parquet", "--json").out
pathlib.Path("part-0.txt").write_text(CSV)
pathlib.Path("part-1").write_bytes(gzip.compress(CSV.encode()))
pathlib.Path("part-2").write_text("".join(json.dumps(json.loads(line)) + "\n" for line in rows.splitlines()))
v.check(all(must("show", f"part-{n}", "--json").out == rows for n in ("0.txt", "1", "2")), "CSV, gzip and JSON by content")
for name in "t.parquet", "t.tfrecord":
    pathlib.Path("whole").write_bytes(pathlib.Path(name).read_bytes())
    got = [json.loads(line)["id"] for line in must("show", "whole", "--json").out.splitlines()]
    v.check(got == list(range(7)), f"{name} by content: {got}")
wide = ",".join(f"a_column_of_a_long_name_{i}" for i in range(400))
pathlib.Path("wide.txt").write_text(f"{wide}\n{','.join('1' * 400)}\n")
v.check(len(must("show", "wide.txt", "--schema").out.splitlines()) == 400, "a long line of names")
for text, fields in ("1 3:0.5 7:1\n0 1:2\n", "label index value"), ("1 0:3:0.5 2:7:1\n0\n", "label field index value"):
    pathlib.Path("svm.txt").write_text(text)
    v.check(" ".join(json.loads(line)["name"] for line in must("show", "svm.txt", "--schema", "--json").out.splitlines()) == fields, f"{fields} by content")
pathlib.Path("ORC.dat").write_text("ORC,x\n1,2\n")
v.check(must("show", "ORC.dat", "--json").out == '{"ORC":1,"x":2}\n', "a text that begins as a foreign format")
os.mkdir("empty")
pathlib.Path("empty/part-0").write_text("")
pathlib.Path("empty/part-1.csv").write_text(CSV)
v.check(must("show", "empty", "--json").out == rows, "an empty file of no format")

# standard input is read when it is checked
for data, code, said in (CSV, 0, "ok   standard input: 7 rows\n1 file, 7 rows: all sound\n"), (CSV + "1,2\n", 3, "BAD  "):
    p = subprocess.run([SHOAL, "check", "-", "--format", "csv"], input=data.encode(), capture_output=True, check=False)
    v.check(p.returncode == code and p.stdout.decode().startswith(said), f"check of standard input: {p}")
v.end()
