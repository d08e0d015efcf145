"""arrow_streams.py: every Arrow type that pyarrow, pandas and polars hand over is taken exactly, in every encoding, or refused by
its name; and what comes of it, others read from Parquet and TFRecord.
label: test"""
import datetime
import decimal
import math
import uuid

import numpy
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet

from _library import Refused, read, run
from _shoal import TMP, Verdict

v = Verdict()
D, DAY = decimal.Decimal, datetime.date(2026, 11, 24)
WHEN = datetime.datetime(2026, 11, 24, 13, 5, 7, 123456)
WORDS = ["", "a", "twelve bytes", "more than twelve bytes", None, "é \U0001f41f", "NUL \0 inside", "x" * 5000]

# name: (what is handed over, the type that Shoal makes of it); the values stay the same.
EXACT = {
    "bool": (pa.array([True, None, False]), pa.bool_()),
    "int8": (pa.array([-128, None, 127], pa.int8()), pa.int8()), "uint8": (pa.array([0, 255, None], pa.uint8()), pa.uint8()),
    "int16": (pa.array([-2**15, 2**15 - 1], pa.int16()), pa.int16()), "uint16": (pa.array([2**16 - 1], pa.uint16()), pa.uint16()),
    "int32": (pa.array([-2**31, 2**31 - 1], pa.int32()), pa.int32()), "uint32": (pa.array([2**32 - 1], pa.uint32()), pa.uint32()),
    "int64": (pa.array([-2**63, 2**63 - 1, None]), pa.int64()), "uint64": (pa.array([2**64 - 1, 0], pa.uint64()), pa.uint64()),
    "half": (pa.array([0.5, -0.0, 65504, 2.0**-24, -3 * 2.0**-24, 2.0**-14, math.inf, None], pa.float16()), pa.float32()),
    "float": (pa.array([1e-45, -0.0, 3.4e38, None], pa.float32()), pa.float32()),
    "double": (pa.array([5e-324, -0.0, 1.7e308, None], pa.float64()), pa.float64()),
    "null": (pa.nulls(5), pa.null()),
    "string": (pa.array(WORDS, pa.string()), pa.string()), "large string": (pa.array(WORDS, pa.large_string()), pa.large_string()),
    "string view": (pa.array(WORDS, pa.string_view()), pa.string()),
    "binary": (pa.array([b"", b"\xff\0", None], pa.binary()), pa.binary()), "large binary": (pa.array([b"\xff"], pa.large_binary()), pa.large_binary()),
    "binary view": (pa.array([b"", b"\xff" * 40, None, b"\xfe" * 12, b"\xfd" * 13], pa.binary_view()), pa.binary()),
    "fixed binary": (pa.array([b"abc", None, b"\0\xff\0"], pa.binary(3)), pa.binary()),
    "decimal": (pa.array([D("-1.25"), None, D("9" * 36 + ".99")], pa.decimal128(38, 2)), pa.decimal128(38, 2)),
    "decimal32": (pa.array([D("-1.25"), None, D("99999.99")], pa.decimal32(7, 2)), pa.decimal128(7, 2)),
    "decimal64": (pa.array([D("-1.25"), None, D("9999999999.99")], pa.decimal64(12, 2)), pa.decimal128(12, 2)),
    "decimal256": (pa.array([D("-1.25"), None, D("9" * 36 + ".99")], pa.decimal256(38, 2)), pa.decimal128(38, 2)),
    "date": (pa.array([DAY, None, datetime.date(1, 1, 1)]), pa.date32()), "date64": (pa.array([DAY, None], pa.date64()), pa.date32()),
    "time s": (pa.array([datetime.time(23, 59, 59), None], pa.time32("s")), pa.time64("us")),
    "time ms": (pa.array([datetime.time(1, 2, 3, 456000), None], pa.time32("ms")), pa.time64("us")),
    "time us": (pa.array([datetime.time(1, 2, 3, 456789)], pa.time64("us")), pa.time64("us")),
    "time ns": (pa.array([123456789123, None], pa.time64("ns")), pa.time64("ns")),
    "list": (pa.array([[1, None], [], None, [3]], pa.list_(pa.int16())), pa.list_(pa.int16())),
    "large list": (pa.array([["a"], [], None], pa.large_list(pa.string())), pa.large_list(pa.string())),
    "list view": (pa.array([[1, None], [], None, [3]], pa.list_view(pa.int32())), pa.list_(pa.int32())),
    "large list view": (pa.array([["a"], [], None], pa.large_list_view(pa.string())), pa.large_list(pa.string())),
    "fixed list": (pa.array([[1.5, 2], None, [3, None]], pa.list_(pa.float32(), 2)), pa.list_(pa.float32())),
    "nested fixed list": (pa.array([[[1, 2], [3, 4]], None, [[5, 6], [7, 8]]], pa.list_(pa.list_(pa.int8(), 2), 2)), pa.list_(pa.list_(pa.int8()))),
    "struct": (pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": ""}], pa.struct([("a", pa.int32()), ("b", pa.string_view())])),
               pa.struct([("a", pa.int32()), ("b", pa.string())])),
    "map": (pa.array([[("k", 1), ("l", None)], [], None], pa.map_(pa.string(), pa.int32())), pa.map_(pa.string(), pa.int32())),
    "list of structs": (pa.array([[{"a": [1]}], []], pa.list_(pa.struct([("a", pa.list_(pa.int64()))]))), pa.list_(pa.struct([("a", pa.list_(pa.int64()))]))),
    "dictionary": (pa.array(WORDS).dictionary_encode(), pa.string()),
    "dictionary of views": (pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.uint8()), pa.array(["a", None], pa.string_view())), pa.string()),
    "dictionary of numbers": (pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int64()), pa.array([2.5, -0.0])), pa.float64()),
    "dictionary in a list": (pa.ListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), pa.array(["p", "q", "p"]).dictionary_encode()), pa.list_(pa.string())),
    "uuid": (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=5).bytes, None], pa.binary(16))), pa.string()),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None])), pa.string()),
}
for unit in "s", "ms", "us", "ns":
    for zone in None, "UTC", "Europe/Berlin", "+02:00":
        EXACT[f"timestamp {unit} {zone}"] = pa.array([-1, 0, 2**60, None], pa.timestamp(unit, zone)), pa.timestamp(unit, zone)

