"""Keys of the session state and parameters of the URL, typed and in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from core.errors import EarshotError
    from core.pipeline.import_embeddings import VectorImportReport
    from core.pipeline.import_programs import ImportReport
    from core.sonicpi import RenderResult
    from core.sonicpi.live import SavedWorkspacesWatcher, SourceFileWatcher
    from pages.map.map_view_export import ShownMap
    from pages.suggest.suggestion_state import SuggestionState

T = TypeVar("T")


@dataclass(frozen=True)
class SessionKey(Generic[T]):
    """A typed entry of the session state.

    Parameters
    ----------
    name : str
        The entry's name. For a widget, this is its ``key``.
    default : T
        Value of an entry that nobody has set. Immutable, since all sessions share it.
    """

    name: str
    default: T

    def get_value(self) -> T:
        """Return the entry's value, or the default."""
        return st.session_state.get(self.name, self.default)

    def set_value(self, value: T) -> None:
        """Store a value."""
        st.session_state[self.name] = value

    def clear(self) -> None:
        """Remove the entry."""
        st.session_state.pop(self.name, None)

    def is_set(self) -> bool:
        """Return whether the entry exists, whatever its value."""
        return self.name in st.session_state

    def derive_scoped_key(self, *parts: str) -> SessionKey[T]:
        """Return the key of the same kind of value for one corpus, run or parameter."""
        return SessionKey(":".join((self.name, *parts)), self.default)


class AutoplayRequest(NamedTuple):
    """A request to play a clip as soon as its player is drawn."""

    player_key: str
    number: int


class RenderedSnippet(NamedTuple):
    """A rendered program and what it was rendered from: an id or a source text."""

    key: str
    rendering: RenderResult


class MapSelection(NamedTuple):
    """The programs that a lasso selected on the map of one alignment."""

    corpus_name: str
    alignment_id: str
    program_ids: tuple[str, ...]


class MapPath(NamedTuple):
    """The ends of a path between two programs of a template; "" where none is chosen."""

    corpus_name: str
    first_id: str
    last_id: str


class MapPlace(NamedTuple):
    """A place on the map of one alignment that is to be filled."""

    corpus_name: str
    alignment_id: str
    panel: str
    x: float
    y: float


class PlayedRow(NamedTuple):
    """The row of a study's table whose clips are playing."""

    table_name: str
    row_number: int


# -- all pages --------------------------------------------------------------------------------

CURRENT_PAGE = SessionKey("current_page", "")
# True during the first run of a page that was just opened: the session may then refill the URL.
IS_NEW_PAGE = SessionKey("is_new_page", True)
CORPUS = SessionKey("corpus", "")
ALIGNMENT = SessionKey("alignment", "")
# The corpus that a page selects when a button of another page has opened it.
CORPUS_OF_OPENED_PAGE = SessionKey("corpus_of_opened_page", "")
# A corpus to select before the sidebar is drawn; None selects the default corpus.
REQUESTED_CORPUS: SessionKey[str | None] = SessionKey("requested_corpus", None)
# By corpus, or corpus and study: the newest alignment or run that this session has seen.
NEWEST_SEEN: SessionKey[str | None] = SessionKey("newest_seen", None)
AUTOPLAY_REQUEST: SessionKey[AutoplayRequest | None] = SessionKey("autoplay_request", None)
# Number of the last request that a page waited for.
AUTOPLAY_WAITED = SessionKey("autoplay_waited", 0)
IS_CONFIRMING_CANCEL = SessionKey("confirm_cancel", False)
# The snippet is shared by Listen and Map.
SNIPPET: SessionKey[str | None] = SessionKey("snippet", None)
SNIPPET_VERSION = SessionKey("snippet_version", 0)
CODE_EDITOR: SessionKey[dict[str, Any]] = SessionKey("editor", {})
# Whether the editor's key for Render was pressed and nothing has been rendered for it.
IS_RENDER_REQUESTED = SessionKey("render_requested", False)
# What a slider of the editor changed before that: "cutoff 100 → 70".
SNIPPET_CHANGE_WORDS = SessionKey("snippet_change_words", "")
SNIPPET_RENDERING: SessionKey[RenderedSnippet | None] = SessionKey("snippet_rendering", None)
# The file or workspace whose code is shown in place of the editor.
FOLLOWED_SOURCE: SessionKey[SourceFileWatcher | SavedWorkspacesWatcher | None] = SessionKey(
    "followed_source", None
)
FOLLOWED_PATH = SessionKey("follow:path", "")
FOLLOWED_WORKSPACE = SessionKey("follow:workspace", "Workspace saved last")
FOLLOW_ERROR: SessionKey[EarshotError | None] = SessionKey("follow_error", None)

