"""_bad_cases.py: the table of bad_input.py: a name, what is done, the exit code and the message, word for word.

Each case runs in a folder of its own, where links lead to the sound tables and the model that make_files made by the program
itself. Those that have to be damaged are copied and damaged byte by byte; small ones are text."""
import json
import os
import pathlib
import shutil
import struct
import subprocess

from _shoal import SHOAL, must

USAGE, DATA, NOMEM, STORAGE, INTERRUPTED, DIVERGED, STALLED = 2, 3, 4, 5, 6, 8, 9
CASES = []
HEAD = "label,x,c\n"
GOOD = HEAD + "".join(f"{i % 2},{i * 0.5},{'ab'[i % 3 // 2]}\n" for i in range(40))


class Case:
    def __init__(self, name, code, message, command, files, before, after, env, prefix, stdin):
        self.name, self.code, self.message, self.command = name, code, message, command
        self.files, self.before, self.after, self.env, self.prefix, self.stdin = files, before, after, env, prefix, stdin

    def prepare(self):
        """Makes the files; the reason when the case cannot be tried here."""
        for name, content in self.files.items():
            path = pathlib.Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.before() if self.before else None

    def open_stdin(self):
        return self.stdin() if callable(self.stdin) else subprocess.DEVNULL

    def clean(self):
        if self.after:
            self.after()


def case(name, code, message, *command, files=None, before=None, after=None, env=None, prefix=(), stdin=None):
    CASES.append(Case(name, code, message, command, files or {}, before, after, env or {}, prefix, stdin))


def train(*more, source="good.csv", model="lr", label="label"):
    return ["train", source, "--label", label, "--model", model, "--epochs", "1", "--out", "out", *more]


def damaged(path, change):
    """The bytes of a file, changed by a function of a bytearray."""
    data = bytearray(pathlib.Path(path).read_bytes())
    return bytes(change(data) or data)


def make_files():
    """Sound tables and a sound model, which cases then damage."""
    pathlib.Path("good.csv").write_text(GOOD)
    for ending in "parquet", "tfrecord", "jsonl":
        must("convert", "good.csv", f"good.{ending}", "--overwrite")
    must("train", "good.csv", "--label", "label", "--model", "deepfm", "--hidden", "4", "--epochs", "1", "--kernels", "portable", "--out",
         "model")


