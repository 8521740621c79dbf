# SPDX-License-Identifier: Apache-2.0
"""Python's values as MessagePack and back, by the table of values in daemon/DESIGN.md.

to JavaScript                                  from JavaScript
None                        null               null, undefined             None
bool, str                   the same           boolean, string             bool, str
int                         Number; BigInt     number                      int if it is whole, else float
                            beyond ±(2**53-1)  BigInt within 64 bits       int
float, numpy's numbers      Number             NaN, infinities, -0         float
bytes, bytearray,           Uint8Array         ArrayBuffer, typed arrays   bytes
memoryview
datetime with a time zone   Date               Date                        datetime in UTC
list, tuple, set, arrays    Array              Array, Set                  list
of numpy and array
dict, dataclass, Mapping    object; Map if a   object, Map                 dict; a Map's keys that are
                            key is no str                                  Arrays are tuples
Enum                        its value          Error                       dict of name, message, …

What isn't in it is InvalidValue, whose message says what to give instead.
"""
from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
from collections.abc import Mapping, Set
from typing import Any, List, Optional

import msgpack

from .errors import InvalidValue

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_KNOWN = (type(None), bool, int, float, str, bytes, bytearray, memoryview, list, tuple, dict, msgpack.Timestamp)
_ADVICE = (
    (datetime.datetime, "a datetime without a time zone may mean any time: give it one, as with .astimezone() or "
                        ".replace(tzinfo=timezone.utc)"),
    ((datetime.date, datetime.time), "JavaScript has no date or time alone: give .isoformat() or an aware datetime"),
    (datetime.timedelta, "JavaScript has no time span: give .total_seconds()"),
    (decimal.Decimal, "JavaScript has no decimal numbers: give str(value), or float(value), which rounds"),
    (int, "an int beyond 64 bits can't be sent: give str(value), and take it as BigInt(text) in the script"),
    (complex, "JavaScript has no complex numbers: give [value.real, value.imag]"),
)


class _Refused(Exception):
    def __init__(self, culprit: Any, advice: str) -> None:
        super().__init__(advice)
        self.culprit, self.advice = culprit, advice


def pack(value: Any) -> bytes:
    """The value as MessagePack. Raises InvalidValue."""
    try:
        packed: bytes = msgpack.packb(value, default=_convert)
        return packed
    except _Refused as refused:
        path = _path_of(value, refused.culprit)
        raise InvalidValue(refused.advice, {"path": path} if path else None) from None
    except UnicodeEncodeError as error:
        raise InvalidValue("a str with a lone surrogate is no text: " + ascii(error.object)[:60]) from None
    except (TypeError, ValueError, OverflowError, BufferError) as error:
        cyclic = "recursion" in str(error)
        raise InvalidValue("the value contains itself, or is nested too deeply" if cyclic else str(error)) from None


def _convert(value: Any) -> Any:
    """What msgpack doesn't know as something that it knows. Raises _Refused."""
    plain = _simpler(value)
    too_long = isinstance(plain, int) and not -(2**63) <= plain < 2**64
    return plain if isinstance(plain, _KNOWN) and not too_long else _convert(plain)


def _simpler(value: Any) -> Any:
    if isinstance(value, (Set, range)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:  # by integers: not all of msgpack's ways are exact
        since = value - _EPOCH
        return msgpack.Timestamp(since.days * 86400 + since.seconds, since.microseconds * 1000)
    as_list = getattr(value, "tolist", None)  # numpy's arrays and scalars, array.array, pandas' series
    if as_list is not None:
        plain = as_list()
        if type(plain) is not type(value):
            return plain
    for kind, advice in _ADVICE:
        if isinstance(value, kind):  # type: ignore[arg-type]
            raise _Refused(value, advice)
    raise _Refused(value, f"{type(value).__name__} is nothing that JavaScript knows: give a dict, a list or text of it")


def _path_of(value: Any, culprit: Any) -> Optional[str]:
    """Where in the value it is; only searched when something has gone wrong."""
    on_the_way: List[int] = []

    def search(here: Any, path: str) -> Optional[str]:
        if isinstance(here, dict):
            members = [(each, f"{path}.{key}" if isinstance(key, str) else f"{path}[{key!r}]") for key, each in here.items()]
        elif isinstance(here, (list, tuple)):
            members = [(each, f"{path}[{index}]") for index, each in enumerate(here)]
        elif here is culprit or (type(here) is type(culprit) and here == culprit):
            return path
        elif isinstance(here, (str, bytes, int, float, type(None))):
            return None
        else:
            try:
                members = [(_convert(here), path)]
            except _Refused as refused:
                return path if refused.culprit == culprit else None
        if id(here) in on_the_way or len(on_the_way) > 100:
            return None
        on_the_way.append(id(here))
        found = next((found for found in (search(each, where) for each, where in members) if found), None)
        on_the_way.pop()
        return found

    return search(value, "$")


def unpack(data: Any) -> Any:
    """One MessagePack value. Raises InvalidValue for what Python can't hold."""
    try:
        return msgpack.unpackb(data, timestamp=3, strict_map_key=False)
    except InvalidValue:
        raise
    except Exception:  # an array as a key, a date beyond the year 9999: seldom, so looked at only then
        try:
            return _settled(msgpack.unpackb(
                data, strict_map_key=False, timestamp=0,
                list_hook=lambda items: [_settled(each) for each in items],
                object_pairs_hook=lambda pairs: {_as_key(key): _settled(each) for key, each in pairs}))
        except (ValueError, TypeError, OverflowError) as error:
            raise error if isinstance(error, InvalidValue) else InvalidValue(f"the reply can't be read: {error}") from None


def _settled(value: Any) -> Any:
    if isinstance(value, msgpack.Timestamp):
        try:
            return _EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanoseconds // 1000)
        except OverflowError:
            raise InvalidValue("a Date outside of the years 1 to 9999 is nothing that datetime can hold: "
                               "send date.getTime()") from None
    return value


def _as_key(key: Any) -> Any:
    if isinstance(key, list):
        return tuple(_as_key(each) for each in key)
    if isinstance(key, dict):
        raise InvalidValue("a Map with objects as keys is nothing that a dict can hold: send [...map]")
    return _settled(key)