# name: (what is handed over, what its type is called)
REFUSED = {
    "union": (pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["x", "y"])]), "union"),
    "dense union": (pa.UnionArray.from_dense(pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]), "union"),
    "run ends": (pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, 8])), "run_end_encoded"),
    "interval": (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "interval"),
    "wide decimal": (pa.array([D("1.5")], pa.decimal256(76, 2)), "other (Arrow 'd:76,2,256')"),
    "negative scale": (pa.array([D("1500")], pa.decimal128(5, -2)), "other (Arrow 'd:5,-2')"),
    "interval in a list": (pa.array([[(1, 2, 3)]], pa.list_(pa.month_day_nano_interval())), "list<interval>"),
    "bool8": (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())), "extension arrow.bool8"),
    "period": (pa.array(pandas.period_range("2026-01", periods=2, freq="M")), "extension pandas.period"),
    "duration s": (pa.array([1], pa.duration("s")), "duration[s]"), "duration ns": (pa.array([1], pa.duration("ns")), "duration[ns]"),
}


def values(array):
    """Values in a form that tells -0.0 from 0.0, and that a plain array has as well."""
    def plain(x):
        if isinstance(x, uuid.UUID):
            return str(x)
        return [plain(y) for y in x] if isinstance(x, list) else ("-0.0" if isinstance(x, float) and x == 0 and math.copysign(1, x) < 0 else x)
    if pa.types.is_timestamp(array.type) or pa.types.is_time(array.type):
        array = array.cast(pa.int64() if array.type.bit_width == 64 else pa.int32())
    return plain(array.to_pylist())


def shapes(array):
    """The same values handed over in other ways: whole; as slices at an offset; in batches with an empty one between."""
    n = len(array)
    yield "whole", [array]
    padded = pa.concat_arrays([array, array, array])
    yield "a slice", [padded.slice(n, n)]
    yield "batches", [array.slice(0, 1), array.slice(0, 0), array.slice(1)]
    if array.null_count and not isinstance(array, (pa.NullArray, pa.ExtensionArray)):
        whole = array.slice(1, 1) if array.is_valid()[1].as_py() else array.slice(0, 1)
        yield "without nulls", [whole]


