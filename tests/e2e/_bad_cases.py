"""_bad_cases.py: the table of bad_input.py: a name, what is done, the exit code and the message, word for word.

Each case runs in a folder of its own, where links lead to the sound tables and the model that make_files made by the program
itself. Those that have to be damaged are copied and damaged byte by byte; small ones are text."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time

from _shoal import SHOAL, SRC, must

USAGE, DATA, NOMEM, STORAGE, INTERRUPTED, DIVERGED, STALLED = 2, 3, 4, 5, 6, 8, 9
CASES = []
HEAD = "label,x,c\n"
SORTING = "SELECT range AS a, repeat('x', 100) AS s FROM range(6000000) ORDER BY hash(range)" # more than DuckDB may hold
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


def limited_memory():
    sanitized = any(word in pathlib.Path(SHOAL).read_bytes() for word in (b"__asan_init", b"__tsan_init"))
    return "sanitizers take address space as they like" if sanitized else None


def small_disk():
    """A folder `small` on a disk of its own of 64 KiB."""
    pathlib.Path("small").mkdir(exist_ok=True)
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    p = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "small"], capture_output=True, text=True)
    return f"a small disk cannot be mounted: {p.stderr.strip()}" if p.returncode else None


def no_small_disk():
    subprocess.run(["umount", "small"], check=False)


def unfinished_run():
    """A run in the folder out that was told to end in its midst."""
    p = subprocess.Popen([SHOAL, *train("--epochs", "1000000", "--patience", "0", "--checkpoint-every", "1")], stderr=subprocess.DEVNULL)
    while p.poll() is None and not list(pathlib.Path("out/checkpoints").glob("step-*")):
        time.sleep(0.01)
    p.terminate()
    return None if p.wait() == INTERRUPTED else f"the run did not end in order: {p.returncode}"


LOCKS = []  # held while this process lives


def lock_out(holder):
    """The folder out as a run of another process has it."""
    os.mkdir("out")
    LOCKS.append(open("out/.lock", "wb", buffering=0))
    LOCKS[-1].write(holder)
    fcntl.flock(LOCKS[-1], fcntl.LOCK_EX)


def newer_checkpoint():
    why_not = unfinished_run()
    for path in pathlib.Path("out/checkpoints").glob("step-*/*.json"):
        j = json.loads(path.read_text())
        path.write_text(json.dumps({**j, "version": 99}))
    return why_not


def closed_folder():
    pathlib.Path("closed").mkdir(exist_ok=True)
    shutil.copy("good.csv", "closed/good.csv")
    os.chmod("closed/good.csv", 0)
    os.chmod("closed", 0o555)
    p = subprocess.run([*obeying(), SHOAL, "--version"], capture_output=True)
    return "root's rights cannot be taken away" if p.returncode else None


# ---- the command line --------------------------------------------------------------------------------------------------
case("no command", USAGE, "a command is missing; shoal --help lists them")
case("unknown command", USAGE, "unknown command 'trian'; did you mean 'train'?", "trian")
case("unknown command without likeness", USAGE, "unknown command 'xyzzy'; see shoal --help", "xyzzy")
case("unknown flag", USAGE, "unknown option '--batchsize' of 'shoal train'; did you mean '--batch-size'?", "train", "good.csv", "--batchsize", "3")
case("unknown flag without likeness", USAGE, "unknown option '--xyzzyx' of 'shoal train'; see shoal train --help", "train", "good.csv", "--xyzzyx")
case("flag of another command", USAGE, "option '--epochs' is not one of 'shoal show SRC...'; see shoal show --help", "show", "good.csv", "--epochs", "3")
case("output of a command as a flag", USAGE, "option '--out' is not one of 'shoal convert SRC... DST'; see shoal convert --help",
     "convert", "good.csv", "--out", "x.parquet")
case("a name behind one dash", USAGE, "unknown option '-label' of 'shoal train'; did you mean '--label'?", "train", "good.csv", "-label", "label")
case("unknown letter", USAGE, "unknown option '-z' of 'shoal show'; see shoal show --help", "show", "good.csv", "-z")
case("flag without value", USAGE, "--label needs a value: COLUMN", "train", "good.csv", "--label")
case("switch with value", USAGE, "--json is 'maybe', expected true or false", "show", "good.csv", "--json=maybe")
case("not a number", USAGE, "--epochs is 'many', expected a whole number", *train("--epochs", "many"))
case("not a whole number", USAGE, "--epochs is '1.5', expected a whole number", *train("--epochs", "1.5"))
case("number too small", USAGE, "--epochs is 0, expected 1 to 1000000", *train("--epochs", "0"))
case("not a real number", USAGE, "--lr is 'fast', expected a number", *train("--lr", "fast"))
case("real number out of range", USAGE, "--lr is -1, expected 0 to 1000000", *train("--lr", "-1"))
case("unknown choice", USAGE, "--optimizer is 'adma', expected sgd|adagrad|adam|ftrl; did you mean 'adam'?", *train("--optimizer", "adma"))
case("unknown choice without likeness", USAGE, "--optimizer is 'xyzzy', expected sgd|adagrad|adam|ftrl", *train("--optimizer", "xyzzy"))
case("source missing", USAGE, "no source is given: name files, folders or patterns, or - for standard input", "show")
case("category of another form", DATA, "feature column 'c' is bool here, but was utf8 when the model was trained: its values would be others; cast it by --sql, or read a format that keeps types", "predict", "model", "good.parquet", "-", "--sql", "SELECT x, c = 'a' AS c FROM src")
case("label nowhere", USAGE, "no label: give --label COLUMN, or name it in f.yaml as 'label: COLUMN'", "train", "good.csv", "--features", "f.yaml", "--out", "out", files={"f.yaml": "features: {c: categorical}\n"})
case("numbers too large", DATA, "feature 'x' has values from -1e+308 to 1e+308, whose mean or deviation is beyond a float64: clip it, or give it scale: bucket", *train("--features", "f.yaml", source="big.csv"), files={"big.csv": "label,x\n" + "0,1e308\n1,-1e308\n" * 20, "f.yaml": "features: {x: {type: numeric, scale: standard}}\n"})
case("Parquet files of other types", DATA, "two.parquet: column 'a' is double, but an integer in one.parquet: a value could change on the way; read them apart, or write one of them anew with the other's type", "show", "one.parquet", "two.parquet", before=lambda: (must("convert", "good.csv", "one.parquet", "--sql", "SELECT 1 AS a FROM src"), must("convert", "good.csv", "two.parquet", "--sql", "SELECT 2.7::DOUBLE AS a FROM src")) and None)
case("plan of a pipe", USAGE, "the size of a stream or of standard input cannot be known before it is read; name files", "plan", "-", "--format", "csv", "--label", "label")
case("too few arguments", USAGE, "'shoal check' takes SRC..., got 0 arguments; see shoal check --help", "check")
case("model missing", USAGE, "'shoal eval' takes MODEL SRC..., got 0 arguments; see shoal eval --help", "eval")
case("destination missing", USAGE, "convert: only 'good.csv' is given; name the sources and then the destination", "convert", "good.csv")
case("empty entry", USAGE, "--drop is 'x,,c': an entry is empty", *train("--drop", "x,,c"))
case("empty value", USAGE, "--weight is empty, expected COLUMN", *train("--weight", ""))
case("not a number of bytes", USAGE, "--memory is 'lots', expected a whole number of bytes, such as 268435456 or 256M", *train("--memory", "lots"))
case("hidden layers of words", USAGE, "--hidden is 'x', expected whole numbers from 1 to 65536", *train("--hidden", "4,x", model="deepfm"))
case("too many hidden layers", USAGE, "--hidden names 300 layers, expected at most 64", *train("--hidden", ",".join(["4"] * 300), model="deepfm"))
case("hidden layers of lr", USAGE, "--hidden: the model has no hidden dense layers; leave it out", *train("--hidden", "4"))
case("dropout of lr", USAGE, "--dropout: model 'lr' has no hidden layer to drop from; leave it out", *train("--dropout", "0.5"))
case("embeddings of lr", USAGE, "--embedding-dim: model 'lr' has no embedding layer; leave it out", *train("--embedding-dim", "4"))
case("too many arguments", USAGE, "'shoal summary' takes MODEL, got 'b' as well; see shoal summary --help", "summary", "a", "b")
case("no out", USAGE, "--out DIR is missing: the folder for the model", "train", "good.csv", "--label", "label", "--model", "lr")
case("unknown shell", USAGE, "--completion: unknown shell 'fish'; expected bash", "--completion", "fish")
case("unknown kernels", USAGE, "--kernels is 'sse9', expected auto|portable|avx2|avx512", *train("--kernels", "sse9"))
case("l1 without ftrl", USAGE, "--l1 works with --optimizer ftrl only; leave it out or choose ftrl", *train("--l1", "0.1"))
case("momentum without sgd", USAGE, "--momentum works with --optimizer sgd only; leave it out or choose sgd", *train("--momentum", "0.9"))
case("run file missing", STORAGE, "cannot open missing.yaml: No such file or directory", "train", "missing.yaml")
case("run file with an unknown key", USAGE, "run.yaml:1: unknown option '--labell' of 'shoal train'; did you mean '--label'?", "train", "run.yaml", files={"run.yaml": "labell: label\n"})
case("run file with a bad value", USAGE, "run.yaml:2: --epochs is 'many', expected a whole number", "train", "run.yaml", files={"run.yaml": "label: label\nepochs: many\n"})
case("run file that is no map", USAGE, "run.yaml:1: a run file is a map of options and values", "train", "run.yaml", files={"run.yaml": "- label\n"})
case("run file with a map inside", USAGE, "run.yaml:1: 'label' must be one value", "train", "run.yaml", files={"run.yaml": "label: {a: b}\n"})
case("YAML broken", USAGE, "run.yaml:2: did not find expected ',' or ']', while parsing a flow sequence that begins in line 1", "train", "run.yaml", files={"run.yaml": "label: [a\n"})
case("YAML with a key twice", USAGE, "run.yaml:2: key 'label' stands here again; it was given in line 1", "train", "run.yaml", files={"run.yaml": "label: a\nlabel: b\n"})
case("YAML with an alias", USAGE, "run.yaml:1: anchors and aliases (& and *) are not supported; write the value out", "train", "run.yaml", files={"run.yaml": "label: &x a\nmodel: *x\n"})
case("YAML with a tag", USAGE, "run.yaml:1: tags (!) are not supported; put the text in quotes", "train", "run.yaml", files={"run.yaml": "label: !x a\n"})
case("YAML of two documents", USAGE, "run.yaml:2: a second document begins (---); one is expected", "train", "run.yaml", files={"run.yaml": "label: a\n---\nlabel: b\n"})
case("YAML too deep", USAGE, "run.yaml:1: lists and maps are nested more than 64 deep", "train", "run.yaml", files={"run.yaml": "label: " + "[" * 100 + "]" * 100 + "\n"})
case("run file with a map for a list", USAGE, "run.yaml:1: 'drop' must be one value or a list", "train", "run.yaml", files={"run.yaml": "drop: {a: b}\n"})
case("run file with a list of lists", USAGE, "run.yaml:1: 'drop' must be one value or a list", "train", "run.yaml", files={"run.yaml": "drop: [[a]]\n"})
case("YAML with an open quote", USAGE, "run.yaml:2: found unexpected end of stream, while scanning a quoted scalar that begins in line 1", "train", "run.yaml", files={"run.yaml": "label: 'a\n"})
case("YAML not UTF-8", USAGE, "run.yaml: incomplete UTF-8 octet sequence at byte 10", "train", "run.yaml", files={"run.yaml": b"label: caf\xe9\n"})
case("YAML with a list as a key", USAGE, "run.yaml:1: a key must be a text, not a list or a map", "train", "run.yaml", files={"run.yaml": "? [a]\n: b\n"})
case("YAML with NUL", USAGE, "run.yaml:1: a text holds a NUL character", "train", "run.yaml", files={"run.yaml": 'label: "a\\0b"\n'})
case("YAML too large", USAGE, "run.yaml: more than 67108864 bytes; that is no configuration", "train", "run.yaml", before=lambda: open("run.yaml", "w").truncate(100 << 20) and None)
case("YAML of too many values", USAGE, "run.yaml:1: more than a million values; a configuration is smaller than that", "train", "run.yaml",
     files={"run.yaml": "drop: [" + "a," * 1000001 + "]\n"})
case("YAML empty", USAGE, "run.yaml:1: a run file is a map of options and values", "train", "run.yaml", files={"run.yaml": ""})

# ---- files -------------------------------------------------------------------------------------------------------------
case("file missing", STORAGE, "cannot open missing.parquet: No such file or directory", "show", "missing.parquet")
case("glob without files", STORAGE, "no file matches missing-*.parquet", "show", "missing-*.parquet")
case("glob in a folder that cannot be read", STORAGE, "cannot read a folder of " + "a" * 256 + "/x*: File name too long", "show",
     "a" * 256 + "/x*")
case("folder without files", STORAGE, "the folder empty_folder holds no file (names with '_' or '.' do not count)", "show", "empty_folder", before=lambda: pathlib.Path("empty_folder").mkdir(exist_ok=True))
case("scheme unknown", USAGE, "gopher://host/x.parquet: 'gopher://' is not supported by this version; copy the data to a local path", "show", "gopher://host/x.parquet")
case("local file of a host", USAGE, "file://host/x.parquet: a local file is file:///path, with three slashes", "show", "file://host/x.parquet")
case("standard input of no format", USAGE, "standard input: say its format, as --format csv", "show", "-")
case("standard input and a file", USAGE, "'-' (standard input) must be the only source", "show", "-", "good.csv", "--format", "csv")
case("link that leads back", STORAGE, "loop/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again/again: more than 32 folders deep; is a link leading back?", "show", "loop", before=lambda: (os.mkdir("loop"), os.symlink(".", "loop/again"), None)[2])
case("format unknown", USAGE, "table.xyz: its format is known neither by its ending nor by its content: say --format tfrecord, parquet, csv, jsonl, libsvm or libffm", "show", "table.xyz", files={"table.xyz": "?\0\1\2"})
NOT_READ = "which is not read: write it as Parquet, or say --format if it is tfrecord, parquet, csv, jsonl, libsvm or libffm"
case("format of others by name", USAGE, f"table.orc: this is ORC by its name, {NOT_READ}", "show", "table.orc", files={"table.orc": HEAD})
case("format of others by content", USAGE, f"part-0: this is Avro by its content, {NOT_READ}", "convert", "part-0", "out.csv", files={"part-0": "Obj\1\4\x16"})
case("files of two formats", USAGE, "mixed/a.csv is csv, but mixed/b.jsonl is jsonl: the files of a source are of one format; name those of one, as by DIR/*.csv", "train", "mixed", "--label", "label", "--out", "out", files={"mixed/a.csv": GOOD, "mixed/b.jsonl": '{"label":1}\n'})
case("a pipe of no format", USAGE, "pipe: it is a pipe, whose bytes come once: say its format, as --format csv", "show", "pipe", before=lambda: os.mkfifo("pipe"))
case("check of standard input of no format", USAGE, "standard input: say its format, as --format csv", "check", "-")
case("output there", STORAGE, "there.parquet exists; use --overwrite to replace it, or choose another name", "convert", "good.csv", "there.parquet", files={"there.parquet": "x"})
case("output without a known ending", USAGE, "--to is 'xml', expected tfrecord|parquet|csv|jsonl|libsvm|libffm", "convert", "good.csv", "out", "--to", "xml")
case("output of the wrong ending", USAGE, "out.csv: its ending says csv, but --to says parquet", "convert", "good.csv", "out.csv", "--to", "parquet")
case("output of the wrong compression", USAGE, "out.csv: gzip and zlib are written for TFRecord only; leave out --compression and such an ending", "convert", "good.csv", "out.csv", "--compression", "gzip")
case("compressed output without .gz", USAGE, "out.tfrecord: its ending does not fit --compression: name it .tfrecord.gz", "convert", "good.csv", "out.tfrecord", "--compression", "gzip")
case("zlib output named .gz", USAGE, "out.tfrecord.gz: its ending does not fit --compression: name it .tfrecord.deflate", "convert", "good.csv", "out.tfrecord.gz", "--compression", "zlib")
case("output of binary to a pipe", USAGE, "standard output takes text: say --to csv, jsonl, libsvm or libffm", "convert", "good.csv", "-", "--to", "parquet")
case("output over a folder that is no table", STORAGE, "precious/thesis.txt is no part of a table: a folder that holds it is not replaced; choose another name, or remove it", "convert", "good.csv", "precious",
     "--overwrite", files={"precious/thesis.txt": "x"})
case("folder in place of a file", STORAGE, "there is a file, and a folder of shards would take its place; remove it, or choose another name", "convert", "good.csv", "there", "--overwrite", files={"there": "x"})
case("output is a source", USAGE, "there.csv is read as a source and would be replaced by the output; write to another name", "convert", "there.csv", "there.csv", "--overwrite", files={"there.csv": GOOD})
case("output with an unknown ending", USAGE, "scores.parqet: '.parqet' is the ending of no format that is written; say --to tfrecord, parquet, csv, jsonl, libsvm or libffm for a folder of that name", "convert", "good.csv",
     "scores.parqet")
case("schema of another file", DATA, ".mine.tfrecord.schema.json is not the schema of what is in mine.tfrecord now: one of them was replaced without the other, or the file is damaged; write that file again, or remove the schema to have types guessed", "show",
     "mine.tfrecord", before=lambda: (must("convert", "good.csv", "mine.tfrecord"), shutil.copy("mine.tfrecord", "kept"), must("convert", "good.csv", "mine.tfrecord", "-n", "3", "--overwrite"),
                                      shutil.copy("kept", "mine.tfrecord"), None)[4])
case("output without a name", USAGE, "the output's name '' names no file or folder of its own; give it one, as scores.parquet", "convert", "good.csv", "")
case("output with a long name", USAGE, "the output's name has 245 bytes, expected at most 200: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...", "convert", "good.csv", "x" * 245)
case("Parquet to a pipe", USAGE, "pipe: a pipe or a device takes no Parquet, which is not written from front to back; say --to with another format", "convert", "good.csv", "pipe", "--to", "parquet",
     before=lambda: os.mkfifo("pipe"))
case("append to a file", USAGE, "there.csv: --append adds files to a folder, and this is none", "convert", "good.csv", "there.csv", "--append", files={"there.csv": "x"})
case("append of other columns", DATA, "folder: the columns that are there differ from those to be appended; see its _schema.json", "convert", "other.csv", "folder", "--to", "tfrecord", "--append", files={"other.csv": "y\n1\n"},
     before=lambda: must("convert", "good.csv", "folder", "--to", "tfrecord") and None)
case("no permission to read", STORAGE, "cannot open closed/good.csv: Permission denied", "show", "closed/good.csv", before=closed_folder, prefix=obeying())
case("no permission to write", STORAGE, "cannot make the folder closed/.out.csv.tmp-PID: Permission denied", "convert", "good.csv", "closed/out.csv", before=closed_folder, prefix=obeying())
case("disk full", STORAGE, "cannot write small/.big.jsonl.tmp-PID/big.jsonl: No space left on device", "convert", "good.csv", "small/big.jsonl", "--sql",
     "SELECT src.*, repeat('x', 1000) AS long FROM src, range(10)", before=small_disk, after=no_small_disk)
case("disk full while training", STORAGE, "cannot write small/out/.model.safetensors.new: No space left on device", "train", "good.csv", "--label", "label", "--model", "deepfm", "--epochs", "1",
     "--out", "small/out", before=small_disk, after=no_small_disk)
case("disk full while sorting scores", STORAGE, "cannot write temporary data in small/spills: No space left on device; make room there, or name another folder by --spool-dir or TMPDIR",
     "eval", "model", "good.csv", "--sql", "SELECT src.* FROM src, range(2000)", "--memory", "1M", "--spool-dir", "small/spills", before=small_disk, after=no_small_disk)
case("disk full while rows are mixed", STORAGE, "cannot write temporary data in small: No space left on device; make room there, or name another folder by --spool-dir or TMPDIR",
     "convert", "good.csv", "out.csv", "--sql", "SELECT src.* FROM src, range(20000)", "--shuffle", "--memory", "1M", env={"TMPDIR": "small"}, before=small_disk, after=no_small_disk)
case("disk full while a query sorts", STORAGE, "--sql: no room is left for temporary data in small; make room there, or set TMPDIR to another folder", "convert", "good.csv",
     "out.csv", "--sql", SORTING, env={"TMPDIR": "small"}, before=small_disk, after=no_small_disk)
case("no folder for temporary files", STORAGE,
     "--sql: Failed to create directory \"none/shoal-spill\": No such file or directory; make room there, or set TMPDIR to another folder", "convert", "good.csv",
     "out.csv", "--sql", SORTING, env={"TMPDIR": "none"})
TWO_CASES = "the names 'X' and 'x' differ only in the case of letters, and DuckDB, which reads and writes Parquet and answers --sql, takes them for one; rename one of them"
case("names in two cases, queried", DATA, "--sql: " + TWO_CASES, "show", "two.csv", "--sql", "SELECT * FROM src", files={"two.csv": "label,x,X\n0,1,2\n"})
case("names in two cases, as Parquet", DATA, "./.out.parquet.tmp-PID/out.parquet: " + TWO_CASES, "convert", "two.csv", "out.parquet", files={"two.csv": "label,x,X\n0,1,2\n"})
case("output closed", STORAGE, "standard output: cannot write: No space left on device", "show", "good.csv", prefix=("sh", "-c", 'exec "$@" >/dev/full', "sh"))

# ---- tables ------------------------------------------------------------------------------------------------------------
case("parquet that is none", DATA, "bad.parquet: File 'bad.parquet' too small to be a Parquet file", "show", "bad.parquet", files={"bad.parquet": "hello"})
case("parquet cut", DATA, "bad.parquet: No magic bytes found at end of file 'bad.parquet'", "show", "bad.parquet", before=rewrite("good.parquet", "bad.parquet", lambda d: d[:-20]))
case("parquet empty file", DATA, "bad.parquet: File 'bad.parquet' too small to be a Parquet file", "show", "bad.parquet", files={"bad.parquet": ""})
case("csv with a row too short", DATA, "bad.csv: line 6003 has 1 fields, but line 1 has 2", "convert", "bad.csv", "out.csv", files={"bad.csv": "a,b\n1,2\n" + "1,2\n" * 6000 + "3\n" + "1,2\n" * 10})
case("csv with a short row early", DATA, "bad.csv: line 3 has 1 fields, but line 1 has 2", "show", "bad.csv", files={"bad.csv": "a,b\n1,2\n3\n1,2\n"})
case("csv not UTF-8", DATA, "bad.csv: line 2, column 'b': the text is not UTF-8; convert the file, as by iconv -t UTF-8", "show", "bad.csv", files={"bad.csv": b"a,b\n1,caf\xe9\n"})
case("csv with a name not UTF-8", DATA, "bad.csv: line 1: the name of column 2 is not UTF-8; convert the file, as by iconv -t UTF-8", "show", "bad.csv", files={"bad.csv": b"a,caf\xe9\n1,2\n"})
case("csv of UTF-16", DATA, "bad.csv: it is UTF-16; convert it, as by iconv -f UTF-16 -t UTF-8", "show", "bad.csv", files={"bad.csv": "a,b\n1,2\n".encode("utf-16")})
case("csv with an open quote", DATA, "bad.csv: line 3: a quote that opens here is not closed", "show", "bad.csv", files={"bad.csv": 'a,b\n1,2\n3,"x\n4,5\n'})
case("csv with text behind a quote", DATA, 'bad.csv: line 2: text stands behind a closing quote; a quote inside quotes is written ""', "show", "bad.csv", files={"bad.csv": 'a,b\n1,"x"y\n'})
case("csv with a name twice", DATA, "bad.csv: line 1: two columns are named 'x'; name them apart", "show", "bad.csv", files={"bad.csv": "x,x\n1,2\n"})
case("csv without anything", DATA, "bad.csv: it is empty; a CSV file begins with a line of names", "show", "bad.csv", files={"bad.csv": ""})
case("csv of other columns", DATA, "bad.csv: line 1 has 2 fields, but that of aaa.csv 1; all files of a source have the same columns", "show", "aaa.csv", "bad.csv", files={"aaa.csv": "a\n1\n", "bad.csv": "a,b\n1,2\n"})
case("csv of other names", DATA, "bad.csv: column 1 is 'b', but 'a' in aaa.csv; all files of a source have the same columns", "show", "aaa.csv", "bad.csv", files={"aaa.csv": "a\n1\n", "bad.csv": "b\n1\n"})
case("csv with a value that does not fit", DATA, "bad.csv: line 20502, column 'a': '2.5' is no int64, as the first rows are; say what the column is, as --types a=float64", "convert", "bad.csv", "out.csv",
     files={"bad.csv": "a\n" + "1\n" * 20500 + "2.5\n"})
case("types that are none", USAGE, "--types: 'a:int64' is no COLUMN=TYPE, such as price=float64", "show", "good.csv", "--types", "a:int64")
case("types of no column", USAGE, "--types: there is no column 'z'", "show", "good.csv", "--types", "z=int64")
case("types unknown", USAGE, "--types: column 'x': text is not read as 'decimal'; there are bool, int8 to int64, uint8 to uint64, float32, float64, utf8, date32, timestamp[us] and time", "show", "good.csv", "--types", "x=decimal")
case("delimiter of two letters", USAGE, "--delimiter is '::', expected one character of ASCII, or tab", "show", "good.csv", "--delimiter", "::")
case("parquet whose name is not UTF-8", USAGE, "caf\ufffd.parquet: the name is not UTF-8, in which DuckDB wants those of Parquet files; rename it, or make a link to it", "show", os.fsdecode(b"caf\xe9.parquet"),
     before=lambda: shutil.copy("good.parquet", os.fsdecode(b"caf\xe9.parquet")) and None)
case("jsonl broken", DATA, "bad.jsonl: line 2: the object that begins here is not closed", "show", "bad.jsonl", files={"bad.jsonl": '{"a": 1}\n{"a": \n'})
for name, message, text in (
        ("no object", 'an object is expected, {"key": value, ...}', "[1]"), ("an open list", "the list of objects is not closed", '[{"a":2}'),
        ("a value missing", "a value is expected here", '{"a":}'), ("a comma missing", "a comma or } is expected here", '{"a":1 "b":2}'),
        ("a comma missing in a list", "a comma or ] is expected here", '{"a":[1 2]}'), ("no key", "a key in quotes is expected here", "{a:1}"),
        ("a colon missing", "a colon is expected here", '{"a" 1}'), ("a point at the end", "a number ends with its point", '{"a":1.}'),
        ("an open exponent", "a number ends within its exponent", '{"a":1e}'), ("a control character", "a control character inside a string; it is written \\uXXXX", '{"a":"\t"}'),
        ("no escape", "an escape inside a string is none of JSON's", '{"a":"\\x"}'), ("no UTF-8", "a string is not UTF-8; convert the file, as by iconv -t UTF-8", b'{"a":"caf\xe9"}'),
        ("a key with NUL", "a key holds a NUL character", '{"a\\u0000":1}'), ("a key twice", "the key 'a' is there twice", '{"a":1,"a":2}'),
        ("much inside", "more than 64 lists and objects inside each other", '{"a":' + "[" * 90 + "]" * 90 + "}"),
        ("many keys", "more than 20000 different keys in the first rows: a table has one set of columns", "{" + ",".join(f'"k{i}":1' for i in range(20001)) + "}")):
    case(f"jsonl with {name}", DATA, f"bad.jsonl: line 1: {message}", "show", "bad.jsonl", files={"bad.jsonl": text})
case("jsonl without a row", DATA, 'bad.jsonl: it has no row: an object is expected, {"key": value, ...}', "show", "bad.jsonl", files={"bad.jsonl": "\n"})
case("jsonl with a value that does not fit", DATA, "bad.jsonl: line 20501: column 'a': 2.5 is no int64, as the first rows are; say what the column is, as --types a=float64", "convert", "bad.jsonl", "out.csv",
     files={"bad.jsonl": '{"a":1}\n' * 20500 + '{"a":2.5}\n'})
case("jsonl with a late key", DATA, "bad.jsonl: line 20501: the key 'b' is not in the first rows; name it before, as --types b=utf8", "convert", "bad.jsonl", "out.csv",
     files={"bad.jsonl": '{"a":1}\n' * 20500 + '{"b":2.5}\n'})
case("sql broken", USAGE, "--sql: syntax error at or near \"SELEC\"", "show", "good.csv", "--sql", "SELEC * FROM src")
case("sql of two statements", USAGE, "--sql: 2 statements; give one SELECT", "show", "good.csv", "--sql", "SELECT 1; SELECT 2")
case("sql with a parameter", USAGE, "--sql: a parameter ($1, ?) has no value here; write the value itself", "show", "good.csv", "--sql", "SELECT * FROM src WHERE x > $1")
case("sql that is no query", USAGE, "--sql: only SELECT is possible here", "show", "good.csv", "--sql", "CREATE TABLE t (i INT)")
case("sql names a column twice", USAGE, "--sql: two columns are named 'x'; name them apart with AS in --sql", "show", "good.csv", "--sql", "SELECT x, c AS x FROM src")
case("sql fails at a row", DATA, "--sql: Could not convert string 'a' to INT32 when casting from source column c", "show", "good.csv", "--sql", "SELECT CAST(c AS INT) FROM src")
case("check with sql", USAGE, "check reads whole files: --sql has no meaning here", "check", "good.csv", "--sql", "SELECT 1")
case("check: another column", DATA, "1 of 2 files are bad; the first: other.csv: column 2 is 'd', but 'c' in the files before it", "check", "good.csv", "other.csv", files={"other.csv": "label,x,d\n0,1.5,a\n"})
case("check: one column more", DATA, "1 of 2 files are bad; the first: other.csv: column 'd' is not in the files before it", "check", "good.csv", "other.csv", files={"other.csv": "label,x,c,d\n0,1.5,a,1\n"})
case("check: another type", DATA, "1 of 2 files are bad; the first: other.csv: column 'x' is utf8, but float64 in the files before it", "check", "good.csv", "other.csv", files={"other.csv": "label,x,c\n0,b,a\n"})
for name, message, query in (("a struct", "column 'v' has the type struct<a int32>, which TFRecord cannot hold; leave it out or cast it by --sql, as CAST(x AS DOUBLE)", "{'a': 1}"), ("a null in a list", "column 'v', row 0: a list with a null inside, which TFRecord cannot hold; filter it by --sql, as list_filter(x, v -> v IS NOT NULL)", "[1, NULL]"),
                             ("an inexact number", "column 'v', row 0: 0.1 has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"v\" AS FLOAT) AS \"v\") FROM src'", "0.1::DOUBLE"), ("a large number", "column 'v', row 0: 18446744073709551615 is above the int64 that TFRecord holds; cast it to VARCHAR by --sql", "18446744073709551615::UBIGINT")):
    case(f"tfrecord of {name}", DATA, message, "convert", "good.csv", "out.tfrecord", "--sql", f"SELECT {query} AS v FROM src")
for name, message, command in (("csv", "column 'v' has the type interval, which cannot be written; leave it out or cast it by --sql", ("convert", "good.csv", "out.csv")), ("parquet", "column 'v' has the type interval, which cannot be written; leave it out or cast it by --sql", ("convert", "good.csv", "out.parquet")),
                               ("lines to look at", "column 'v' has the type interval, which cannot be printed; leave it out or cast it by --sql", ("show", "good.csv", "--json"))):
    case(f"{name} of an interval", DATA, message, *command, "--sql", "SELECT INTERVAL 1 DAY AS v FROM src")
case("a variant", DATA, "--sql: column 'v' has the type variant; cast it by --sql to what it holds, or to VARCHAR", "show", "good.csv", "--sql", "SELECT [1::VARIANT] AS v FROM src")
case("a number of 39 digits", DATA, "row 2 of the query: column 'v': a value of type hugeint has more than 38 digits, which decimal does not hold; cast it to VARCHAR by --sql", "show", "good.csv", "--json", "--sql", "SELECT (1e37 * (row_number() OVER () * 4 % 17))::HUGEINT AS v FROM src")
case("sql names no column", USAGE, "--sql: Referenced column \"nope\" not found in FROM clause!", "show", "good.csv", "--sql", "SELECT nope FROM src")
case("tfrecord cut in the length", DATA, "bad.tfrecord: record 40 at byte 2440: the file ends inside its header: it was cut; make or copy it anew", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d + b"\1\2\3"))
case("tfrecord cut in the data", DATA, "bad.tfrecord: record 39 at byte 2379: the file ends inside its data: it was cut; make or copy it anew", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", lambda d: d[:-9]))
case("tfrecord with a damaged length", DATA, "bad.tfrecord: record 0 at byte 0: no TFRecord: the checksum of the length is wrong; if it is another format, say --format", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(0)))
case("tfrecord with damaged data", DATA, "bad.tfrecord: record 0 at byte 0: the checksum of its data is wrong: the file is damaged; make or copy it anew", "show", "bad.tfrecord", before=rewrite("good.tfrecord", "bad.tfrecord", flip(20)))
case("tfrecord that is none", DATA, "bad.tfrecord: record 0 at byte 0: no TFRecord: the checksum of the length is wrong; if it is another format, say --format", "show", "bad.tfrecord", files={"bad.tfrecord": "this is not a record file, only text\n"})
case("tfrecord gzip cut", DATA, "cut.tfrecord.gz: the file ends inside gzip member 0: it was cut; make or copy it anew", "show", "cut.tfrecord.gz", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz", "--compression", "gzip", "--overwrite"),
    rewrite("whole.tfrecord.gz", "cut.tfrecord.gz", lambda d: d[:-30])(), None)[2])
case("tfrecord gzip damaged", DATA, "bad.tfrecord.gz: gzip member 0 is damaged (invalid literal/lengths set): make or copy the file anew", "show", "bad.tfrecord.gz", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz", "--compression", "gzip"),
    rewrite("whole.tfrecord.gz", "bad.tfrecord.gz", flip(60))(), None)[2])
case("tfrecord zlib cut", DATA, "cut.tfrecord: the file ends inside the zlib stream: it was cut; make or copy it anew", "show", "cut.tfrecord", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.deflate"), rewrite("whole.tfrecord.deflate", "cut.tfrecord", lambda d: d[:-7])(), None)[2])
case("tfrecord zlib damaged", DATA, "bad.tfrecord: the zlib stream is damaged (incorrect data check): make or copy the file anew", "show", "bad.tfrecord", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.deflate"), rewrite("whole.tfrecord.deflate", "bad.tfrecord", flip(-1))(), None)[2])
case("tfrecord zlib continued", DATA, "bad.tfrecord: bytes behind the end of its zlib stream: make or copy the file anew", "show", "bad.tfrecord", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.deflate"), rewrite("whole.tfrecord.deflate", "bad.tfrecord", lambda d: d + d)(), None)[2])


def indexed(change, name="x.tfrecord", records=3000):
    """A case's `before`: a file of many records gets its index, then other bytes by a function of a list of records."""
    def before():
        all_records = [record(example(b"x", WHOLE) + field(15, bytes([i % 100] * 100)) * 8) for i in range(records)]
        pathlib.Path(name).write_bytes(b"".join(all_records))
        must("index", name)
        pathlib.Path(name).write_bytes(b"".join(change(all_records) or all_records))
    return before


