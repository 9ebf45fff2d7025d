"""From a sound to code: one that is given, picked in the corpus, or was rendered before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import favourites, workspace
from core.corpus import AlignmentRecord, Corpus
from core.corpus.filtering import filter_programs
from core.sonicpi import Clip
from pages.components import cache, program_card, favourite_controls, audio_player, formatting

if TYPE_CHECKING:
    from core.search.query import Neighbour

MAX_CLIP_OPTIONS = 30  # clips to pick from: words narrow them
AUDIO_SOURCE_LABELS = {"pick": "A clip of this corpus", "upload": "A file", "mine": "Your last rendering"}


def draw_audio_search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the choice of a sound, and the code that may make one like it."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        found, told = search_by_chosen_audio(corpus, alignment)
    with right:
        if found is None:
            st.info(told, icon=":material/graphic_eq:")
            return
        st.caption(
            f"The {formatting.format_count(len(found), 'program')} of {formatting.escape_markdown(corpus.name)} whose code lies"
            " nearest to this sound."
        )
        keys = favourite_controls.load_favourite_keys()
        for each in found:
            program_card.draw_neighbour(each, f"{each.rank}-{each.program_id}", corpus_and_favourites=(corpus.name, keys))


def search_by_chosen_audio(corpus: Corpus, alignment: AlignmentRecord) -> tuple[list[Neighbour] | None, str]:
    """Draw where the sound comes from; return what was found, or None and what to do."""
    ways = [way for way in AUDIO_SOURCE_LABELS if way != "upload" or not workspace.is_read_only()]
    way = st.segmented_control(
        "Sound",
        ways,
        default="pick",
        required=True,
        key="sound-from",
        format_func=AUDIO_SOURCE_LABELS.get,
        label_visibility="collapsed",
        persist_state="session",
    )
    if way == "pick":
        return search_by_corpus_clip(corpus, alignment)
    sound, name, digest = upload_audio_clip() if way == "upload" else get_last_rendering()
    if sound is not None:
        st.caption(f"The sound: {formatting.escape_markdown(name)}")
        audio_player.draw_clip_player(sound, name, "given")
    shown = choose_neighbour_count()
    if sound is None:
        return None, (
            "Give a sound: the code nearest to it comes here."
            if way == "upload"
            else "Render a snippet in “From code to sound” first."
        )
    return find_clip_neighbours(corpus, alignment, sound, digest, shown, "audio->code"), ""


def upload_audio_clip() -> tuple[Clip | None, str, str]:
    from core.search.audio_file import MAX_AUDIO_BYTES, read_audio

    given = st.file_uploader(
        "A sound",
        ["flac", "wav", "ogg", "mp3"],
        key="sound-file",
        max_upload_size=MAX_AUDIO_BYTES // 1_000_000,
        help="At most 20 MB and 2 minutes. It stays on this machine.",
    )
    if given is None:
        return None, "", ""
    data = given.getvalue()
    return read_audio(data, given.name), given.name, hashlib.sha256(data).hexdigest()


def get_last_rendering() -> tuple[Clip | None, str, str]:
    code, result = st.session_state.get("mine", ("", None))
    if result is None or result.clip is None:
        return None, "", ""
    return result.clip, "your last rendering", hashlib.sha256(code.encode()).hexdigest()


def search_by_corpus_clip(corpus: Corpus, alignment: AlignmentRecord) -> tuple[list[Neighbour] | None, str]:
    """Draw the clips that fit some words; find code for the one that is picked."""
    words = st.text_input(
        "Words",
        key="pick-words",
        placeholder="Words, or amp>0.5",
        icon=":material/search:",
        label_visibility="collapsed",
        persist_state="session",
        help="In the name or the code. `synth=saw` and `amp>0.5` compare parameters.",
    )
    rows = cache.load_programs(corpus)
    rows = filter_programs(
        rows, states=["ok"], query=words or "", search_texts=cache.load_search_texts(corpus) if words else None
    )
    options = _list_clip_options(corpus, rows, words or "")
    if not options:
        return None, "No clip fits these words."
    names = rows.set_index("program")["name"]
    chosen = st.selectbox(
        "Clip",
        options,
        key="picked-sound",
        format_func=lambda each: names.get(each, each),
        label_visibility="collapsed",
    )
    program = corpus.load_program(chosen)
    st.caption(
        f"{len(rows):,} fit."
        + (f" The first {MAX_CLIP_OPTIONS} are listed." if len(rows) > MAX_CLIP_OPTIONS else "")
    )
    audio_player.draw_file_player(program["audio"], program["name"], "given")
    shown = choose_neighbour_count()
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.query import find_program_neighbours

    aligned_corpus = open_aligned_corpus(corpus, alignment.id)
    return find_program_neighbours(aligned_corpus, chosen, shown, "audio->code"), ""


def _list_clip_options(corpus: Corpus, programs: pd.DataFrame, query: str) -> list[str]:
    """Programs to pick from: what is picked on the map and favourites first, unless searched."""
    there = set(programs["program"])
    first = []
    if not query:
        picked = st.session_state.get("kept:program")
        first = [each.program_id for each in favourites.load_favourites() if each.corpus_name == corpus.name]
        first = [each for each in (picked, *first) if each in there]
    return list(dict.fromkeys([*first, *programs["program"][:MAX_CLIP_OPTIONS]]))


def choose_neighbour_count() -> int:
    return st.select_slider(
        "Clips to find", (3, 5, 10, 20, 50), 5, key="shown", persist_state="session"
    )


def find_clip_neighbours(
    corpus: Corpus, alignment: AlignmentRecord, clip: Clip, clip_digest: str, k: int, direction: str
) -> list[Neighbour]:
    """What is nearest to a sound; `clip_digest` is told apart, so that none is heard twice."""
    key = (str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp, alignment.id, clip_digest)
    return _find_clip_neighbours(key, k, direction, clip, corpus)


@st.cache_data(max_entries=64, ttl=3600, show_spinner="Listening to it …")
def _find_clip_neighbours(
    cache_key: tuple[str, ...], k: int, direction: str, _clip: Clip, _corpus: Corpus
) -> list[Neighbour]:
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.query import find_audio_neighbours

    aligned_corpus = open_aligned_corpus(_corpus, cache_key[3])
    return find_audio_neighbours(aligned_corpus, _clip, k, direction)
