"""The simulation as the last part of a code encoder, for the joint objectives of training."""

from __future__ import annotations

from core import encoders
from core.corpus import Corpus
from core.encoders.concatenated_encoders import ID_SEPARATOR, split_encoder_id
from core.errors import EarshotError
from core.search.clip_property_forecast import FEATURE_ENCODER
from core.search.corpus_encoder_records import fill_default_encoder_ids


def count_simulation_columns(code_encoder: str) -> int:
    """Return how many of the last columns of a code encoder's vectors are a simulation.

    Parameters
    ----------
    code_encoder : str
        Id such as "sonicpi+simulation".

    Returns
    -------
    int
        0 unless other encoders precede the simulation.

    Examples
    --------
    >>> count_simulation_columns("sonicpi+simulation"), count_simulation_columns("sonicpi")
    (172, 0)
    """
    *others, last = split_encoder_id(code_encoder)
    return encoders.find_encoder_spec(last).dim if others and last == FEATURE_ENCODER else 0


def join_simulation_to_code_encoder(corpus: Corpus, code_encoder: str | None = None) -> str:
    """Return the id of a code encoder followed by the simulation, which has embedded the corpus.

    Parameters
    ----------
    corpus : Corpus
    code_encoder : str, optional
        With or without the simulation. Default: the one that the corpus was built with.

    Raises
    ------
    EarshotError
        If programs with a clip lack an up-to-date simulation, or no other encoder is named.
    """
    code_id, _ = fill_default_encoder_ids(corpus, code_encoder)
    others = [part for part in split_encoder_id(code_id) if part != FEATURE_ENCODER]
    if not others:
        raise EarshotError(
            "A joint method joins a code encoder with the simulation.",
            remedy="Name another code encoder, such as sonicpi.",
        )
    spec = encoders.find_encoder_spec(FEATURE_ENCODER)
    programs = corpus.load_programs()
    missing = set(corpus.list_programs_without_embedding(spec.id, spec.revision))
    missing &= set(programs["program"][programs["state"] == "ok"])
    if missing:
        raise EarshotError(
            f"{len(missing):,} programs of corpus '{corpus.name}' have no up-to-date simulation,"
            " which a joint method predicts from.",
            remedy=f"To simulate them: ./run embed {corpus.name} --code-encoder {spec.id}",
        )
    return ID_SEPARATOR.join((*others, spec.id))
