"""Ranges and enumerators: lists that remember how they were made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.sonicpi.interpreter.values import MAX_LIST_LENGTH


class Range(list[Any]):
    """The elements of a range of integers, and its bounds.

    Parameters
    ----------
    first, last : float
        Bounds; `last` is infinite for an endless range.
    is_exclusive : bool
        Whether `last` does not belong to it (`...`).
    """

    def __init__(self, first: float, last: float, is_exclusive: bool):
        self.first, self.last, self.is_exclusive = first, last, is_exclusive
        count = min(max(last - first + (not is_exclusive or last % 1 != 0), 0), MAX_LIST_LENGTH)
        super().__init__(first + step for step in range(int(count)))

    def contains_number(self, value: Any) -> bool:
        """Return whether a number lies between the bounds."""
        if not isinstance(value, (int, float)):
            return False
        return self.first <= value and (
            value < self.last if self.is_exclusive else value <= self.last
        )

    def list_steps(self, step: float) -> list[float]:
        """Return every number at a distance of a multiple of the step from the first."""
        if step <= 0:
            return []
        count = int(min((self.last - self.first) / step + 1e-9, MAX_LIST_LENGTH - 1)) + 1
        numbers = [self.first + step * index for index in range(count)]
        is_excluded = self.is_exclusive and numbers and numbers[-1] >= self.last
        return numbers[:-1] if is_excluded else numbers

    def get_list_elements_in_range(self, elements: list[Any]) -> list[Any]:
        """Return the elements of a list whose indices lie in the range."""
        length = len(elements)
        start = int(self.first) + (length if self.first < 0 else 0)
        end = length if self.last == float("inf") else int(self.last) + (not self.is_exclusive)
        if self.last < 0:
            end += length
        return elements[max(start, 0) : max(end, 0)]


class Enumerator(list[Any]):
    """The items of a method that was called without its block, such as `each_char`.

    Parameters
    ----------
    items : iterable
    method_name : str
        The method; `with_index` and its kind then combine the results of a block as it does.
    """

    def __init__(self, items: Iterable[Any], method_name: str):
        super().__init__(items)
        self.method_name = method_name
        self.position = 0

    def get_next_item(self) -> Any:
        """Return the next item; from the start again at the end."""
        if not self:
            return None
        self.position += 1
        return self[(self.position - 1) % len(self)]
