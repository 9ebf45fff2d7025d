"""Choice of the alignment that a command or page uses where the user named none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from core.alignment.config import JOINT_OBJECTIVE
from core.corpus import AlignmentRecord, Corpus
from core.encoders.concatenated_encoders import ID_SEPARATOR
from core.errors import EarshotError
from core.search.stored_simulations import (
    SIMULATION_ENCODER,
    explain_missing_simulations,
    has_joint_objective,
)

Purpose = Literal["prediction", "suggestion", "map", "any"]
PREDICTION_OBJECTIVES = (JOINT_OBJECTIVE, "kernel_ridge", "ridge")
MAP_OBJECTIVES = ("infonce", "soft_infonce", "weighted_infonce")
CACHE_SIZE = 64
SIMULATION_SUFFIX = f"{ID_SEPARATOR}{SIMULATION_ENCODER}"
_OBJECTIVES_BY_PURPOSE = {
    "prediction": PREDICTION_OBJECTIVES,
    "suggestion": PREDICTION_OBJECTIVES,
    "map": MAP_OBJECTIVES,
    "any": (),
}
_PURPOSE_TEXTS = {
    "prediction": "prediction",
    "suggestion": "suggestions",
    "map": "the map",
    "any": "",
}


@dataclass(frozen=True)
class AlignmentChoice:
    """An alignment and why it is used.

    Attributes
    ----------
    alignment_id : str
    method : str
        Its objective as `./run train --method` spells it: "kernel-ridge". "" if it cannot be read.
    created : str
        UTC, ISO 8601; "" if unknown.
    reason : str
        Without a full stop, for example "made for prediction".
    owner_name : str
        Name of the corpus that it was trained on; "" for the corpus that it was chosen for.
    """

    alignment_id: str
    method: str
    created: str
    reason: str
    owner_name: str = ""

    def load_chosen_alignment_record(self, corpus: Corpus) -> AlignmentRecord:
        """Load the alignment.

        Parameters
        ----------
        corpus : Corpus
            The corpus that it was chosen for.

        Raises
        ------
        EarshotError
            When its files are damaged.
        """
        owner = Corpus.open(self.owner_name) if self.owner_name else corpus
        return owner.load_alignment(self.alignment_id)

    def __str__(self) -> str:
        """Return one line: "alignment 0001-5f1c (kernel-ridge of 14:03): made for prediction"."""
        origin = " of ".join(
            part for part in (self.method, self.format_training_date_or_time()) if part
        )
        return f"alignment {self.alignment_id}{f' ({origin})' if origin else ''}: {self.reason}"

    def format_training_date_or_time(self) -> str:
        """Return when it was trained: the local time of today, or date and time; "" if unknown."""
        try:
            time = datetime.fromisoformat(self.created).astimezone()
        except ValueError:
            return ""
        is_today = time.date() == datetime.now().astimezone().date()
        return f"{time:%H:%M}" if is_today else f"{time:%Y-%m-%d %H:%M}"


def choose_default_alignment(corpus: Corpus, purpose: Purpose) -> AlignmentChoice | None:
    """Choose the alignment that suits a purpose, and give the reason.

    Joint kernel ridge predicts snippets best, where the simulations of all clips are stored; else
    kernel ridge does. Kernel ridge predicts the many variants of a suggestion, which joint kernel
    ridge would simulate one by one. The InfoNCE objectives arrange the map. Of several alignments
    with a suitable objective, those with the corpus's encoders come first, then those that
    finished training and held out no whole templates, then the best objective, then the newest.

    Parameters
    ----------
    corpus : Corpus
    purpose : {"prediction", "suggestion", "map", "any"}
        What the alignment is used for: finding neighbours of a snippet or clip, predicting many
        variants of a program, the map, or "any" for the newest.

    Returns
    -------
    AlignmentChoice or None
        None if the corpus has no alignment.

    Examples
    --------
    >>> choice = choose_default_alignment(Corpus.open("starter"), "prediction")
    >>> choice.method, choice.reason
    ('soft-infonce', 'the only alignment of this corpus')
    """
    return _choose_alignment_by_cache_key(
        _CacheKey(corpus.path, corpus.change_stamp, purpose, corpus)
    )


def build_choice_of_requested_alignment(
    record: AlignmentRecord, reason: str = "the one you chose", owner_name: str = ""
) -> AlignmentChoice:
    """Return the choice that stands for an alignment.

    Parameters
    ----------
    record : AlignmentRecord
    reason : str
        Default: for one that the user named.
    owner_name : str
        Name of its corpus if that is another one.
    """
    return _make_alignment_choice(record, reason, owner_name)


@dataclass(frozen=True)
class _CacheKey:
    """What a choice is cached by; the corpus rides along uncompared."""

    path: Path
    change_stamp: str
    purpose: Purpose
    corpus: Corpus = field(compare=False)


@lru_cache(maxsize=CACHE_SIZE)
def _choose_alignment_by_cache_key(key: _CacheKey) -> AlignmentChoice | None:
    alignment_ids = key.corpus.list_alignment_ids()
    if not alignment_ids:
        return None
    records = [
        record
        for alignment_id in alignment_ids
        if (record := _load_readable_alignment(key.corpus, alignment_id)) is not None
    ]
    if not records:  # Opening it explains what is damaged.
        return AlignmentChoice(alignment_ids[-1], "", "", "the newest alignment")
    if key.purpose == "any":
        return _make_alignment_choice(records[-1], "the newest alignment")
    if len(alignment_ids) == 1:
        return _make_alignment_choice(records[0], "the only alignment of this corpus")
    return _choose_alignment_made_for_purpose(key, records)


def _choose_alignment_made_for_purpose(
    key: _CacheKey, records: list[AlignmentRecord]
) -> AlignmentChoice:
    """Choose among several alignments, the newest last."""
    purpose_text = _PURPOSE_TEXTS[key.purpose]
    objectives = _OBJECTIVES_BY_PURPOSE[key.purpose]
    made_for_purpose = [item for item in records if _get_training_objective(item) in objectives]
    obstacles = {item.id: explain_missing_simulations(key.corpus, item) for item in records}
    suitable = [item for item in made_for_purpose if not obstacles[item.id]]
    if not suitable:
        newest = next((item for item in reversed(records) if not obstacles[item.id]), records[-1])
        return _make_alignment_choice(
            newest, f"the newest alignment; none is made for {purpose_text}"
        )
    corpus_encoders = key.corpus.settings.get("encoders")
    preference_keys = [
        _compute_alignment_preference_key(item, corpus_encoders, key.purpose) for item in suitable
    ]
    best_index = max(range(len(suitable)), key=lambda index: (preference_keys[index], index))
    best = suitable[best_index]
    reason = f"made for {purpose_text}"
    if key.purpose == "suggestion" and has_joint_objective(best):
        reason = f"made for prediction; none is made for {purpose_text}"
    # Why the best one is not newer does not matter where its objective decides.
    if any(other[:2] < preference_keys[best_index][:2] for other in preference_keys[best_index:]):
        reason += "; newer ones have other encoders, were stopped or held out templates"
    if key.purpose == "prediction" and not has_joint_objective(best):
        obstacle = next(
            (obstacles[item.id] for item in reversed(made_for_purpose) if obstacles[item.id]), ""
        )
        if obstacle:
            reason += f"; joint kernel ridge is left out: {obstacle}"
    return _make_alignment_choice(best, reason)


def _load_readable_alignment(corpus: Corpus, alignment_id: str) -> AlignmentRecord | None:
    try:
        return corpus.load_alignment(alignment_id)
    except EarshotError:
        return None


def _compute_alignment_preference_key(
    record: AlignmentRecord, corpus_encoders: dict[str, str] | None, purpose: Purpose
) -> tuple[bool, bool, bool]:
    """Return whether it has the corpus's encoders, the whole corpus, and the best objective."""
    encoder_ids = {
        modality: encoder.get("id")
        for modality, encoder in record.config.get("encoders", {}).items()
    }
    if _get_training_objective(record) == JOINT_OBJECTIVE and encoder_ids.get("code"):
        # The method itself adds the simulation to the code encoder.
        encoder_ids["code"] = str(encoder_ids["code"]).removesuffix(SIMULATION_SUFFIX)
    held_out = record.config.get("split", {}).get("unseen_templates")
    is_complete = not held_out and record.metrics.get("stopped") != "cancelled"
    is_best_objective = has_joint_objective(record) == (purpose == "prediction")
    return corpus_encoders in (None, encoder_ids), is_complete, is_best_objective


def _get_training_objective(record: AlignmentRecord) -> str:
    return str(record.config.get("alignment", {}).get("objective", ""))


def _make_alignment_choice(
    record: AlignmentRecord, reason: str, owner_name: str = ""
) -> AlignmentChoice:
    method = _get_training_objective(record).replace("_", "-")
    return AlignmentChoice(record.id, method, record.created, reason, owner_name)


def make_no_alignment_error(corpus: Corpus) -> EarshotError:
    """Return the error for a corpus that has no alignment."""
    return EarshotError(
        f"Corpus '{corpus.name}' has no alignment yet.",
        remedy=f"To train one: ./run train {corpus.name}",
    )