def crc32c(data):
    c = 0xFFFFFFFF
    for byte in data:
        c ^= byte
        for _ in range(8):
            c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    c ^= 0xFFFFFFFF
    return struct.pack("<I", ((c >> 15 | c << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + crc32c(length) + data + crc32c(data)


def field(number, data):
    """A field of a protocol buffer: bytes, at most 127."""
    return bytes([number << 3 | 2, len(data)]) + data


WHOLE, REAL = field(3, field(1, b"\1")), field(2, field(1, b"\0\0\0\0"))


def example(name, feature):
    """A tf.train.Example of one feature."""
    return field(1, field(1, field(1, name) + field(2, feature)))


def flip(at):
    def change(data):
        data[at] ^= 0xFF
    return change


def rewrite(source, target, change):
    """A case's `before`: target becomes source with its bytes changed."""
    return lambda: pathlib.Path(target).write_bytes(damaged(source, change)) and None


def changed_model(change):
    """A case's `before`: a copy of the model in the folder changed, with `change` done to it."""
    def before():
        shutil.rmtree("changed", ignore_errors=True)
        shutil.copytree("model", "changed")
        return change(pathlib.Path("changed"))
    return before


def changed_manifest(change):
    def on_folder(folder):
        j = json.loads((folder / "model.json").read_text())
        change(j)
        (folder / "model.json").write_text(json.dumps(j))
    return changed_model(on_folder)


def obeying():
    """The words before a command of root's that make root obey permissions."""
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def small_disk():
    """A folder `small` on a disk of its own of 64 KiB."""
    pathlib.Path("small").mkdir(exist_ok=True)
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    p = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "small"], capture_output=True, text=True)
    return f"a small disk cannot be mounted: {p.stderr.strip()}" if p.returncode else None


def no_small_disk():
    subprocess.run(["umount", "small"], check=False)


def closed_folder():
    pathlib.Path("closed").mkdir(exist_ok=True)
    shutil.copy("good.csv", "closed/good.csv")
    os.chmod("closed/good.csv", 0)
    os.chmod("closed", 0o555)
    p = subprocess.run([*obeying(), SHOAL, "--version"], capture_output=True)
    return "root's rights cannot be taken away" if p.returncode else None


# ---- the command line --------------------------------------------------------------------------------------------------
case("no command", USAGE, "?")
case("unknown command", USAGE, "?", "trian")
case("unknown command without likeness", USAGE, "?", "xyzzy")
case("unknown flag", USAGE, "?", "train", "good.csv", "--batchsize", "3")
case("unknown flag without likeness", USAGE, "?", "train", "good.csv", "--xyzzyx")
case("flag of another command", USAGE, "?", "show", "good.csv", "--epochs", "3")
case("unknown letter", USAGE, "?", "show", "good.csv", "-z")
case("flag without value", USAGE, "?", "train", "good.csv", "--label")
case("switch with value", USAGE, "?", "show", "good.csv", "--json=maybe")
case("not a number", USAGE, "?", *train("--epochs", "many"))
case("not a whole number", USAGE, "?", *train("--epochs", "1.5"))
case("number too small", USAGE, "?", *train("--epochs", "0"))
case("not a real number", USAGE, "?", *train("--lr", "fast"))
case("real number out of range", USAGE, "?", *train("--lr", "-1"))
case("unknown choice", USAGE, "?", *train("--optimizer", "adma"))
case("unknown choice without likeness", USAGE, "?", *train("--optimizer", "xyzzy"))
case("source missing", USAGE, "?", "show")
case("too few arguments", USAGE, "?", "check")
case("model missing", USAGE, "?", "eval")
case("destination missing", USAGE, "?", "convert", "good.csv")
case("empty entry", USAGE, "?", *train("--drop", "x,,c"))
case("empty value", USAGE, "?", *train("--weight", ""))
case("not a number of bytes", USAGE, "?", *train("--memory", "lots"))
case("hidden layers of words", USAGE, "?", *train("--hidden", "4,x", model="deepfm"))
case("too many hidden layers", USAGE, "?", *train("--hidden", ",".join(["4"] * 300), model="deepfm"))
case("hidden layers of lr", USAGE, "?", *train("--hidden", "4"))
case("dropout of lr", USAGE, "?", *train("--dropout", "0.5"))
case("embeddings of lr", USAGE, "?", *train("--embedding-dim", "4"))
case("too many arguments", USAGE, "?", "summary", "a", "b")
case("no out", USAGE, "?", "train", "good.csv", "--label", "label", "--model", "lr")
case("unknown shell", USAGE, "--completion: unknown shell 'fish'; expected bash", "--completion", "fish")
case("unknown kernels", USAGE, "?", *train("--kernels", "sse9"))
case("l1 without ftrl", USAGE, "?", *train("--l1", "0.1"))
case("momentum without sgd", USAGE, "?", *train("--momentum", "0.9"))
case("run file missing", STORAGE, "?", "train", "missing.yaml")
case("run file with an unknown key", USAGE, "?", "train", "run.yaml", files={"run.yaml": "lable: label\n"})
case("run file with a bad value", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: label\nepochs: many\n"})
case("run file that is no map", USAGE, "?", "train", "run.yaml", files={"run.yaml": "- label\n"})
case("run file with a map inside", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: {a: b}\n"})
case("YAML broken", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: [a\n"})
case("YAML with a key twice", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: a\nlabel: b\n"})
case("YAML with an alias", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: &x a\nmodel: *x\n"})
case("YAML with a tag", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: !x a\n"})
case("YAML of two documents", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: a\n---\nlabel: b\n"})
case("YAML too deep", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: " + "[" * 100 + "]" * 100 + "\n"})
case("run file with a map for a list", USAGE, "?", "train", "run.yaml", files={"run.yaml": "drop: {a: b}\n"})
case("run file with a list of lists", USAGE, "?", "train", "run.yaml", files={"run.yaml": "drop: [[a]]\n"})
case("YAML with an open quote", USAGE, "?", "train", "run.yaml", files={"run.yaml": "label: 'a\n"})
case("YAML not UTF-8", USAGE, "?", "train", "run.yaml", files={"run.yaml": b"label: caf\xe9\n"})
case("YAML with a list as a key", USAGE, "?", "train", "run.yaml", files={"run.yaml": "? [a]\n: b\n"})
case("YAML with NUL", USAGE, "?", "train", "run.yaml", files={"run.yaml": 'label: "a\\0b"\n'})
case("YAML too large", USAGE, "?", "train", "run.yaml", before=lambda: open("run.yaml", "w").truncate(100 << 20) and None)
case("YAML empty", USAGE, "?", "train", "run.yaml", files={"run.yaml": ""})

# ---- files -------------------------------------------------------------------------------------------------------------
case("file missing", STORAGE, "?", "show", "missing.parquet")
case("glob without files", STORAGE, "?", "show", "missing-*.parquet")
case("folder without files", STORAGE, "?", "show", "empty_folder", before=lambda: pathlib.Path("empty_folder").mkdir(exist_ok=True))
case("scheme unknown", USAGE, "?", "show", "gopher://host/x.parquet")
case("local file of a host", USAGE, "?", "show", "file://host/x.parquet")
case("standard input of no format", USAGE, "?", "show", "-")
case("standard input and a file", USAGE, "?", "show", "-", "good.csv", "--format", "csv")
case("link that leads back", STORAGE, "?", "show", "loop", before=lambda: (os.mkdir("loop"), os.symlink(".", "loop/again"), None)[2])
case("format unknown", USAGE, "?", "show", "table.xyz", files={"table.xyz": "?\0\1\2"})
case("output there", STORAGE, "?", "convert", "good.csv", "there.parquet", files={"there.parquet": "x"})
case("output without a known ending", USAGE, "?", "convert", "good.csv", "out", "--to", "xml")
case("output of the wrong ending", USAGE, "?", "convert", "good.csv", "out.csv", "--to", "parquet")
case("output of the wrong compression", USAGE, "?", "convert", "good.csv", "out.csv", "--compression", "gzip")
case("compressed output without .gz", USAGE, "?", "convert", "good.csv", "out.tfrecord", "--compression", "gzip")
case("output of binary to a pipe", USAGE, "?", "convert", "good.csv", "-", "--to", "parquet")
case("append to a file", USAGE, "?", "convert", "good.csv", "there.csv", "--append", files={"there.csv": "x"})
case("append of other columns", DATA, "?", "convert", "other.csv", "folder", "--to", "tfrecord", "--append", files={"other.csv": "y\n1\n"},
     before=lambda: must("convert", "good.csv", "folder", "--to", "tfrecord") and None)
case("no permission to read", STORAGE, "?", "show", "closed/good.csv", before=closed_folder, prefix=obeying())
case("no permission to write", STORAGE, "?", "convert", "good.csv", "closed/out.csv", before=closed_folder, prefix=obeying())
case("disk full", STORAGE, "?", "convert", "good.csv", "small/big.jsonl", "--sql",
     "SELECT src.*, repeat('x', 1000) AS long FROM src, range(10)", before=small_disk, after=no_small_disk)
case("disk full while training", STORAGE, "?", "train", "good.csv", "--label", "label", "--model", "deepfm", "--epochs", "1",
     "--out", "small/out", before=small_disk, after=no_small_disk)
case("output closed", STORAGE, "?", "show", "good.csv", prefix=("sh", "-c", 'exec "$@" >/dev/full', "sh"))

# ---- tables ------------------------------------------------------------------------------------------------------------
case("parquet that is none", DATA, "?", "show", "bad.parquet", files={"bad.parquet": "hello"})
case("parquet cut", DATA, "?", "show", "bad.parquet", before=rewrite("good.parquet", "bad.parquet", lambda d: d[:-20]))
case("parquet empty file", DATA, "?", "show", "bad.parquet", files={"bad.parquet": ""})
case("csv with a row too short", DATA, "?", "show", "bad.csv", files={"bad.csv": "a,b\n1,2\n" * 3000 + "3\n" + "1,2\n" * 10})
case("csv with a short row early", DATA, "?", "show", "bad.csv", files={"bad.csv": "a,b\n1,2\n3\n1,2\n"})
case("csv not UTF-8", DATA, "?", "show", "bad.csv", files={"bad.csv": b"a,b\n1,caf\xe9\n"})
case("jsonl broken", DATA, "?", "show", "bad.jsonl", files={"bad.jsonl": '{"a": 1}\n{"a": \n'})
case("sql broken", USAGE, "?", "show", "good.csv", "--sql", "SELEC * FROM src")
case("sql of two statements", USAGE, "?", "show", "good.csv", "--sql", "SELECT 1; SELECT 2")
case("sql that is no query", USAGE, "?", "show", "good.csv", "--sql", "CREATE TABLE t (i INT)")
case("sql reads records twice", USAGE, "?", "show", "good.tfrecord", "--sql", "SELECT a.x FROM src a JOIN src b USING (x)")
case("sql names a column twice", USAGE, "?", "show", "good.csv", "--sql", "SELECT x, c AS x FROM src")
case("sql fails at a row", DATA, "?", "show", "good.csv", "--sql", "SELECT CAST(c AS INT) FROM src")
case("check with sql", USAGE, "?", "check", "good.csv", "--sql", "SELECT 1")
case("check: another column", DATA, "?", "check", "good.csv", "other.csv", files={"other.csv": "label,x,d\n0,1.5,a\n"})
case("check: one column more", DATA, "?", "check", "good.csv", "other.csv", files={"other.csv": "label,x,c,d\n0,1.5,a,1\n"})
case("check: another type", DATA, "?", "check", "good.csv", "other.csv", files={"other.csv": "label,x,c\n0,b,a\n"})
for name, message, query in (("a struct", "?", "{'a': 1}"), ("a null in a list", "?", "[1, NULL]"),
                             ("an inexact number", "?", "0.1::DOUBLE"), ("a large number", "?", "18446744073709551615::UBIGINT")):
    case(f"tfrecord of {name}", DATA, message, "convert", "good.csv", "out.tfrecord", "--sql", f"SELECT {query} AS v FROM src")
case("csv of a struct", DATA, "?", "convert", "good.csv", "out.csv", "--sql", "SELECT {'a': 1} AS v FROM src")
case("parquet of an interval", DATA, "?", "convert", "good.csv", "out.parquet", "--sql", "SELECT {'a': 1} AS v FROM src")
case("sql names no column", USAGE, "?", "show", "good.csv", "--sql", "SELECT nope FROM src")
case("tfrecord cut in the length", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d + b"\1\2\3"))
case("tfrecord cut in the data", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d[:-9]))
case("tfrecord with a damaged length", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(0)))
case("tfrecord with damaged data", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(20)))
case("tfrecord that is none", DATA, "?", "show", "bad.tfrecord", files={"bad.tfrecord": "this is not a record file, only text\n"})
case("tfrecord gzip cut", DATA, "?", "show", "cut.tfrecord.gz", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz", "--compression", "gzip", "--overwrite"),
    rewrite("whole.tfrecord.gz", "cut.tfrecord.gz", lambda d: d[:-30])(), None)[2])
case("tfrecord gzip damaged", DATA, "?", "show", "bad.tfrecord.gz", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz", "--compression", "gzip"),
    rewrite("whole.tfrecord.gz", "bad.tfrecord.gz", flip(60))(), None)[2])
case("tfrecord of no examples", DATA, "?", "show", "bad.tfrecord", files={"bad.tfrecord": record(b"\xff\xff")})
case("tfrecord with an empty name", DATA, "?", "show", "bad.tfrecord", files={"bad.tfrecord": record(example(b"", WHOLE))})
case("tfrecord with two types", DATA, "?", "show", "bad.tfrecord", files={
    "bad.tfrecord": record(example(b"x", WHOLE)) + record(example(b"x", REAL))})
case("tfrecord that changes its type late", DATA, "?", "check", "bad.tfrecord", files={
    "bad.tfrecord": record(example(b"x", WHOLE)) * 20000 + record(example(b"x", REAL))})
for name, message, text in (
    ("of a newer version", "?", '{"shoal_schema": 99, "columns": []}'),
    ("of no schema", "?", "{}"),
    ("of no JSON", "?", "{"),
    ("with a column without a type", "?", '{"shoal_schema": 1, "columns": [{"name": "x"}]}'),
    ("with an unknown type", "?", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "thing"}]}'),
    ("with a column twice", "?", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "int64"}, {"name": "x", "type": "int64"}]}'),
    ("that does not fit", "?", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "float"}]}'),
):
    case(f"schema {name}", DATA, message, "show", "d", files={"d/_schema.json": text, "d/a.tfrecord": record(example(b"x", WHOLE))})
