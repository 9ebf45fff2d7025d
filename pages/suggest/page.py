"""Page Suggest: versions of a program, chosen by ear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import workspace
from core.errors import EarshotError
from pages.components import (
    audition_http_routes,
    audition_player,
    code_editor,
    corpus_and_alignment_picker,
    example_snippet_picker,
    followed_file_or_workspace_picker,
    markdown_and_errors,
    page_header_and_sidebar,
    session_keys,
    slider_http_routes,
    sonic_pi_buttons,
    target_comparison_http_routes,
)
from pages.components.audition_player import AuditionView, build_version_key
from pages.components.corpus_and_alignment_picker import Selection
from pages.suggest import language_model_panel, suggestion_controls, suggestion_state
from pages.suggest.suggestion_state import SuggestionState

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.sound_target import SoundTarget
    from pages.suggest.suggested_version_building import SuggestedVersions
    from pages.suggest.suggestion_controls import SuggestionControls

AUDITION_KEY = "suggest-audition"
# A large window shows more lines; on a phone, the cards are near.
EDITOR_HEIGHT = "min(52vh, 45vw)"  # As in style.css.
ALL_ACTIONS = ("take", "more", "different", "render", "undo", "go")
# Nothing can be rendered without a program that sounds.
ACTIONS_WITHOUT_PICKS = ("render", "undo", "go")


def draw_page() -> None:
    """Draw the page."""
    if session_keys.IS_NEW_PAGE.get_value():  # Here: a run of the fragment alone is not a visit.
        session_keys.IS_SUGGEST_JUST_OPENED.set_value(True)
    if not workspace.is_workspace_read_only():
        with markdown_and_errors.catch_and_show_errors():
            audition_http_routes.open_audition_clips()  # Starts the render workers.
    corpus_and_alignment_picker.draw_alignment_page("Suggest", draw_suggestions, "suggestion")


@st.fragment
def draw_suggestions(selected: Selection) -> None:
    """Draw the code on the left, and its versions on the right."""
    left, right = st.columns([5, 8], gap="medium")
    # Once per run: the editor is drawn before the controls of the target.
    slider_key = SliderKey(selected, suggestion_controls.get_chosen_target_key())
    with left:
        if followed_file_or_workspace_picker.is_following_file_or_workspace():
            code = followed_file_or_workspace_picker.draw_followed_code()
            current = _record_followed_code(suggestion_state.load_suggestion_state(code), code)
        else:
            code, current = _draw_editor(slider_key)
        followed_file_or_workspace_picker.draw_follow_control()
        sonic_pi_buttons.draw_sonic_pi_buttons(code, "suggest")
        if workspace.is_workspace_read_only():
            st.caption(":material/visibility: Read-only: nothing is rendered, so nothing plays.")
    with right, markdown_and_errors.catch_and_show_errors():
        _draw_versions(slider_key, current, code)


def _draw_editor(slider_key: SliderKey) -> tuple[str, SuggestionState]:
    """Draw the editor; return its code and the state after what the user did in it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        example_snippet_picker.draw_example_picker(
            session_keys.SUGGESTION_EXAMPLE, suggestion_state.restart_from_program
        )
        is_showing = st.toggle(
            "Sensitivity",
            key=session_keys.IS_SHOWING_SENSITIVITY.name,
            help="Underlines each literal by how far it moves the predicted sound. Click one, or"
            " press Alt+Enter in it, for a slider.",
            persist_state="session",
        )
    build_slider_url = slider_key.build_slider_url if is_showing else None
    with st.container(key="suggest-editor"):
        code = code_editor.draw_code_editor(
            build_slider_url=build_slider_url, growing_height=EDITOR_HEIGHT
        )
    current = suggestion_state.load_suggestion_state(code)
    if code_editor.take_render_request():
        current = _record_edited_code(current, session_keys.SNIPPET_CHANGE_WORDS.get_value())
    return code, _start_from_restored_code(current, code)


