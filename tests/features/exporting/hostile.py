"""Pickles that are out to do harm, by name; and a process that reads them all and says what became of each.

python hostile.py FOLDER        one JSON object a pickle: name, error, growth of memory in MB, what else happened
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
from pathlib import Path
from typing import Any

MEMORY_MB = 256
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
TWO = b"\x80\x02"
FOUR = b"\x80\x04"
STATE = b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


class Calls:
    """Pickled, it calls something where it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def of_type(code: str, state: bytes = STATE) -> bytes:
    """A numpy type."""
    return b"cnumpy\ndtype\nX" + struct.pack("<I", len(code)) + code.encode() + b"\x89\x88\x87R" + state


def array(
    shape: bytes, code: str, data: bytes, *, fortran: bytes = b"\x89", version: bytes = b"K\x01"
) -> bytes:
    """A pickled array that need not make sense; shape and data are instructions."""
    return FOUR + ARRAY + b"(" + version + shape + of_type(code) + fortran + data + b"tb."


def key_of_one_hash(number: int) -> bytes:
    """A key of a dict and its value; Python takes numbers modulo 2**61 - 1 for their hash."""
    return b"\x8a\x0c" + (number * (2**61 - 1)).to_bytes(12, "little") + b"N"


def calls(canary: Path) -> dict[str, bytes]:
    """Pickles that run code, if anything does."""
    import os
    import subprocess

    command = f"touch {canary}"
    found = {
        f"{name} in protocol {protocol}": pickle.dumps(value, protocol)
        for protocol in range(6)
        for name, value in {
            "os.system": Calls(os.system, command),
            "eval": Calls(eval, f"open({str(canary)!r}, 'w')"),
            "open": Calls(open, str(canary), "w"),
            "Popen": Calls(subprocess.Popen, ["touch", str(canary)]),
            "in a list": [1, {"a": Calls(os.system, command)}],
        }.items()
    }
    text = command.encode()
    line = b"(S'" + text + b"'\n"
    found["INST"] = b"(" + line[1:] + b"ios\nsystem\n."
    found["OBJ"] = TWO + b"(cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"o."
    found["NEWOBJ"] = FOUR + b"cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"\x85\x81."
    found["NEWOBJ_EX"] = FOUR + b"cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"\x85}\x92."
    found["a dotted name"] = FOUR + b"\x8c\x05numpy\x8c\x0edtype.__init__\x93."
    found["a neighbour of a known name"] = FOUR + b"\x8c\x05numpy\x8c\x04load\x93."
    found["another module's array"] = FOUR + b"\x8c\x02os\x8c\x07ndarray\x93."
    found["a name that is a number"] = FOUR + b"K\x01K\x02\x93."
    found["a name that is a list"] = FOUR + b"]]\x93."
    found["a state for a dict"] = FOUR + b"}}b."
    found["a call of a text"] = FOUR + b"X\x01\x00\x00\x00a)R."
    found["a call with a list"] = FOUR + b"cbuiltins\nset\n]R."
    found["a call of ndarray"] = FOUR + b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R."
    for name, instruction in {
        "PERSID": b"Pa\n", "BINPERSID": b"NQ", "EXT1": b"\x82\x01", "EXT2": b"\x83\x01\x00", "DUP": b"N2",
        "EXT4": b"\x84\x01\x00\x00\x00", "NEXT_BUFFER": b"\x97", "READONLY_BUFFER": b"N\x98", "POP_MARK": b"(N1N",
    }.items():  # fmt: skip
        found[name] = FOUR + instruction + b"."
    return found


def copies() -> dict[str, bytes]:
    """Pickles that ask for one value again and again, in two bytes each time."""
    again = b"h\x00h\x01R"
    numbers = b"".join(b"J" + struct.pack("<i", number) for number in range(50_000))
    ascii_text = b"X" + struct.pack("<I", 10**5) + b"a" * 10**5
    texts = b"(K\x01J" + struct.pack("<i", 50_000) + b"\x85" + of_type("U1") + b"\x89"
    long_text = b"(K\x01K\x01\x85" + of_type("U50000") + b"\x89"
    data = b"\x8e" + struct.pack("<Q", 200_000) + b"\x2d\x4e\x00\x00" * 50_000 + b"t\x940"
    laughs = b"".join(b"](h%ch%ce\x94" % (number, number) for number in range(40))
    return {
        "a list as a set again": FOUR
        + b"(cbuiltins\nset\n\x94](" + numbers + b"e\x85\x940" + again * 3000 + b"t.",
        "bytes of a text again": FOUR
        + b"(c_codecs\nencode\n\x94" + ascii_text + b"X\x06\x00\x00\x00latin1\x86\x940" + again * 30_000 + b"t.",
        "texts of bytes again": FOUR + b"(" + texts + data + (ARRAY + b"h\x00b") * 1_000 + b"t.",
        "a long text again": FOUR + b"(" + long_text + data + (ARRAY + b"h\x00b") * 9_000 + b"t.",
        "a name of lists of lists": FOUR + b"]\x94" + laughs + b"h\x28\x93.",
    }  # fmt: skip


