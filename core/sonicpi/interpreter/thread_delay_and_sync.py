"""What a new thread does before its body: it waits, as the options of its call ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.sonicpi.interpreter.syntax_tree_types import Node
from core.sonicpi.interpreter.values import to_number_or_default


def build_thread_delay_and_sync_calls(options: Mapping[str, Any], is_loop: bool) -> Node:
    """Return what a new thread does first: it waits, and a loop sets its seed."""
    prelude: list[Any] = ["seq"]
    if options.get("delay") is not None:
        prelude.append(_build_call_node("sleep", ["num", to_number_or_default(options["delay"])]))
    for name in ("sync", "sync_bpm"):
        if options.get(name) is not None:
            prelude.append(_build_call_node(name, ["sym", str(options[name])]))
    if is_loop and options.get("seed") is not None:
        seed = ["num", to_number_or_default(options["seed"])]
        prelude.append(_build_call_node("use_random_seed", seed))
    return prelude if len(prelude) > 1 else None


def _build_call_node(name: str, argument: list[Any]) -> list[Any]:
    return ["call", None, name, [argument]]