def set_record(i, *to):
    """Records from i on become others; far from the pieces by which a changed file is told first."""
    def change(all_records):
        all_records[i:i + len(to)] = to
    return change


def index_bytes(change):
    def before():
        must("convert", "good.csv", "x.tfrecord")
        rewrite(".x.tfrecord.index", ".x.tfrecord.index", change)()
    return before


OTHER = record(example(b"x", WHOLE) + field(15, b"z" * 100) * 8)
TWO = record(OTHER[12:-4] * 2 + bytes([0x7A, 14]) + bytes(14))
case("index of a cut file", DATA, "x.tfrecord: it has 1692000 bytes, but its index was made of 2538000: the file was cut or replaced; restore it, or make the index anew by shoal index", "show", "x.tfrecord", before=indexed(lambda all_records: all_records[:2000]))
case("index of a file that grew", DATA, "x.tfrecord: it has 2538845 bytes, but its index was made of 2538000: the file has grown or was replaced; make the index anew by shoal index", "show", "x.tfrecord", before=indexed(lambda all_records: all_records + [OTHER[:-1]]))
case("index of a changed file", DATA, "x.tfrecord: its bytes are not those that its index was made of: the file was changed; restore it, or make the index anew by shoal index", "show", "x.tfrecord", before=indexed(set_record(0, OTHER)))
case("index of a file changed where it is not looked at first", DATA, "1 of 1 files are bad; the first: x.tfrecord: its bytes are not as its index says: the file was changed; restore it, or make the index anew by shoal index", "check", "x.tfrecord", before=indexed(set_record(150, OTHER)))
case("index of more records", DATA, "x.tfrecord: it has 2999 records, but its index counts 3000: the file was changed; restore it, or make the index anew by shoal index", "show", "x.tfrecord", "-n", "0", "--count", "--sql", "SELECT 1 FROM src", before=indexed(set_record(150, TWO, b"")))
case("index and another schema", DATA, "1 of 1 files are bad; the first: x.tfrecord: feature 'x' is not as its index says; make the index anew by shoal index", "check", "x.tfrecord", before=lambda: (
    indexed(lambda all_records: None, records=3)(), pathlib.Path(".x.tfrecord.schema.json").write_text('{"shoal_schema": 1, "columns": [{"name": "x", "type": "int8"}]}'), None)[2])
