"""Search from a clip to code: a clip of the corpus, an uploaded file, or the rendered snippet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import favourites, workspace
from core.corpus import AlignmentRecord, Corpus
from core.corpus.program_filtering import filter_programs
from core.search.query_audio_decoding import MAX_AUDIO_BYTES, decode_audio_bytes
from core.sonicpi import Clip
from pages.components import (
    audio_player,
    markdown_and_errors,
    page_cache,
    program_filter_warnings,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.listen import confidence_badge, neighbour_card
from pages.listen.further_corpora_picker import draw_further_corpora_picker

if TYPE_CHECKING:
    from core.search.nearest_neighbour_queries import Neighbour
    from core.search.search_confidence import Confidence

MAX_CLIP_OPTIONS = 30  # Clips in the list; words narrow it.
AUDIO_SOURCE_LABELS = {
    "corpus": "A clip of this corpus",
    "file": "A file",
    "rendering": "Your last render",
}
QUERY_PLAYER_KEY = "query"


@dataclass(frozen=True)
class AudioQuery:
    """A clip to search with.

    Attributes
    ----------
    clip : Clip
    name : str
        Its file or origin.
    digest : str
        Identifies the clip: equal digests mean equal samples.
    """

    clip: Clip
    name: str
    digest: str


@dataclass(frozen=True)
class SearchOutcome:
    """What a search found, or what the user must do first.

    Attributes
    ----------
    neighbours : list of Neighbour or None
        None if there was nothing to search with.
    message : str
        What to do then.
    confidence : Confidence or None
        None where the alignment is not calibrated.
    """

    neighbours: list[Neighbour] | None = None
    message: str = ""
    confidence: Confidence | None = None


def draw_audio_search(selected: Selection) -> None:
    """Draw the choice of a clip, and the programs whose code is nearest to it."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        outcome = draw_clip_picker_and_search(selected)
    with right:
        if outcome.neighbours is None:
            st.info(outcome.message, icon=":material/graphic_eq:")
            return
        names = dict.fromkeys(neighbour.corpus_name for neighbour in outcome.neighbours)
        st.caption(
            f"The {markdown_and_errors.pluralize(len(outcome.neighbours), 'program')} of"
            f" {markdown_and_errors.escape_markdown(' and '.join(names))} whose code is"
            " nearest to this"
            " sound."
        )
        confidence_badge.draw_confidence_badge(outcome.confidence)
        neighbour_card.draw_neighbour_cards(outcome.neighbours)


def draw_clip_picker_and_search(selected: Selection) -> SearchOutcome:
    """Draw the choice of a clip and search with it."""
    sources = [
        source
        for source in AUDIO_SOURCE_LABELS
        if source != "file" or not workspace.is_workspace_read_only()
    ]
    source = st.segmented_control(
        "Sound",
        sources,
        default="corpus",
        required=True,
        key=session_keys.AUDIO_SOURCE.name,
        format_func=lambda option: AUDIO_SOURCE_LABELS[option],
        label_visibility="collapsed",
        persist_state="session",
    )
    if source == "corpus":
        return draw_corpus_clip_picker_and_search(selected)
    query = draw_query_clip_upload() if source == "file" else get_query_of_last_render()
    if query is not None:
        st.caption(f"The sound: {markdown_and_errors.escape_markdown(query.name)}")
        audio_player.draw_clip_player(query.clip, query.name, QUERY_PLAYER_KEY)
    neighbour_count = draw_neighbour_count_picker()
    selected, further_corpora = draw_further_corpora_picker(selected)
    if query is None:
        return SearchOutcome(
            message="Upload a sound to find the nearest code."
            if source == "file"
            else "Render a snippet in “From code to sound” first."
        )
    corpora = (selected.corpus, *further_corpora)
    return _embed_clip_and_search(
        corpora, selected.alignment, query.digest, neighbour_count, "audio->code", query.clip
    )


def draw_query_clip_upload() -> AudioQuery | None:
    """Draw the upload of a file; return it as a query.

    Raises
    ------
    EarshotError
        When the file is not audio, or too large.
    """
    file = st.file_uploader(
        "A sound",
        ["flac", "wav", "ogg", "mp3"],
        key=session_keys.AUDIO_FILE.name,
        max_upload_size=MAX_AUDIO_BYTES // 1_000_000,
        help="At most 20 MB and 2 minutes. It stays on this machine.",
    )
    if file is None:
        return None
    data = file.getvalue()
    return AudioQuery(
        decode_audio_bytes(data, file.name), file.name, hashlib.sha256(data).hexdigest()
    )


def get_query_of_last_render() -> AudioQuery | None:
    """Return the snippet that was rendered last as a query; None if there is none."""
    rendered = session_keys.SNIPPET_RENDERING.get_value()
    if rendered is None or rendered.rendering.clip is None:
        return None
    digest = hashlib.sha256(rendered.key.encode()).hexdigest()
    return AudioQuery(rendered.rendering.clip, "your last render", digest)


