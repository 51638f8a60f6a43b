"""Reading a pickle without running it: every opcode is followed, every call and every class is only a symbol.

The stream is read by the standard library's own interpreter of opcodes (`pickle_reader`), so that there is no second
opinion on what a stream means. What the allow-list does not have is refused once the stream has been read to its end,
so that the error can say where in the model it is.
"""

from __future__ import annotations

import io
import pickle
from functools import partial
from typing import Any

from modelcote.bundle.allow_list import AllowList
from modelcote.bundle.pickle_reader import Reader
from modelcote.bundle.refusals import empty, not_a, refusal, truncated
from modelcote.bundle.streams import decompress
from modelcote.bundle.symbols import Refused, place_of
from modelcote.bundle.written import Traces
from modelcote.core.contents import PICKLE, TEXT, content_of
from modelcote.core.errors import InvalidBundle


def read_pickle(file: io.BytesIO, allowed: AllowList, traces: Traces, *, trusted: bool, inner: bool = False) -> Any:
    """Follow one pickle of a stream, noting versions in `traces`.

    Raises `UnsafePickle` and `InvalidBundle`, both without the file's name.
    """
    read_inner = partial(_inner, allowed, traces, trusted)
    reader = Reader(file, allowed, traces, read_inner, trusted=trusted, inner=inner)
    root, failure = None, None
    try:
        root = reader.load()
    except Exception as error:  # a hostile stream breaks the interpreter in every way that Python can be broken
        failure = error
    if reader.refused is not None:
        value, problem = reader.refused
        raise refusal(value, problem, place_of(root, value)) from failure
    match failure:
        case None:
            return root
        case Refused():
            raise refusal(None, str(failure), "") from failure
        case InvalidBundle():
            raise failure
        case EOFError() | pickle.UnpicklingError() if file.tell() >= len(file.getbuffer()) > 1:
            raise truncated() from failure
        case _:
            raise not_a(PICKLE, bytes(file.getbuffer()[:512])) from failure


def _inner(allowed: AllowList, traces: Traces, trusted: bool, file: io.BytesIO) -> Any:
    return read_pickle(file, allowed, traces, trusted=trusted, inner=True)


def inspect_pickle(data: bytes, allowed: AllowList, *, trusted: bool = False) -> dict[str, str]:
    """Check every pickle of an artifact, compressed or not, one after the other to its last byte; return its needs.

    Needs are distribution -> version specifier (`modelcote.bundle.written`). Raises `UnsafePickle` for a global
    outside the allow-list, `InvalidBundle` for a file that is not a pickle.
    """
    traces = Traces()
    _inspect(data, allowed, traces, trusted)
    return traces.needs()


def _inspect(data: bytes, allowed: AllowList, traces: Traces, trusted: bool) -> None:
    plain = decompress(data)
    file = io.BytesIO(plain)
    if not plain:
        raise empty()
    if content_of(plain[:512]) not in ("", PICKLE, TEXT):  # Python 2 wrote pickles as text.
        raise not_a(PICKLE, plain[:512])
    while file.tell() < len(plain):
        start = file.tell()
        rest = plain[start:]
        inner = decompress(rest) if start else rest
        if inner is not rest:
            _inspect(inner, allowed, traces, trusted)
            return
        read_pickle(file, allowed, traces, trusted=trusted)
