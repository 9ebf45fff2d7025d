"""What is searched for neighbours: a corpus's programs in their raw and in their shared space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.neighbours import CosineIndex
from core.search.loaded_alignment import (
    Aligned,
    check_embedded,
    chosen_encoders,
    described,
    open_aligned,
)

KEPT = 2  # alignments whose projected programs stay in memory
CROSSING = ("code->audio", "audio->code")
WITHIN = ("code->code", "audio->audio")
DIRECTIONS = CROSSING + WITHIN


@dataclass(frozen=True)
class Neighbour:
    """A program near to what was asked for.

    Attributes
    ----------
    rank : int
        1 is the nearest.
    similarity : float
        Cosine, in [-1, 1].
    program : str
        Its id.
    template, name, source : str
    audio : str
        Absolute path of its clip.
    """

    rank: int
    similarity: float
    program: str
    template: str
    name: str
    source: str
    audio: str


class Space:
    """A corpus's pairs and, once asked for, the indices that find neighbours among them."""

    def __init__(self, corpus: Corpus, aligned: Aligned | None):
        self.corpus, self.aligned = corpus, aligned
        if aligned is None:
            code, audio = chosen_encoders(corpus)
            self.pairs = corpus.pairs(code, audio)
            self.encoders = {
                "code": described(code, self.pairs.code.shape[1]),
                "audio": described(audio, self.pairs.audio.shape[1]),
            }
            for encoder in self.encoders.values():
                check_embedded(corpus, encoder["id"], encoder["revision"])
        else:
            self.pairs = aligned.pairs()
            self.encoders = {"code": aligned.code_encoder, "audio": aligned.audio_encoder}
        if not len(self.pairs):
            raise EarshotError(
                f"Corpus '{corpus.name}' has no program with a clip and embeddings.",
                remedy=f"To build it: ./run build {corpus.name}",
            )
        self.place = {program: row for row, program in enumerate(self.pairs.programs)}

    @cached_property
    def shared_code(self) -> CosineIndex:
        return CosineIndex(self.aligned.code(self.pairs.code))

    @cached_property
    def shared_audio(self) -> CosineIndex:
        return CosineIndex(self.aligned.audio(self.pairs.audio))

    @cached_property
    def raw_code(self) -> CosineIndex:
        return CosineIndex(self.pairs.code)

    @cached_property
    def raw_audio(self) -> CosineIndex:
        return CosineIndex(self.pairs.audio)

    def nearest(
        self, raw: np.ndarray, k: int, direction: str, exclude: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows nearest to one raw embedding [1, d], and how similar they are: [k] and [k]."""
        own = None if exclude is None else np.array([exclude])
        if direction == "code->audio":
            index, query = self.shared_audio, self.aligned.code(raw)
        elif direction == "audio->code":
            index, query = self.shared_code, self.aligned.audio(raw)
        elif direction == "code->code":
            index, query = self.raw_code, raw
        else:
            index, query = self.raw_audio, raw
        rows, similarities = index.query(query, k, exclude=own)
        return rows[0], similarities[0]


def space_of(corpus_name: str, alignment_id: str | None, direction: str) -> Space:
    """The space to search, from memory unless the corpus has changed since."""
    corpus = Corpus.open(corpus_name)
    if alignment_id is None:
        newest = corpus.newest_alignment()
        alignment_id = newest.id if newest else None
    if alignment_id is None and direction in CROSSING:
        open_aligned(corpus_name)  # says that there is none and how to train one
    return _kept_space(corpus_name, str(corpus.path), alignment_id, _state(corpus))


@lru_cache(maxsize=KEPT)
def _kept_space(corpus_name: str, path: str, alignment_id: str | None, state: tuple) -> Space:
    # `path` and `state` are there for the key: another workspace, or new programs.
    if alignment_id is None:
        return Space(Corpus.open(corpus_name), None)
    aligned = open_aligned(corpus_name, alignment_id)
    return Space(aligned.corpus, aligned)


def _state(corpus: Corpus) -> tuple:
    """Changes whenever anything is written to the corpus: size and time of its database files."""
    found = []
    for name in ("corpus.sqlite", "corpus.sqlite-wal"):
        try:
            stat = (corpus.path / name).stat()
        except FileNotFoundError:
            continue
        if stat.st_size:  # an empty log comes and goes with readers
            found.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def loaded_encoder(encoder: dict) -> encoders.Encoder:
    """The encoder that the corpus was embedded with: "id" and "revision".

    Raises
    ------
    EarshotError
        When it is here in another revision.
    """
    loaded = encoders.get(encoder["id"])
    if loaded.entry.revision != encoder["revision"]:
        raise EarshotError(
            f"{encoder['id']} is here as revision {loaded.entry.revision}, the corpus was"
            f" embedded by {encoder['revision']}.",
            remedy="Embed the corpus again and train again.",
        )
    return loaded


def embedded_snippet(snippet: str, encoder: dict) -> np.ndarray:
    """Embed a snippet with the encoder that the corpus was embedded with: float32 [1, d]."""
    query = _kept_embedding(loaded_encoder(encoder), snippet)
    if query.shape != (1, encoder["dim"]):
        raise EarshotError(
            f"{encoder['id']} gave a vector of shape {list(query.shape)}, the corpus has"
            f" {encoder['dim']} dimensions.",
            remedy="Embed the corpus again and train again.",
        )
    return query


@lru_cache(maxsize=8)  # a snippet's neighbours are asked for, and then how sure they are
def _kept_embedding(loaded: encoders.Encoder, snippet: str) -> np.ndarray:
    return np.asarray(loaded.embed([snippet]), dtype=np.float32)


def as_neighbours(space: Space, rows: np.ndarray, similarities: np.ndarray) -> list[Neighbour]:
    """Rows of a space, nearest first, with what is known of their programs."""
    found = []
    for rank, (row, similarity) in enumerate(zip(rows, similarities, strict=True), 1):
        program = space.corpus.program(space.pairs.programs[row])
        found.append(
            Neighbour(
                rank=rank,
                similarity=float(similarity),
                program=program["program"],
                template=program["template"],
                name=program["name"],
                source=program["source"],
                audio=program["audio"],
            )
        )
    return found


def check_question(direction: str, k: int) -> None:
    """Raise an EarshotError unless there is such a direction, and k is at least 1."""
    if direction not in DIRECTIONS:
        raise EarshotError(
            f"There is no direction {direction!r}.", remedy=f"Give {', '.join(DIRECTIONS)}."
        )
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
