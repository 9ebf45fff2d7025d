"""Tests of the tree of choices of page Suggest."""

from __future__ import annotations

from pages.suggest.version_choice_tree import MAX_CHOICES, start_choice_tree


def test_choices_branch_and_are_listed_below_what_they_were_made_from() -> None:
    tree = start_choice_tree("a").add_choice("b", "to b").add_choice("c", "to c")
    tree = tree.go_to_choice(1).add_choice("d", "to d")
    assert [(depth, choice.source) for depth, choice in tree.list_rows_with_depth()] == [
        (0, "a"),
        (0, "b"),
        (1, "c"),
        (0, "d"),
    ]
    assert tree.current.source == "d"
    assert tree.undo_choice().current.source == "b"
    assert tree.go_to_choice(0).undo_choice().current.source == "a"
    assert tree.go_to_choice(77) == tree


def test_the_same_choice_is_not_added_twice() -> None:
    tree = start_choice_tree("a").add_choice("b", "to b").undo_choice()
    assert tree.add_choice("b", "to b").choices == tree.choices


def test_old_choices_are_dropped_and_the_current_one_stays() -> None:
    line = start_choice_tree("start")
    star = start_choice_tree("start")
    for number in range(MAX_CHOICES + 5):
        line = line.add_choice(f"{number}", "next")
        star = star.add_choice(f"{number}", "next").go_to_choice(0)
    for tree in (line, star):
        assert len(tree.choices) == MAX_CHOICES
        assert len(tree.list_rows_with_depth()) == MAX_CHOICES
    assert line.current.source == f"{MAX_CHOICES + 4}"
    assert star.current.source == "start"