# -- Corpus -----------------------------------------------------------------------------------

IMPORT_REPORT: SessionKey[ImportReport | VectorImportReport | None] = SessionKey(
    "import_report", None
)
DISMISSED_JOBS: SessionKey[frozenset[str]] = SessionKey("dismissed_jobs", frozenset())
# Part of the table's key: a new version has no selected row.
TABLE_VERSION = SessionKey("table_version", 0)
FILTER_TEXT = SessionKey("filter:text", "")
FILTER_TEMPLATES: SessionKey[list[str]] = SessionKey("filter:templates", [])
FILTER_ROLES: SessionKey[list[str]] = SessionKey("filter:roles", [])
FILTER_STATES: SessionKey[list[str]] = SessionKey("filter:states", [])
FILTER_WARNINGS: SessionKey[list[str]] = SessionKey("filter:warnings", [])
FILTER_PARAMETERS: SessionKey[list[str]] = SessionKey("filter:parameters", [])
FILTER_VALUE: SessionKey[Any] = SessionKey("filter:value", None)

# -- Generate ---------------------------------------------------------------------------------

TEMPLATE_SELECT: SessionKey[str | None] = SessionKey("template_select", None)
GENERATION_SEED = SessionKey("generate:seed", 0)
GENERATION_VARIANT = SessionKey("generate:variant", 0)
IS_AUDITIONING_VARIANTS = SessionKey("generate:audition", False)
# How many variants after the shown one are passed over.
AUDITIONED_VARIANT_OFFSET = SessionKey("generate:audition-offset", 0)
GENERATION_COUNT = SessionKey("generate:count", 50)
GENERATION_CORPUS: SessionKey[str | None] = SessionKey("generate:corpus", None)
# Versions of Sonic Pi of new corpora; None before the control is drawn.
IMPORT_SONIC_PI: SessionKey[str | None] = SessionKey("import:sonic-pi", None)
GENERATION_SONIC_PI: SessionKey[str | None] = SessionKey("generate:sonic-pi", None)
# The form that composes programs by the grammar.
IS_SHOWING_GRAMMAR_FORM = SessionKey("grammar", False)
GRAMMAR_CORPUS: SessionKey[str | None] = SessionKey("grammar:corpus", None)
GRAMMAR_COUNT = SessionKey("grammar:count", 140)
GRAMMAR_SEED = SessionKey("grammar:seed", 0)
GRAMMAR_STYLES: SessionKey[list[str]] = SessionKey("grammar:styles", [])
GRAMMAR_SOUND_SET: SessionKey[str | None] = SessionKey("grammar:sounds", None)
GRAMMAR_SONIC_PI: SessionKey[str | None] = SessionKey("grammar:sonic-pi", None)
PREVIEW_RENDERING: SessionKey[RenderedSnippet | None] = SessionKey("preview_rendering", None)
GENERATION_JOB = SessionKey("generation_job", "")
SAMPLING_MODE = SessionKey("sampling", "random")
# Scoped by sampling mode, template and parameter.
SAMPLING_VALUE: SessionKey[Any] = SessionKey("sampling_value", None)

# -- Listen -----------------------------------------------------------------------------------

SEARCH_MODE = SessionKey("way", "code")  # Also in the URL, so that old bookmarks work.
EXAMPLE_SNIPPET: SessionKey[str | None] = SessionKey("example", None)
NEIGHBOUR_COUNT = SessionKey("neighbour_count", 6)  # They fit on a screen of 1366 x 768.
FURTHER_CORPORA: SessionKey[tuple[str, ...]] = SessionKey("further_corpora", ())
AUDIO_SOURCE = SessionKey("audio_source", "corpus")
AUDIO_FILE: SessionKey[Any] = SessionKey("audio_file", None)
CLIP_QUERY = SessionKey("clip_query", "")
CLIP_CHOICE: SessionKey[str | None] = SessionKey("clip_choice", None)
FAVOURITE_TAG_FILTER: SessionKey[list[str]] = SessionKey("favourite_tags", [])
FAVOURITE_NOTE = SessionKey("note", "")
FAVOURITE_TAGS: SessionKey[list[str]] = SessionKey("tags", [])