case("index cut", DATA, ".x.tfrecord.index: no index of shoal, or one that was cut; make it anew by shoal index", "show", "x.tfrecord", before=index_bytes(lambda d: d[:50]))
case("index damaged", DATA, ".x.tfrecord.index: the index is damaged; make it anew by shoal index", "show", "x.tfrecord", before=index_bytes(flip(80)))
case("index that is newer", DATA, ".x.tfrecord.index: version 254 of the index is newer than this shoal reads (1): use a newer shoal", "show", "x.tfrecord", before=index_bytes(flip(8)))


def in_folder(change):
    """A case's `before`: a folder of two shards, and something done to it."""
    def before():
        must("synth", "--rows", "5000", "--numeric", "1", "--categorical", "2", "f", "--to", "tfrecord", "--max-file-size", "100K")
        change(pathlib.Path("f"))
    return before


def manifest(text):
    return {"d/_manifest.json": text, "d/a.csv": GOOD}


ENTRY = '{"file": "a.csv", "rows": 40, "bytes": 1, "xxh3_128": "%s"}' % ("0" * 32)
case("folder without a shard", DATA, "f/part-00001.tfrecord is missing: the folder's _manifest.json lists it with 2048 rows; restore it, or make the manifest anew by shoal index f", "show", "f",
     before=in_folder(lambda f: (f / "part-00001.tfrecord").unlink()))