def exact():
    for name, (array, expected) in EXACT.items():
        for shape, chunks in shapes(array):
            # polars and pandas hand over chunks of their own; a table of one column and one of two columns
            table = pa.Table.from_batches([pa.record_batch({"x": c, "n": pa.array(range(len(c)), pa.int32())}) for c in chunks])
            got = read(table)
            want = [x for c in chunks for x in values(c)]
            v.check(got.schema.field("x").type == expected, f"{name}: {got.schema.field('x').type} instead of {expected}")
            mine = [x for c in got.column("x").chunks for x in values(c)]
            if pa.types.is_time(array.type) and array.type.bit_width == 32:
                want = [x if x is None else x * (1000000 if array.type.unit == "s" else 1000) for x in want]
            v.check(mine == want, f"{name}, {shape}: {mine} instead of {want}")


def refused():
    for name, (array, what) in REFUSED.items():
        table = pa.table({"n": pa.array(range(len(array))), "x": array})
        for target in "out.parquet", "out.csv", "out.jsonl", "out.tfrecord":
            try:
                run("convert", table, TMP / target)
                v.check(False, f"{name} was written to {target}")
            except Refused as e:
                v.check(f"column 'x' has the type {what}, which" in str(e) and e.code == -3, f"{name} to {target}: {e}")
        try:
            read(table)
            v.check(False, f"{name} was read")
        except Refused as e:
            v.check(str(e) == f"column 'x' has the type {what}, which cannot be handed over; leave it out or cast it by --sql", f"{name}: {e}")


def on_request():
    """What --sql makes of durations; finer ones than DuckDB's are refused."""
    table = pa.table({"s": pa.array([90061, None], pa.duration("s")), "u": pa.array([1234567, None], pa.duration("us"))})
    got = read(table, sql="SELECT epoch_us(s)::BIGINT AS s, epoch_us(u)::BIGINT AS u FROM src")
    v.check(got.to_pydict() == {"s": [90061000000, None], "u": [1234567, None]}, f"durations by SQL: {got.to_pydict()}")
    for table, message in (pa.table({"n": pa.array([1], pa.duration("ns"))}), "--sql: column 'n' has the type duration[ns], which cannot be queried; leave it out of the stream"), \
                          (pa.table({"d": pa.array([datetime.datetime(2026, 1, 1, 5)], pa.timestamp("ms")).view(pa.date64())}),
                           "row 0 of the stream: column 'd': the date64 1767243600000 is no whole day; pass a timestamp instead"):
        raises(message, lambda: read(table, sql="SELECT 1 AS one FROM src"))


def raises(message, job):
    try:
        job()
        v.check(False, f"{message}: was not said")
    except (Refused, RuntimeError) as e:
        v.check(message in str(e), f"{e} instead of {message}")


def what_duckdb_would_cut():
    """Nanoseconds with a zone: exact where DuckDB is not in the way, refused where it would cut."""
    fine, whole = pa.array([1, None], pa.timestamp("ns", "UTC")), pa.array([5000, None], pa.timestamp("ns", "UTC"))
    message = "column 't': 1 ns is finer than the microseconds that DuckDB keeps of a time with a zone; hand it over in microseconds or without its zone"
    nested = pa.ListArray.from_arrays(pa.array([0, 0, 2], pa.int32()), fine)
    for column in fine, nested, pa.StructArray.from_arrays([fine], ["f"]):
        raises(message, lambda: run("convert", pa.table({"t": column}), TMP / "fine.parquet"))
        raises(message, lambda: read(pa.table({"t": column}), sql="SELECT * FROM src"))
    run("convert", pa.table({"t": fine}), TMP / "fine.tfrecord")
    v.check(values(read(None, TMP / "fine.tfrecord").column("t").chunk(0)) == [1, None], "nanoseconds with a zone by TFRecord")
    run("convert", pa.table({"t": whole}), TMP / "whole.parquet")
    v.check(values(read(None, TMP / "whole.parquet").column("t").chunk(0)) == [5, None], "whole microseconds by Parquet")
    # The same in Parquet of others, where also a wide decimal would be read falsely.
    wide = pa.array([1, 2], pa.int8()).cast(pa.decimal128(30, 2)).cast(pa.decimal256(50, 2))
    path = TMP / "traps.parquet"
    pa.parquet.write_table(pa.table({"i": [1, 2], "t": fine, "l": nested}), path)
    raises("column 't' has the type timestamp[ns, UTC] in Parquet, which cannot be handed over; leave it out or cast it by --sql", lambda: read(None, path))
    got = read(None, path, sql="SELECT i, t FROM src")
    v.check(values(got.column("t").chunk(0)) == [0, None], "cut to microseconds by the user's word")
    pa.parquet.write_table(pa.table({"s": pa.array([{"a": 1, "b": None}] * 2), "i": [1, 2], "w": wide}), path)
    raises("column 'w' has the type decimal(50,2) in Parquet, which cannot be handed over; leave it out or cast it by --sql", lambda: read(None, path))
    raises(f"{path}: column 'w' has the type decimal(50,2) in Parquet, which cannot be read; write it anew with 38 digits or fewer",
           lambda: read(None, path, sql="SELECT i FROM src"))


