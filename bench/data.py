"""data.py: see data.sh. Each figure has its peer in the same run; the ratio is what counts. Rates are rows a second of the clock,
and in brackets of processor time, which other users of the machine disturb less."""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

SHOAL = os.environ["SHOAL"]
BATCH = 4096


def shoal(*args):
    """Seconds of the clock and of processors."""
    begin, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([SHOAL, *map(str, args)], capture_output=True, text=True)
    if p.returncode:
        raise SystemExit(f"shoal {' '.join(map(str, args))}\n{p.stderr[-2000:]}")
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begin, end.ru_utime + end.ru_stime - cpu.ru_utime - cpu.ru_stime


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    return path


def put_features(example, items):
    """One feature a value; nulls have none."""
    for name, v in items:
        if isinstance(v, str):
            example.features.feature[name].bytes_list.value.append(v.encode())
        elif isinstance(v, float):
            example.features.feature[name].float_list.value.append(v)
        elif v is not None:
            example.features.feature[name].int64_list.value.append(v)


def peer_writer(parquet, target, rows):
    """pyarrow reads, tf.train.Example is filled feature by feature, tf.io.TFRecordWriter writes: rows a second."""
    import pyarrow.parquet
    import tensorflow as tf
    table = next(pyarrow.parquet.ParquetFile(parquet).iter_batches(batch_size=rows))
    begin, cpu = time.perf_counter(), time.process_time()
    with tf.io.TFRecordWriter(str(target)) as out:
        for row in table.to_pylist():
            e = tf.train.Example()
            put_features(e, row.items())
            out.write(e.SerializeToString())
    return table.num_rows / (time.perf_counter() - begin), table.num_rows / (time.process_time() - cpu)


def peer_reader(tfrecord, schema, rows, threads):
    """tf.data with parse_example on whole batches, in a process that may use so many threads: rows a second."""
    import tensorflow as tf
    kind = {"utf8": tf.string, "float32": tf.float32, "int64": tf.int64, "int32": tf.int64, "int8": tf.int64, "bool": tf.int64}
    default = {tf.string: "", tf.float32: 0.0, tf.int64: 0}
    spec = {c["name"]: tf.io.FixedLenFeature([], kind[c["type"]], default[kind[c["type"]]]) for c in schema}
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    data = tf.data.TFRecordDataset(str(tfrecord)).take(rows).batch(BATCH)
    data = data.map(lambda b: tf.io.parse_example(b, spec), num_parallel_calls=threads).prefetch(2).with_options(options)
    begin, cpu = time.perf_counter(), time.process_time()
    n = sum(int(b["label"].shape[0]) for b in data)
    return n / (time.perf_counter() - begin), n / (time.process_time() - cpu)


def spark_writer(parquet, target, rows):
    """Spark, local[2]: Parquet to tf.train.Example in PySpark, written by tensorflow-hadoop: rows a second, start of Java left out."""
    import sys
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/e2e"))
    os.environ.setdefault("TMP", str(target.parent))
    from _spark import spark_session

    def encode(row):
        import tensorflow as tf
        e = tf.train.Example()
        put_features(e, row.asDict().items())
        return bytearray(e.SerializeToString()), None

    def write(spark, n):
        table = spark.read.parquet(str(parquet)).limit(n).repartition(2)
        begin = time.perf_counter()
        table.rdd.map(encode).saveAsNewAPIHadoopFile(str(fresh(target)), "org.tensorflow.hadoop.io.TFRecordFileOutputFormat",
                                                     "org.apache.hadoop.io.BytesWritable", "org.apache.hadoop.io.NullWritable")
        return n / (time.perf_counter() - begin)

    with spark_session() as spark:
        write(spark, 1000)  # starts what starts once
        return write(spark, rows)


