"""_library.py: libshoal.so through shoal.h, for programs that hand over or take Arrow streams: what a binding does, in small."""
import ctypes
import os
import pathlib

LIB = ctypes.CDLL(str(pathlib.Path(os.environ["BUILD"]) / "libshoal.so"))
VOID, TEXT, INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int


class Error(ctypes.Structure):
    _fields_ = [("code", INT), ("message", ctypes.c_char * 1024)]


class Stream(ctypes.Structure):
    """struct ArrowArrayStream: four functions and a pointer."""
    _fields_ = [("get_schema", VOID), ("get_next", VOID), ("get_last_error", VOID), ("release", VOID), ("private_data", VOID)]


LIB.shoal_options_new.restype = VOID
LIB.shoal_options_new.argtypes = [TEXT, VOID]
LIB.shoal_options_free.argtypes = [VOID]
LIB.shoal_options_set.argtypes = [VOID, TEXT, TEXT, VOID]
LIB.shoal_options_add.argtypes = [VOID, TEXT, VOID]
LIB.shoal_options_stream.argtypes = [VOID, INT, VOID, VOID]
LIB.shoal_run.argtypes = [VOID, VOID, VOID]
LIB.shoal_read.argtypes = [VOID, VOID, VOID]
pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype, pointer_of.argtypes = VOID, [ctypes.py_object, TEXT]


class Refused(Exception):
    """What the library said; `code` is its shoal_code."""

    def __init__(self, error):
        super().__init__(error.message.decode("utf-8", "replace"))
        self.code = error.code


class Job:
    """The options of one command."""

    def __init__(self, command, source, *arguments, **options):
        """`source` hands over a stream by __arrow_c_stream__; options have _ for -."""
        self.error = Error()
        self.options = LIB.shoal_options_new(command.encode(), ctypes.byref(self.error))
        for name, value in options.items():
            self.must(LIB.shoal_options_set(self.options, name.replace("_", "-").encode(), str(value).encode(), ctypes.byref(self.error)))
        for argument in arguments:
            self.must(LIB.shoal_options_add(self.options, str(argument).encode(), ctypes.byref(self.error)))
        if source is not None:
            capsule = source.__arrow_c_stream__()
            self.must(LIB.shoal_options_stream(self.options, 0, pointer_of(capsule, b"arrow_array_stream"), ctypes.byref(self.error)))

    def must(self, code):
        if code < 0:
            raise Refused(self.error)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        LIB.shoal_options_free(self.options)


def run(command, source, *arguments, **options):
    """A job to its end."""
    with Job(command, source, *arguments, **options) as job:
        job.must(LIB.shoal_run(job.options, None, ctypes.byref(job.error)))


def read(source, *paths, **options):
    """What shoal_read gives, as a pyarrow table."""
    import pyarrow
    stream = Stream()
    with Job("show", source, *paths, **options) as job:
        job.must(LIB.shoal_read(job.options, ctypes.byref(stream), ctypes.byref(job.error)))
        try:
            return pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(stream)).read_all()
        except OSError as e:
            raise RuntimeError(str(e)) from None
