"""From a sound to code: one that is given, picked in the corpus, or was rendered before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import favourites, workspace
from core.corpus import AlignmentRecord, Corpus
from core.corpus.filtering import matching
from core.sonicpi import Clip
from pages.components import cache, program_card, favourite_controls, audio_player, formatting

if TYPE_CHECKING:
    from core.search.query import Neighbour

MOST_FOUND = 30  # clips to pick from: words narrow them
SOURCES = {"pick": "A clip of this corpus", "upload": "A file", "mine": "Your last rendering"}


def search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the choice of a sound, and the code that may make one like it."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        found, told = choose(corpus, alignment)
    with right:
        if found is None:
            st.info(told, icon=":material/graphic_eq:")
            return
        st.caption(
            f"The {formatting.count(len(found), 'program')} of {formatting.plain(corpus.name)} whose code lies"
            " nearest to this sound."
        )
        keys = favourite_controls.keys()
        for each in found:
            program_card.neighbour(each, f"{each.rank}-{each.program}", star=(corpus.name, keys))


def choose(corpus: Corpus, alignment: AlignmentRecord) -> tuple[list[Neighbour] | None, str]:
    """Draw where the sound comes from; return what was found, or None and what to do."""
    ways = [way for way in SOURCES if way != "upload" or not workspace.read_only()]
    way = st.segmented_control(
        "Sound",
        ways,
        default="pick",
        required=True,
        key="sound-from",
        format_func=SOURCES.get,
        label_visibility="collapsed",
        persist_state="session",
    )
    if way == "pick":
        return pick(corpus, alignment)
    sound, name, digest = upload() if way == "upload" else rendered()
    if sound is not None:
        st.caption(f"The sound: {formatting.plain(name)}")
        audio_player.clip(sound, name, "given")
    shown = how_many()
    if sound is None:
        return None, (
            "Give a sound: the code nearest to it comes here."
            if way == "upload"
            else "Render a snippet in “From code to sound” first."
        )
    return neighbours_by_sound(corpus, alignment, sound, digest, shown, "audio->code"), ""


def upload() -> tuple[Clip | None, str, str]:
    from core.search.audio_query import MOST_BYTES, read_sound

    given = st.file_uploader(
        "A sound",
        ["flac", "wav", "ogg", "mp3"],
        key="sound-file",
        max_upload_size=MOST_BYTES // 1_000_000,
        help="At most 20 MB and 2 minutes. It stays on this machine.",
    )
    if given is None:
        return None, "", ""
    data = given.getvalue()
    return read_sound(data, given.name), given.name, hashlib.sha256(data).hexdigest()


def rendered() -> tuple[Clip | None, str, str]:
    code, result = st.session_state.get("mine", ("", None))
    if result is None or result.clip is None:
        return None, "", ""
    return result.clip, "your last rendering", hashlib.sha256(code.encode()).hexdigest()


def pick(corpus: Corpus, alignment: AlignmentRecord) -> tuple[list[Neighbour] | None, str]:
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
    rows = cache.programs_of(corpus)
    rows = matching(
        rows, states=["ok"], text=words or "", searched=cache.searched(corpus) if words else None
    )
    options = _options(corpus, rows, words or "")
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
    program = corpus.program(chosen)
    st.caption(
        f"{len(rows):,} fit."
        + (f" The first {MOST_FOUND} are listed." if len(rows) > MOST_FOUND else "")
    )
    audio_player.clip_file(program["audio"], program["name"], "given")
    shown = how_many()
    from core.search.query import neighbours_of

    return neighbours_of(corpus.name, chosen, shown, alignment.id, "audio->code"), ""


def _options(corpus: Corpus, rows: pd.DataFrame, words: str) -> list[str]:
    """Programs to pick from: what is picked on the map and favourites first, unless searched."""
    there = set(rows["program"])
    first = []
    if not words:
        picked = st.session_state.get("kept:program")
        first = [each.program for each in favourites.favourites() if each.corpus == corpus.name]
        first = [each for each in (picked, *first) if each in there]
    return list(dict.fromkeys([*first, *rows["program"][:MOST_FOUND]]))


def how_many() -> int:
    return st.select_slider(
        "Clips to find", (3, 5, 10, 20, 50), 5, key="shown", persist_state="session"
    )


def neighbours_by_sound(
    corpus: Corpus, alignment: AlignmentRecord, sound: Clip, digest: str, k: int, direction: str
) -> list[Neighbour]:
    """What is nearest to a sound; `digest` is told apart, so that none is heard twice."""
    key = (str(workspace.root()), corpus.name, corpus.change_stamp, alignment.id, digest)
    return _by_sound(key, k, direction, sound)


@st.cache_data(max_entries=64, ttl=3600, show_spinner="Listening to it …")
def _by_sound(key: tuple[str, ...], k: int, direction: str, _sound: Clip) -> list[Neighbour]:
    from core.search.audio_query import neighbours_of_sound

    return neighbours_of_sound(key[1], _sound, k, key[3], direction)
