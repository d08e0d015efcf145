"""text.py: see text.sh. The best of some runs that take turns; of the clock, and of processor time (user and system), which other users of
the machine disturb less: bytes a second of a core, and times so many cores."""
import argparse
import ctypes
import os
import pathlib
import resource
import subprocess
import sys
import time

SHOAL, DUCKDB = os.environ["SHOAL"], os.environ["DUCKDB"]
NUMERIC, CATEGORICAL, TURNS = 13, 26, 5


def measured(command):
    """Seconds of the clock and of processors."""
    begin, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([str(x) for x in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if p.returncode:
        raise SystemExit(f"{command}\n{p.stderr[-2000:]}")
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begin, end.ru_utime + end.ru_stime - cpu.ru_utime - cpu.ru_stime


def best(runs):
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


def duckdb(path, threads):
    """All values of all columns, of types that are given, in this process."""
    lib = ctypes.CDLL(DUCKDB)
    db, con, result = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.create_string_buffer(1024)
    types = {"label": "BIGINT", **{f"n{i}": "DOUBLE" for i in range(NUMERIC)}, **{f"c{i}": "VARCHAR" for i in range(CATEGORICAL)}}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    scan = f"read_csv('{path}', header=true, auto_detect=false, delim=',', quote='\"', escape='\"', columns={{{columns}}})"
    lib.duckdb_open(None, ctypes.byref(db))
    lib.duckdb_connect(db, ctypes.byref(con))
    for sql in f"SET threads={threads}", f"SELECT {', '.join(f'count({name})' for name in types)} FROM {scan}":
        if lib.duckdb_query(con, sql.encode(), result):
            lib.duckdb_result_error.restype = ctypes.c_char_p
            raise SystemExit(lib.duckdb_result_error(result).decode())


def make(work, rows):
    csv, ffm, svm = work / "log.csv", work / "log.ffm", work / "log.svm"
    if not (work / "made").exists():
        work.mkdir(parents=True, exist_ok=True)
        measured([SHOAL, "synth", "--rows", rows, csv, "--overwrite"])
        of = [(f"n{i}", f"{i}", f"coalesce(n{i}, 0)") for i in range(NUMERIC)] + [(f"c{i}", f"hash(c{i}) % 1000000", "1") for i in range(CATEGORICAL)]
        lists = {"field": range(len(of)), "index": [x[1] for x in of], "value": [x[2] for x in of]}
        kind = {"field": "INTEGER", "index": "BIGINT", "value": "FLOAT"}
        sql = {name: f"[{', '.join(map(str, items))}]::{kind[name]}[] AS \"{name}\"" for name, items in lists.items()}
        measured([SHOAL, "convert", csv, ffm, "--overwrite", "--sql", f"SELECT label, {sql['field']}, {sql['index']}, {sql['value']} FROM src"])
        measured([SHOAL, "convert", csv, svm, "--overwrite", "--sql", f"SELECT label, {sql['index']}, {sql['value']} FROM src"])
        measured([SHOAL, "convert", csv, work / "log.jsonl", "--overwrite"])
        (work / "made").touch()
    return csv, svm, ffm, work / "log.jsonl"


def machine(path):
    """Bytes a second of one core that copies memory, and that reads the file when it is in memory already."""
    block, n = bytearray(64 << 20), 0
    begin = time.process_time()
    for _ in range(8):
        bytes(block)
    copy = 8 * len(block) / (time.process_time() - begin)
    room = bytearray(1 << 20)
    begin = time.process_time()
    with open(path, "rb", buffering=0) as f:
        while got := f.readinto(room):
            n += got
    return copy, n / (time.process_time() - begin)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", type=pathlib.Path, required=True)
    p.add_argument("--rows", type=int, default=1000000)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--peer")
    a = p.parse_args()
    if a.peer:
        return duckdb(a.peer, a.threads)
    files = make(a.work, a.rows)
    copy, read = machine(files[0])
    print(f"one core copies {copy / 1e9:.1f} GB/s and reads a file in memory at {read / 1e9:.1f} GB/s")
    jobs = {f"shoal, {f.suffix[1:]}": ([SHOAL, "check", f, "--threads", a.threads], f) for f in files}
    jobs["DuckDB, csv"] = ([sys.executable, __file__, "--work", a.work, "--threads", a.threads, "--peer", files[0]], files[0])
    for f in files:
        jobs[f"shoal writes {f.suffix[1:]}"] = ([SHOAL, "convert", f, a.work / f"again{f.suffix}", "--overwrite", "--threads", a.threads], f)
    runs = {name: [] for name in jobs}
    for _ in range(TURNS):
        for name, (command, _) in jobs.items():
            runs[name].append(measured(command))
    for name, (_, f) in jobs.items():
        wall, cpu = best(runs[name])
        size = f.stat().st_size
        print(f"{name:20} {size / 1e6:6.0f} MB  {wall:6.2f} s, {size / wall / 1e9:5.2f} GB/s; {cpu:6.2f} s of processors, {a.threads * size / cpu / 1e9:5.2f} GB/s on {a.threads} cores")
    ours, theirs = best(runs["shoal, csv"]), best(runs["DuckDB, csv"])
    print(f"CSV beside DuckDB: {theirs[0] / ours[0]:.2f} times as fast by the clock, {theirs[1] / ours[1]:.2f} times by processor time")


main()