case("folder with another shard", DATA, "f/part-00009.tfrecord is not in the folder's _manifest.json: another program put it there, or an append that did not finish; remove it, or take it up by shoal index f", "show", "f",
     before=in_folder(lambda f: shutil.copy(f / "part-00001.tfrecord", f / "part-00009.tfrecord")))
case("folder with a cut shard", DATA, "d/a.csv has %d bytes, but the folder's _manifest.json lists it with 1: it was cut or replaced; restore it, or make the manifest anew by shoal index d" % len(GOOD), "show", "d",
     files=manifest('{"shoal_manifest": 1, "files": [' + ENTRY + "]}"))
case("folder with a changed file", DATA, "1 of 1 files are bad; the first: p/part-00000.csv: its bytes are not those that p/_manifest.json lists: it was changed; restore it, or make the manifest anew by shoal index p", "check", "p",
     before=lambda: (must("convert", "good.csv", "p", "--to", "csv"), rewrite("p/part-00000.csv", "p/part-00000.csv", lambda d: d.replace(b"0.5", b"0.6"))(), None)[2])
case("folder of other counts", DATA, "1 of 1 files are bad; the first: p/part-00000.csv: it has 40 rows, but p/_manifest.json lists 41; make the manifest anew by shoal index p", "check", "p",
     before=lambda: (must("convert", "good.csv", "p", "--to", "csv"), rewrite("p/_manifest.json", "p/_manifest.json", lambda d: d.replace(b'"rows": 40', b'"rows": 41'))(), None)[2])
for name, message, text in (("that is none", "d/_manifest.json:1: no JSON: '[' or '{' expected near 'x'", "x"),
                            ("that is newer", "d/_manifest.json: version 2 of the manifest is newer than this shoal reads (1): use a newer shoal", '{"shoal_manifest": 2, "files": []}'),
                            ("without files", 'd/_manifest.json: no manifest of shoal: "shoal_manifest": 1 and "files": [...] are expected', '{"shoal_manifest": 1}'),
                            ("with half a file", 'd/_manifest.json: file 0 needs "file", "rows", "bytes" and "xxh3_128"', '{"shoal_manifest": 1, "files": [{"file": "a"}]}'),
                            ("with a file twice", "d/_manifest.json: file 'a.csv' is there twice", '{"shoal_manifest": 1, "files": [' + ENTRY + ", " + ENTRY + "]}")):
    case(f"manifest {name}", DATA, message, "show", "d", files=manifest(text))
case("index of another format", USAGE, "good.csv: an index is made of TFRecord files only", "index", "good.csv")
case("index of a pipe", USAGE, "an index is made of files: standard input has no place to put it", "index", "-")
case("indexes that disagree", DATA, "d/b.tfrecord: feature 'x' is float32, but int64 in a file before it (by their indexes); a column has one type", "show", "d", files={
    "d/a.tfrecord": record(example(b"x", WHOLE)), "d/b.tfrecord": record(example(b"x", REAL))}, before=lambda: (must("index", "d/a.tfrecord"), must("index", "d/b.tfrecord"), None)[2])
case("a quarantine that is not asked for", USAGE, "--quarantine-dir needs --on-error quarantine: otherwise damage ends the job", "show", "good.tfrecord", "--quarantine-dir", "q")
case("check with damage set aside", DATA, "1 damaged places; 39 rows around them are sound", "check", "bad.tfrecord", "--on-error", "quarantine", before=rewrite("good.tfrecord", "bad.tfrecord", flip(20)))
case("damage in a pipe", DATA, "standard input: the file ends inside gzip member 0: it was cut; make or copy it anew", "show", "-", "--format", "tfrecord", "--on-error", "quarantine", before=lambda: (
    must("convert", "good.csv", "whole.tfrecord.gz"), rewrite("whole.tfrecord.gz", "cut.tfrecord.gz", lambda d: d[:-30])(), None)[2], stdin=lambda: open("cut.tfrecord.gz", "rb"))


def sequence(name, feature):
    """A tf.train.SequenceExample of one feature list of one feature."""
    return field(2, field(1, field(1, name) + field(2, field(1, feature))))


case("feature list that was a feature", DATA, "bad.tfrecord: record 1: 'x' is a feature list here, and a feature in this or an earlier record; a column has one type", "show", "bad.tfrecord", files={
    "bad.tfrecord": record(example(b"x", WHOLE)) + record(sequence(b"x", WHOLE))})
case("feature that was a feature list", DATA, "bad.tfrecord: record 1: 'x' is a feature here, and a feature list in an earlier record; a column has one type", "show", "bad.tfrecord", files={
    "bad.tfrecord": record(sequence(b"x", WHOLE)) + record(example(b"x", WHOLE))})
case("feature lists without a column", DATA, "d/a.tfrecord: record 0 has feature lists, and there is no column for any; the file does not fit the schema beside it", "show", "d", files={
    "d/_schema.json": '{"shoal_schema": 1, "columns": []}', "d/a.tfrecord": record(sequence(b"x", WHOLE))})
case("feature list of another type", DATA, "d/a.tfrecord: record 0: feature list 'x': it holds int64 where float is expected; the file does not fit the schema beside it", "show", "d", files={
    "d/_schema.json": '{"shoal_schema": 1, "columns": [{"name": "x", "type": "list<list<float32>>"}]}', "d/a.tfrecord": record(sequence(b"x", WHOLE))})
case("tfrecord of no examples", DATA, "bad.tfrecord: record 0: no tf.train.Example: a field's length is wrong or its type unknown", "show", "bad.tfrecord", files={"bad.tfrecord": record(b"\xff\xff")})
case("tfrecord with an empty name", DATA, "bad.tfrecord: record 0: a feature's name is empty or not UTF-8", "show", "bad.tfrecord", files={"bad.tfrecord": record(example(b"", WHOLE))})
case("tfrecord with two types", DATA, "bad.tfrecord: record 1: feature 'x' holds float, but int64 in an earlier record; a column has one type", "show", "bad.tfrecord", files={
    "bad.tfrecord": record(example(b"x", WHOLE)) + record(example(b"x", REAL))})
case("tfrecord that changes its type late", DATA, "1 of 1 files are bad; the first: bad.tfrecord: record 20000, feature 'x': it holds float where int64 is expected; say the types in a _schema.json beside the file (docs/tfrecord.md)", "check", "bad.tfrecord", files={
    "bad.tfrecord": record(example(b"x", WHOLE)) * 20000 + record(example(b"x", REAL))})
for name, message, text in (
    ("of a newer version", "d/_schema.json: version 99 of the schema is newer than this shoal reads (1): use a newer shoal", '{"shoal_schema": 99, "columns": []}'),
    ("of no schema", "d/_schema.json: no schema of shoal: \"shoal_schema\": 1 and \"columns\": [...] are expected", "{}"),
    ("of no JSON", "d/_schema.json:1: no JSON: string or '}' expected near end of file", "{"),
    ("with a column without a type", "d/_schema.json: column 0 needs a \"name\" and a \"type\"", '{"shoal_schema": 1, "columns": [{"name": "x"}]}'),
    ("with an unknown type", "d/_schema.json: column 'x' has the type 'thing', which shoal does not know (docs/types.md)", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "thing"}]}'),
    ("with a column twice", "d/_schema.json: column 'x' is there twice", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "int64"}, {"name": "x", "type": "int64"}]}'),
    ("that does not fit", "d/a.tfrecord: record 0, feature 'x': it holds int64 where float is expected; the file does not fit the schema beside it", '{"shoal_schema": 1, "columns": [{"name": "x", "type": "float32"}]}'),
):
    case(f"schema {name}", DATA, message, "show", "d", files={"d/_schema.json": text, "d/a.tfrecord": record(example(b"x", WHOLE))})

# ---- partitions, filters, further tables -------------------------------------------------------------------------------
ROW = "x\n1\n"
for name, message, paths in (
    ("twice of one name", "p/k=1/k=2/a.csv: two of its folders have a value of 'k'", ["k=1/k=2/a.csv"]),
    ("of two layouts", "p/b.csv: its folders are other partitions than those of p/a=1/a.csv; read files of one layout at a time", ["a=1/a.csv", "b.csv"]),
    ("of other keys", "p/b=1/a.csv: its folders are other partitions than those of p/a=1/a.csv; read files of one layout at a time", ["a=1/a.csv", "b=1/a.csv"]),
    ("not UTF-8", "p/k=%FF/a.csv: the value of partition 'k' is not UTF-8", ["k=%FF/a.csv"]),
    ("of a name not UTF-8", "p/%FF=1/a.csv: a partition's name is not UTF-8", ["%FF=1/a.csv"]),
):
    case(f"partitions {name}", DATA, message, "show", "p", files={f"p/{path}": ROW for path in paths})
DEEP = "/".join(f"k{i}=1" for i in range(101)) + "/a.csv"
case("partitions too many", DATA, f"{DEEP}: more than 100 folders of the form key=value", "show", DEEP, files={DEEP: ROW})
case("partition that is a column", DATA, "column 'x' is in the files and in the names of their folders; rename the folders, or the column", "show", "p",
     before=lambda: (os.makedirs("p/x=1", exist_ok=True), shutil.copy("good.tfrecord", "p/x=1/a.tfrecord"), None)[2])
case("where broken", USAGE, "--where: syntax error at or near \")\"", "show", "good.csv", "--where", "x > ")
case("where of no column", USAGE, "--where: Referenced column \"y\" not found in FROM clause!", "show", "good.tfrecord", "--where", "y > 1")
case("where that does not close", USAGE, "--where: its parentheses do not match", "show", "p", "--where", "k = 1) OR (x = 1", files={"p/k=1/a.csv": ROW})
case("where fails at a row", DATA, "--where: Could not convert string 'a' to INT32 when casting from source column c", "show", "good.csv", "--where", "c::INT > 1")
case("table without a name", USAGE, "--table 'good.csv': expected NAME=SRC, a name for --sql and files, a folder or a pattern", "show", "good.csv", "--sql", "SELECT 1", "--table", "good.csv")
case("table without a query", USAGE, "--table 't=good.csv' is for --sql, which is not given", "show", "good.csv", "--table", "t=good.csv")
case("table that is missing", STORAGE, "cannot open missing.csv: No such file or directory", "show", "good.csv", "--sql", "SELECT * FROM t", "--table", "t=missing.csv")
for name, code, message, more in (
    ("of no column", USAGE, "--partition-by: there is no column 'y'", ["--partition-by", "y"]),
    ("twice", USAGE, "--partition-by: 'c' is named twice", ["--partition-by", "c,c"]),
    ("of a float", DATA, "--partition-by: column 'x' has the type float64; folders are named by text, whole numbers, dates and bool", ["--partition-by", "x"]),
    ("of all columns", USAGE, "--partition-by: no column is left for the files", ["--partition-by", "c", "--sql", "SELECT c FROM src"]),
    ("of an empty text", DATA, "--partition-by: column 'c', row 0: an empty text cannot name a folder; change it by --sql", ["--partition-by", "c", "--sql", "SELECT x, '' AS c FROM src"]),
    ("of the word for null", DATA, "--partition-by: column 'c', row 0: this text cannot name a folder; change it by --sql", ["--partition-by", "c", "--sql", "SELECT x, '__HIVE_DEFAULT_PARTITION__' AS c FROM src"]),
    ("overwritten without any", USAGE, "--overwrite-partitions needs --partition-by, which names the partitions", ["--overwrite-partitions"]),
    ("overwritten and appended", USAGE, "--overwrite, --append and --overwrite-partitions exclude one another", ["--partition-by", "c", "--overwrite-partitions", "--append"]),
):
    case(f"partition {name}", code, message, "convert", "good.csv", "out", "--to", "csv", *more)
case("partitions into a file", USAGE, "out.csv: --partition-by writes a folder; name it without an ending, or with / at its end", "convert", "good.csv", "out.csv", "--partition-by", "c")

# ---- records of bytes -------------------------------------------------------------------------------------------------------
RAW = ["--record-type", "bytes"]
case("bytes from many columns", DATA, "records of bytes are written from one column of text or binary; there are 3: choose one by --sql", "convert", "good.csv", "out.tfrecord", *RAW)
case("bytes from numbers", DATA, "column 'x' has the type float64, but records of bytes are written from text or binary: cast it by --sql",
     "convert", "good.csv", "out.tfrecord", *RAW, "--sql", "SELECT x FROM src")