def nan_payloads():
    """A NaN keeps its bits: in float32 everywhere, in float64 by Parquet; in TFRecord it stays a NaN."""
    small = pa.Array.from_buffers(pa.float32(), 3, [None, pa.py_buffer(numpy.array([0x7F800001, 0x7FC12345, 0xFFC00001], "uint32"))])
    large = pa.Array.from_buffers(pa.float64(), 2, [None, pa.py_buffer(numpy.array([0x7FF8000000000001, 0xFFF4000000000000], "uint64"))])
    for name, table in ("nan.parquet", pa.table({"s": small})), ("nan.tfrecord", pa.table({"s": small})), ("nan64.parquet", pa.table({"s": large})), \
                       ("nan64.tfrecord", pa.table({"s": large})):
        run("convert", table, TMP / name)
        got, want = read(None, TMP / name).column("s").chunk(0), table.column("s").chunk(0)
        if name == "nan64.tfrecord":
            v.check(all(x != x for x in got.to_pylist()), f"{name}: {got}")
        else:
            ints = pa.int32() if got.type == pa.float32() else pa.int64()
            v.check(got.view(ints).equals(want.view(ints)), f"{name}: {got.view(ints)} instead of {want.view(ints)}")


def one_big_batch():
    """A whole table as one batch: converted by the slice, in order."""
    n = 100000
    words = pa.array([f"word {i % 977}" for i in range(n)]).dictionary_encode()
    table = pa.table({"i": pa.array(range(n)), "w": words, "v": pa.array([f"view {i} of a text that is long" for i in range(n)], pa.string_view())})
    got = read(table)
    v.check(got.column("i").to_pylist() == list(range(n)) and got.column("w").to_pylist() == words.to_pylist()
            and got.column("v").to_pylist() == table.column("v").to_pylist(), "one big batch")


def polars_frames():
    frame = polars.DataFrame({
        "cat": polars.Series(["b", None, "a", "b"], dtype=polars.Categorical), "enum": polars.Series(["y", "x", None, "y"], dtype=polars.Enum(["x", "y"])),
        "text": ["", "é", None, "more than twelve bytes"], "bytes": [b"\xff", None, b"", b"x" * 30], "flag": [True, None, False, True],
        "i8": polars.Series([-128, None, 0, 127], dtype=polars.Int8), "u64": polars.Series([2**64 - 1, 0, None, 1], dtype=polars.UInt64),
        "f32": polars.Series([0.5, None, -0.0, 1e-45], dtype=polars.Float32), "day": [DAY, None, DAY, DAY],
        "when": polars.Series([WHEN, None, WHEN, WHEN], dtype=polars.Datetime("us")), "zone": polars.Series([WHEN, None, WHEN, WHEN]).dt.replace_time_zone("Europe/Berlin"),
        "ns": polars.Series([WHEN, None, WHEN, WHEN], dtype=polars.Datetime("ns")), "clock": [datetime.time(1, 2, 3, 4), None, datetime.time(0), datetime.time(23)],
        "dec": polars.Series([D("1.50"), None, D("-2.25"), D("0.00")], dtype=polars.Decimal(10, 2)), "none": polars.Series([None] * 4, dtype=polars.Null),
        "list": [[1, None], [], None, [2]], "cats": polars.Series([["b"], [], None, ["a", "b"]], dtype=polars.List(polars.Categorical)),
        "pair": polars.Series([[1.5, 2.0], None, [0.0, 1.0], [3.0, 4.0]], dtype=polars.Array(polars.Float32, 2)),
        "struct": [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, {"a": 3, "b": None}, {"a": 4, "b": "z"}],
    })
    got = read(polars.concat([frame, frame.slice(1, 2)], rechunk=False))
    both = frame.rows() + frame.slice(1, 2).rows()
    v.check(got.column_names == frame.columns, f"polars: columns {got.column_names}")
    for k, name in enumerate(frame.columns):
        mine, want = polars.from_arrow(got.column(name)).to_list(), [list(r[k]) if isinstance(r[k], (list, tuple)) else r[k] for r in both]
        v.check([list(x) if isinstance(x, (list, tuple)) else x for x in mine] == want, f"polars {name}: {mine} instead of {want}")
    run("convert", frame, TMP / "polars.parquet")
    back = polars.read_parquet(TMP / "polars.parquet")
    for name in frame.columns:
        if name in ("none", "clock", "zone"):  # no type of Parquet's by DuckDB: NULL becomes INT32, the time zone UTC, ns us
            continue
        want = frame[name].cast(polars.String) if name in ("cat", "enum") else frame[name]
        mine, want = back[name].to_list(), want.to_list()
        v.check([list(x) if isinstance(x, polars.Series) else x for x in mine] == [list(x) if isinstance(x, polars.Series) else x for x in want],
                f"polars reads {name}: {mine} instead of {want}")
    kept = [n for n in frame.columns if n not in ("dec", "struct", "list", "u64")]  # which TFRecord cannot hold
    run("convert", frame.select(kept), TMP / "polars.tfrecord")
    back = read(None, TMP / "polars.tfrecord")
    for name in kept:
        mine, want = back.column(name).to_pylist(), [x for x in got.column(name).to_pylist()[:4]]
        v.check(mine == want, f"polars, TFRecord and back, {name}: {mine} instead of {want}")
    # And polars takes what Shoal reads.
    class Holder:
        def __arrow_c_stream__(self, requested_schema=None):
            return read(None, TMP / "polars.parquet").__arrow_c_stream__()
    v.check(polars.DataFrame(Holder()).height == 4, "polars takes a stream")