case("label missing", USAGE, "?", *train(label="lable"))
case("no label", USAGE, "?", "train", "good.csv", "--model", "lr", "--out", "out")
case("label is text", DATA, "?", *train(source="bad.csv"), files={"bad.csv": "label,x\nclick,1\nnone,2\n"})
case("label is 2", DATA, "?", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n2,1,b\n"})
case("label is a half", DATA, "?", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n0.5,1,b\n"})
case("label is empty", DATA, "?", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n,1,b\n"})
case("label is constant", DATA, "?", *train(source="bad.csv"), files={"bad.csv": HEAD + "".join(f"1,{i},a\n" for i in range(40))})
case("table without rows", DATA, "?", *train(source="bad.csv"), files={"bad.csv": HEAD})
case("infinite number", DATA, "?", *train("--features", "f.yaml", source="bad.csv"),
     files={"bad.csv": HEAD + "0,1,a\n1,inf,b\n" * 20, "f.yaml": "features: {x: numeric}\n"})
case("weight is negative", DATA, "?", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,1\n1,2,-1\n" * 20})
case("weight is missing", DATA, "?", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,1\n1,2,\n" * 20})
case("weights all zero", DATA, "?", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,0\n1,2,0\n" * 20})
case("weight is no column", USAGE, "?", *train("--weight", "w"))
case("label and weight the same", USAGE, "?", *train("--weight", "label"))
case("drop is no column", USAGE, "?", *train("--drop", "nope"))
case("nothing left", USAGE, "?", *train("--drop", "x", "--drop", "c"))
case("validation without rows", DATA, "?", *train("--valid", "none.csv"), files={"none.csv": HEAD})
case("validation without the column", DATA, "?", *train("--valid", "other.csv"), files={"other.csv": "label,x\n0,1\n1,2\n"})

# ---- features files ----------------------------------------------------------------------------------------------------
for name, code, message, text in (
    ("unknown key", USAGE, "?", "featurs: {x: numeric}"),
    ("not a map", USAGE, "?", "- x"),
    ("list of features", USAGE, "?", "features: [x]"),
    ("no feature", USAGE, "?", "features: {}"),
    ("type unknown", USAGE, "?", "features: {x: numerc}"),
    ("type missing", USAGE, "?", "features: {x: {scale: none}}"),
    ("feature is a list", USAGE, "?", "features: {x: [numeric]}"),
    ("key of a number unknown", USAGE, "?", "features: {x: {type: numeric, bukets: 3}}"),
    ("key of a category unknown", USAGE, "?", "features: {c: {type: categorical, mincount: 3}}"),
    ("column unknown", USAGE, "?", "features: {y: numeric}"),
    ("column of another type", DATA, "?", "features: {c: numeric}"),
    ("column is the label", USAGE, "?", "features: {l: {type: numeric, column: label}}"),
    ("bag of a plain column", DATA, "?", "features: {x: bag}"),
    ("scale unknown", USAGE, "?", "features: {x: {type: numeric, scale: standrad}}"),
    ("clip not a list", USAGE, "?", "features: {x: {type: numeric, clip: 3}}"),
    ("clip of maps", USAGE, "?", "features: {x: {type: numeric, clip: [{}, 1]}}"),
    ("clip of words", USAGE, "?", "features: {x: {type: numeric, clip: [low, 1]}}"),
    ("clip with the wrong infinity", USAGE, "?", "features: {x: {type: numeric, clip: [.inf, 1]}}"),
    ("clip turned", USAGE, "?", "features: {x: {type: numeric, clip: [2, 1]}}"),
    ("name is empty", USAGE, "?", "features: {'': numeric}"),
    ("buckets without bucket", USAGE, "?", "features: {x: {type: numeric, scale: none, buckets: 3}}"),
    ("too few buckets", USAGE, "?", "features: {x: {type: numeric, scale: bucket, buckets: 1}}"),
    ("embed with bucket", USAGE, "?", "features: {x: {type: numeric, scale: bucket, embed: true}}"),
    ("embed is no switch", USAGE, "?", "features: {x: {type: numeric, scale: none, embed: perhaps}}"),
    ("encoding unknown", USAGE, "?", "features: {c: {type: categorical, encoding: hsah}}"),
    ("buckets of a vocabulary", USAGE, "?", "features: {c: {type: categorical, buckets: 3}}"),
    ("min_count of a hash", USAGE, "?", "features: {c: {type: categorical, encoding: hash, min_count: 3}}"),
    ("category of halves", DATA, "?", "features: {x: categorical}"),
    ("drop is no list", USAGE, "?", "features: {c: categorical}\ndrop: x"),
    ("drop is no column", USAGE, "?", "features: {c: categorical}\nothers: guess\ndrop: [y]"),
    ("too many rows of embeddings", USAGE, "?", "features:\n" + "".join(
        f"  c{i}: {{type: categorical, column: c, encoding: hash, buckets: 1000000000}}\n" for i in range(5))),
):
    case(f"features: {name}", code, message, *train("--features", "f.yaml"), files={"f.yaml": text + "\n"})
for name, message, text, w in (
    ("numbers of a list", "?", "x: numeric", "[1,2]"), ("a category of a list", "?", "x: categorical", "[1,2]"),
    ("weights of other length", "?", "x: {type: bag, weights: w}", "[1]"), ("weights below 0", "?", "x: {type: bag, weights: w}", "[-1,2]"),
    ("weights of text", "?", "x: {type: bag, weights: w}", '["a","b"]'), ("weights that are no column", "?", "x: {type: bag, weights: v}", "[1,2]"),
):
    case(f"features: {name}", DATA, message, *train("--features", "f.yaml", source="lists.jsonl"),
         files={"f.yaml": f"features: {{{text}}}\n", "lists.jsonl": "".join(f'{{"label":{i % 2},"x":[1,2],"w":{w}}}\n' for i in range(20))})
case("features: file missing", STORAGE, "?", *train("--features", "missing.yaml"))

# ---- models of one's own -----------------------------------------------------------------------------------------------
for name, message, text in (
    ("no layers", "?", "name: m"),
    ("layers is no list", "?", "layers: {linear: {}}"),
    ("empty", "?", "layers: []"),
    ("unknown layer", "?", "layers: [{linaer: {}}]"),
    ("layer of two kinds", "?", "layers: [{linear: {}, fm: {}}]"),
    ("layer is a list", "?", "layers: [[linear]]"),
    ("settings are a word", "?", "layers: [{dense: 3}]"),
    ("is a list", "?", "- linear"),
    ("name with a space", "?", "layers: [{embedding: {name: a b, dim: 4}}]"),
    ("name is a list", "?", "layers: [{embedding: {name: [a], dim: 4}}]"),
    ("too many layers", "?", "layers: [" + "linear, " * 2000 + "linear]"),
    ("units are a word", "?", "layers: [{dense: {input: numeric, units: many}}]"),
    ("dropout is a word", "?", "layers: [{dense: {input: numeric, units: 1, dropout: much}}]"),
    ("embedding too wide", "?", "layers: [{embedding: {name: e, dim: 100000}}]"),
    ("weights beyond reason", "?", "layers: [{embedding: {name: e, dim: 4096}}, {concat: {name: a, input: [" + "e, " * 9 + "e]}}, "
     "{dense: {input: a, units: 65536}}, {dense: {units: 1}}]"),
    ("input beyond reason", "?", "layers: [{embedding: {name: e, dim: 4096}}, {concat: {name: a, input: [" + "e, " * 20000 + "e]}}, "
     "{dense: {units: 1}}]"),
    ("input is below", "?", "layers: [{dense: {input: later, units: 1}}, {dense: {name: later, input: numeric, units: 1}}]"),
    ("first layer without input", "?", "layers: [{dense: {units: 1}}]"),
    ("input is a map", "?", "layers: [{dense: {input: {a: b}, units: 1}}]"),
    ("input is a list of lists", "?", "layers: [{dense: {input: [[a]], units: 1}}]"),
    ("too few inputs", "?", "layers: [{dense: {name: a, input: numeric, units: 1}}, {add: {input: [a]}}]"),
    ("layer that nobody reads", "?", "layers: [{dense: {name: a, input: numeric, units: 2}}, {dense: {input: numeric, units: 1}}]"),
    ("nothing to train", "?", "layers: [{activation: {input: numeric, kind: relu}}]"),
    ("dropout without rate", "?", "layers: [{dropout: {input: numeric}}]"),
    ("unknown key", "?", "layers: [{embedding: {name: e, dims: 4}}, {dense: {input: e, units: 1}}]"),
    ("unknown input", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: emb, units: 1}}]"),
    ("name twice", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: e, input: e, units: 1}}]"),
    ("dense without units", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e}}]"),
    ("units 0", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 0}}]"),
    ("activation unknown", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 1, activation: rleu}}]"),
    ("dropout of 1", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 1, dropout: 1.0}}]"),
    ("more than one output", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 2}}]"),
    ("fm of numbers", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: h, input: e, units: 4}}, {fm: {input: h}}]"),
    ("add of different widths", "?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: a, input: e, units: 2}}, "
     "{dense: {name: b, input: e, units: 3}}, {add: {name: s, input: [a, b]}}, {dense: {input: s, units: 1}}]"),
):
    case(f"model: {name}", USAGE, message, *train(model="m.yaml"), files={"m.yaml": text + "\n"})