case("bytes from a null", DATA, "column 'c', row 1: null, which no record of bytes can be; leave such rows out by --where or --sql", "convert", "null.csv", "out.tfrecord", *RAW,
     files={"null.csv": "c\na\n\nb\n"})
case("bytes as Examples", DATA, "raw.tfrecord: record 0: no tf.train.Example: a field's length is wrong or its type unknown", "show", "raw.tfrecord", files={"raw.tfrecord": record(b"any")})
case("bytes beside Examples", DATA, "b.tfrecord: by its index its records are Examples, but those of a.tfrecord are not; say --record-type bytes to read all as bytes",
     "show", "a.tfrecord", "b.tfrecord", "-n", "1000", before=lambda: must("convert", "good.csv", "a.tfrecord", *RAW, "--sql", "SELECT c FROM src") and must("convert", "good.csv", "b.tfrecord") and None)
case("bytes of what is no TFRecord", USAGE, "--record-type says what the records of TFRecord are, and good.csv is none", "show", "good.csv", *RAW)
case("lists of lists as Examples", DATA, "column 'l' is a list of lists, which no Example holds: say --record-type sequence-example", "convert", "good.csv", "out.tfrecord",
     "--record-type", "example", "--sql", "SELECT [[x]] AS l FROM src")
case("training on bytes", USAGE, "label column 'y' is not in the source; there are: byteArray", *train(source="a.tfrecord", label="y"),
     before=lambda: must("convert", "good.csv", "a.tfrecord", *RAW, "--sql", "SELECT c FROM src") and None)

# ---- libsvm and libffm -------------------------------------------------------------------------------------------------
case("libsvm with a bad entry", DATA, "bad.libsvm: line 3, column 7: '2:x' found, expected INDEX:VALUE, a whole number from 0 and a number that float32 can hold", "show", "bad.libsvm", files={"bad.libsvm": "1 1:1\n\n0 1:1 2:x\n"})
case("libsvm with a bad label", DATA, f"bad.svm: line 1, column 1: '{'?' * 40}...' found, expected a number as the label of the row", "show", "bad.svm", files={"bad.svm": "\x01" * 50 + " 1:1\n"})
case("libffm that is libsvm", DATA, "bad.txt: line 1, column 3: '1:1' found, expected FIELD:INDEX:VALUE, two whole numbers from 0 and a number that float32 can hold", "show", "bad.txt", "--format", "libffm", files={"bad.txt": "1 1:1\n"})
for name, message, query, to in (
    ("without a column", "libsvm is written from the columns label, index and value; there is no 'value': name them by --sql", "1 AS label, [1] AS index", "out.libsvm"),
    ("of another column", "libffm holds label, field, index and value, no column 'c'; choose columns by --sql", "1 AS label, [1] AS field, [1] AS index, [1.5::FLOAT] AS value, 2 AS c", "out.ffm"),
    ("of text", "column 'index' has the type list<utf8>, but libsvm needs a list of whole numbers", "1 AS label, ['a'] AS index, [1] AS value", "out.svm"),
    ("of a null", "column 'label', row 0: null, which libsvm cannot hold", "NULL::INT AS label, [1] AS index, [1] AS value", "out.svm"),
    ("of a null in a list", "column 'value', row 0: a list with a null inside, which libsvm cannot hold", "1 AS label, [1] AS index, [NULL::FLOAT] AS value", "out.svm"),
    ("of a negative index", "column 'index', row 0: -1 is not within 0 to 2^63 - 1", "1 AS label, [-1] AS index, [1] AS value", "out.svm"),
    ("of an inexact number", "column 'value', row 0: 0.1 has no exact float32, which libsvm is read as; round it by --sql", "1 AS label, [1] AS index, [0.1::DOUBLE] AS value", "out.svm"),
    ("of unequal lists", "row 0: 1 entries in 'index', but another number of them beside it", "1 AS label, [1] AS index, [1, 2] AS value", "out.svm"),
):
    case(f"libsvm {name}", DATA, message, "convert", "good.csv", to, "--sql", f"SELECT {query} FROM src LIMIT 1")