# -- Suggest ----------------------------------------------------------------------------------

# Id of this session among those that wait for auditioned clips.
AUDITION_OWNER = SessionKey("audition_owner", "")
SUGGESTION_STATE: SessionKey[SuggestionState | None] = SessionKey("suggestion_state", None)
# True until the page has compared the code in the editor with its own.
IS_SUGGEST_JUST_OPENED = SessionKey("suggest_just_opened", False)
SUGGESTION_MODE = SessionKey("suggest:mode", "diverse")
SUGGESTION_KINDS: SessionKey[list[str]] = SessionKey("suggest:kinds", [])
SUGGESTION_WILDNESS = SessionKey("suggest:wildness", 0.0)
SUGGESTION_BARS = SessionKey("suggest:bars", 4)
IS_SHOWING_SENSITIVITY = SessionKey("suggest:sensitivity", False)
SUGGESTION_TARGET = SessionKey("suggest:target", "words")
SUGGESTION_WORDS = SessionKey("suggest:words", "darker")
SUGGESTION_CLIP = SessionKey("suggest:clip", "")
SUGGESTION_FAVOURITE: SessionKey[int | None] = SessionKey("suggest:favourite", None)
SUGGESTION_UPLOAD: SessionKey[Any] = SessionKey("suggest:upload", None)
SUGGESTION_FOLLOWED_CODE = SessionKey("suggestion_followed_code", "")
SUGGESTION_EXAMPLE: SessionKey[str | None] = SessionKey("suggest:example", None)

# -- Map --------------------------------------------------------------------------------------

MAP_COLOUR = SessionKey("colour", "modality")
MAP_SCALE = SessionKey("scale", "linear")
MAP_PANEL = SessionKey("map_panel", "program")
IS_SHOWING_MAP_DENSITY = SessionKey("map_density", False)
IS_MAP_STACKED = SessionKey("is_map_stacked", False)
IS_MAP_LAYOUT_CHANGED = SessionKey("is_map_layout_changed", False)
MAP_OVERLAY: SessionKey[dict[str, Any]] = SessionKey("map_overlay", {})
SHOWN_MAP: SessionKey[ShownMap | None] = SessionKey("shown_map", None)
MAP_SELECTION: SessionKey[MapSelection | None] = SessionKey("map_selection", None)
MAP_PATH: SessionKey[MapPath | None] = SessionKey("map_path", None)
MAP_PATH_STEPS = SessionKey("map_path_steps", 5)
# The corpus and the programs of the path that was rendered.
PLAYED_PATH: SessionKey[tuple[str, ...]] = SessionKey("played_path", ())
MAP_PLACE: SessionKey[MapPlace | None] = SessionKey("map_place", None)
GAP_RENDERING: SessionKey[RenderedSnippet | None] = SessionKey("gap_rendering", None)
NEIGHBOUR_DIRECTION = SessionKey("direction", "audio->audio")

# -- Compare ----------------------------------------------------------------------------------

PAIR_KIND = SessionKey("kind", "written alike")
CODE_SPACE = SessionKey("space", "before")

# -- Train ------------------------------------------------------------------------------------

TRAIN_VIEW = SessionKey("view", "")
RESULT_TAB: SessionKey[str | None] = SessionKey("results", None)
EVALUATED_SPLIT = SessionKey("split", "test")
TRAINING_METHOD = SessionKey("train:method", "default")
# Scoped by field, or by method and field.
TRAINING_FIELD: SessionKey[Any] = SessionKey("train", None)
IS_SHOWING_MORE_SETTINGS = SessionKey("more_settings", False)
ENCODER: SessionKey[str | None] = SessionKey("encoder", None)
IS_SHOWING_ENCODERS = SessionKey("encoders", False)
HELD_OUT_TEMPLATES: SessionKey[list[str]] = SessionKey("holdout", [])
SWEEP_GRID = SessionKey("sweep:grid", "paper")
SWEEP_SEED_COUNT = SessionKey("sweep:seeds", 5)
SHOWN_SWEEP: SessionKey[str | None] = SessionKey("sweep", None)
COMMON_EVALUATION: SessionKey[tuple[str, ...]] = SessionKey("common_evaluation", ())
COMPARED_ALIGNMENTS: SessionKey[list[str]] = SessionKey("compared", [])

