"""Ruby methods of interpreted hashes, without a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    UNKNOWN,
    UnknownValue,
    convert_to_dict_key,
    restore_value_from_dict_key,
)


class HashWithDefault(dict[Any, Any]):
    """A hash of `Hash.new(default)`, or of `Hash.new` with a block that makes the default."""

    default: Any = None
    default_block: tuple[Any, Any] | None = None


def call_hash_method(receiver: dict[Any, Any], name: str, args: list[Any]) -> Any:
    """Return the value of a method of a hash; `UNKNOWN` when it is not defined here.

    Parameters
    ----------
    receiver : dict
    name : str
        Name of the method.
    args : list
        Positional arguments.
    """
    name = name.removesuffix("!")
    if name in ("[]", "fetch", "dig") and args:
        value = _get_hash_value(
            receiver, args[0], args[1] if name == "fetch" and args[1:] else None
        )
        for key in args[1:] if name == "dig" else []:
            value = _get_hash_value(value, key) if isinstance(value, dict) else None
        return value
    if name in _METHODS:
        return _METHODS[name](receiver)
    return (
        _METHODS_WITH_ARGUMENTS[name](receiver, args)
        if name in _METHODS_WITH_ARGUMENTS and args
        else UNKNOWN
    )


def _get_hash_value(receiver: dict[Any, Any], key: Any, default: Any = None) -> Any:
    if isinstance(key, UnknownValue):
        return UNKNOWN
    if default is None:
        default = getattr(receiver, "default", None)
    return receiver.get(convert_to_dict_key(key), default)


def _convert_hash_to_pair_list(receiver: dict[Any, Any]) -> list[Any]:
    return [[restore_value_from_dict_key(key), value] for key, value in receiver.items()]


def _store_hash_value(receiver: dict[Any, Any], args: list[Any]) -> Any:
    if len(args) > 1 and len(receiver) < MAX_LIST_LENGTH:
        receiver[convert_to_dict_key(args[0])] = args[1]
    return args[-1]


def _merge_hashes(receiver: dict[Any, Any], args: list[Any]) -> dict[Any, Any]:
    merged = dict(receiver)
    for other in args:
        merged.update(other if isinstance(other, dict) else {})
    return merged


def _find_hash_key_of_value(receiver: dict[Any, Any], args: list[Any]) -> Any:
    return next(
        (restore_value_from_dict_key(key) for key, value in receiver.items() if value == args[0]),
        None,
    )


_METHODS: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "keys": lambda receiver: [restore_value_from_dict_key(key) for key in receiver],
    "values": lambda receiver: list(receiver.values()),
    "to_a": _convert_hash_to_pair_list,
    "size": len,
    "length": len,
    "count": len,
    "empty?": lambda receiver: not receiver,
    "any?": bool,
    "to_h": lambda receiver: receiver,
    "invert": lambda receiver: {
        convert_to_dict_key(v): restore_value_from_dict_key(k) for k, v in receiver.items()
    },
    "first": lambda receiver: _convert_hash_to_pair_list(receiver)[0] if receiver else None,
    "clear": lambda _receiver: {},
}
_METHODS_WITH_ARGUMENTS: dict[str, Callable[[dict[Any, Any], list[Any]], Any]] = {
    "key?": lambda receiver, args: convert_to_dict_key(args[0]) in receiver,
    "has_key?": lambda receiver, args: convert_to_dict_key(args[0]) in receiver,
    "include?": lambda receiver, args: convert_to_dict_key(args[0]) in receiver,
    "member?": lambda receiver, args: convert_to_dict_key(args[0]) in receiver,
    "value?": lambda receiver, args: args[0] in receiver.values(),
    "has_value?": lambda receiver, args: args[0] in receiver.values(),
    "key": _find_hash_key_of_value,
    "values_at": lambda receiver, args: [_get_hash_value(receiver, key) for key in args],
    "merge": _merge_hashes,
    "update": lambda receiver, args: receiver.update(_merge_hashes({}, args)) or receiver,
    "store": _store_hash_value,
    "delete": lambda receiver, args: receiver.pop(convert_to_dict_key(args[0]), None),
    "slice": lambda receiver, args: {
        key: value for key, value in receiver.items() if key in map(convert_to_dict_key, args)
    },
    "except": lambda receiver, args: {
        key: value for key, value in receiver.items() if key not in map(convert_to_dict_key, args)
    },
}