case("model: fm without categories", USAGE, "?", *train("--features", "f.yaml", model="fm"), files={"f.yaml": "features: {x: numeric}\n"})
for name, message, layer in (
    ("dense", "?", "{dense: {input: numeric, units: 1}}"), ("concat", "?", "{concat: {input: [numeric, numeric]}}"),
    ("batch_norm", "?", "{batch_norm: {input: numeric}}"),
):
    case(f"model: {name} of no numbers", USAGE, message, *train("--features", "f.yaml", model="m.yaml"),
         files={"f.yaml": "features: {c: categorical}\n", "m.yaml": f"layers: [{layer}, {{dense: {{units: 1}}}}]\n"})
case("summary: two kinds", USAGE, "?", "summary", "m.yaml", files={"m.yaml": "layers: [{linear: {}, fm: {}}]\n"})
case("summary: no layers", USAGE, "?", "summary", "m.yaml", files={"m.yaml": "layers: 3\n"})
case("model: unknown name", USAGE, "?", *train(model="deepmf"))
case("model: unknown name without likeness", USAGE, "?", *train(model="xyzzy"))
case("model: file missing", STORAGE, "?", *train(model="./missing.yaml"))

# ---- models that were trained ------------------------------------------------------------------------------------------
case("no such model", STORAGE, "?", "eval", "missing", "good.csv")
case("folder without a model", DATA, "?", "eval", "empty_folder", "good.csv", before=lambda: pathlib.Path("empty_folder").mkdir(exist_ok=True))
case("model of a newer version", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(version=99)))
case("model of another format", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(format="other")))
case("model without a version", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(version="x")))
case("model without features", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("features")))
case("model without layers", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("model")))
case("model without a digest", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("weights")))
case("features of a newer version", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["features"].update(version=99)))
case("manifest broken", DATA, "?", "eval", "changed", "good.csv",
     before=changed_model(lambda f: (f / "model.json").write_text("{") and None))