def bombs() -> dict[str, bytes]:
    """Small pickles that ask for much memory or time."""
    large = struct.pack("<Q", 2**62)
    return {
        **copies(),
        "LONG_BINPUT": FOUR + b"Nr\xff\xff\xff\x7f.",
        "LONG_BINPUT after a value": TWO + b"]r\xfe\xff\xff\xff.",
        "BINBYTES8": FOUR + b"\x8e" + large + b".",
        "BINUNICODE8": FOUR + b"\x8d" + large + b".",
        "BYTEARRAY8": b"\x80\x05\x96" + large + b".",
        "BINBYTES": FOUR + b"B\x00\x00\x00\x7f.",
        "BINUNICODE": FOUR + b"X\x00\x00\x00\x7f.",
        "LONG4": FOUR + b"\x8b\xff\xff\xff\x7f.",
        "LONG4 that is there": FOUR + b"\x8b" + struct.pack("<I", 2**20) + b"\x7f" * 2**20 + b".",
        "LONG1": FOUR + b"\x8a\xff" + b"\x7f" * 255 + b".",
        "a frame": FOUR + b"\x95" + large,
        "values without end": FOUR + b"]\x940" * 1_500_000,
        "sets without end": FOUR + (b"(" + b"\x8f\x94" * 99_000 + b"t") * 12,
        "bytes without end": FOUR + b"C\x00\x940" * 1_500_000,
        "a deep stack": FOUR + b"(" * 2_000_000,
        "keys with one hash": FOUR + b"}(" + b"".join(map(key_of_one_hash, range(1, 40_000))) + b"u.",
        "a nested key": FOUR + b"})" + b"\x85" * 100_000 + b"Ns.",
        "nothing of a large shape": array(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "f4", b"C\x00"),
        "a shape beyond numbers": array(b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00K\x00\x86", "f4", b"C\x00"),
        "many empty texts": array(b"J\xff\xff\xff\x7f\x85", "U0", b"C\x00"),
        "many objects": array(b"J\xff\xff\xff\x7f\x85", "O8", b"]"),
        "an array made of its length": FOUR + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        b"J\xff\xff\xff\x7f\x85C\x01b\x87R.",
        "a long text type": array(b"K\x00\x85", "U99999999", b"C\x00"),
    }  # fmt: skip


def tricks() -> dict[str, bytes]:
    """Arrays that do not make sense, and pickles that are damaged."""
    good = array(b"K\x02\x85", "f4", b"C\x08" + bytes(8))
    fields = b"(K\x03X\x01\x00\x00\x00|N)}J\x08\x00\x00\x00K\x01K\x10tb"
    other = ARRAY + b"(K\x01K\x02\x85" + of_type("f4") + b"\x89C\x08" + bytes(8) + b"tb"
    strange = b"(K\x03X\x01\x00\x00\x00<" + other * 3 + b"K\x00K\x00K\x00tb"
    scalar = FOUR + b"cnumpy.core.multiarray\nscalar\n"
    encode = TWO + b"c_codecs\nencode\n"
    return {
        **{f"cut at {size}": good[:size] for size in range(len(good))},
        "something behind the end": good + b"N.",
        "bytes that are too short": array(b"K\x03\x85", "f4", b"C\x08" + bytes(8)),
        "bytes that are too long": array(b"K\x01\x85", "f4", b"C\x08" + bytes(8)),
        "a shape below zero": array(b"J\xff\xff\xff\xff\x85", "f4", b"C\x00"),
        "a shape of truths": array(b"\x88\x85", "f4", b"C\x04" + bytes(4)),
        "a shape that is a list": array(b"]", "f4", b"C\x04" + bytes(4)),
        "too many dimensions": array(b"(K\x01K\x01K\x01K\x01K\x01t", "f4", b"C\x04" + bytes(4)),
        "bytes as objects": array(b"K\x01\x85", "O8", b"C\x08" + bytes(8)),
        "objects as numbers": array(b"K\x01\x85", "f4", b"]"),
        "objects of two dimensions": array(b"K\x01K\x01\x86", "O8", b"]Na"),
        "a type with fields": FOUR + of_type("V8", fields) + b".",
        "a type of raw bytes": array(b"K\x01\x85", "V8", b"C\x08" + bytes(8)),
        "a type of times": array(b"K\x01\x85", "M8", b"C\x08" + bytes(8)),
        "a type that is Python's": array(b"K\x01\x85", "object", b"]Na"),
        "a type with another state": FOUR + ARRAY + b"(K\x01)" + of_type("f4", fields) + b"\x89C\x04\0\0\0\0tb.",
        "a type alone": FOUR + of_type("f4") + b".",
        "an order that is a number": array(b"K\x01\x85", "f4", b"C\x04" + bytes(4), fortran=b"K\x01"),
        "a later version": array(b"K\x01\x85", "f4", b"C\x04" + bytes(4), version=b"K\x02"),
        "an array as its own version": array(b"K\x01\x85", "f4", b"C\x04" + bytes(4), version=other),
        "an array as its shape": array(other, "f4", b"C\x04" + bytes(4)),
        "an array as the state of a type": FOUR + of_type("f4", strange) + b".",
        "a character that is none": array(b"K\x01\x85", "U1", b"C\x04\xff\xff\xff\x7f"),
        "an array that is never built": FOUR + b"]" + ARRAY + b"a.",
        "an array that holds itself": FOUR + ARRAY + b"\x94(K\x01K\x01\x85" + of_type("O8") + b"\x89]h\x00atb.",
        "a scalar of objects": scalar + of_type("O8") + b"C\x08" + bytes(8) + b"\x86R.",
        "bytes that are no latin": encode + b"X\x03\x00\x00\x00\xe4\xb8\xadX\x06\x00\x00\x00latin1\x86R.",
        "another codec": encode + b"X\x01\x00\x00\x00aX\x06\x00\x00\x00rot_13\x86R.",
        "the same key twice": FOUR + b"}(K\x01NK\x01Nu.",
        "a key without a value": FOUR + b"}(K\x01u.",
        "a list as a key": FOUR + b"}]Ns.",
        "items for nothing": FOUR + b"(Ne.",
        "an end without a beginning": FOUR + b"Nt.",
        "a mark as a value": FOUR + b"].(."[:3] + b"(a.",
        "a mark that is kept": FOUR + b"(\x94.",
        "a reference to nothing": FOUR + b"h\x05.",
        "two values": FOUR + b"NN.",
        "a text that is not UTF-8": FOUR + b"X\x01\x00\x00\x00\xff.",
        "half of a surrogate pair": FOUR + b"X\x03\x00\x00\x00\xed\xa0\x80.",
        "protocol 6": b"\x80\x06N.",
        "protocol 0": pickle.dumps([1.5, "a"], 0),
        "protocol 1": pickle.dumps([1, 2**40], 1),
        "JSON": b'{"a": 1}',
        "nothing": b"",
    }  # fmt: skip


def main(folder: Path) -> None:
    """Read every file of a folder with little memory, watched."""
    import resource

    import numpy as np  # noqa: F401  # what it opens while it is imported is not what a pickle opened

    from emotalk_data.errors import DecodeError, LimitError
    from emotalk_data.features.exporting.safe_pickle import read_pickle

    events: list[str] = []
    watched = ("open", "import", "exec", "compile", "os.", "subprocess.", "socket.", "pickle.", "ctypes.")
    contents = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    is_reading = [False]
    sys.addaudithook(
        lambda name, _: events.append(name) if is_reading[0] and name.startswith(watched) else None
    )
    for name, content in contents.items():
        events.clear()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        is_reading[0] = True
        error, offset = None, None
        try:
            read_pickle(content, where=name)
        except (DecodeError, LimitError) as refused:
            error, offset = type(refused).__name__, refused.offset
        is_reading[0] = False
        growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        verdict = {"name": name, "error": error, "offset": offset, "mb": growth, "events": events}
        sys.stdout.write(json.dumps(verdict) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
