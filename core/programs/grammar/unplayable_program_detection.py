"""Detection of grammar programs that fail or stay silent in Sonic Pi.

The patterns come from rendering thousands of grammar programs.
"""

from __future__ import annotations

import re

# Sonic Pi evaluates the code where `e` is a variable, which shadows a function of that name.
_SHADOWED_DEFINE_PATTERN = re.compile(r"\bdefine[ (]:e\b")
# Ruby cannot sort a list of both note names and numbers.
_UNSORTABLE_LIST_PATTERN = re.compile(
    r"[\[(](?=[^\])]*:[a-g])(?=[^\])]*\b\d)[^\])]*[\])](?:\.ring)?\.sort\b"
)
_BLOCK_PATTERN = re.compile(
    r"^(?:with_fx|live_loop|in_thread|loop|at|density|play\w*|sample|synth|\d+\.times)\b",
    re.MULTILINE,
)
_AUTOTUNER_PATTERN = re.compile(r"^with_fx[ (]:autotuner\b", re.MULTILINE)
_GROWL_PATTERN = re.compile(r":growl\b")
_SHORT_RELEASE_PATTERN = re.compile(r"\brelease(?::| ?=>) ?0?\.(?:0\d*|1\d*)\b")


def is_program_unplayable(source: str) -> bool:
    """Return whether a program is known to fail in Sonic Pi, or to be inaudible.

    An autotuner around the whole program often lets no sound pass. A short note of the synth
    growl ends before it has faded in.
    """
    if _SHADOWED_DEFINE_PATTERN.search(source) or _UNSORTABLE_LIST_PATTERN.search(source):
        return True
    has_single_block = len(_BLOCK_PATTERN.findall(source)) == 1
    if has_single_block and _AUTOTUNER_PATTERN.search(source):
        return True
    has_short_growl = _GROWL_PATTERN.search(source) and _SHORT_RELEASE_PATTERN.search(source)
    return has_single_block and bool(has_short_growl)