case("weights cut", DATA, "?", "eval", "changed", "good.csv", before=changed_model(
    lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-4]) and None))
case("weights damaged", DATA, "?", "eval", "changed", "good.csv", before=changed_model(
    lambda f: (f / "model.safetensors").write_bytes(damaged(f / "model.safetensors", flip(-1))) and None))
case("weights missing", STORAGE, "?", "eval", "changed", "good.csv", before=changed_model(lambda f: (f / "model.safetensors").unlink()))
for name, message, change in (
    ("shorter than their header", "?", lambda d: d[:5]), ("with a huge header", "?", lambda d: b"\xff" * 8 + d[8:]),
    ("with a broken header", "?", lambda d: d[:8] + b"!" + d[9:]), ("with bytes behind", "?", lambda d: d + b"\0" * 8),
    ("with a header of a list", "?", lambda d: struct.pack("<Q", 2) + b"[]"),
    ("of an unknown type", "?", lambda d: d.replace(b'"F32"', b'"F99"', 1)),
):
    case(f"weights {name}", DATA, message, "eval", "changed", "good.csv", before=changed_model(
        lambda f, change=change: (f / "model.safetensors").write_bytes(damaged(f / "model.safetensors", change)) and None))
case("weights are a folder", STORAGE, "?", "eval", "changed", "good.csv", before=changed_model(
    lambda f: ((f / "model.safetensors").unlink(), (f / "model.safetensors").mkdir(), None)[2]))
