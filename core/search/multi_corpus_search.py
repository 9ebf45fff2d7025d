"""Search of several corpora at once, in the shared space of one alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.corpus import AlignmentRecord, Corpus
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.alignment_choice_for_other_corpora import (
    choose_prediction_alignment,
    make_corpus_not_embedded_error,
    make_no_common_alignment_error,
)
from core.search.corpus_encoder_records import has_embeddings_of_alignment
from core.search.embedded_corpus import EmbeddedCorpus
from core.search.nearest_neighbour_queries import (
    Neighbour,
    find_audio_neighbours,
    find_embedding_neighbours,
    find_neighbours,
    find_program_neighbours,
)
from core.sonicpi.audio_clip_and_render_result import Clip


def open_corpora_with_one_alignment(
    corpora: Sequence[Corpus], alignment: AlignmentRecord | None = None
) -> list[AlignedCorpus]:
    """Open corpora in the shared space of one alignment, so that their similarities compare.

    Parameters
    ----------
    corpora : sequence of Corpus
        At least one.
    alignment : AlignmentRecord, optional
        Of any corpus. Default: as `choose_prediction_alignment` chooses.

    Returns
    -------
    list of AlignedCorpus
        In the order of `corpora`.

    Raises
    ------
    EarshotError
        When a corpus is not embedded by the alignment's encoders, or there is no such alignment.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> aligned_corpora = open_corpora_with_one_alignment([Corpus.open("starter")])
    >>> [found.corpus_name for found in find_neighbours_in_corpora(aligned_corpora, "play 60", 1)]
    ['starter']
    """
    if alignment is None:
        choice = choose_prediction_alignment(corpora)
        if choice is None:
            raise make_no_common_alignment_error(corpora)
        alignment = choice.load_chosen_alignment_record(corpora[0])
    for corpus in corpora:
        is_own = alignment.path.is_relative_to(corpus.path)  # Opening it explains what is missing.
        if not is_own and not has_embeddings_of_alignment(corpus, alignment):
            raise make_corpus_not_embedded_error(corpus, alignment)
    return [open_aligned_corpus(corpus, alignment) for corpus in corpora]


def find_neighbours_in_corpora(
    embedded_corpora: Sequence[EmbeddedCorpus],
    snippet: str,
    k: int = 5,
    direction: str = "code->audio",
) -> list[Neighbour]:
    """Find the programs of several corpora whose clips a snippet will sound like.

    Parameters
    ----------
    embedded_corpora : sequence of EmbeddedCorpus
        In one shared space: as `open_corpora_with_one_alignment` opens them.
    snippet, k, direction
        As for `find_neighbours`.

    Returns
    -------
    list of Neighbour
        Nearest first. A program that several corpora hold is returned once, of the first of them.

    Raises
    ------
    SilentSnippetError, EarshotError
        As `find_neighbours`.
    """
    return merge_ranked_neighbour_lists(
        [find_neighbours(corpus, snippet, k, direction) for corpus in embedded_corpora], k
    )


def find_audio_neighbours_in_corpora(
    embedded_corpora: Sequence[EmbeddedCorpus],
    clip: Clip,
    k: int = 5,
    direction: str = "audio->code",
) -> list[Neighbour]:
    """Find the programs of several corpora nearest to a clip, which is embedded only once.

    Parameters, returned list and errors are those of
    `core.search.nearest_neighbour_queries.find_audio_neighbours`, for corpora as
    `open_corpora_with_one_alignment` opens them.
    """
    first, *others = embedded_corpora
    neighbour_lists = [find_audio_neighbours(first, clip, k, direction)]
    if others:
        embedding = first.embed_clip(clip)
        neighbour_lists += [
            find_embedding_neighbours(corpus, embedding, k, direction) for corpus in others
        ]
    return merge_ranked_neighbour_lists(neighbour_lists, k)


def find_program_neighbours_in_corpora(
    embedded_corpora: Sequence[EmbeddedCorpus],
    program_id: str,
    k: int = 5,
    direction: str = "audio->audio",
) -> list[Neighbour]:
    """Find the programs of several corpora nearest to a program of the first, without that one.

    Parameters, returned list and errors are those of
    `core.search.nearest_neighbour_queries.find_program_neighbours`, for corpora as
    `open_corpora_with_one_alignment` opens them.
    """
    first, *others = embedded_corpora
    neighbour_lists = [find_program_neighbours(first, program_id, k, direction)]
    row = first.row_by_program[program_id]
    pairs = first.pairs
    from_code = direction.startswith("code->")
    embedding = (pairs.code_embeddings if from_code else pairs.audio_embeddings)[row : row + 1]
    for corpus in others:
        own_row = corpus.row_by_program.get(program_id)
        neighbour_lists.append(find_embedding_neighbours(corpus, embedding, k, direction, own_row))
    return merge_ranked_neighbour_lists(neighbour_lists, k)


def merge_ranked_neighbour_lists(
    neighbour_lists: Sequence[Sequence[Neighbour]], k: int
) -> list[Neighbour]:
    """Return the k nearest of several lists, ranked anew; each program only once."""
    merged = sorted(
        (neighbour for neighbours in neighbour_lists for neighbour in neighbours),
        key=lambda neighbour: -neighbour.similarity,
    )
    by_program = {neighbour.program_id: neighbour for neighbour in reversed(merged)}
    unique = [neighbour for neighbour in merged if by_program[neighbour.program_id] is neighbour]
    return [replace(neighbour, rank=rank) for rank, neighbour in enumerate(unique[:k], 1)]