case("label missing", USAGE, "label column 'lable' is not in the source; did you mean 'label'?", *train(label="lable"))
case("no label", USAGE, "--label COLUMN is missing: the column of 0 and 1 that the model learns", "train", "good.csv", "--model", "lr", "--out", "out")
case("label is text", DATA, "bad.csv row 0: label column 'label' is 'click', expected 0 or 1", *train(source="bad.csv"), files={"bad.csv": "label,x\nclick,1\nnone,2\n"})
case("label is 2", DATA, "bad.csv row 2: label column 'label' is 2, expected 0 or 1", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n2,1,b\n"})
case("label is a half", DATA, "bad.csv row 2: label column 'label' is 0.5, expected 0 or 1", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n0.5,1,b\n"})
case("label is 0 and -1", DATA, "bad.csv row 2: label column 'label' is -1, expected 0 and 1, or -1 and 1, not all of them", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n-1,1,b\n"})
case("label is empty", DATA, "bad.csv row 2: label column 'label' is null, expected 0 or 1", *train(source="bad.csv"), files={"bad.csv": HEAD + "0,1,a\n1,1,a\n,1,b\n"})
case("label is constant", DATA, "label 'label' is 1 in all 40 rows: a model needs both; check the label and the filter", *train(source="bad.csv"), files={"bad.csv": HEAD + "".join(f"1,{i},a\n" for i in range(40))})
case("table without rows", DATA, "the source has no rows: nothing to train on", *train(source="bad.csv"), files={"bad.csv": HEAD})
case("infinite number", DATA, "bad.csv row 1: column 'x' is infinity; give feature 'x' a clip: [LOW, HIGH], or make it null", *train("--features", "f.yaml", source="bad.csv"),
     files={"bad.csv": HEAD + "0,1,a\n1,inf,b\n" * 20, "f.yaml": "features: {x: numeric}\n"})
case("weight is negative", DATA, "bad.csv row 1: weight column 'w' is -1, expected a finite number of 0 or more", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,1\n1,2,-1\n" * 20})
case("weight is missing", DATA, "bad.csv row 1: weight column 'w' is null, expected a finite number of 0 or more", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,1\n1,2,\n" * 20})
case("weights all zero", DATA, "weight 'w' is 0 in all 40 rows: nothing to train on", *train("--weight", "w", source="bad.csv"), files={"bad.csv": "label,x,w\n" + "0,1,0\n1,2,0\n" * 20})
case("weight is no column", USAGE, "weight column 'w' is not in the source; there are: label, x, c", *train("--weight", "w"))
case("label and weight the same", USAGE, "column 'label' cannot be both label and weight", *train("--weight", "label"))
case("drop is no column", USAGE, "column 'nope' to drop is not in the source; there are: label, x, c", *train("--drop", "nope"))
case("nothing left", DATA, "no column can be a feature (there is none beside the label, the weight and those to drop); name features in a YAML by --features", *train("--drop", "x", "--drop", "c"))
case("validation without rows", DATA, "the validation data has no rows; leave out --valid, or name a source with rows", *train("--valid", "none.csv"), files={"none.csv": HEAD})
case("validation without the column", DATA, "other.csv: there is no column 'c'; there are: label, x", *train("--valid", "other.csv"), files={"other.csv": "label,x\n0,1\n1,2\n"})

# ---- features files ----------------------------------------------------------------------------------------------------
for name, code, message, text in (
    ("unknown key", USAGE, "f.yaml:1: unknown key 'featurs' of the features file; did you mean 'features'?", "featurs: {x: numeric}"),
    ("not a map", USAGE, "f.yaml:1: expected a map with features:, label: and others:", "- x"),
    ("list of features", USAGE, "f.yaml:1: features: takes a map of names, as in 'features: {user_id: categorical}'", "features: [x]"),
    ("no feature", USAGE, "f.yaml:1: no features: name at least one column under features:, or say others: guess", "features: {}"),
    ("type unknown", USAGE, "f.yaml:1: type 'numerc' is unknown; there are numeric, categorical, bag; did you mean 'numeric'?", "features: {x: numerc}"),
    ("type missing", USAGE, "f.yaml:1: feature 'x' has no type: numeric, categorical or bag", "features: {x: {scale: none}}"),
    ("feature is a list", USAGE, "f.yaml:1: feature 'x' takes a type, as in 'x: categorical' or 'x: {type: numeric, ...}'", "features: {x: [numeric]}"),
    ("key of a number unknown", USAGE, "f.yaml:1: unknown key 'bukets' of numeric feature 'x'; did you mean 'buckets'?", "features: {x: {type: numeric, bukets: 3}}"),
    ("key of a category unknown", USAGE, "f.yaml:1: unknown key 'mincount' of categorical feature 'c'; did you mean 'min_count'?", "features: {c: {type: categorical, mincount: 3}}"),
    ("column unknown", USAGE, "f.yaml:1: feature column 'y' is not in the source; there are: label, x, c", "features: {y: numeric}"),
    ("column of another type", DATA, "good.csv row 0: column 'c': 'a' is not a number; repair it, or make the feature categorical", "features: {c: numeric}"),
    ("column is the label", USAGE, "f.yaml:1: feature 'l' reads column 'label', which is the label or the weight", "features: {l: {type: numeric, column: label}}"),
    ("bag of a plain column", DATA, "good.csv row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", "features: {x: bag}"),
    ("scale unknown", USAGE, "f.yaml:1: scale 'standrad' is unknown; there are none, standard, minmax, bucket; did you mean 'standard'?", "features: {x: {type: numeric, scale: standrad}}"),
    ("clip not a list", USAGE, "f.yaml:1: clip of feature 'x' takes two numbers, as in clip: [0, 100]", "features: {x: {type: numeric, clip: 3}}"),
    ("clip of maps", USAGE, "f.yaml:1: clip: [LOW, HIGH] takes two numbers; null is no bound", "features: {x: {type: numeric, clip: [{}, 1]}}"),
    ("clip of words", USAGE, "f.yaml:1: clip bound 'low' is not a number; null is no bound", "features: {x: {type: numeric, clip: [low, 1]}}"),
    ("clip with the wrong infinity", USAGE, "f.yaml:1: clip bound .inf leaves nothing", "features: {x: {type: numeric, clip: [.inf, 1]}}"),
    ("clip turned", USAGE, "f.yaml:1: clip of feature 'x' has its low bound above its high one", "features: {x: {type: numeric, clip: [2, 1]}}"),
    ("name is empty", USAGE, "f.yaml:1: a feature needs a name of UTF-8 text", "features: {'': numeric}"),
    ("weights that are no column", USAGE, "f.yaml:1: weights column 'v' is not in the source; there are: label, x, c", "features: {c: {type: bag, weights: v}}"),
    ("buckets without bucket", USAGE, "f.yaml:1: buckets of feature 'x' needs scale: bucket", "features: {x: {type: numeric, scale: none, buckets: 3}}"),
    ("too few buckets", USAGE, "f.yaml:1: 'buckets' must be between 2 and 4096, not 1", "features: {x: {type: numeric, scale: bucket, buckets: 1}}"),
    ("embed with bucket", USAGE, "f.yaml:1: embed of feature 'x' needs another scale than bucket: buckets are embedded anyway", "features: {x: {type: numeric, scale: bucket, embed: true}}"),
    ("embed is no switch", USAGE, "f.yaml:1: 'embed' must be true or false, not 'perhaps'", "features: {x: {type: numeric, scale: none, embed: perhaps}}"),
    ("encoding unknown", USAGE, "f.yaml:1: encoding 'hsah' is unknown; there are vocabulary, hash; did you mean 'hash'?", "features: {c: {type: categorical, encoding: hsah}}"),
    ("buckets of a vocabulary", USAGE, "f.yaml:1: buckets of feature 'c' needs encoding: hash", "features: {c: {type: categorical, buckets: 3}}"),
    ("min_count of a hash", USAGE, "f.yaml:1: min_count of feature 'c' needs encoding: vocabulary", "features: {c: {type: categorical, encoding: hash, min_count: 3}}"),
    ("cross of one column", USAGE, "f.yaml:1: cross of feature 'b' takes 2 to 16 columns, as in cross: [user_city, item_genre]", "features: {b: {type: categorical, cross: [c]}}"),
    ("cross of a map", USAGE, "f.yaml:1: cross of feature 'b' takes names of columns", "features: {b: {type: categorical, cross: [c, {}]}}"),
    ("cross of a column with itself", USAGE, "f.yaml:1: cross of feature 'b' has column 'c' twice", "features: {b: {type: categorical, cross: [c, c]}}"),
    ("cross and column", USAGE, "f.yaml:1: feature 'b' has a column and a cross of columns; take one of them", "features: {b: {type: categorical, column: c, cross: [c, x]}}"),
    ("cross of fractions", DATA, "good.csv row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", "features: {b: {type: categorical, cross: [c, x]}}"),
    ("weights of the largest", USAGE, "f.yaml:1: weights of feature 'c' needs combiner: mean or sum", "features: {c: {type: bag, combiner: max, weights: x}}"),
    ("share with keys of the owner", USAGE, "f.yaml:1: min_count of feature 'c' is that of 'd', whose rows it shares", "features: {c: {type: categorical, share: d, min_count: 3}}"),
    ("share of no feature", USAGE, "feature 'c' shares the rows of 'd', which is no feature", "features: {c: {type: categorical, share: d}}"),
    ("share of a number", USAGE, "feature 'c' cannot share the rows of 'x': both are categories or bags of one column, and the second has rows of its own", "features: {x: numeric, c: {type: categorical, share: x}}"),
    ("where of no map", USAGE, "f.yaml:1: where of feature 'c' takes a column and its number, as in where: {field: 3}", "features: {c: {type: bag, where: x}}"),
    ("category of halves", DATA, "good.csv row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", "features: {x: categorical}"),
    ("drop is no list", USAGE, "f.yaml:2: drop takes a list of columns, as in drop: [month, day]", "features: {c: categorical}\ndrop: x"),
    ("drop is no column", USAGE, "f.yaml:3: column 'y' to drop is not in the source; there are: label, x, c", "features: {c: categorical}\nothers: guess\ndrop: [y]"),
    ("too many rows of embeddings", USAGE, "feature 'c4' brings the embedding rows to 5000000005, more than 2^32: raise min_count, set max_size or take fewer buckets", "features:\n" + "".join(
        f"  c{i}: {{type: categorical, column: c, encoding: hash, buckets: 1000000000}}\n" for i in range(5))),
):
    case(f"features: {name}", code, message, *train("--features", "f.yaml"), files={"f.yaml": text + "\n"})
for name, message, text, w in (
    ("numbers of a list", "f.yaml: numeric column 'x' has type list<int64>, expected a number", "x: numeric", "[1,2]"), ("a category of a list", "f.yaml: categorical column 'x' has type list<int64>, expected a single value (a list needs type: bag)", "x: categorical", "[1,2]"),
    ("a cross of a list", "f.yaml: cross column 'x' has type list<int64>, expected text, a whole number or a date", "b: {type: categorical, cross: [w, x]}", 3),
    ("weights of other length", "lists.jsonl row 0: weights column 'w' has 1 numbers beside the 2 entries of 'x'", "x: {type: bag, weights: w}", "[1]"), ("weights below 0", "lists.jsonl row 0: weights column 'w' has -1, expected finite numbers of 0 or more, or combiner: sum", "x: {type: bag, weights: w}", "[-1,2]"),
    ("where of halves", "f.yaml: where column 'w' has type list<float64>, expected a list of whole numbers beside the bag", "x: {type: bag, where: {w: 1}}", "[1.5,2]"),
    ("weights of text", "f.yaml: weights column 'w' has type list<utf8>, expected a list of numbers beside the bag", "x: {type: bag, weights: w}", '["a","b"]'), ):
    case(f"features: {name}", DATA, message, *train("--features", "f.yaml", source="lists.jsonl"),
         files={"f.yaml": f"features: {{{text}}}\n", "lists.jsonl": "".join(f'{{"label":{i % 2},"x":[1,2],"w":{w}}}\n' for i in range(20))})
case("features: file missing", STORAGE, "cannot open missing.yaml: No such file or directory", *train("--features", "missing.yaml"))

NUMBER = "features: {x: {type: numeric, scale: standard, embed: false}}\n"

ZOO = ", ".join(sorted(f[:-5] for f in os.listdir(os.path.join(SRC, "models")) if f.endswith(".yaml")))
with open(os.path.join(SRC, "src/model/layer_kinds.c"), encoding="utf-8") as table:
    LAYER_KINDS = ", ".join(re.findall(r"^    X\((\w+)\)", table.read(), re.MULTILINE))

# ---- models of one's own -----------------------------------------------------------------------------------------------
for name, message, text in (
    ("no layers", "m.yaml:1: a model needs 'layers', a list of at least one layer", "name: m"),
    ("layers is no list", "m.yaml:1: a model needs 'layers', a list of at least one layer", "layers: {linear: {}}"),
    ("empty", "m.yaml:1: a model needs 'layers', a list of at least one layer", "layers: []"),
    ("unknown layer", "m.yaml:1: unknown layer kind 'linaer'; there are: " + LAYER_KINDS + "; did you mean 'linear'?", "layers: [{linaer: {}}]"),
    ("layer of two kinds", "m.yaml:1: a layer is written as '- KIND: {key: value, ...}', one kind an entry", "layers: [{linear: {}, fm: {}}]"),
    ("layer is a list", "m.yaml:1: a layer is written as '- KIND: {key: value, ...}', one kind an entry", "layers: [[linear]]"),
    ("settings are a word", "m.yaml:1: layer 'dense' needs a map of keys, as in '- dense: {name: x}'", "layers: [{dense: 3}]"),
    ("is a list", "m.yaml:1: a model is a map with the keys name, paper and layers", "- linear"),
    ("name with a space", "m.yaml:1: 'a b' cannot name a layer; expected letters, digits, '_' or '-', at most 55, and not 'numeric'", "layers: [{embedding: {name: a b, dim: 4}}]"),
    ("name is a list", "m.yaml:1: 'name' must be a single value, not a list", "layers: [{embedding: {name: [a], dim: 4}}]"),
    ("too many layers", "m.yaml:1: 2001 layers: a model has at most 1000", "layers: [" + "linear, " * 2000 + "linear]"),
    ("units are a word", "m.yaml:1: layer 'dense' (dense): 'units' is 'many'; expected a number, or the size of a layer above as in e, e.fields or e.width", "layers: [{dense: {input: numeric, units: many}}]"),
    ("units of an unknown dimension", "m.yaml:1: layer 'dense' (dense): 'units' is 'numeric.depth'; expected a number, or the size of a layer above as in e, e.fields or e.width", "layers: [{dense: {input: numeric, units: numeric.depth}}]"),
    ("units are no number", "m.yaml:1: 'units' must be a whole number, not '1x'", "layers: [{dense: {input: numeric, units: 1x}}]"),
    ("units of a layer beyond reason", "m.yaml:1: layer 'dense' (dense): 262144 units; a layer has at most 65536", "layers: [{embedding: {name: e, dim: 4}}, {dense: {units: e.width, times: 65536}}]"),
    ("times without a layer", "m.yaml:1: layer 'dense' (dense): 'times' and 'over' go with the size of a layer, as in {units: e, over: 3}", "layers: [{dense: {input: numeric, units: 3, times: 2}}]"),
    ("slope of a function without one", "m.yaml:1: layer 'dense' (dense): 'slope' is for leaky_relu, prelu and dice, not for 'relu'", "layers: [{dense: {input: numeric, units: 3, activation: relu, slope: 0.1}}]"),
    ("dropout is a word", "m.yaml:1: 'dropout' must be a number, not 'much'", "layers: [{dense: {input: numeric, units: 1, dropout: much}}]"),
    ("embedding too wide", "m.yaml:1: 'dim' must be between 1 and 4096, not 100000", "layers: [{embedding: {name: e, dim: 100000}}]"),
    ("weights beyond reason", "layer 'dense' (dense) has 81920 x 65536 weights, which is beyond all reason", "layers: [{embedding: {name: e, dim: 4096}}, {concat: {name: a, input: [" + "e, " * 9 + "e]}}, "
     "{dense: {input: a, units: 65536}}, {dense: {units: 1}}]"),
    ("input is below", "m.yaml:1: layer 'dense' (dense): input 'later' is not above it; a layer reads layers before it", "layers: [{dense: {input: later, units: 1}}, {dense: {name: later, input: numeric, units: 1}}]"),
    ("first layer without input", "m.yaml:1: layer 'dense' (dense): it is the first layer, so it needs the key 'input'", "layers: [{dense: {units: 1}}]"),
    ("input is a map", "m.yaml:1: layer 'dense' (dense): 'input' is a name or a list of names", "layers: [{dense: {input: {a: b}, units: 1}}]"),
    ("input is a list of lists", "m.yaml:1: layer 'dense' (dense): 'input' is a name or a list of names", "layers: [{dense: {input: [[a]], units: 1}}]"),
    ("too few inputs", "m.yaml:1: layer 'add' (add): takes at least 2 inputs, not 1", "layers: [{embedding: {name: e, dim: 4}}, {add: {input: [e]}}]"),
    ("layer that nobody reads", "m.yaml:1: layer 'a' (dense): no layer reads it; name it as an input of another, or remove it", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: a, input: e, units: 2}}, "
     "{dense: {input: e, units: 1}}]"),
    ("key without likeness", "m.yaml:1: unknown key 'kind' of layer 'activation'; there are: name, optimizer, input, function, slope", "layers: [{activation: {kind: relu}}]"),
    ("dropout without rate", "m.yaml:1: layer 'dropout' (dropout): needs the key 'rate'", "layers: [{dropout: {input: numeric}}]"),
    ("unknown key", "m.yaml:1: unknown key 'dims' of layer 'embedding'; did you mean 'dim'?", "layers: [{embedding: {name: e, dims: 4}}, {dense: {input: e, units: 1}}]"),
    ("unknown input", "m.yaml:1: layer 'dense' (dense): unknown input 'emb'; inputs are 'numeric' and the layers above", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: emb, units: 1}}]"),
    ("name twice", "m.yaml:1: two layers are named 'e'", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: e, input: e, units: 1}}]"),
    ("dense without units", "m.yaml:1: layer 'dense' (dense): needs the key 'units'", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e}}]"),
    ("units 0", "m.yaml:1: 'units' must be between 1 and 65536, not 0", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 0}}]"),
    ("activation unknown", "m.yaml:1: layer 'dense' (dense): unknown activation 'rleu'; there are: none, relu, sigmoid, tanh, leaky_relu, gelu, prelu, dice; did you mean 'relu'?", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 1, activation: rleu}}]"),
    ("dropout of 1", "m.yaml:1: 'dropout' must be between 0 and 0.9999, not 1.0", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 1, dropout: 1.0}}]"),
    ("more than one output", "m.yaml:1: layer 'dense' (dense): the last layer gives the logit, one number a row; this one gives 2. End with 'dense: {units: 1}'", "layers: [{embedding: {name: e, dim: 4}}, {dense: {input: e, units: 2}}]"),
    ("optimizer unknown", "m.yaml:1: layer 'linear' (linear): its optimizer is one of sgd, adagrad, adam, ftrl, as in 'optimizer: {ftrl: {lr: 0.1}}'", "layers: [{linear: {optimizer: ftlr}}]"),
    ("optimizer with another's key", "m.yaml:1: unknown key 'momentum' of optimizer 'ftrl'; there are: lr, l2, l1, ftrl_beta", "layers: [{linear: {optimizer: {ftrl: {momentum: 0.5}}}}]"),
    ("optimizer of nothing", "m.yaml:1: layer 'fm' (fm): it has nothing to train, so 'optimizer' has no effect; leave it out", "layers: [{embedding: {dim: 4}}, {fm: {optimizer: sgd}}]"),
    ("cin without layers", "m.yaml:1: layer 'cin' (cin): needs 'layers', a list of units, such as [128, 128]; at most 16", "layers: [{embedding: {name: e, dim: 4}}, {cin: {layers: 4}}, {dense: {units: 1}}]"),
    ("cin of a word", "m.yaml:1: 'layers' must be a whole number, not 'four'", "layers: [{embedding: {name: e, dim: 4}}, {cin: {layers: [four]}}, {dense: {units: 1}}]"),
    ("cin of odd halves", "m.yaml:1: layer 'cin' (cin): split_half needs layers of even size, not 5", "layers: [{embedding: {name: e, dim: 4}}, {cin: {layers: [5, 4], split_half: true}}, {dense: {units: 1}}]"),
    ("cin beyond reason", f"m.yaml:1: layer 'cin' (cin): {359026206**2} products of units and fields are beyond all reason", "layers: [{embedding: {name: e, dim: 1}}, " + "{pairs: {product: hadamard, self: true}}, " * 6 +
     "{cin: {layers: [4]}}, {dense: {units: 1}}]"),
    ("cin of sigmoids", "m.yaml:1: layer 'cin' (cin): activation 'sigmoid' is not for a cin; there are: none, relu", "layers: [{embedding: {name: e, dim: 4}}, {cin: {layers: [4], activation: sigmoid}}, {dense: {units: 1}}]"),
    ("experts without rank", "m.yaml:1: layer 'cross_v2' (cross_v2): experts are of low rank; give 'rank' as well", "layers: [{embedding: {name: e, dim: 4}}, {cross_v2: {experts: 4}}, {dense: {units: 1}}]"),
    ("fm of numbers", "m.yaml:1: layer 'fm' (fm): input 'h' is not made of fields; it needs an embedding", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: h, input: e, units: 4}}, {fm: {input: h}}]"),
    ("add of different widths", "m.yaml:1: layer 's' (add): input 'b' has 3 numbers a row and 'a' has 2; all must have one shape", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: a, input: e, units: 2}}, "
     "{dense: {name: b, input: e, units: 3}}, {add: {name: s, input: [a, b]}}, {dense: {input: s, units: 1}}]"),
    ("pairs of an unknown product", "m.yaml:1: layer 'pairs' (pairs): product 'outer' is unknown; there are: inner, hadamard", "layers: [{embedding: {name: e, dim: 4}}, {pairs: {product: outer}}, {dense: {units: 1}}]"),
    ("matrices of an unknown kind", "m.yaml:1: layer 'p' (bilinear_pairs): matrices 'some' are unknown; there are: all, each, interaction", "layers: [{embedding: {name: e, dim: 4}}, {bilinear_pairs: {name: p, matrices: some}}, {dense: {units: 1}}]"),
    ("bilinear pairs beyond reason", "m.yaml:1: layer 'p' (bilinear_pairs): 64449908117864115 pairs of fields are beyond all reason", "layers: [{embedding: {name: e, dim: 1}}, " + "{pairs: {product: hadamard, self: true}}, " * 6 + "{bilinear_pairs: {name: p}}, {dense: {units: 1}}]"),
    ("pool by an unknown function", "m.yaml:1: layer 'p' (pool): function 'max' is unknown; there are: sum, mean", "layers: [{embedding: {name: e, dim: 4}}, {pool: {name: p, function: max}}, {dense: {units: 1}}]"),
    ("pool over what is not there", "m.yaml:1: layer 'p' (pool): over 'rows' is unknown; there are: fields, width", "layers: [{embedding: {name: e, dim: 4}}, {pool: {name: p, over: rows}}, {dense: {units: 1}}]"),
    ("stack of two widths", "m.yaml:1: layer 's' (stack): input 'h' is 3 wide and 'e' is 4; fields of one list have one width", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: h, units: 3}}, {stack: {name: s, input: [e, h]}}, {dense: {units: 1}}]"),
    ("product of two sizes", "m.yaml:1: layer 'p' (multiply): input 'e' has 8 numbers a row and 'h' has 3; expected as many, or one a field", "layers: [{embedding: {name: e, dim: 4}}, {dense: {name: h, units: 3}}, {multiply: {name: p, input: [e, h]}}, {dense: {units: 1}}]"),
    ("slice of nothing", "m.yaml:1: layer 's' (slice): 'fields' is a list of names of fields", "layers: [{embedding: {name: e, dim: 4}}, {slice: {name: s}}, {dense: {units: 1}}]"),
    ("slice by lists", "m.yaml:1: layer 's' (slice): 'fields' is a list of names of fields", "layers: [{embedding: {name: e, dim: 4}}, {slice: {name: s, fields: [[c]]}}, {dense: {units: 1}}]"),
    ("slice of an unknown field", "m.yaml:1: layer 's' (slice): the data has no field 'd'", "layers: [{embedding: {name: e, dim: 4}}, {slice: {name: s, fields: [c, d]}}, {dense: {units: 1}}]"),
    ("slice of pairs", "m.yaml:1: layer 's' (slice): input 'p' has other fields than the data; slice an embedding", "layers: [{embedding: {name: e, dim: 4}}, {pairs: {name: p, product: hadamard}}, {slice: {name: s, fields: [c]}}, {dense: {units: 1}}]"),
    ("heads that do not divide", "m.yaml:1: layer 'f' (bilinear): input 'e' has 8 numbers a row, which 3 heads cannot share", "layers: [{embedding: {name: e, dim: 4}}, {bilinear: {name: f, input: [e, e], heads: 3}}]"),
    ("pairs beyond reason", "m.yaml:1: layer 'pairs_7' (pairs): 64449908476890321 pairs of fields are beyond all reason", "layers: [{embedding: {name: e, dim: 1}}, " + "{pairs: {product: hadamard, self: true}}, " * 7 + "{dense: {units: 1}}]"),
):
    case(f"model: {name}", USAGE, message, *train(model="m.yaml"), files={"m.yaml": text + "\n"})
