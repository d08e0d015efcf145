"""text_tables.py: CSV and JSON lines as docs/types.md says it: no value changes on the way in, or the command ends with the line of the one
that would have; pipes, several files, names, and what Shoal wrote itself.
label: check"""
import gzip
import os
import subprocess
import threading

from _shoal import SHOAL, Verdict, must, run

v = Verdict()


def put(name, text):
    with open(name, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return name


def column(*args):
    """Type and values, as JSON, of the column x."""
    types = dict(line.split(None, 1) for line in must("show", *args, "--schema").out.splitlines())
    lines = must("show", *args, "--json", "-n", "100000").out.splitlines()
    return types["x"], [line.split('"x":', 1)[1][:-1] for line in lines]


def reads(name, cells, type_name, values):
    got = column(put("t.csv", "y,x\n" + "".join(f"0,{c}\n" for c in cells)))
    v.check(got == (type_name, values), f"{name}: {got}, expected {(type_name, values)}")


def refused(name, message, *args, code=3):
    r = run(*args)
    v.check(r.code == code and r.message == message, f"{name}: {r.code} {r.message!r}, expected {message!r}")


# ---- types ----------------------------------------------------------------------------------------------------------------
reads("whole numbers", ["1", "", "-9223372036854775808"], "int64", ["1", "null", "-9223372036854775808"])
reads("hashed ids", ["1", "18446744073709551615"], "uint64", ["1", "18446744073709551615"])
reads("longer ones", ["1", "18446744073709551616"], "utf8", ['"1"', '"18446744073709551616"'])
reads("large and negative", ["-1", "18446744073709551615"], "utf8", ['"-1"', '"18446744073709551615"'])
reads("fractions", ["1", "2.5", "1e3"], "float64", ["1", "2.5", "1000"])
reads("fractions beside what no double is", ["9007199254740993", "2.5"], "utf8", ['"9007199254740993"', '"2.5"'])
reads("specials", ["nan", "inf", "-inf", "1"], "float64", ['"NaN"', '"Infinity"', '"-Infinity"', "1"])
reads("zeros in front", ["007", "8"], "utf8", ['"007"', '"8"'])
reads("what overflows", ["1e999", "1"], "utf8", ['"1e999"', '"1"'])
reads("dates", ["2020-12-31", "0001-01-01"], "date32", ['"2020-12-31"', '"0001-01-01"'])
reads("no dates", ["01/02/2020", "31.12.2020"], "utf8", ['"01/02/2020"', '"31.12.2020"'])
reads("no day of that month", ["2021-02-29"], "utf8", ['"2021-02-29"'])
reads("timestamps", ["2020-01-01 10:00:00", "2020-01-01T10:00:00.5"], "timestamp[us]", ['"2020-01-01 10:00:00"', '"2020-01-01 10:00:00.5"'])
reads("nanoseconds", ["2020-01-01 10:00:00.123456789"], "timestamp[ns]", ['"2020-01-01 10:00:00.123456789"'])
reads("zones", ["2020-01-01 10:00:00+02:00", "2020-01-01 10:00:00Z"], "timestamp[us, UTC]", ['"2020-01-01 08:00:00+00"', '"2020-01-01 10:00:00+00"'])
reads("zone or none", ["2020-01-01 10:00:00", "2020-01-01 10:00:00Z"], "utf8", ['"2020-01-01 10:00:00"', '"2020-01-01 10:00:00Z"'])
reads("dates among timestamps", ["2020-01-01", "2020-01-01 10:00:00"], "timestamp[us]", ['"2020-01-01 00:00:00"', '"2020-01-01 10:00:00"'])
reads("booleans", ["true", "FALSE"], "bool", ["true", "false"])
reads("null and empty", ["", '""', "a"], "utf8", ["null", '""', '"a"'])
reads("quotes", ['"a""b"', '"c,d"', '"e\nf"'], "utf8", ['"a\\"b"', '"c,d"', '"e\\nf"'])
reads("nothing", ["", ""], "utf8", ["null", "null"])

# ---- behind the first rows ------------------------------------------------------------------------------------------------
for name, early, late, type_name, advice in (("fraction", "1", "2.5", "int64", "float64"), ("large number", "1", "99999999999999999999", "int64", "utf8"),
                                             ("time of day", "2020-01-01", "2020-01-01 10:00:00", "date32", "utf8"),
                                             ("nanoseconds", "2020-01-01 10:00:00", "2020-01-01 10:00:00.000000001", "timestamp[us]", "utf8"),
                                             ("inexact number", "0.5", "9007199254740993", "float64", "utf8"), ("word", "true", "maybe", "bool", "utf8")):
    put("late.csv", "x\n" + f"{early}\n" * 30000 + f"{late}\n")
    refused(f"late {name}", f"late.csv: line 30002, column 'x': '{late}' is no {type_name}, as the first rows are; say what the column is, as --types x={advice}",
            "convert", "late.csv", "late.parquet")
    v.check(must("show", "late.csv", "--types", f"x={advice}", "--count").out == "30001\n", f"late {name}: said by --types")
refused("types of a column that is none", "--types: there is no column 'z'", "show", "late.csv", "--types", "z=utf8", code=2)

# ---- several files --------------------------------------------------------------------------------------------------------
put("a.csv", "x\n1\n")
put("b.csv", "x\n2.7\n")
v.check(column("a.csv", "b.csv") == ("float64", ["1", "2.7"]), "the heads of all files tell the types")
refused("one column more", "c.csv: line 1 has 2 fields, but that of a.csv 1; all files of a source have the same columns", "show", "a.csv", put("c.csv", "x,y\n3,4\n"))
refused("another name", "d.csv: column 1 is 'z', but 'x' in a.csv; all files of a source have the same columns", "show", "a.csv", put("d.csv", "z\n3\n"))
put("empty.csv", "")
v.check(column("empty.csv", "a.csv") == ("int64", ["1"]) == column("a.csv", "empty.csv"), "empty files between others")
refused("an empty file alone", "empty.csv: it is empty; a CSV file begins with a line of names", "show", "empty.csv")

# ---- names ----------------------------------------------------------------------------------------------------------------
v.check(must("show", put("t.csv", "A,a,ä b\n1,2,3\n"), "--json").out == '{"A":1,"a":2,"ä b":3}\n', "names are kept as they are")
v.check(must("show", put("t.csv", "2020,2021\n1,2\n"), "--json").out == '{"2020":1,"2021":2}\n', "numbers as names")
v.check(must("show", put("t.csv", "a,b\nc,d\n"), "--json").out == '{"a":"c","b":"d"}\n', "a table of texts has a header too")
v.check(must("show", "t.csv", "--json", "--no-header").out == '{"column0":"a","column1":"b"}\n{"column0":"c","column1":"d"}\n', "no header")
refused("a name twice", "t.csv: line 1: two columns are named 'x'; name them apart", "show", put("t.csv", "x,x\n1,2\n"))
v.check(must("show", put("t.txt", "x:y\n1:2\n"), "--json", "--delimiter", ":", "--format", "csv").out == '{"x":1,"y":2}\n', "--delimiter")

# ---- forms of files -------------------------------------------------------------------------------------------------------
for name, text in (("\\r\\n", "x,y\r\n1,2\r\n3,4\r\n"), ("\\r", "x,y\r1,2\r3,4\r"), ("no last end", "x,y\n1,2\n3,4"), ("mark of UTF-8", "\ufeffx,y\n1,2\n3,4\n"),
                   ("empty lines", "x,y\n\n1,2\n\n3,4\n\n"), ("tabs", "x\ty\n1\t2\n3\t4\n"), ("semicolons", "x;y\n1;2\n3;4\n"), ("spaces", "x, y\n 1, 2\n3,4\n")):
    v.check(must("show", put("t.csv", text), "--json").out == '{"x":1,"y":2}\n{"x":3,"y":4}\n', f"lines with {name}")
put("t.csv.gz", gzip.compress(b"x\n1\n") + gzip.compress(b"2\n"))
v.check(column("t.csv.gz") == ("int64", ["1", "2"]), "gzip")
os.mkdir("~")
v.check(column(put("~/x.csv", "x\n5\n")) == ("int64", ["5"]), "~ is a name like others")
v.check(column(put("it's *.csv", "x\n6\n")) == ("int64", ["6"]), "a quote and a star are letters of a name")
v.check(column(put(os.fsdecode(b"caf\xe9.csv"), "x\n7\n")) == ("int64", ["7"]), "a name that is not UTF-8")

for name in "~/x.parquet", "it's *.parquet", "[x]?.parquet":
    must("convert", "a.csv", name)
    v.check(column(name) == ("int64", ["1"]), f"Parquet named {name}")

# ---- by several threads ---------------------------------------------------------------------------------------------------
rows = [f'{i},"text {i}, ""of"" more\nlines",{i * 0.25},{"" if i % 7 else "é"}\n' for i in range(60000)]
put("wide.csv", "a,b,c,d\n" + "".join(rows))
by_one = must("convert", "wide.csv", "-", "--to", "jsonl", "--threads", "1").out
v.check(by_one.count("\n") == 60000 and by_one.splitlines()[59999] == '{"a":59999,"b":"text 59999, \\"of\\" more\\nlines","c":14999.75,"d":null}', "rows cut into pieces")
for threads in (2, 3, 8):
    v.check(must("convert", "wide.csv", "-", "--to", "jsonl", "--threads", str(threads)).out == by_one, f"rows by {threads} threads")
for name, row, message in (("value", '1,"x\n",none,\n', "line 100011, column 'c': 'none' is no float64, as the first rows are; say what the column is, as --types c=utf8"),
                           ("quote", '1,"x" y,1,\n', 'line 100011: text stands behind a closing quote; a quote inside quotes is written ""'),
                           ("field", "1,x\n", "line 100011 has 2 fields, but line 1 has 4")):
    put("bad.csv", "a,b,c,d\n" + "".join(rows[:50004]) + "\n" + row + "".join(rows[50004:]) + "1\n")
    for threads in (1, 2, 5):
        refused(f"a bad {name} among {threads} threads", f"bad.csv: {message}", "convert", "bad.csv", "none.csv", "--threads", str(threads))
put("wide.svm", "".join(f"{i % 2} {i}:1 {i + 1}:0.5\n" for i in range(150000)))
by_one = must("convert", "wide.svm", "-", "--to", "libsvm", "--threads", "1").out
v.check(by_one == open("wide.svm").read() == must("convert", "wide.svm", "-", "--to", "libsvm", "--threads", "4").out, "libsvm cut into pieces")
put("bad.svm", by_one + "1 2:3 x\n" + by_one)
for threads in (1, 2, 5):
    refused(f"a bad token among {threads} threads", "bad.svm: line 150001, column 7: 'x' found, expected INDEX:VALUE, a whole number from 0 and a number that float32 can hold",
            "convert", "bad.svm", "none.svm", "--threads", str(threads))

# ---- pipes ----------------------------------------------------------------------------------------------------------------
many = b"label,x\n" + b"".join(b"%d,%d\n" % (i % 2, i) for i in range(400000))
p = subprocess.run([SHOAL, "convert", "-", "-", "--format", "csv", "--to", "csv"], input=many, capture_output=True, timeout=120)
v.check(p.returncode == 0 and p.stdout == many, "all rows of standard input")
os.mkfifo("pipe.csv")
writer = threading.Thread(target=lambda: put("pipe.csv", many))
writer.start()
r = must("convert", "pipe.csv", "from_pipe.csv")
writer.join()
v.check(open("from_pipe.csv", "rb").read() == many, "all rows of a named pipe")

# ---- JSON lines -----------------------------------------------------------------------------------------------------------
def json_reads(name, values, type_name, shown=None):
    got = column(put("t.jsonl", "".join(f'{{"x":{x}}}\n' for x in values)))
    v.check(got == (type_name, shown or values), f"JSON {name}: {got}, expected {(type_name, shown or values)}")


json_reads("whole numbers", ["1", "null", "-5"], "int64")
json_reads("hashed ids", ["1", "18446744073709551615"], "uint64")
json_reads("longer ones", ["1", "123456789012345678901234567890"], "utf8", ['"1"', '"123456789012345678901234567890"'])
json_reads("fractions", ["1", "2.5"], "float64")
json_reads("specials", ["1.5", '"NaN"', '"Infinity"', '"-Infinity"'], "float64")
json_reads("Python's specials", ["1.5", "NaN", "-Infinity"], "float64", ["1.5", '"NaN"', '"-Infinity"'])
json_reads("strings of digits", ['"1"', '"2"'], "utf8")
json_reads("strings and numbers", ['"a"', "1", "true", "[1,2]"], "utf8", ['"a"', '"1"', '"true"', '"[1,2]"'])
json_reads("dates", ['"2020-12-31"'], "date32")
json_reads("timestamps", ['"2020-12-31 10:00:00.123456789"'], "timestamp[ns]")
json_reads("escapes", ['"\\u00e4\\ud83d\\ude00\\n\\/"'], "utf8", ['"ä😀\\n/"'])
json_reads("lists", ["[1,2]", "[]", "null"], "list<int64>")
json_reads("lists of lists", ["[[1.5],[]]", "[[2]]"], "list<list<float64>>")
v.check(must("show", put("t.jsonl", '{"s":{"a":1,"l":["x"]},"A":1,"a":2}\n{"s":{"a":null}}'), "--json").out
        == '{"s":{"a":1,"l":["x"]},"A":1,"a":2}\n{"s":{"a":null,"l":null},"A":null,"a":null}\n', "objects inside")
v.check(must("show", put("t.json", '[\n{"x":1},\n{"x":\n2}\n]\n'), "--json").out == '{"x":1}\n{"x":2}\n', "a list of objects")
lines = b"".join(b'{"label":%d,"x":%d}\n' % (i % 2, i) for i in range(100000))
p = subprocess.run([SHOAL, "convert", "-", "-", "--format", "jsonl", "--to", "jsonl"], input=lines, capture_output=True, timeout=120)
v.check(p.returncode == 0 and p.stdout == lines, "all rows of JSON from standard input")

# ---- files that are written to meanwhile ----------------------------------------------------------------------------------
put("grows.csv", many)
p = subprocess.Popen([SHOAL, "convert", "grows.csv", "-", "--to", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
p.stdout.read(1)  # the pipe is full long before the end
with open("grows.csv", "ab") as f:
    f.write(b"1,1\n")
_, err = p.communicate(timeout=120)
v.check(p.returncode == 3 and err == b"shoal: grows.csv: it was changed or replaced while it was read; read it again when it is complete\n", f"a file that grows: {err}")

v.end()
