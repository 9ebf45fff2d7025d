"""Assign programs to the train, validation and test splits.

The programs of one template are dealt to the splits in the order of a fixed cycle of twenty,
14 : 3 : 3. The validation and test places are spread over the cycle so that any seven consecutive
places hold each split: a template with eight variants already has programs in all three. The
corpus's seed decides where a template enters the cycle; otherwise the first program of every
template would be in the same split.

The split of a program depends on how many programs of its template came before it and, among those
that are added together, on a hash of its id. So it does not follow the order in which a template's
parameters are drawn. It is stored and never computed again: adding programs moves no other program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

SPLITS = ("train", "validation", "test")
_SPLIT_BY_LETTER = {"t": "train", "v": "validation", "e": "test"}
_SPLIT_CYCLE = tuple(_SPLIT_BY_LETTER[letter] for letter in "ttvttetttvttettvttte")


def assign_splits(
    new_programs: Iterable[tuple[str, str]], existing_counts: Mapping[str, int], seed: int
) -> dict[str, str]:
    """Assign new programs to the train, validation and test splits.

    Parameters
    ----------
    new_programs : iterable of (program id, template id)
        Programs that are new to the corpus, in any order.
    existing_counts : mapping of template id to int
        Number of programs of each template that the corpus holds already.
    seed : int
        The corpus's seed.

    Returns
    -------
    dict of program id to {"train", "validation", "test"}

    Examples
    --------
    >>> assign_splits([("a", "beeps"), ("b", "beeps"), ("c", "beeps")], {}, seed=0)
    {'c': 'train', 'a': 'test', 'b': 'train'}
    """
    ids_by_template: dict[str, list[str]] = {}
    for program_id, template in new_programs:
        ids_by_template.setdefault(template, []).append(program_id)
    return {
        program_id: split
        for template, program_ids in ids_by_template.items()
        for program_id, split in _assign_template_splits(
            template, program_ids, existing_counts.get(template, 0), seed
        )
    }


def _assign_template_splits(
    template: str, program_ids: Sequence[str], existing_count: int, seed: int
) -> Iterator[tuple[str, str]]:
    start = _hash_to_int(seed, "template", template) + existing_count
    shuffled = sorted(
        program_ids, key=lambda program_id: (_hash_to_int(seed, program_id), program_id)
    )
    for rank, program_id in enumerate(shuffled):
        yield program_id, _SPLIT_CYCLE[(start + rank) % len(_SPLIT_CYCLE)]


def _hash_to_int(*values: object) -> int:
    digest = hashlib.sha256("\0".join(map(str, values)).encode()).digest()
    return int.from_bytes(digest[:8], "big")