case("model: fm without categories", USAGE, "model 'fm':7: layer 'second' (fm): the data has no categorical fields; declare some, or use model 'lr'", *train("--features", "f.yaml", model="fm"), files={"f.yaml": NUMBER})
case("model: pairs of one field", USAGE, "m.yaml:1: layer 'p' (pairs): the data has one field, which makes no pair", *train("--features", "f.yaml", model="m.yaml"), files={
    "f.yaml": "features: {c: categorical}\n", "m.yaml": "layers: [{embedding: {dim: 4}}, {pairs: {name: p}}, {dense: {units: 1}}]\n"})
case("model: ffm without categories", USAGE, "model 'ffm':6: layer 'second' (ffm): the data has no categorical fields; declare some, or use model 'lr'", *train("--features", "f.yaml", model="ffm"), files={"f.yaml": NUMBER})
case("model: ffm of too many fields", USAGE, "model 'libffm':5: layer 'logit' (ffm): the data has 1100 fields; an ffm pairs at most 1024",
     *train("--features", "f.yaml", source="wide.csv", model="libffm"),
     files={"wide.csv": "label," + ",".join(f"c{i}" for i in range(1100)) + "\n" + 20 * ("1" + ",a" * 1100 + "\n0" + ",b" * 1100 + "\n"),
            "f.yaml": "features:\n" + "".join(f"  c{i}: categorical\n" for i in range(1100))})
case("model: ffm of the largest", USAGE, "model 'ffm':6: layer 'second' (ffm): field 'c' has combiner: max, but an ffm pairs each key; take mean or sum", *train("--features", "f.yaml", model="ffm"), files={
    "f.yaml": "features: {c: {type: bag, combiner: max}}\n"})
case("model: bilinear pairs of one field", USAGE, "m.yaml:1: layer 'p' (bilinear_pairs): the data has one field, which makes no pair", *train("--features", "f.yaml", model="m.yaml"), files={
    "f.yaml": "features: {c: categorical}\n", "m.yaml": "layers: [{embedding: {dim: 4}}, {bilinear_pairs: {name: p}}, {dense: {units: 1}}]\n"})
case("model: nothing to train", USAGE, "m.yaml:1: layer 'dropout' (dropout): the model has nothing to train", *train("--features", "f.yaml", model="m.yaml"), files={
    "f.yaml": NUMBER, "m.yaml": "layers: [{dropout: {input: numeric, rate: 0.1}}]\n"})
for name, message, layer in (
    ("cross", "m.yaml:1: layer 'cross' (cross): its inputs are empty: the data has no columns for them", "{cross: {input: numeric}}"),
    ("cross_v2", "m.yaml:1: layer 'cross_v2' (cross_v2): its inputs are empty: the data has no columns for them", "{cross_v2: {input: numeric}}"),
    ("dense", "m.yaml:1: layer 'dense' (dense): its inputs are empty: the data has no columns for them", "{dense: {input: numeric, units: 1}}"), ("concat", "m.yaml:1: layer 'concat' (concat): its inputs are empty: the data has no columns for them", "{concat: {input: [numeric, numeric]}}"),
    ("stack", "m.yaml:1: layer 'stack' (stack): its inputs are empty: the data has no columns for them", "{stack: {input: [numeric]}}"),
    ("outer", "m.yaml:1: layer 'outer' (outer): input 'numeric' is empty: the data has no columns for it", "{outer: {input: [numeric, numeric]}}"),
    ("multiply", "m.yaml:1: layer 'multiply' (multiply): input 'numeric' is empty: the data has no columns for it", "{multiply: {input: [numeric, numeric]}}"),
    ("layer_norm", "m.yaml:1: layer 'layer_norm' (layer_norm): its input is empty: the data has no columns for it", "{layer_norm: {input: numeric}}"),
    ("batch_norm", "m.yaml:1: layer 'batch_norm' (batch_norm): its input is empty: the data has no columns for it", "{batch_norm: {input: numeric}}"),
):
    case(f"model: {name} of no numbers", USAGE, message, *train("--features", "f.yaml", model="m.yaml"),
         files={"f.yaml": "features: {c: categorical}\n", "m.yaml": f"layers: [{layer}, {{dense: {{units: 1}}}}]\n"})
case("summary: two kinds", USAGE, "m.yaml:1: layer 1 must be one kind with its settings, as in '- dense: {units: 1}'", "summary", "m.yaml", files={"m.yaml": "layers: [{linear: {}, fm: {}}]\n"})
case("summary: no layers", USAGE, "m.yaml:1: a model needs 'layers:', a list of them", "summary", "m.yaml", files={"m.yaml": "layers: 3\n"})
case("model: unknown name", USAGE, "unknown model 'deepmf'; there are: " + ZOO + ", and files that end in .yaml; did you mean 'deepfm'?", *train(model="deepmf"))
case("model: unknown name without likeness", USAGE, "unknown model 'xyzzy'; there are: " + ZOO + ", and files that end in .yaml", *train(model="xyzzy"))
case("model: file missing", STORAGE, "cannot open ./missing.yaml: No such file or directory", *train(model="./missing.yaml"))

# ---- models that were trained ------------------------------------------------------------------------------------------
case("no such model", STORAGE, "missing: there is no such model folder; 'shoal train --out DIR' makes one", "eval", "missing", "good.csv")
case("folder without a model", DATA, "empty_folder: no model: there is no model.json; a run that has finished has one", "eval", "empty_folder", "good.csv", before=lambda: pathlib.Path("empty_folder").mkdir(exist_ok=True))
case("model of a newer version", DATA, "changed/model.json: shoal-model version 99 is newer than this program reads (1); use a newer shoal", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(version=99)))
case("model of another format", DATA, "changed/model.json: not a shoal-model file: its \"format\" is 'other'", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(format="other")))
case("model without a version", DATA, "changed/model.json: \"version\" must be a number from 1; the file is damaged", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.update(version="x")))
case("model without features", DATA, "changed/model.json: no \"features\"; the file is damaged", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("features")))
case("model without layers", DATA, "changed/model.json: no \"model\"; the file is damaged", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("model")))
case("model without a digest", DATA, "changed/model.json: no size and digest of changed/model.safetensors; the file is damaged", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j.pop("weights")))
case("features of a newer version", DATA, "cannot load changed: changed/model.json:1: features of version 99, this program knows up to 1: use a newer shoal", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["features"].update(version=99)))
case("manifest broken", DATA, "changed/model.json:1: not JSON: string or '}' expected near end of file", "eval", "changed", "good.csv",
     before=changed_model(lambda f: (f / "model.json").write_text("{") and None))
case("weights cut", DATA, "changed/model.safetensors: tensor 'top.weight' lies outside the file; the file is damaged or of another program", "eval", "changed", "good.csv", before=changed_model(
    lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-4]) and None))
case("weights damaged", DATA, "changed/model.safetensors: digest DIGEST, but changed/model.json says DIGEST; the file is damaged or not the one that was written", "eval", "changed", "good.csv", before=changed_model(
    lambda f: (f / "model.safetensors").write_bytes(damaged(f / "model.safetensors", flip(-1))) and None))
case("weights missing", STORAGE, "cannot open changed/model.safetensors: No such file or directory", "eval", "changed", "good.csv", before=changed_model(lambda f: (f / "model.safetensors").unlink()))
for name, message, change in (
    ("shorter than their header", "changed/model.safetensors: not a safetensors file: shorter than its first 8 bytes", lambda d: d[:5]), ("with a huge header", "changed/model.safetensors: not a safetensors file, or cut: its header claims 18446744073709551615 bytes", lambda d: b"\xff" * 8 + d[8:]),
    ("with a broken header", "changed/model.safetensors: the safetensors header is no JSON: '[' or '{' expected near '!'", lambda d: d[:8] + b"!" + d[9:]), ("with bytes behind", "changed/model.safetensors: 8 bytes stand behind the last tensor; the file is damaged", lambda d: d + b"\0" * 8),
    ("with a header of a list", "changed/model.safetensors: the safetensors header is no JSON object", lambda d: struct.pack("<Q", 2) + b"[]"),
    ("of an unknown type", "changed/model.safetensors: tensor 'e.table' is of type 'F99'; F32, F64, U8, U32, I64 and U64 are read", lambda d: d.replace(b'"F32"', b'"F99"', 1)),
):
    case(f"weights {name}", DATA, message, "eval", "changed", "good.csv", before=changed_model(
        lambda f, change=change: (f / "model.safetensors").write_bytes(damaged(f / "model.safetensors", change)) and None))
case("weights are a folder", STORAGE, "cannot read changed/model.safetensors: it is a folder, a file is expected", "eval", "changed", "good.csv", before=changed_model(
    lambda f: ((f / "model.safetensors").unlink(), (f / "model.safetensors").mkdir(), None)[2]))
