"""Assign programs to the train, validation and test splits.

A corpus records the rule by which its programs are assigned, because a rule can change while
corpora of the old one go on growing. The split of a program is stored and never computed again.

Rule 2, of every new corpus: the split follows from a hash of template and program id alone, 14 : 3
: 3 in expectation. So a program is in the same split in every corpus, whatever was added before
it, and an alignment that is carried to another corpus meets its training programs as such.

Rule 1, of corpora of older versions: the programs of one template are dealt to the splits in the
order of a fixed cycle of twenty, in the order of a hash of their ids among those that are added
together. The corpus's seed decides where a template enters the cycle. The split of a program then
depends on how many programs of its template came before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

SPLIT_RULE_KEY, CURRENT_SPLIT_RULE, LEGACY_SPLIT_RULE = "split_rule", 2, 1
_SPLIT_SHARES = {"train": 14, "validation": 3, "test": 3}  # in twentieths
_SPLIT_BY_LETTER = {"t": "train", "v": "validation", "e": "test"}
_SPLIT_CYCLE = tuple(_SPLIT_BY_LETTER[letter] for letter in "ttvttetttvttettvttte")


def choose_split_by_program_hash(template: str, program_id: str) -> str:
    """Return the split of a program by rule 2.

    Parameters
    ----------
    template, program_id : str

    Returns
    -------
    {"train", "validation", "test"}

    Examples
    --------
    >>> [choose_split_by_program_hash("beeps", id_) for id_ in "abcdefgh"].count("train")
    4
    """
    place = _hash_texts_to_integer("split", template, program_id) % sum(_SPLIT_SHARES.values())
    for split, share in _SPLIT_SHARES.items():
        if place < share:
            return split
        place -= share
    raise AssertionError("the shares add up to more than any place")


def assign_balanced_splits(
    new_programs: Iterable[tuple[str, str]], existing_counts: Mapping[str, int], seed: int
) -> dict[str, str]:
    """Return the splits of new programs by rule 1.

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
    >>> assign_balanced_splits([("a", "beeps"), ("b", "beeps"), ("c", "beeps")], {}, seed=0)
    {'c': 'train', 'a': 'test', 'b': 'train'}
    """
    ids_by_template: dict[str, list[str]] = {}
    for program_id, template in new_programs:
        ids_by_template.setdefault(template, []).append(program_id)
    return {
        program_id: split
        for template, program_ids in ids_by_template.items()
        for program_id, split in _deal_template_programs_to_splits(
            template, program_ids, existing_counts.get(template, 0), seed
        )
    }


def _deal_template_programs_to_splits(
    template: str, program_ids: Sequence[str], existing_count: int, seed: int
) -> Iterator[tuple[str, str]]:
    start = _hash_texts_to_integer(seed, "template", template) + existing_count
    shuffled = sorted(
        program_ids, key=lambda program_id: (_hash_texts_to_integer(seed, program_id), program_id)
    )
    for rank, program_id in enumerate(shuffled):
        yield program_id, _SPLIT_CYCLE[(start + rank) % len(_SPLIT_CYCLE)]


def _hash_texts_to_integer(*values: object) -> int:
    digest = hashlib.sha256("\0".join(map(str, values)).encode()).digest()
    return int.from_bytes(digest[:8], "big")
