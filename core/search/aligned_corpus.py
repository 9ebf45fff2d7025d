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
    AlignedCorpus,
    check_embedding_revision,
    resolve_encoder_ids,
    make_encoder_record,
    open_aligned_corpus,
)

INDEX_CACHE_SIZE = 2  # alignments whose projected programs stay in memory
CROSS_MODAL_DIRECTIONS = ("code->audio", "audio->code")
SAME_MODALITY_DIRECTIONS = ("code->code", "audio->audio")
DIRECTIONS = CROSS_MODAL_DIRECTIONS + SAME_MODALITY_DIRECTIONS


@dataclass(frozen=True)
class Neighbour:
    """A program near to what was asked for.

    Attributes
    ----------
    rank : int
        1 is the nearest.
    similarity : float
        Cosine, in [-1, 1].
    program_id : str
        Its id.
    template, name, source : str
    audio_path : str
        Absolute path of its clip.
    """

    rank: int
    similarity: float
    program_id: str
    template: str
    name: str
    source: str
    audio_path: str


class SearchIndex:
    """A corpus's pairs and, once asked for, the indices that find neighbours among them."""

    def __init__(self, corpus: Corpus, aligned_corpus: AlignedCorpus | None):
        self.corpus, self.aligned_corpus = corpus, aligned_corpus
        if aligned_corpus is None:
            code, audio = resolve_encoder_ids(corpus)
            self.pairs = corpus.load_embedding_pairs(code, audio)
            self.encoder_records = {
                "code": make_encoder_record(code, self.pairs.code_embeddings.shape[1]),
                "audio": make_encoder_record(audio, self.pairs.audio_embeddings.shape[1]),
            }
            for encoder in self.encoder_records.values():
                check_embedding_revision(corpus, encoder["id"], encoder["revision"])
        else:
            self.pairs = aligned_corpus.load_embedding_pairs()
            self.encoder_records = {"code": aligned_corpus.code_encoder_record, "audio": aligned_corpus.audio_encoder_record}
        if not len(self.pairs):
            raise EarshotError(
                f"Corpus '{corpus.name}' has no program with a clip and embeddings.",
                remedy=f"To build it: ./run build {corpus.name}",
            )
        self.row_by_program = {program: row for row, program in enumerate(self.pairs.program_ids)}

    @cached_property
    def shared_code_index(self) -> CosineIndex:
        return CosineIndex(self.aligned_corpus.project_code(self.pairs.code_embeddings))

    @cached_property
    def shared_audio_index(self) -> CosineIndex:
        return CosineIndex(self.aligned_corpus.project_audio(self.pairs.audio_embeddings))

    @cached_property
    def raw_code_index(self) -> CosineIndex:
        return CosineIndex(self.pairs.code_embeddings)

    @cached_property
    def raw_audio_index(self) -> CosineIndex:
        return CosineIndex(self.pairs.audio_embeddings)

    def find_nearest_rows(
        self, query_embedding: np.ndarray, k: int, direction: str, excluded_row: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows nearest to one raw embedding [1, d], and how similar they are: [k] and [k]."""
        own = None if excluded_row is None else np.array([excluded_row])
        if direction == "code->audio":
            index, query = self.shared_audio_index, self.aligned_corpus.project_code(query_embedding)
        elif direction == "audio->code":
            index, query = self.shared_code_index, self.aligned_corpus.project_audio(query_embedding)
        elif direction == "code->code":
            index, query = self.raw_code_index, query_embedding
        else:
            index, query = self.raw_audio_index, query_embedding
        rows, similarities = index.query(query, k, excluded_rows=own)
        return rows[0], similarities[0]


def load_search_index(corpus_name: str, alignment_id: str | None, direction: str) -> SearchIndex:
    """The space to search, from memory unless the corpus has changed since."""
    corpus = Corpus.open(corpus_name)
    if alignment_id is None:
        newest = corpus.load_newest_alignment()
        alignment_id = newest.id if newest else None
    if alignment_id is None and direction in CROSS_MODAL_DIRECTIONS:
        open_aligned_corpus(corpus_name)  # says that there is none and how to train one
    return _load_cached_index(corpus_name, str(corpus.path), alignment_id, _stat_database_files(corpus))


@lru_cache(maxsize=INDEX_CACHE_SIZE)
def _load_cached_index(corpus_name: str, corpus_path: str, alignment_id: str | None, change_stamp: tuple) -> SearchIndex:
    # `path` and `state` are there for the key: another workspace, or new programs.
    if alignment_id is None:
        return SearchIndex(Corpus.open(corpus_name), None)
    aligned = open_aligned_corpus(corpus_name, alignment_id)
    return SearchIndex(aligned.corpus, aligned)


def _stat_database_files(corpus: Corpus) -> tuple:
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


def load_encoder_at_revision(encoder_record: dict) -> encoders.Encoder:
    """The encoder that the corpus was embedded with: "id" and "revision".

    Raises
    ------
    EarshotError
        When it is here in another revision.
    """
    loaded = encoders.get_encoder(encoder_record["id"])
    if loaded.spec.revision != encoder_record["revision"]:
        raise EarshotError(
            f"{encoder_record['id']} is here as revision {loaded.spec.revision}, the corpus was"
            f" embedded by {encoder_record['revision']}.",
            remedy="Embed the corpus again and train again.",
        )
    return loaded


def embed_snippet(snippet: str, encoder_record: dict) -> np.ndarray:
    """Embed a snippet with the encoder that the corpus was embedded with: float32 [1, d]."""
    query = _embed_snippet_cached(load_encoder_at_revision(encoder_record), snippet)
    if query.shape != (1, encoder_record["dim"]):
        raise EarshotError(
            f"{encoder_record['id']} gave a vector of shape {list(query.shape)}, the corpus has"
            f" {encoder_record['dim']} dimensions.",
            remedy="Embed the corpus again and train again.",
        )
    return query


@lru_cache(maxsize=8)  # a snippet's neighbours are asked for, and then how sure they are
def _embed_snippet_cached(encoder: encoders.Encoder, snippet: str) -> np.ndarray:
    return np.asarray(encoder.embed([snippet]), dtype=np.float32)


def build_neighbours(search_index: SearchIndex, rows: np.ndarray, similarities: np.ndarray) -> list[Neighbour]:
    """Rows of a space, nearest first, with what is known of their programs."""
    found = []
    for rank, (row, similarity) in enumerate(zip(rows, similarities, strict=True), 1):
        program = search_index.corpus.load_program(search_index.pairs.program_ids[row])
        found.append(
            Neighbour(
                rank=rank,
                similarity=float(similarity),
                program_id=program["program"],
                template=program["template"],
                name=program["name"],
                source=program["source"],
                audio_path=program["audio"],
            )
        )
    return found


def validate_query(direction: str, k: int) -> None:
    """Raise an EarshotError unless there is such a direction, and k is at least 1."""
    if direction not in DIRECTIONS:
        raise EarshotError(
            f"There is no direction {direction!r}.", remedy=f"Give {', '.join(DIRECTIONS)}."
        )
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
