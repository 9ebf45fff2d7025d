"""Order of picks toward a clip by their true sound: the picks are rendered and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.encoders.audio_encoder_base import mix_to_mono
from core.encoders.clip_aspect_encoder import measure_clip_aspects
from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_similarity import get_aspect_index
from core.sonicpi import render_programs_in_parallel
from core.sonicpi.audio_clip_and_render_result import Clip, RenderError, RenderProblem
from core.suggest.picks_and_dropped_candidate_counts import Pick
from core.suggest.sound_target import SoundTarget


@dataclass(frozen=True)
class RenderedPick:
    """A pick with the nearness of its true sound to the target.

    Attributes
    ----------
    pick : Pick
        Its rank is that by the true sound.
    gain : float or None
        How much nearer to the target it is than the program, as a difference of cosines; None when
        its rendering failed.
    error : RenderProblem or None
        Why the rendering failed.
    """

    pick: Pick
    gain: float | None
    error: RenderProblem | None = None

    @property
    def verdict(self) -> str:
        """Whether it is nearer to the target than the program, in words."""
        return "not rendered" if self.gain is None else describe_gain(self.gain)

    def to_dict(self) -> dict[str, Any]:
        """Return the pick as JSON types."""
        rendered = {
            "is_nearer": None if self.gain is None else self.gain > 0,
            "gain": self.gain,
            "error": None if self.error is None else asdict(self.error),
        }
        return {**self.pick.to_dict(), "rendered": rendered}


def describe_gain(gain: float) -> str:
    """Return whether a clip is nearer to the target than the program, in words.

    Parameters
    ----------
    gain : float
        Difference of two values of `measure_similarity_to_target`.

    Examples
    --------
    >>> describe_gain(0.02), describe_gain(0.0)
    ('nearer', 'not nearer')
    """
    return "nearer" if gain > 0 else "not nearer"


def require_clip_as_target(target: SoundTarget | None) -> SoundTarget:
    """Return a target that is a clip.

    Raises
    ------
    EarshotError
        When there is no target, or it consists of words.
    """
    if target is None or target.vector is None:
        raise EarshotError(
            "Rendered picks are compared with a clip.",
            remedy="Go toward a clip, such as a program of the corpus, and not toward words.",
        )
    return target


def order_picks_by_rendered_sound(
    aligned_corpus: AlignedCorpus,
    source: str,
    picks: Sequence[Pick],
    target: SoundTarget | None,
    aspect: str | None = None,
) -> list[RenderedPick]:
    """Render a program and its picks, and return the picks by the nearness of their true clips.

    A prediction is wrong for some targets. Of a few picks, the truly nearest one is nearer to the
    target than the program far more often than the first one alone.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
        Its audio encoder compares the clips.
    source : str
        The program that the picks are variants of.
    picks : sequence of Pick
    target : SoundTarget or None
        A clip.
    aspect : {"timbre", "rhythm", "pitch", "level"}, optional
        Compare this aspect alone; the default is the whole sound.

    Returns
    -------
    list of RenderedPick
        Nearest first, with new ranks. Picks whose rendering failed are last.

    Raises
    ------
    RenderError
        When the program itself fails or is silent.
    EarshotError
        When the target is no clip, or Sonic Pi, scsynth or the sandbox is missing.
    """
    clip_target = require_clip_as_target(target)
    settings = aligned_corpus.corpus.settings
    results = dict(
        render_programs_in_parallel(
            [source, *(pick.source for pick in picks)],
            float(settings["seconds"]),
            sonic_pi=settings["sonic_pi"],
        )
    )
    similarities = {
        index: measure_similarity_to_target(aligned_corpus, result.clip, clip_target, aspect)
        for index, result in results.items()
        if result.clip is not None
    }
    if 0 not in similarities:
        assert results[0].error is not None, "it has no clip"
        raise RenderError(results[0].error)
    rendered = [
        RenderedPick(
            pick,
            similarities[index] - similarities[0] if index in similarities else None,
            results[index].error,
        )
        for index, pick in enumerate(picks, 1)
    ]
    rendered.sort(key=lambda item: -np.inf if item.gain is None else item.gain, reverse=True)
    return [
        replace(item, pick=replace(item.pick, rank=rank)) for rank, item in enumerate(rendered, 1)
    ]


def measure_similarity_to_target(
    aligned_corpus: AlignedCorpus, clip: Clip, target: SoundTarget, aspect: str | None = None
) -> float:
    """Return the cosine of a clip and the target, in the shared space or in an aspect.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    clip : Clip
    target : SoundTarget
        A clip.
    aspect : {"timbre", "rhythm", "pitch", "level"}, optional
        Compare this aspect alone; the default is the whole sound.

    Raises
    ------
    EarshotError
        When the aspects of the target are not measured, or the audio encoder is missing.
    """
    if aspect is None:
        vector = aligned_corpus.project_audio_embeddings(aligned_corpus.embed_clip(clip))[0]
        return float(np.dot(vector, np.asarray(target.vector)))
    index = get_aspect_index(aligned_corpus)
    if target.aspects is None:
        raise EarshotError(
            f"The aspects of {target.label} are not measured.",
            remedy="Leave the aspect out, or give a sound file.",
        )
    measured = measure_clip_aspects(mix_to_mono(clip, 0), clip.sample_rate)
    return float(index.standardize_aspects(measured[None])[aspect][0] @ target.aspects[aspect])
