"""Names of files that do not collide."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def make_names_unique(names: Iterable[str], normalize: Callable[[str], str] = str) -> list[str]:
    """Append "-2", "-3" … to names that occur before.

    Parameters
    ----------
    names : iterable of str
    normalize : callable
        Two names collide when their normalized forms are equal: `str.casefold` for file systems
        that ignore case.

    Returns
    -------
    list of str
        One name per input, in its order.

    Examples
    --------
    >>> make_names_unique(["a", "b", "a"])
    ['a', 'b', 'a-2']
    >>> make_names_unique(["a", "A"], str.casefold)
    ['a', 'A-2']
    """
    taken: set[str] = set()
    unique_names = []
    for name in names:
        unique_name, number = name, 2
        while normalize(unique_name) in taken:
            unique_name, number = f"{name}-{number}", number + 1
        taken.add(normalize(unique_name))
        unique_names.append(unique_name)
    return unique_names