def draw_corpus_clip_picker_and_search(selected: Selection) -> SearchOutcome:
    """Draw the choice of a clip of the corpus and search with it."""
    corpus = selected.corpus
    words = st.text_input(
        "Words",
        key=session_keys.CLIP_QUERY.name,
        placeholder="Words, or amp>0.5",
        icon=":material/search:",
        label_visibility="collapsed",
        persist_state="session",
        help="Searches name and code. `synth=saw` and `amp>0.5` compare parameters.",
    )
    program_filter_warnings.draw_filter_query_problems(corpus, words or "")
    programs = filter_programs(
        page_cache.load_programs_with_forecast(corpus),
        states=["ok"],
        query=words or "",
        search_texts=page_cache.load_program_search_texts(corpus) if words else None,
    )
    options = _list_clip_options(corpus, programs, words or "")
    if not options:
        return SearchOutcome(message="No clip matches.")
    names = programs.set_index("program")["name"]
    program_id = st.selectbox(
        "Clip",
        options,
        key=session_keys.CLIP_CHOICE.name,
        format_func=lambda option: names.get(option, option),
        label_visibility="collapsed",
    )
    program = corpus.load_program(program_id)
    limit = f" The first {MAX_CLIP_OPTIONS} are listed." if len(programs) > MAX_CLIP_OPTIONS else ""
    verb = "matches" if len(programs) == 1 else "match"
    st.caption(f"{markdown_and_errors.pluralize(len(programs), 'clip')} {verb}.{limit}")
    audio_player.draw_audio_file_player(program["audio"], program["name"], QUERY_PLAYER_KEY)
    neighbour_count = draw_neighbour_count_picker()
    selected, further_corpora = draw_further_corpora_picker(selected)
    # Imports torch: the clips are drawn before.
    from core.search.multi_corpus_search import (
        find_program_neighbours_in_corpora,
        open_corpora_with_one_alignment,
    )
    from core.search.search_confidence import estimate_clip_confidence

    corpora = open_corpora_with_one_alignment([corpus, *further_corpora], selected.alignment)
    neighbours = find_program_neighbours_in_corpora(
        corpora, program_id, neighbour_count, "audio->code"
    )
    confidence = estimate_clip_confidence(corpora, program_id, neighbours)
    return SearchOutcome(neighbours, confidence=confidence)


def _list_clip_options(corpus: Corpus, programs: pd.DataFrame, query: str) -> list[str]:
    """List clips to choose from: without a query, first the program of the map and favourites."""
    first_ids: list[str] = []
    if not query:
        candidates = [
            session_keys.PROGRAM.get_session_value() or "",
            *(
                favourite.program_id
                for favourite in favourites.load_favourites()
                if favourite.corpus_name == corpus.name
            ),
        ]
        existing_ids = set(programs["program"])
        first_ids = [program_id for program_id in candidates if program_id in existing_ids]
    return list(dict.fromkeys([*first_ids, *programs["program"][:MAX_CLIP_OPTIONS]]))


def draw_neighbour_count_picker() -> int:
    """Draw the choice of how many clips a search shows."""
    return st.select_slider(
        "Clips to show",
        (3, 6, 10, 20, 50),
        session_keys.NEIGHBOUR_COUNT.default,
        key=session_keys.NEIGHBOUR_COUNT.name,
        persist_state="session",
    )


def find_clip_neighbours(
    selected: Selection,
    query: AudioQuery,
    k: int,
    direction: str,
    further_corpora: Sequence[Corpus] = (),
) -> list[Neighbour]:
    """Find the programs nearest to a clip; the same clip is embedded only once.

    Parameters
    ----------
    selected : Selection
    query : AudioQuery
    k : int
        Number of programs.
    direction : {"audio->code", "audio->audio"}
    further_corpora : sequence of Corpus
        Searched as well.
    """
    corpora = (selected.corpus, *further_corpora)
    outcome = _embed_clip_and_search(
        corpora, selected.alignment, query.digest, k, direction, query.clip
    )
    return outcome.neighbours or []


@page_cache.cache_until_inputs_change(64, spinner="Embedding the sound …")
def _embed_clip_and_search(
    corpora: tuple[Corpus, ...],
    alignment: AlignmentRecord,
    clip_digest: str,  # noqa: ARG001 (the cache compares it instead of the clip)
    k: int,
    direction: str,
    _clip: Clip,
) -> SearchOutcome:
    # Imports torch: the page is drawn before.
    from core.search.multi_corpus_search import (
        find_audio_neighbours_in_corpora,
        open_corpora_with_one_alignment,
    )
    from core.search.search_confidence import estimate_clip_confidence

    aligned_corpora = open_corpora_with_one_alignment(corpora, alignment)
    neighbours = find_audio_neighbours_in_corpora(aligned_corpora, _clip, k, direction)
    confidence = None
    if direction == "audio->code":
        confidence = estimate_clip_confidence(aligned_corpora, _clip, neighbours)
    return SearchOutcome(neighbours, confidence=confidence)
