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


def peer_writer(parquet, target, rows):
    """pyarrow reads, tf.train.Example is filled feature by feature, tf.io.TFRecordWriter writes: rows a second."""
    import pyarrow.parquet
    import tensorflow as tf
    table = next(pyarrow.parquet.ParquetFile(parquet).iter_batches(batch_size=rows))
    begin, cpu = time.perf_counter(), time.process_time()
    with tf.io.TFRecordWriter(str(target)) as out:
        for row in table.to_pylist():
            e = tf.train.Example()
            for name, v in row.items():
                if isinstance(v, str):
                    e.features.feature[name].bytes_list.value.append(v.encode())
                elif isinstance(v, float):
                    e.features.feature[name].float_list.value.append(v)
                elif v is not None:
                    e.features.feature[name].int64_list.value.append(v)
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
    a.add_argument("--work", type=pathlib.Path), a.add_argument("--rows", type=int), a.add_argument("--headline", action="store_true")
    a = a.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    parquet, tfrecord, result = a.work / f"log-{a.rows}.parquet", a.work / f"log-{a.rows}.tfrecord", {}
    if not parquet.exists():
        shoal("synth", "--rows", a.rows, "--seed", 1, parquet)
    if not tfrecord.exists():
        shoal("convert", parquet, tfrecord)
    schema = [json.loads(line) for line in subprocess.run([SHOAL, "show", tfrecord, "--schema", "--json"], capture_output=True,
                                                          text=True, check=True).stdout.splitlines()]
    schema = schema[0] if len(schema) == 1 and isinstance(schema[0], list) else schema
    print(f"{a.rows:,} planted rows, {len(schema)} columns, {tfrecord.stat().st_size / a.rows:.0f} bytes a record. Rows a second: Shoal, peer, ratio (of processor time)")
    writer = peer_writer(parquet, a.work / "peer.tfrecord", min(a.rows, 10000))
    for threads in 1, 2:
        spent = shoal("convert", parquet, fresh(a.work / "out"), "--threads", threads)
        say(result, f"Parquet to TFRecord, {threads} thread(s); tf.io.TFRecordWriter", [a.rows / s for s in spent], writer)
    for threads in 1, 2:
        spent = shoal("check", tfrecord, "--threads", threads)
        reader = peer_reader(tfrecord, schema, min(a.rows, 100000), threads)
        say(result, f"TFRecord to batches, {threads} thread(s); tf.data parse_example", [a.rows / s for s in spent], reader)
    names = [c["name"] for c in schema if c["name"] != "label"]
    for source in parquet, tfrecord:
        few, all_ = train_times(a.work, source, names[::8][:5]), train_times(a.work, source, names)
        what = f"{source.suffix[1:]}: seconds of parsing all columns; 5 of them"
        print(f"{what:64} {all_['parse']:>10.2f} {few['parse']:>8.2f} {all_['parse'] / few['parse']:>6.1f}x", flush=True)
        result[what] = [all_["parse"], few["parse"]]
    if a.headline:
        big = a.work / "log-20m.parquet"
        if not big.exists():
            shoal("synth", "--rows", 20000000, "--seed", 1, big)
        wall = shoal("convert", big, fresh(a.work / "big"), "--threads", 2)[0]
        written = sum(f.stat().st_size for f in (a.work / "big").iterdir())
        print(f"20,000,000 rows, {big.stat().st_size / 1e9:.1f} GB of Parquet to {written / 1e9:.1f} GB of TFRecord: {wall:.1f} s")
        result["headline"] = {"seconds": wall, "read": big.stat().st_size, "written": written}
        fresh(a.work / "big")
    (a.work / "data.json").write_text(json.dumps(result, indent=1) + "\n")


main()
