"""Check whether a corpus stores the simulations that a joint alignment searches by."""

from __future__ import annotations

from core.alignment.config import JOINT_OBJECTIVES
from core.corpus import AlignmentRecord, Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError

SIMULATION_ENCODER = "simulation"
"""Id of the code encoder, as `core.search.clip_property_forecast`, which loads scipy, has it."""


def list_clips_without_simulation(corpus: Corpus) -> set[str]:
    """Return the ids of programs that have a clip, but no up-to-date simulation."""
    spec = find_encoder_spec(SIMULATION_ENCODER)
    missing = set(corpus.list_programs_without_embedding(spec.id, spec.revision))
    if missing:
        programs = corpus.load_programs()
        missing &= set(programs["program"][programs["state"] == "ok"])
    return missing


def has_joint_objective(record: AlignmentRecord) -> bool:
    """Return whether an alignment predicts from code and simulated sound."""
    return record.config.get("alignment", {}).get("objective") in JOINT_OBJECTIVES


def explain_missing_simulations(corpus: Corpus, record: AlignmentRecord) -> str:
    """Return why a joint alignment cannot search all clips of a corpus.

    Parameters
    ----------
    corpus : Corpus
        The one that it was trained on, or another one.
    record : AlignmentRecord

    Returns
    -------
    str
        "" if nothing is missing, or the alignment is no joint one.
    """
    if not has_joint_objective(record):
        return ""
    encoder = record.config.get("encoders", {}).get("code", {})
    try:
        spec = find_encoder_spec(str(encoder.get("id", "")))
    except EarshotError:  # Opening the alignment explains what is not installed.
        return ""
    if not spec.is_comparable_revision(str(encoder.get("revision", ""))):
        return "it was trained on another revision of the simulation"
    missing_count = len(list_clips_without_simulation(corpus))
    if not missing_count:
        return ""
    noun = "clip has" if missing_count == 1 else "clips have"
    return f"{missing_count:,} {noun} no simulation"