case("weights of another size", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["weights"].update(bytes=9)))
for name, message, change in (
    ("no object", "?", lambda j: j.update(features=[])), ("no list", "?", lambda j: j["features"].pop("features")),
    ("a word for a feature", "?", lambda j: j["features"].update(features=["x"])),
    ("a feature without a name", "?", lambda j: j["features"]["features"][0].update(name=None)),
    ("a feature of unknown type", "?", lambda j: j["features"]["features"][0].update(type="thing")),
    ("a feature named twice", "?", lambda j: j["features"]["features"].append(j["features"]["features"][0])),
    ("no feature", "?", lambda j: j["features"].update(features=[])),
    ("a feature without edges", "?", lambda j: [f.pop("edges", 0) for f in j["features"]["features"]]),
    ("edges that fall", "?", lambda j: [f.update(edges=[2, 1]) for f in j["features"]["features"] if "edges" in f]),
):
    case(f"features of a model: {name}", DATA, message, "eval", "changed", "good.csv", before=changed_manifest(change))
case("layers of a model damaged", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["model"].update(layers=[])))
case("weights of other layers", DATA, "?", "eval", "changed", "good.csv", before=changed_manifest(
    lambda j: [x["dense"].update(units=7) for x in j["model"]["layers"] if "dense" in x and x["dense"].get("units") == 4]))
