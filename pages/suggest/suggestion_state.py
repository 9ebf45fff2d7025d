"""What a session suggests from, and the suggestions that it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pages.components import session_keys
from pages.suggest.version_choice_tree import ChoiceTree, start_choice_tree

if TYPE_CHECKING:
    from core.suggest.candidates import Candidate
    from pages.components.audition_player import AuditionVersion


@dataclass(frozen=True)
class SuggestionState:
    """The choices of a session, and how the next suggestions are drawn.

    Attributes
    ----------
    tree : ChoiceTree
        Its current choice is the program that is suggested from.
    seed : int
        "Different ones" raises it.
    liked : AuditionVersion or None
        "More like this" asks for candidates that sound like this version.
    written : tuple of Candidate
        Candidates of a language model, for the current program.
    written_words : str
        Their count, time and cost.
    versions : tuple of AuditionVersion
        The cards that are shown; empty before the first suggestions.
    """

    tree: ChoiceTree
    seed: int = 0
    liked: AuditionVersion | None = None
    written: tuple[Candidate, ...] = ()
    written_words: str = ""
    versions: tuple[AuditionVersion, ...] = ()

    def make_state_for_choice_tree(self, tree: ChoiceTree) -> SuggestionState:
        """Return the state at another choice; what belonged to the last program is dropped."""
        return replace(self, tree=tree, liked=None, written=(), written_words="")


def load_suggestion_state(code: str) -> SuggestionState:
    """Return the session's state; at first, it starts from the code in the editor.

    It also starts anew when another page, or an example, has put a program into the editor.
    """
    stored = session_keys.SUGGESTION_STATE.get_value()
    is_just_opened = session_keys.IS_SUGGEST_JUST_OPENED.get_value()
    session_keys.IS_SUGGEST_JUST_OPENED.set_value(False)
    if stored is None or (is_just_opened and code != stored.tree.current.source):
        stored = SuggestionState(start_choice_tree(code))
    session_keys.SUGGESTION_STATE.set_value(stored)
    return stored


def restart_from_program(source: str) -> None:
    """Suggest from another program, with a new tree of choices; for callbacks."""
    session_keys.SUGGESTION_STATE.set_value(SuggestionState(start_choice_tree(source)))
