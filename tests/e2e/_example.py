"""_example.py: tf.train.Example by hand, so that tests can write every encoding that protobuf allows, and read what others
wrote without the library that wrote it.

A feature is (key, kind, values) with kind "bytes", "float", "int64" or None (a feature without a list)."""
import struct

KINDS = {"bytes": 1, "float": 2, "int64": 3}
NAMES = {number: name for name, number in KINDS.items()}


def varint(n):
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def block(field, data):
    """A field of bytes: tag, length, bytes."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def feature(kind, values, packed=True):
    if kind is None:
        return b""
    if kind == "bytes":
        items = b"".join(block(1, v) for v in values)
    else:
        coded = [struct.pack("<f", v) if kind == "float" else varint(v) for v in values]
        tag = varint(1 << 3 | (5 if kind == "float" else 0))
        items = (block(1, b"".join(coded)) if coded else b"") if packed else b"".join(tag + c for c in coded)
    return block(KINDS[kind], items)


def entry(key, kind, values, packed=True, key_first=True):
    parts = [block(1, key.encode()), block(2, feature(kind, values, packed))]
    return block(1, b"".join(parts if key_first else reversed(parts)))


def example(features, packed=True, key_first=True):
    return block(1, b"".join(entry(*f, packed=packed, key_first=key_first) for f in features))


def fields(data):
    """(field number, wire type, bytes or number) of a message."""
    at = 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            n |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return n

    while at < len(data):
        tag = number()
        wire = tag & 7
        if wire == 0:
            yield tag >> 3, wire, number()
            continue
        n = {1: 8, 2: None, 5: 4}[wire]
        n = number() if n is None else n
        if at + n > len(data):
            raise ValueError("a field is cut")
        yield tag >> 3, wire, bytes(data[at:at + n])
        at += n


def signed(n):
    return n - 2**64 if n >= 2**63 else n


def values_of(kind, data):
    out = []
    for field, wire, value in fields(data):
        if field != 1:
            continue
        if kind == "bytes":
            out.append(value)
        elif kind == "float":
            out += [f for (f,) in struct.iter_unpack("<f", value)]
        elif wire == 0:
            out.append(signed(value))
        else:
            while value:
                end = next(i for i, byte in enumerate(value) if byte < 128) + 1
                out.append(signed(sum((byte & 127) << 7 * i for i, byte in enumerate(value[:end]))))
                value = value[end:]
    return out


def parse(data):
    """{key: (kind, values)} of an Example, as protobuf's maps are read: the last entry of a key counts."""
    out = {}
    for field, _, features in fields(data):
        for number, _, one in fields(features) if field == 1 else ():
            if number != 1:
                continue
            parts = {n: v for n, _, v in fields(one)}
            lists = [(NAMES[n], values_of(NAMES[n], v)) for n, _, v in fields(parts.get(2, b""))]
            out[parts.get(1, b"").decode()] = lists[-1] if lists else (None, [])
    return out
