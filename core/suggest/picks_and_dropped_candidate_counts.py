"""Picks: the candidates that a suggestion shows, and the numbers of those that it left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.search.clip_property_forecast import Forecast
from core.search.nearest_neighbour_queries import Neighbour
from core.search.search_confidence import Confidence
from core.suggest.candidates import SourceChange
from core.suggest.changed_source_ranges import SourceRange


@dataclass(frozen=True)
class Pick:
    """A candidate that was picked.

    Attributes
    ----------
    rank : int
        1 was picked first.
    kind : str
        What changes; several kinds are joined by "+".
    change : SourceChange
    source : str
        The whole changed program.
    predicted : Forecast or None
        None when too few clips of the corpus are measured.
    distance : float
        Cosine distance of its prediction from that of the program, in [0, 2].
    confidence : Confidence or None
    neighbours : list of Neighbour
        Clips nearest to it.
    replaced_ranges : tuple of SourceRange
        What is replaced in the program; empty for a program of a language model.
    changed_ranges : tuple of SourceRange
        What stands there instead, in `source`.
    """

    rank: int
    kind: str
    change: SourceChange
    source: str
    predicted: Forecast | None
    distance: float
    confidence: Confidence | None
    neighbours: list[Neighbour]
    replaced_ranges: tuple[SourceRange, ...] = ()
    changed_ranges: tuple[SourceRange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the pick as JSON types."""
        return {
            "rank": self.rank,
            "kind": self.kind,
            "change": {
                **asdict(self.change),
                "replaced_ranges": [asdict(item) for item in self.replaced_ranges],
                "changed_ranges": [asdict(item) for item in self.changed_ranges],
            },
            "source": self.source,
            "predicted": None if self.predicted is None else self.predicted.to_dict(),
            "distance": self.distance,
            "confidence": None if self.confidence is None else asdict(self.confidence),
            "neighbours": [
                {
                    "rank": neighbour.rank,
                    "similarity": neighbour.similarity,
                    "program": neighbour.program_id,
                    "template": neighbour.template,
                    "audio": neighbour.audio_path,
                }
                for neighbour in self.neighbours
            ],
        }


@dataclass(frozen=True)
class DroppedCandidates:
    """Numbers of a language model's candidates that were left out, by reason."""

    unparsable: int = 0
    silent: int = 0
    repeated: int = 0

    def format_dropped_candidate_counts(self) -> str:
        """Return the numbers in words; "" when nothing was left out."""
        reasons = (
            (self.unparsable, "that do not parse"),
            (self.silent, "without sound"),
            (self.repeated, "that sound like another"),
        )
        return ", ".join(f"{count} {reason}" for count, reason in reasons if count)
