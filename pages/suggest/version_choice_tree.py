"""The tree of a session's choices: every version that the user took, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_CHOICES = 200


@dataclass(frozen=True)
class Choice:
    """One version that the user went on from.

    Attributes
    ----------
    id : int
        0 for the first one.
    parent : int or None
        Id of the version that it was made from.
    source : str
    words : str
        What changed: "cutoff 100 → 70 in live_loop :bass".
    """

    id: int
    parent: int | None
    source: str
    words: str


@dataclass(frozen=True)
class ChoiceTree:
    """All choices, and the one that the user works on.

    Attributes
    ----------
    choices : tuple of Choice
        In the order in which they were made.
    current_id : int

    Examples
    --------
    >>> tree = start_choice_tree("play 60").add_choice("play 64", "note 60 → 64")
    >>> tree.current.words, tree.go_to_choice(0).current.source
    ('note 60 → 64', 'play 60')
    """

    choices: tuple[Choice, ...]
    current_id: int

    @property
    def current(self) -> Choice:
        """The choice that the user works on."""
        return next(choice for choice in self.choices if choice.id == self.current_id)

    def add_choice(self, source: str, words: str) -> ChoiceTree:
        """Return the tree with a choice made from the current one, which becomes the current one.

        A source that was chosen from the same version before is not added again.
        """
        for choice in self.choices:
            if choice.parent == self.current_id and choice.source == source:
                return replace(self, current_id=choice.id)
        new_id = max(choice.id for choice in self.choices) + 1
        choices = (*self.choices, Choice(new_id, self.current_id, source, words))
        return _drop_oldest_leaves(ChoiceTree(choices, new_id))

    def go_to_choice(self, choice_id: int) -> ChoiceTree:
        """Return the tree with another current choice; unchanged for an unknown id."""
        is_known = any(choice.id == choice_id for choice in self.choices)
        return replace(self, current_id=choice_id) if is_known else self

    def undo_choice(self) -> ChoiceTree:
        """Return the tree at the version that the current one was made from."""
        parent = self.current.parent
        return self if parent is None else self.go_to_choice(parent)

    def list_rows_with_depth(self) -> list[tuple[int, Choice]]:
        """Return each choice below the one that it was made from, with its depth from 0.

        A straight line of choices stays at one depth; only branches are deeper.
        """
        children: dict[int | None, list[Choice]] = {}
        for choice in self.choices:
            children.setdefault(choice.parent, []).append(choice)
        rows: list[tuple[int, Choice]] = []
        stack = [(0, choice) for choice in reversed(children.get(None, []))]
        while stack:
            depth, choice = stack.pop()
            rows.append((depth, choice))
            following = children.get(choice.id, [])
            # The last child continues the line, so it comes after the branches.
            for index, child in reversed(list(enumerate(following))):
                stack.append((depth if index == len(following) - 1 else depth + 1, child))
        return rows


def start_choice_tree(source: str) -> ChoiceTree:
    """Return the tree of a session that starts from a program."""
    return ChoiceTree((Choice(0, None, source, "Start"),), 0)


def _drop_oldest_leaves(tree: ChoiceTree) -> ChoiceTree:
    choices = list(tree.choices)
    while len(choices) > MAX_CHOICES:
        parents = {choice.parent for choice in choices}
        index = next(
            (
                index
                for index, choice in enumerate(choices)
                if choice.id not in parents and choice.id != tree.current_id
            ),
            None,
        )
        if index is None:  # One straight line: its oldest version becomes the start of the rest.
            choices = [replace(choices[1], parent=None), *choices[2:]]
        else:
            del choices[index]
    return ChoiceTree(tuple(choices), tree.current_id)