def costs(result, work, parquet, tfrecord, plain, rows):
    """What checksums, index and manifest take, each beside what it protects."""
    out = fresh(work / "model")
    shoal("train", plain, "--label", "label", "--model", "lr", "--epochs", 1, "--threads", 1, "--out", out)
    times = json.loads((out / "history.jsonl").read_text().splitlines()[0])["times"]
    folder = fresh(work / "cost")
    folder.mkdir()
    os.link(plain, folder / "part-0.tfrecord")
    os.link(plain.parent / f".{plain.name}.schema.json", folder / "_schema.json")
    index = shoal("index", plain, "--threads", 1)
    manifest = shoal("index", folder, "--threads", 1)
    again = shoal("index", folder, "--threads", 1)  # its index is there: what is left is to believe it
    read = shoal("check", tfrecord, "--threads", 1)
    os.unlink(plain.parent / f".{plain.name}.index")
    fifo = work / "cost.fifo"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    drain = subprocess.Popen(["cat", fifo], stdout=subprocess.DEVNULL)
    bare = shoal("convert", parquet, fifo, "--to", "tfrecord", "--threads", 1)
    drain.wait()
    whole = shoal("convert", parquet, fresh(work / "out"), "--threads", 1)
    lines = {"checksums of reading: microseconds a row; parsing": (times["checksum"] / rows * 1e6, times["parse"] / rows * 1e6),
             "index of a file that has none: seconds of processors; a check": (index[1], read[1]),
             "manifest of a folder, its index with it; with its index there": (manifest[1], again[1]),
             "writing with index, manifest, sync, read back; bytes alone": (whole[1], bare[1])}
    for what, (a, b) in lines.items():
        print(f"{what:64} {a:>10.3f} {b:>8.3f} {a / b:>6.2f}x", flush=True)
        result[what] = [a, b]