# -- Studies ----------------------------------------------------------------------------------

STUDY = SessionKey("study", "")
STUDY_RUN: SessionKey[str | None] = SessionKey("run", None)
STUDY_OPTION: SessionKey[Any] = SessionKey("study_option", None)
COMPARED_RUNS: SessionKey[list[str]] = SessionKey("compared_runs", [])
STUDY_FIGURE: SessionKey[str | None] = SessionKey("figure_choice", None)
STUDY_CLIP: SessionKey[int | None] = SessionKey("clip", None)
PLAYED_ROW: SessionKey[PlayedRow | None] = SessionKey("played_row", None)

# -- Jobs -------------------------------------------------------------------------------------

IS_SHOWING_ALL_JOBS = SessionKey("all_jobs", False)


# -- the URL ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class UrlParameter:
    """A parameter of the URL that no widget is bound to.

    Parameters
    ----------
    name : str
    is_remembered : bool
        Whether a page that is opened later gets the value back from the session.
    """

    name: str
    is_remembered: bool = True

    def get_value(self) -> str | None:
        """Return the URL's value; on a page that was just opened, else the session's.

        Later, the URL alone counts, so that the browser's Back undoes a choice.
        """
        if self.name not in st.query_params and self.is_remembered and IS_NEW_PAGE.get_value():
            if remembered := self.get_session_value():
                st.query_params[self.name] = remembered
        return st.query_params.get(self.name)

    def get_session_value(self) -> str | None:
        """Return the value that was set last in this session."""
        return st.session_state.get(self._session_key_name)

    def set_value(self, value: str | None) -> None:
        """Write a value to the URL and the session, or remove it; also for callbacks."""
        if self.is_remembered:
            st.session_state[self._session_key_name] = value
        if value is None:
            st.query_params.pop(self.name, None)
        else:
            st.query_params[self.name] = value

    def remove_from_url_and_session(self) -> None:
        """Remove the value from the URL and the session."""
        st.session_state.pop(self._session_key_name, None)
        st.query_params.pop(self.name, None)

    @property
    def _session_key_name(self) -> str:
        return f"url:{self.name}"


PROGRAM = UrlParameter("program")  # Shared by Corpus and Map.
TEMPLATE = UrlParameter("template")
# Code that a link carries, as base64 for URLs.
LINKED_SNIPPET = UrlParameter("snippet", is_remembered=False)
# "1" opens the stage view of Listen.
STAGE = UrlParameter("stage", is_remembered=False)
# Two program ids. A pair belongs to one alignment, so another page must not bring it back.
PAIR = UrlParameter("pair", is_remembered=False)


def restore_old_bookmark_choice(
    key: SessionKey[str], find_option: Callable[[str], str | None]
) -> bool:
    """Select the option that a bookmark of an older version names by its old label.

    Streamlit writes the label of a bound widget to the URL and ignores labels that it does not
    know. Call this before the widget is drawn.

    Parameters
    ----------
    key : SessionKey
        The key of a widget that is bound to the URL.
    find_option : callable
        Returns the option for the URL's value, or None.

    Returns
    -------
    bool
        Whether an option was selected. The widget must then be drawn without a default.
    """
    label = st.query_params.get(key.name)
    if label is None or key.is_set():
        return False
    option = find_option(label)
    if option is not None:
        key.set_value(option)
    return option is not None


TABLE_SELECTION_MODES: tuple[Literal["single-row"], Literal["single-cell"]] = (
    "single-row",
    "single-cell",
)
"""Selection modes of a table whose rows play: arrow keys move the cell, and with it the row."""


def read_selected_table_row(
    table_key: str, row_count: int, open_row: int | None = None
) -> int | None:
    """Return the selected row of a table, or None; for the table's `on_select` callback.

    Parameters
    ----------
    table_key : str
        The key of a dataframe with ``selection_mode="single-row"`` or `TABLE_SELECTION_MODES`.
    row_count : int
        Number of its rows. A selection in an older, longer table is ignored.
    open_row : int, optional
        Row that is open already. Where a cell and a row are selected, the other one is new.
    """
    selection = st.session_state[table_key]["selection"]
    rows = [*(cell[0] for cell in selection.get("cells", ())), *selection["rows"]]
    rows = [row for row in rows if row < row_count]
    return next((row for row in rows if row != open_row), rows[0] if rows else None)
