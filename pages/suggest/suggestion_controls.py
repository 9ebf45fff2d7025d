"""Controls of page Suggest: how candidates are made and picked, and the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core import favourites
from core.corpus import Corpus, get_local_clip_file
from core.errors import EarshotError
from pages.components import session_keys
from pages.components.url_bound_segmented_control import draw_choice_bound_to_url

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.sound_target import SoundTarget

# The URL holds these labels, so a new text needs an entry for old bookmarks.
MODE_LABELS = {
    "diverse": "Diverse",
    "cover": "Cover",
    "toward": "Toward",
    "away": "Away",
}
MODE_HELP = (
    "Diverse: as different as possible. Cover: representatives of all candidates. Toward: nearest"
    " to a target. Away: farthest from the program."
)
TARGET_LABELS = {
    "words": "Words",
    "favourite": "Favourite",
    "clip": "Clip of the corpus",
    "upload": "Sound file",
}
BAR_CHOICES = (1, 2, 4, 8)


@dataclass(frozen=True)
class SuggestionControls:
    """Values of the controls.

    Attributes
    ----------
    mode : {"diverse", "cover", "toward", "away"}
    kinds : tuple of str
        Kinds of changes; empty for all.
    wildness : float
        0 to 1.
    bars : int
        Length of the loops.
    """

    mode: str
    kinds: tuple[str, ...]
    wildness: float
    bars: int


def draw_suggestion_controls() -> SuggestionControls:
    """Draw mode, kinds, wildness and bars."""
    from core.suggest.code_edit import EDIT_KINDS

    bars_key = session_keys.SUGGESTION_BARS
    with st.container(horizontal=True, vertical_alignment="center"):
        mode = draw_choice_bound_to_url(
            "Mode", MODE_LABELS, session_keys.SUGGESTION_MODE, MODE_HELP
        )
        with st.popover("Changes", icon=":material/tune:"):
            kinds = st.multiselect(
                "Kinds of changes",
                EDIT_KINDS,
                key=session_keys.SUGGESTION_KINDS.name,
                placeholder="All kinds",
                persist_state="session",
            )
            wildness = st.slider(
                "Wildness",
                0.0,
                1.0,
                step=0.1,
                key=session_keys.SUGGESTION_WILDNESS.name,
                help="0: one change per version; 1: up to six.",
                persist_state="session",
            )
            bars = st.segmented_control(
                "Bars per loop",
                BAR_CHOICES,
                default=None if bars_key.is_set() else bars_key.default,
                required=True,
                key=bars_key.name,
                persist_state="session",
            )
    return SuggestionControls(mode, tuple(kinds), float(wildness), int(bars or bars_key.default))


def get_chosen_target_key() -> tuple[str, ...]:
    """Return what names the target that the controls show; empty without one.

    It is known before the controls are drawn, and before a sound is decoded.
    """
    if session_keys.SUGGESTION_MODE.get_value() != "toward":
        return ()
    kind = session_keys.SUGGESTION_TARGET.get_value()
    if kind == "words":
        return (kind, session_keys.SUGGESTION_WORDS.get_value())
    if kind == "clip":
        return (kind, session_keys.SUGGESTION_CLIP.get_value())
    if kind == "favourite":
        return (kind, *_get_chosen_favourite_clip())
    upload = session_keys.SUGGESTION_UPLOAD.get_value()
    return () if upload is None else (kind, upload.file_id)


def _get_chosen_favourite_clip() -> tuple[str, ...]:
    index, all_favourites = (
        session_keys.SUGGESTION_FAVOURITE.get_value(),
        favourites.load_favourites(),
    )
    if index is None or index >= len(all_favourites):
        return ()
    return (all_favourites[index].corpus_name, all_favourites[index].program_id)


def draw_target_controls(aligned_corpus: AlignedCorpus) -> SoundTarget | None:
    """Draw the choice of a target for the mode toward; return None while nothing is chosen.

    Raises
    ------
    EarshotError
        When words or a clip are unknown, or a file is not a sound.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            "Target",
            list(TARGET_LABELS),
            format_func=TARGET_LABELS.__getitem__,
            key=session_keys.SUGGESTION_TARGET.name,
            width=170,
            persist_state="session",
        )
        if kind == "words":
            return _draw_word_target()
        if kind == "favourite":
            return _draw_favourite_target(aligned_corpus)
        if kind == "clip":
            return _draw_clip_target(aligned_corpus)
        return _draw_upload_target(aligned_corpus)


def _draw_word_target() -> SoundTarget | None:
    from core.suggest.sound_target import (
        WORD_DIRECTIONS,
        parse_target_from_words,
        split_target_words,
    )

    if not session_keys.SUGGESTION_WORDS.is_set():
        session_keys.SUGGESTION_WORDS.set_value(session_keys.SUGGESTION_WORDS.default)
    text = st.text_input(
        "Words",
        key=session_keys.SUGGESTION_WORDS.name,
        help="Such as: darker, busier, louder, higher, wider, noisier, faster, fuller.",
        persist_state="session",
    )
    for word in split_target_words(text):
        if word not in WORD_DIRECTIONS:
            raise EarshotError(
                f"“{word}” is not one of the words for a target.",
                remedy=f"The words are: {', '.join(WORD_DIRECTIONS)}.",
            )
    return parse_target_from_words(text) if split_target_words(text) else None


def _draw_favourite_target(aligned_corpus: AlignedCorpus) -> SoundTarget | None:
    from core.sonicpi import Clip
    from core.suggest.sound_target import make_target_from_clip

    all_favourites = favourites.load_favourites()
    index = st.selectbox(
        "Favourite",
        range(len(all_favourites)),
        index=None,
        format_func=lambda index: all_favourites[index].name,
        key=session_keys.SUGGESTION_FAVOURITE.name,
        placeholder="Choose a favourite …" if all_favourites else "No favourites yet",
    )
    if index is None or index >= len(all_favourites):
        return None
    favourite = all_favourites[index]
    audio_path = Corpus.open(favourite.corpus_name).load_program(favourite.program_id)["audio"]
    if not audio_path:
        raise EarshotError(
            f"The favourite {favourite.name!r} has no clip.",
            remedy="Build its corpus again to render it.",
        )
    clip = Clip.load(get_local_clip_file(audio_path))
    return make_target_from_clip(aligned_corpus, clip, favourite.name)


def _draw_clip_target(aligned_corpus: AlignedCorpus) -> SoundTarget | None:
    from core.suggest.sound_target import find_target_of_corpus_program

    name = st.text_input(
        "Name or id of a program", key=session_keys.SUGGESTION_CLIP.name, persist_state="session"
    ).strip()
    if not name:
        return None
    target = find_target_of_corpus_program(aligned_corpus, name)
    if target is None:
        raise EarshotError(
            f"There is no program {name[:60]!r} with a clip in this corpus.",
            remedy="The page Corpus lists the names.",
        )
    return target


def _draw_upload_target(aligned_corpus: AlignedCorpus) -> SoundTarget | None:
    from core.search.query_audio_decoding import decode_audio_bytes
    from core.suggest.sound_target import make_target_from_clip

    upload = st.file_uploader(
        "Sound file", type=["wav", "flac", "ogg", "mp3"], key=session_keys.SUGGESTION_UPLOAD.name
    )
    if upload is None:
        return None
    clip = decode_audio_bytes(upload.getvalue(), upload.name)
    return make_target_from_clip(aligned_corpus, clip, upload.name)