def access(result, tfrecord, plain, rows):
    """Ten rows of the middle: by the index, and by reading up to them."""
    seek, scan = (min(shoal("show", f, "--skip", rows // 2, "-n", 10, "--json", "--threads", 1)[0] for _ in range(3)) for f in (tfrecord, plain))
    what = "10 rows of the middle: milliseconds without an index; with it"
    print(f"{what:64} {scan * 1e3:>10.1f} {seek * 1e3:>8.1f} {scan / seek:>6.1f}x", flush=True)
    result[what] = [scan, seek]


HEADLINE_COLUMNS = ["label"] + [f"n{i}" for i in range(1, 6)] + [f"c{i}" for i in range(1, 8)]


def plain_copy(files, target):
    """Seconds of writing the same bytes and of their sync, and nothing else."""
    chunk, begin = 4 << 20, time.perf_counter()
    with open(target, "wb", buffering=0) as out:
        for f in files:
            with open(f, "rb", buffering=0) as src:
                while piece := src.read(chunk):
                    out.write(piece)
        os.fsync(out.fileno())
    spent = time.perf_counter() - begin
    os.unlink(target)
    return spent


def headline(result, work):
    """20 million rows and 5 GB of a table into TFRecord: two million planted ones, ten times."""
    source, big, out = work / "log-2m.parquet", work / "headline.parquet", work / "big"
    if not big.exists():
        shoal("synth", "--rows", 2000000, "--seed", 1, source)
        shoal("convert", *[source] * 10, big, "--sql", f"SELECT {', '.join(HEADLINE_COLUMNS)} FROM src")
        source.unlink()
    wall, cpu = shoal("convert", big, fresh(out), "--threads", 2)
    files = sorted(out.glob("part-*"))
    written = sum(f.stat().st_size for f in out.iterdir())
    copy = plain_copy(files, work / "copy")
    print(f"20,000,000 rows, {big.stat().st_size / 1e9:.2f} GB of Parquet to {written / 1e9:.2f} GB of TFRecord ({written / 2e7:.0f} bytes a row): "
          f"{wall:.1f} s, {cpu:.1f} s of processors; the same bytes copied and synced: {copy:.1f} s")
    result["headline"] = {"seconds": wall, "cpu": cpu, "read": big.stat().st_size, "written": written, "copy": copy}
    fresh(out)


def train_times(work, source, columns):
    """Seconds of each stage of LR on some of the columns; what the others cost is what is not read."""
    features = work / "features.yaml"
    features.write_text("label: label\nfeatures:\n" + "".join(
        f"  {c}: {{type: {'numeric, scale: standard' if c[0] == 'n' else 'categorical, encoding: hash, buckets: 1000'}}}\n" for c in columns))
    out = fresh(work / "model")
    shoal("train", source, "--features", features, "--model", "lr", "--epochs", 1, "--threads", 1, "--out", out)
    return json.loads((out / "history.jsonl").read_text().splitlines()[0])["times"]


def say(result, what, ours, theirs):
    print(f"{what:64} {ours[0]:>10,.0f} {theirs[0]:>8,.0f} {ours[0] / theirs[0]:>6.1f}x  ({ours[1]:,.0f}, {theirs[1]:,.0f}, "
          f"{ours[1] / theirs[1]:.1f}x)", flush=True)
    result[what] = {"shoal": ours, "peer": theirs}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=pathlib.Path), a.add_argument("--rows", type=int), a.add_argument("--headline", action="store_true"), a.add_argument("--spark", action="store_true")
    a = a.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    parquet, tfrecord, result = a.work / f"log-{a.rows}.parquet", a.work / f"log-{a.rows}.tfrecord", {}
    if not parquet.exists():
        shoal("synth", "--rows", a.rows, "--seed", 1, parquet)
    if not tfrecord.exists():
        shoal("convert", parquet, tfrecord)
    plain = a.work / f"plain-{a.rows}.tfrecord"  # the same without an index: one pass over it
    if not plain.exists():
        shoal("convert", parquet, plain)
        (a.work / f".{plain.name}.index").unlink()
    schema = [json.loads(line) for line in subprocess.run([SHOAL, "show", tfrecord, "--schema", "--json"], capture_output=True,
                                                          text=True, check=True).stdout.splitlines()]
    schema = schema[0] if len(schema) == 1 and isinstance(schema[0], list) else schema
    print(f"{a.rows:,} planted rows, {len(schema)} columns, {tfrecord.stat().st_size / a.rows:.0f} bytes a record. Rows a second: Shoal, peer, ratio (of processor time)")
    writer = peer_writer(parquet, a.work / "peer.tfrecord", min(a.rows, 10000))
    for threads in 1, 2:
        spent = shoal("convert", parquet, fresh(a.work / "out"), "--threads", threads)
        say(result, f"Parquet to TFRecord, {threads} thread(s); tf.io.TFRecordWriter", [a.rows / s for s in spent], writer)
    if a.spark:
        spark = spark_writer(parquet, a.work / "spark", min(a.rows, 200000))
        say(result, "Parquet to TFRecord, 2 threads; Spark local[2], tensorflow-hadoop", [a.rows / s for s in spent], (spark, spark))
    for threads in 1, 2:
        spent = shoal("check", plain, "--threads", threads)
        reader = peer_reader(tfrecord, schema, min(a.rows, 100000), threads)
        say(result, f"TFRecord to batches, {threads} thread(s); tf.data parse_example", [a.rows / s for s in spent], reader)
    names = [c["name"] for c in schema if c["name"] != "label"]
    for source in parquet, tfrecord:
        few, all_ = train_times(a.work, source, names[::8][:5]), train_times(a.work, source, names)
        what = f"{source.suffix[1:]}: seconds of parsing all columns; 5 of them"
        print(f"{what:64} {all_['parse']:>10.2f} {few['parse']:>8.2f} {all_['parse'] / few['parse']:>6.1f}x", flush=True)
        result[what] = [all_["parse"], few["parse"]]
    costs(result, a.work, parquet, tfrecord, plain, a.rows)
    access(result, tfrecord, plain, a.rows)
    if a.headline:
        headline(result, a.work)
    (a.work / "data.json").write_text(json.dumps(result, indent=1) + "\n")


main()