case("weights of another size", DATA, "changed/model.safetensors: 3734 bytes, but changed/model.json says 9; the file is cut or not the one that was written", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["weights"].update(bytes=9)))
for name, message, change in (
    ("no object", "cannot load changed: changed/model.json:1: features must be an object", lambda j: j.update(features=[])), ("no list", "cannot load changed: changed/model.json:1: no list of features", lambda j: j["features"].pop("features")),
    ("a word for a feature", "cannot load changed: changed/model.json:1: a feature must be an object", lambda j: j["features"].update(features=["x"])),
    ("a feature without a name", "cannot load changed: changed/model.json:1: 'name' needs a value", lambda j: j["features"]["features"][0].update(name=None)),
    ("a feature of unknown type", "cannot load changed: changed/model.json:1: type 'thing' is unknown", lambda j: j["features"]["features"][0].update(type="thing")),
    ("a feature named twice", "cannot load changed: two features are named 'x'; names must differ", lambda j: j["features"]["features"].append(j["features"]["features"][0])),
    ("no feature", "cannot load changed: no features: name at least one column", lambda j: j["features"].update(features=[])),
    ("a feature without edges", "cannot load changed: changed/model.json:1: feature 'x' has no list of fewer than 4096 edges", lambda j: [f.pop("edges", 0) for f in j["features"]["features"]]),
    ("a cross of one column", "cannot load changed: changed/model.json:1: a cross must be a category with a list of 2 to 16 columns", lambda j: j["features"]["features"][1].update(columns=[{"column": "c"}])),
    ("a cross of words", "cannot load changed: changed/model.json:1: a column of a cross must be an object", lambda j: j["features"]["features"][1].update(columns=["c", "x"])),
    ("a cross of lists", "cannot load changed: changed/model.json:1: a cross is no list", lambda j: j["features"]["features"][1].update(columns=[{"column": "c"}, {"column": "x"}], list=True)),
    ("weights of the largest", "cannot load changed: changed/model.json:1: a bag of combiner 'max' has no weights", lambda j: j["features"]["features"][1].update(list=True, combiner="max", weights="x")),
    ("a share of nobody", "cannot load changed: changed/model.json:1: feature 'c' does not say whose rows it shares", lambda j: j["features"]["features"][1].update(encoding="shared")),
    ("edges that fall", "cannot load changed: changed/model.json:1: edges of feature 'x' are not ascending numbers", lambda j: [f.update(edges=[2, 1]) for f in j["features"]["features"] if "edges" in f]),
):
    case(f"features of a model: {name}", DATA, message, "eval", "changed", "good.csv", before=changed_manifest(change))
case("layers of a model damaged", DATA, "cannot load changed: changed/model.json:1: a model needs 'layers', a list of at least one layer", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["model"].update(layers=[])))
case("weights of other layers", DATA, "changed/model.safetensors: tensor 'h2.weight' is F32 [32, 4], expected F32 [32, 7]", "eval", "changed", "good.csv", before=changed_manifest(
    lambda j: [x["dense"].update(units=7) for x in j["model"]["layers"] if "dense" in x and x["dense"].get("units") == 4]))
case("model without a label", USAGE, "the model does not name a label column; name it by --label", "eval", "changed", "good.csv", before=changed_manifest(lambda j: j["features"].pop("label")))
case("eval without the column", DATA, "other.csv: there is no column 'c'; there are: label, x", "eval", "model", "other.csv", files={"other.csv": "label,x\n0,1\n1,2\n"})
case("eval without the label", DATA, "other.csv: there is no column 'label'; there are: x, c", "eval", "model", "other.csv", files={"other.csv": "x,c\n0,a\n1,b\n"})
case("eval without rows", DATA, "the source has no rows: there is nothing to evaluate", "eval", "model", "none.csv", files={"none.csv": HEAD})
case("eval without a source", USAGE, "eval: no rows to measure are given: shoal eval MODEL SRC...", "eval", "model")
case("group without the column", DATA, "good.csv: there is no column 'nope'; there are: label, x, c", "eval", "model", "good.csv", "--group-by", "nope")
case("slice without the column", DATA, "good.csv: there is no column 'nope'; there are: label, x, c", "eval", "model", "good.csv", "--slice", "nope")
case("slice given twice", USAGE, "--slice x is given twice", "eval", "model", "good.csv", "--slice", "x,c,x")
case("slice by fractions", DATA, "row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", "eval", "model", "good.csv", "--slice", "x")
case("group by fractions", DATA, "row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", "eval", "model", "good.csv", "--group-by", "x")
case("validation by fractions", DATA, "good.csv row 1: column 'x': 0.5 is not a whole number and cannot be a category; make the feature numeric or round it", *train("--valid", "good.csv", "--group-by", "x"))
case("validation without the column of groups", DATA, "good.csv: there is no column 'nope'; there are: label, x, c", *train("--valid", "good.csv", "--group-by", "nope"))
case("a preset that there is not", USAGE, "unknown preset 'bars/criteo_x4/depfm'; shoal --presets lists them; did you mean 'bars/criteo_x4/deepfm'?",
     *train("--preset", "bars/criteo_x4/depfm"))
case("half a preset's name", USAGE, "unknown preset 'criteo_x4/dcn'; shoal --presets lists them; did you mean 'bars/criteo_x4/dcn', 'bars/criteo_x4/dcnv2'?",
     "--presets", "criteo_x4/dcn")
case("a setting without a value", USAGE, "--set is 'cross.layers', expected LAYER.KEY=VALUE, such as cross.layers=4",
     *train("--set", "cross.layers", model="dcn"))
case("a setting of no layer", USAGE, "--set cros.layers=2: the model has no layer 'cros'; did you mean 'cross'?", *train("--set", "cros.layers=2", model="dcn"))
case("a setting of a name", USAGE, "--set cross.name=x: a layer's name cannot be changed", *train("--set", "cross.name=x", model="dcn"))
case("a setting of no key", USAGE, "--set cross.layer=2:1: unknown key 'layer' of layer 'cross'; did you mean 'layers'?",
     *train("--set", "cross.layer=2", model="dcn"))
case("a setting of another type", USAGE, "--set cross.layers=x:1: 'layers' must be a whole number, not 'x'", *train("--set", "cross.layers=x", model="dcn"))
case("a network on the command line that ends early", USAGE,
     "--model:2: did not find expected ',' or '}', while parsing a flow mapping that begins in line 1", *train(model="{layers: [linear]"))
case("monitor without groups", USAGE, "--monitor gauc needs --group-by COLUMN: the column that tells whose rows belong together", *train("--monitor", "gauc"))
case("model and rows in the wrong order", USAGE, "good.csv is a file, expected the folder of a model: it comes first, and then the rows", "eval", "good.csv", "model")
case("predict without an output", USAGE, "predict: the rows to score or the output is missing: shoal predict MODEL SRC... DST", "predict", "model", "good.csv")
case("explain by no rows", USAGE, "--rows is 0, expected 1 to 4294967295 rows for the sample", "explain", "model", "good.csv", "-n", "0")
case("explain without rows", DATA, "the source has no rows: there is nothing to explain by", "explain", "model", "none.csv", files={"none.csv": HEAD})
case("explain by a wrong label", DATA, "bad.csv row 40: label column 'label' is 2, expected 0 or 1", "explain", "model", "bad.csv", files={"bad.csv": GOOD + "2,1,a\n"})
case("predict keeps no column", DATA, "good.csv: there is no column 'nope'; there are: label, x, c", "predict", "model", "good.csv", "out.csv", "--keep", "nope")
case("predict keeps twice", USAGE, "--keep x is given twice", "predict", "model", "good.csv", "out.csv", "--keep", "x", "--keep", "x")
case("predict keeps the prediction", USAGE, "--keep prediction: that is the name of the column of predictions; give that another one by --output-column", "predict", "model", "good.csv", "out.csv", "--keep", "prediction")
case("predict output there", STORAGE, "there.csv exists; use --overwrite to replace it, or choose another name", "predict", "model", "good.csv", "there.csv", files={"there.csv": "x"})

# ---- runs --------------------------------------------------------------------------------------------------------------
case("out there", STORAGE, "out holds a model already; give --overwrite to replace it, or another --out", *train(), before=lambda: must(*train()) and None)
case("out in use", STORAGE, "out is in use by process 77 on elsewhere; wait for it, or choose another --out", *train("--resume"), before=lambda: lock_out(b"77 elsewhere\n"))
case("out in use by who knows whom", STORAGE, "out is in use by another process; wait for it, or choose another --out", *train("--overwrite"), before=lambda: lock_out(b""))
case("diverged", DIVERGED, "training diverged at step 2 (epoch 3): the loss is nan; expected a finite number; try a smaller --lr, or look for extreme values by `shoal show`", *train("--optimizer", "sgd", "--lr", "1e6", "--epochs", "9", "--kernels", "portable", model="deepfm"))
case("run unfinished", STORAGE, "out holds an unfinished run; give --resume to continue it, or --overwrite to start anew", *train(), before=unfinished_run)
case("checkpoint of a newer version", DATA, "out/checkpoints/step-N/manifest.json: shoal-checkpoint version 99 is newer than this program "
     "reads (1); use a newer shoal", *train("--epochs", "1000000", "--patience", "0", "--checkpoint-every", "1", "--resume"),
     before=newer_checkpoint)
case("resume with another setting", USAGE, "cannot resume: 'lr' was 0.001, is 0.5; give it as it was, or train anew in another --out", *train("--resume", "--lr", "0.5"), before=lambda: must(*train()) and None)
case("resume with other data", DATA, "cannot resume: the data changed: 'files.train/0/mine.csv.bytes' was 350, is 356; bring the old data back, or train anew in another --out", *train("--resume", source="mine.csv"), files={"mine.csv": GOOD}, before=lambda: (
    must(*train(source="mine.csv")), pathlib.Path("mine.csv").write_text(GOOD + "1,2,a\n"), None)[2])
case("resume of who knows what", DATA, "changed/model.json does not say which run made it; give --overwrite to replace it", "train", "good.csv", "--label", "label", "--out", "changed", "--resume",
     before=changed_manifest(lambda j: j.pop("settings")))
case("go on from no model", STORAGE, "none: there is no such model folder; 'shoal train --out DIR' makes one", "train", "good.csv", "--init-from", "none", "--out", "out")
case("go on in the same folder", USAGE, "--out and --init-from are both model: give the new model a folder of its own", "train", "good.csv", "--init-from", "model", "--out", "model", "--overwrite")
for option, value, was in ("label", "x", "label"), ("weight", "x", "not set"), ("drop", "c", "[]"):
    shown = '["c"]' if option == "drop" else value
    case(f"go on with another {option}", USAGE, f"--init-from model: '{option}' is {was} there, but {shown} here; give it as it is there, or train anew without --init-from",
         "train", "good.csv", "--init-from", "model", f"--{option}", value, "--out", "out")
case("go on with other features", USAGE, "--init-from model: the model was not trained with --features f.yaml as it is now; leave it out, or train anew without --init-from",
     "train", "good.csv", "--init-from", "model", "--features", "f.yaml", "--out", "out", files={"f.yaml": "features: {c: categorical}\n"})
case("go on with another network", USAGE, "--init-from model: the network's 'layers[3].dense.units' is 4 there, but 5 by the options; leave --model and what changes it out, or train anew without --init-from",
     "train", "good.csv", "--init-from", "model", "--hidden", "5", "--out", "out")
case("go on with another optimizer", USAGE, "--init-from old: 'optimizer' is adam there, but sgd here; give it as it is there, or train anew without --init-from",
     "train", "good.csv", "--init-from", "old", "--optimizer", "sgd", "--out", "out", before=lambda: must("train", "good.csv", "--label", "label", "--model", "lr", "--epochs", "1", "--save-state", "--out", "old") and None)
case("go on from a state that is none", DATA, "changed/model.json: \"state\" does not name a file of optimiser state and its steps; the file is damaged",
     "train", "good.csv", "--init-from", "changed", "--out", "out", before=changed_manifest(lambda j: j.update(state={"file": "x"})))
case("go on without a column", DATA, "other.csv: there is no column 'c'; there are: label, x", "train", "other.csv", "--init-from", "model", "--out", "out", files={"other.csv": "label,x\n0,1\n1,2\n"})
case("no progress", STALLED, "no progress for 1 s while reading: waiting for the training data; a slow source needs a longer --stall-timeout", *train("--format", "csv", "--stall-timeout", "1", source="-"),
     stdin=lambda: os.fdopen(os.pipe()[0], "rb"))
case("out of memory", NOMEM, "out of memory: 307200003072 bytes for the model's weights; fewer buckets or a smaller --embedding-dim need less", *train("--features", "f.yaml", "--embedding-dim", "256", model="fm"),
     files={"f.yaml": "features: {c: {type: categorical, encoding: hash, buckets: 100000000}}\n"},
     before=limited_memory, prefix=("prlimit", "--as=4000000000"))
