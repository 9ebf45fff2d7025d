"""What the grammar can write and Sonic Pi can't play, found among thousands that were rendered."""

from __future__ import annotations

import re

# The code is run where `e` is a variable already, so a function of that name is never called.
_SHADOWED = re.compile(r"\bdefine[ (]:e\b")
# Names of notes and numbers can't be put in order.
_UNSORTABLE = re.compile(r"[\[(](?=[^\])]*:[a-g])(?=[^\])]*\b\d)[^\])]*[\])](?:\.ring)?\.sort\b")
_BLOCK = re.compile(
    r"^(?:with_fx|live_loop|in_thread|loop|at|density|play\w*|sample|synth|\d+\.times)\b",
    re.MULTILINE,
)
_AUTOTUNED = re.compile(r"^with_fx[ (]:autotuner\b", re.MULTILINE)
_GROWL = re.compile(r":growl\b")
_SHORT = re.compile(r"\brelease(?::| ?=>) ?0?\.(?:0\d*|1\d*)\b")


def flawed(source: str) -> bool:
    """Whether a program is known to fail, or to be too soft to be heard.

    The autotuner, where all goes through it, often lets nothing pass; a growl is still fading in
    when a short note of it ends.
    """
    if _SHADOWED.search(source) or _UNSORTABLE.search(source):
        return True
    alone = len(_BLOCK.findall(source)) == 1
    if alone and _AUTOTUNED.search(source):
        return True
    return alone and bool(_GROWL.search(source) and _SHORT.search(source))