@dataclass(frozen=True)
class SliderKey:
    """What the predictions of the sliders depend on beside the code.

    Attributes
    ----------
    selected : Selection
    target_key : tuple of str
        By `suggestion_controls.get_chosen_target_key`.
    """

    selected: Selection
    target_key: tuple[str, ...]

    @property
    def corpus_key(self) -> tuple[str, ...]:
        """What names the state of the corpus, and the alignment."""
        corpus = self.selected.corpus
        return (str(corpus.path), corpus.change_stamp, self.selected.alignment.id)

    def build_program_key(self, code: str) -> str:
        """Return the key under which the program is registered."""
        return slider_http_routes.build_program_key(self.corpus_key, code, self.target_key)

    def build_slider_url(self, code: str) -> str:
        """Return the URL of the sliders of a program."""
        return slider_http_routes.build_slider_url(self.build_program_key(code))


def _record_followed_code(current: SuggestionState, code: str) -> SuggestionState:
    """Go on from the followed code whenever it was saved anew."""
    if not code.strip() or code == session_keys.SUGGESTION_FOLLOWED_CODE.get_value():
        return current
    session_keys.SUGGESTION_FOLLOWED_CODE.set_value(code)
    if code == current.tree.current.source:
        return current
    return current.make_state_for_choice_tree(
        current.tree.add_choice(code, "Saved in the followed file")
    )


def _start_from_restored_code(current: SuggestionState, code: str) -> SuggestionState:
    """Start from the code that the browser restores after the first run of a session."""
    is_untouched = len(current.tree.choices) == 1 and current.seed == 0 and current.liked is None
    if is_untouched and current.tree.current.source == code_editor.FIRST_SNIPPET != code:
        suggestion_state.restart_from_program(code)
        return suggestion_state.load_suggestion_state(code)
    return current


# -- the versions -----------------------------------------------------------------------------


def _draw_versions(slider_key: SliderKey, current: SuggestionState, code: str) -> None:
    # Imports torch: the editor is drawn before.
    from core.search.aligned_corpus import open_aligned_corpus
    from pages.suggest.suggested_version_building import MAX_SUGGESTED_CHARS

    selected = slider_key.selected
    controls = suggestion_controls.draw_suggestion_controls()
    current = language_model_panel.draw_language_model_panel(current)
    aligned_corpus = open_aligned_corpus(selected.corpus, selected.alignment)
    target = None
    if controls.mode == "toward":
        with markdown_and_errors.catch_and_show_errors():
            target = suggestion_controls.draw_target_controls(aligned_corpus)
        if target is None:
            st.caption("Choose a target; until then the versions are diverse.")
    if current.liked is not None:
        st.caption(
            f":material/favorite: Like: {markdown_and_errors.escape_markdown(current.liked.title)}."
            " Press d for different ones."
        )
    suggested = _suggest_or_explain(aligned_corpus, selected, controls, current, target)
    if session_keys.IS_SHOWING_SENSITIVITY.get_value() and len(code) <= MAX_SUGGESTED_CHARS:
        slider_http_routes.get_predicted_programs().register_program_for_sliders(
            slider_key.build_program_key(code),
            aligned_corpus,
            code,
            suggested.candidate_map if suggested else None,
            target if suggested else None,  # Words without a forecast lead nowhere.
        )
    versions, points = (suggested.versions, suggested.points) if suggested else ((), ())
    session_keys.SUGGESTION_STATE.set_value(replace(current, versions=versions))
    view = AuditionView(
        controls.bars,
        points,
        [
            {
                "id": choice.id,
                "words": choice.words,
                "depth": depth,
                "isCurrent": choice.id == current.tree.current_id,
            }
            for depth, choice in current.tree.list_rows_with_depth()
        ],
        ALL_ACTIONS if len(versions) > 1 else ACTIONS_WITHOUT_PICKS,
        code != current.tree.current.source,
        # "More like this" leads to the liked version, and not to the target.
        target_key=target_comparison_http_routes.get_target_comparisons().register_target(
            slider_key.corpus_key, aligned_corpus, target
        )
        if target is not None and target.vector is not None and current.liked is None
        else "",
    )
    if view.is_edited:
        st.caption(":material/edit: The code has changed. Press r to suggest from it.")
    audition_player.draw_audition_player(versions, view, AUDITION_KEY, _handle_audition_action)