def pandas_frames():
    frame = pandas.DataFrame({
        "i": [1, 2, -3], "nullable": pandas.array([1, None, 3], dtype="Int16"), "f": numpy.array([0.5, numpy.nan, -0.0], "float32"), "b": [True, False, True],
        "maybe": pandas.array([True, None, False], dtype="boolean"), "text": ["é", None, ""], "cat": pandas.Categorical(["b", None, "a"]),
        "ordered": pandas.Categorical([3, 1, None], categories=[1, 3], ordered=True), "when": pandas.to_datetime([WHEN, None, WHEN]),
        "zone": pandas.to_datetime([WHEN, None, WHEN]).tz_localize("Europe/Berlin"), "day": [DAY, None, DAY], "list": [[1, 2], [], None],
        "dec": [D("1.5"), None, D("-2.25")], "bytes": [b"\xff", None, b""], "arrow": pandas.array(["x", None, "y"], dtype=pandas.ArrowDtype(pa.string())),
    })
    got, direct = read(frame), pa.table(frame)
    for name in frame.columns:
        mine, want = got.column(name).to_pylist(), direct.column(name).to_pylist()
        same = all(a == b or (a != a and b != b) for a, b in zip(mine, want)) and len(mine) == len(want)
        v.check(same, f"pandas {name}: {mine} instead of {want}")
    run("convert", frame, TMP / "pandas.parquet")
    back, kept = pandas.read_parquet(TMP / "pandas.parquet"), ["i", "b", "text", "day", "dec", "bytes"]
    for name in kept:
        mine, want = [None if x is None or x != x else x for x in back[name]], [None if x is None or x != x else x for x in frame[name]]
        v.check(mine == want, f"pandas reads {name}: {mine} instead of {want}")
    # Shoal reads the Parquet that pandas and polars write.
    frame.to_parquet(TMP / "by_pandas.parquet")
    polars.from_pandas(frame.drop(columns=["ordered"])).write_parquet(TMP / "by_polars.parquet")
    for path in "by_pandas.parquet", "by_polars.parquet":
        mine = read(None, TMP / path)
        for name in mine.column_names:
            a, b = mine.column(name).to_pylist(), pa.parquet.read_table(TMP / path).column(name).to_pylist()
            same = all(p == q or (p != p and q != q) or str(p)[:26] == str(q)[:26] for p, q in zip(a, b)) and len(a) == len(b)
            v.check(same, f"{path}, {name}: {a} instead of {b}")


exact()
refused()
on_request()
what_duckdb_would_cut()
nan_payloads()
one_big_batch()
polars_frames()
pandas_frames()
v.end()
