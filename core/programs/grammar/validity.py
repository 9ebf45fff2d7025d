"""What the grammar can write and Sonic Pi can't play, found among thousands that were rendered."""

from __future__ import annotations

import re

# The code is run where `e` is a variable already, so a function of that name is never called.
_SHADOWED_DEFINE_PATTERN = re.compile(r"\bdefine[ (]:e\b")
# Names of notes and numbers can't be put in order.
_UNSORTABLE_LIST_PATTERN = re.compile(r"[\[(](?=[^\])]*:[a-g])(?=[^\])]*\b\d)[^\])]*[\])](?:\.ring)?\.sort\b")
_BLOCK_PATTERN = re.compile(
    r"^(?:with_fx|live_loop|in_thread|loop|at|density|play\w*|sample|synth|\d+\.times)\b",
    re.MULTILINE,
)
_AUTOTUNER_PATTERN = re.compile(r"^with_fx[ (]:autotuner\b", re.MULTILINE)
_GROWL_PATTERN = re.compile(r":growl\b")
_SHORT_RELEASE_PATTERN = re.compile(r"\brelease(?::| ?=>) ?0?\.(?:0\d*|1\d*)\b")


def is_unplayable(source: str) -> bool:
    """Whether a program is known to fail, or to be too soft to be heard.

    The autotuner, where all goes through it, often lets nothing pass; a growl is still fading in
    when a short note of it ends.
    """
    if _SHADOWED_DEFINE_PATTERN.search(source) or _UNSORTABLE_LIST_PATTERN.search(source):
        return True
    alone = len(_BLOCK_PATTERN.findall(source)) == 1
    if alone and _AUTOTUNER_PATTERN.search(source):
        return True
    return alone and bool(_GROWL_PATTERN.search(source) and _SHORT_RELEASE_PATTERN.search(source))