def _suggest_or_explain(
    aligned_corpus: AlignedCorpus,
    selected: Selection,
    controls: SuggestionControls,
    current: SuggestionState,
    target: SoundTarget | None,
) -> SuggestedVersions | None:
    """Suggest versions; draw why there are none and return None where it is impossible."""
    from core.search.silent_snippet_check import SilentSnippetError
    from pages.suggest.suggested_version_building import MAX_SUGGESTED_CHARS, suggest_versions

    source = current.tree.current.source
    if not source.strip():
        st.info("Write some Sonic Pi code, or start from an example.", icon=":material/edit:")
        return None
    try:
        if len(source) > MAX_SUGGESTED_CHARS:
            raise EarshotError(
                f"The program has {len(source):,} characters.",
                remedy=f"Suggest needs at most {MAX_SUGGESTED_CHARS:,}: shorten it.",
            )
        suggested = suggest_versions(
            aligned_corpus, selected.alignment.id, controls, current, target
        )
    except SilentSnippetError as error:
        markdown_and_errors.show_why_snippet_is_silent(error.message)
        return None
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        return None
    if suggested.dropped_words:
        st.caption(f"Language model: left out {suggested.dropped_words}.")
    _draw_missing_picks_notice(len(suggested.versions) - 1)
    return suggested


def _draw_missing_picks_notice(pick_count: int) -> None:
    if pick_count == 0:
        st.info(
            "No other version of this code was found: allow more kinds of changes, or add sounds.",
            icon=":material/info:",
        )


# -- actions of the user ----------------------------------------------------------------------


def _handle_audition_action(action: dict[str, Any]) -> None:
    """Do what the user chose in the audition player; a callback."""
    current = session_keys.SUGGESTION_STATE.get_value()
    if current is None:
        return
    name = action.get("name")
    version = next(
        (item for item in current.versions if build_version_key(item.source) == action.get("key")),
        None,
    )
    if name == "take" and version is not None:
        current = _record_edited_code(current)
        _store_state_and_update_editor(
            current.make_state_for_choice_tree(
                current.tree.add_choice(version.source, version.title)
            )
        )
    elif name == "more" and version is not None:
        session_keys.SUGGESTION_STATE.set_value(
            replace(current, liked=version, seed=current.seed + 1)
        )
    elif name == "different":
        session_keys.SUGGESTION_STATE.set_value(replace(current, liked=None, seed=current.seed + 1))
    elif name == "render":
        session_keys.SUGGESTION_STATE.set_value(_record_edited_code(current))
    elif name == "undo":
        _store_state_and_update_editor(
            current.make_state_for_choice_tree(current.tree.undo_choice())
        )
    elif name == "go" and isinstance(action.get("choice"), (int, float)):
        _store_state_and_update_editor(
            current.make_state_for_choice_tree(current.tree.go_to_choice(int(action["choice"])))
        )


def _record_edited_code(current: SuggestionState, words: str = "") -> SuggestionState:
    """Return the state with the code in the editor as a choice, if it was edited.

    Parameters
    ----------
    current : SuggestionState
    words : str
        What was changed, if a slider changed it.
    """
    code = session_keys.SNIPPET.get_value()
    if code is None or code == current.tree.current.source or not code.strip():
        return current
    return current.make_state_for_choice_tree(
        current.tree.add_choice(code, words or "Edited by hand")
    )


def _store_state_and_update_editor(current: SuggestionState) -> None:
    session_keys.SUGGESTION_STATE.set_value(current)
    code_editor.set_editor_code(current.tree.current.source)


page_header_and_sidebar.run_page(draw_page)
