"""Splits of the programs that an alignment is evaluated on.

A corpus stores the split of each program. An alignment adds to that: templates that its training
held out whole form splits of their own, and a program that took part in its training is never
evaluated, in whichever corpus it is met.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from core.programs.grammar.music_styles import GRAMMAR_TEMPLATE_PREFIX

UNSEEN_SPLIT = "unseen templates"
UNSEEN_STYLES_SPLIT = "unseen grammar styles"
UNSEEN_SPLITS = (UNSEEN_SPLIT, UNSEEN_STYLES_SPLIT)
"""Splits of templates and grammar styles that training held out whole."""
TRAINING_SPLITS = ("train", "validation")
"""Splits that take part in training; validation chooses its epoch and settings."""
TRAINED_PROGRAMS_KEY = "trained_programs"
"""Key of the record of `hash_trained_programs` in the split of an alignment's config."""
HASH_BYTES = 6


def relabel_splits_of_unseen_templates(
    splits: np.ndarray, templates: np.ndarray, unseen_templates: Sequence[str]
) -> np.ndarray:
    """Return the splits with templates and grammar styles that are held out whole as their own.

    Parameters
    ----------
    splits, templates : array of str [n]
        Split, and template or grammar style, of each program.
    unseen_templates : sequence of str
        Ids of the templates and styles that are held out.

    Returns
    -------
    array of str [n]
    """
    is_unseen = np.isin(templates, list(unseen_templates))
    is_grammar = np.char.startswith(templates, GRAMMAR_TEMPLATE_PREFIX)
    return np.where(is_unseen, np.where(is_grammar, UNSEEN_STYLES_SPLIT, UNSEEN_SPLIT), splits)


def hash_trained_programs(program_ids: Sequence[str], splits: np.ndarray) -> dict[str, str]:
    """Return hashes of the programs that took part in training, by split.

    Parameters
    ----------
    program_ids : sequence of str [n]
    splits : array of str [n]

    Returns
    -------
    dict of str to str
        For each of `TRAINING_SPLITS` the sorted hashes, 12 hexadecimal digits each, joined by
        blanks. An id cannot be read from its hash.
    """
    hashes = np.array([_hash_program_id(program_id) for program_id in program_ids])
    return {split: " ".join(sorted(hashes[splits == split])) for split in TRAINING_SPLITS}


def relabel_splits_of_trained_programs(
    program_ids: Sequence[str], splits: np.ndarray, trained_programs: Mapping[str, str]
) -> np.ndarray:
    """Return the splits with every program that took part in training in the split of its part.

    Parameters
    ----------
    program_ids : sequence of str [n]
    splits : array of str [n]
    trained_programs : mapping
        As `hash_trained_programs` returns it; empty for an alignment that does not record it.

    Returns
    -------
    array of str [n]
    """
    split_by_hash = {
        program_hash: split
        for split, hashes in trained_programs.items()
        for program_hash in hashes.split()
    }
    if not split_by_hash:
        return splits
    return np.array(
        [
            split_by_hash.get(_hash_program_id(program_id), split)
            for program_id, split in zip(program_ids, splits.tolist(), strict=True)
        ],
        dtype=splits.dtype,
    )


def _hash_program_id(program_id: str) -> str:
    return hashlib.blake2b(program_id.encode(), digest_size=HASH_BYTES).hexdigest()