case("model without a label", USAGE, "?", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["features"].pop("label")))
case("eval without the column", DATA, "?", "eval", "model", "other.csv", files={"other.csv": "label,x\n0,1\n1,2\n"})
case("eval without the label", DATA, "?", "eval", "model", "other.csv", files={"other.csv": "x,c\n0,a\n1,b\n"})
case("eval without rows", DATA, "?", "eval", "model", "none.csv", files={"none.csv": HEAD})
case("eval without a source", USAGE, "?", "eval", "model")
case("predict without an output", USAGE, "?", "predict", "model", "good.csv")
case("predict keeps no column", USAGE, "?", "predict", "model", "good.csv", "out.csv", "--keep", "nope")
case("predict keeps twice", USAGE, "?", "predict", "model", "good.csv", "out.csv", "--keep", "x", "--keep", "x")
case("predict keeps the prediction", USAGE, "?", "predict", "model", "good.csv", "out.csv", "--keep", "prediction")
case("predict output there", STORAGE, "?", "predict", "model", "good.csv", "there.csv", files={"there.csv": "x"})

# ---- runs --------------------------------------------------------------------------------------------------------------
case("out there", STORAGE, "?", *train(), before=lambda: must(*train()) and None)
case("diverged", DIVERGED, "?", *train("--optimizer", "sgd", "--lr", "1e6", "--epochs", "9", model="deepfm"))
case("resume with another setting", USAGE, "?", *train("--resume", "--lr", "0.5"), before=lambda: must(*train()) and None)
case("resume with other data", DATA, "?", *train("--resume", source="mine.csv"), files={"mine.csv": GOOD}, before=lambda: (
    must(*train(source="mine.csv")), pathlib.Path("mine.csv").write_text(GOOD + "1,2,a\n"), None)[2])
case("resume of who knows what", DATA, "?", "train", "good.csv", "--label", "label", "--out", "changed", "--resume",
     before=changed_manifest(lambda j: j.pop("settings")))
case("no progress", STALLED, "?", *train("--format", "csv", "--stall-timeout", "1", source="-"),
     stdin=lambda: os.fdopen(os.pipe()[0], "rb"))
case("out of memory", NOMEM, "?", *train("--features", "f.yaml", "--embedding-dim", "256", model="fm"),
     files={"f.yaml": "features: {c: {type: categorical, encoding: hash, buckets: 100000000}}\n"},
     prefix=("prlimit", "--as=4000000000"))
