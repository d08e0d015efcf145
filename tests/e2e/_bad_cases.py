"""_bad_cases.py: the table of bad_input.py: a name, what is done, the exit code and the message, word for word.

Files are made in the present folder. Tables that have to be damaged are made by the program itself (make_files) and then
damaged byte by byte; small ones are text."""
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
        for name in "out", "out.csv", "out.parquet", "out.tfrecord":
            shutil.rmtree(name, ignore_errors=True)
            pathlib.Path(name).unlink(missing_ok=True)
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
    must("train", "good.csv", "--label", "label", "--model", "deepfm", "--hidden", "4", "--epochs", "1", "--out", "model")


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


def as_nobody():
    """The words before a command that make it another user's, when this is root's."""
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []


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
case("too many arguments", USAGE, "?", "summary", "a", "b")
case("no model", USAGE, "?", "train", "good.csv", "--label", "label", "--out", "out")
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
case("YAML empty", USAGE, "?", "train", "run.yaml", files={"run.yaml": ""})

# ---- files -------------------------------------------------------------------------------------------------------------
case("file missing", STORAGE, "?", "show", "missing.parquet")
case("glob without files", STORAGE, "?", "show", "missing-*.parquet")
case("folder without files", STORAGE, "?", "show", "empty_folder", before=lambda: pathlib.Path("empty_folder").mkdir(exist_ok=True))
case("scheme unknown", USAGE, "?", "show", "gopher://host/x.parquet")
case("format unknown", USAGE, "?", "show", "table.xyz", files={"table.xyz": "?\0\1\2"})
case("output there", STORAGE, "?", "convert", "good.csv", "there.parquet", files={"there.parquet": "x"})
case("output without a known ending", USAGE, "?", "convert", "good.csv", "out", "--to", "xml")
case("no permission to read", STORAGE, "?", "show", "closed/good.csv", before=closed_folder, prefix=as_nobody())
case("no permission to write", STORAGE, "?", "convert", "good.csv", "closed/out.csv", before=closed_folder, prefix=as_nobody())
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
case("csv not UTF-8", DATA, "?", "show", "bad.csv", files={"bad.csv": b"a,b\n1,caf\xe9\n"})
case("jsonl broken", DATA, "?", "show", "bad.jsonl", files={"bad.jsonl": '{"a": 1}\n{"a": \n'})
case("sql broken", USAGE, "?", "show", "good.csv", "--sql", "SELEC * FROM src")
case("sql names no column", USAGE, "?", "show", "good.csv", "--sql", "SELECT nope FROM src")
case("tfrecord cut in the length", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d + b"\1\2\3"))
case("tfrecord cut in the data", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d[:-9]))
case("tfrecord with a damaged length", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(0)))
case("tfrecord with damaged data", DATA, "?", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(20)))
case("tfrecord that is none", DATA, "?", "show", "bad.tfrecord", files={"bad.tfrecord": "this is not a record file, only text\n"})
case("tfrecord gzip cut", DATA, "?", "show", "cut.tfrecord.gz", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz", "--compression", "gzip", "--overwrite"),
    rewrite("whole.tfrecord.gz", "cut.tfrecord.gz", lambda d: d[:-30])(), None)[2])
case("label missing", USAGE, "?", *train(label="lable"))
case("no label", USAGE, "?", "train", "good.csv", "--model", "lr", "--out", "out")
case("label is text", DATA, "?", *train(source="bad.csv"), files={"bad.csv": "label,x\nyes,1\nno,2\n"})
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
case("features: file missing", STORAGE, "?", *train("--features", "missing.yaml"))

# ---- models of one's own -----------------------------------------------------------------------------------------------
for name, message, text in (
    ("no layers", "?", "name: m"),
    ("layers is no list", "?", "layers: {linear: {}}"),
    ("empty", "?", "layers: []"),
    ("unknown layer", "?", "layers: [{linaer: {}}]"),
    ("layer of two kinds", "?", "layers: [{linear: {}, fm: {}}]"),
    ("layer is a word", "?", "layers: [linear]"),
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
case("eval without the column", DATA, "?", "eval", "model", "other.csv", files={"other.csv": "label,x\n0,1\n1,2\n"})
case("eval without the label", DATA, "?", "eval", "model", "other.csv", files={"other.csv": "x,c\n0,a\n1,b\n"})
case("eval without rows", DATA, "?", "eval", "model", "none.csv", files={"none.csv": HEAD})
case("eval without a source", USAGE, "?", "eval", "model")
case("predict without an output", USAGE, "?", "predict", "model", "good.csv")
case("predict keeps no column", USAGE, "?", "predict", "model", "good.csv", "out.csv", "--keep", "nope")
case("predict keeps twice", USAGE, "?", "predict", "model", "good.csv", "out.csv", "--keep", "x", "--keep", "x")
case("predict output there", STORAGE, "?", "predict", "model", "good.csv", "there.csv", files={"there.csv": "x"})

# ---- runs --------------------------------------------------------------------------------------------------------------
case("out there", STORAGE, "?", *train(), before=lambda: must(*train()) and None)
case("diverged", DIVERGED, "?", *train("--optimizer", "sgd", "--lr", "1e30", "--epochs", "9", model="deepfm"))
case("no progress", STALLED, "?", *train("--format", "csv", "--stall-timeout", "1", source="-"),
     stdin=lambda: os.fdopen(os.pipe()[0], "rb"))
case("out of memory", NOMEM, "?", *train("--features", "f.yaml", "--embedding-dim", "256", model="fm"),
     files={"f.yaml": "features: {c: {type: categorical, encoding: hash, buckets: 100000000}}\n"},
     prefix=("prlimit", "--as=4000000000"))
