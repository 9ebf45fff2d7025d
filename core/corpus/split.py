"""Which programs are learned from, and which are held out.

Programs of one template are dealt to train, validation and test in the order of
a fixed cycle of twenty, 14 : 3 : 3. Each part is spread over the cycle so that
any seven neighbours in it hold at least one program of each part: a template
with eight variants already has its share of all three. Where a template enters
the cycle depends on the corpus's seed, else every template's first program
would be in the same part.

The share that a program gets depends on how many programs of its template came
before, and, among those that are added at once, on a hash of its id: so it is
not tied to the order in which a template draws its parameters. It is stored and
never computed again; adding programs cannot move one.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Mapping, Sequence

SPLITS = ("train", "validation", "test")
_SPLIT_CYCLE = tuple({"t": "train", "v": "validation", "e": "test"}[c] for c in "ttvttetttvttettvttte")


def _hash_to_int(*values: object) -> int:
    digest = hashlib.sha256("\0".join(map(str, values)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def assign_splits(new_programs: Iterable[tuple[str, str]], existing_counts: Mapping[str, int], seed: int) -> dict[str, str]:
    """Deal new programs to train, validation and test.

    Parameters
    ----------
    new_programs : iterable of (program id, template id)
        Programs that are new to the corpus, in any order.
    existing_counts : mapping of template id to int
        How many programs of each template the corpus holds already.
    seed : int
        Of the corpus.

    Returns
    -------
    dict of program id to {"train", "validation", "test"}
    """
    by_template: dict[str, list[str]] = {}
    for program_id, template in new_programs:
        by_template.setdefault(template, []).append(program_id)
    return {
        program_id: part
        for template, ids in by_template.items()
        for program_id, part in _assign_template_splits(template, ids, existing_counts.get(template, 0), seed)
    }


def _assign_template_splits(template: str, program_ids: Sequence[str], existing_count: int, seed: int) -> Iterable[tuple[str, str]]:
    start = _hash_to_int(seed, "template", template) + existing_count
    shuffled = sorted(program_ids, key=lambda program_id: (_hash_to_int(seed, program_id), program_id))
    for rank, program_id in enumerate(shuffled):
        yield program_id, _SPLIT_CYCLE[(start + rank) % len(_SPLIT_CYCLE)]
