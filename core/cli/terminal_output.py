"""Terminal output of commands: results, messages, JSON lines and progress bars."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from core.jobs.remaining_time import RateEstimator
from core.progress_callback import Progress
from core.text_formatting import format_duration_as_clock, format_table_cell, to_json_value

PROGRESS_LINE_INTERVAL_S = 5.0
DEFAULT_TERMINAL_COLUMNS = 80


def print_to_stderr(text: str) -> None:
    """Print a message that is not a result to stderr."""
    print(text, file=sys.stderr, flush=True)


def print_error(message: str, remedy: str | None = None) -> None:
    """Print an error message to stderr, and its remedy on a line of its own."""
    print_to_stderr(message + (f"\n    {remedy}" if remedy else ""))


def is_output_pipe_closed() -> bool:
    """Return whether stdout or stderr is a pipe whose reader has ended."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)  # POLLERR is reported without being requested.
    return any(event & select.POLLERR for _, event in poll.poll(0))


def print_result_to_stdout(text: object) -> None:
    """Print a result to stdout, below the progress bars if there are any."""
    _progress_stack[-1].close()
    print(text, flush=True)


def print_status_to_stderr(text: str) -> None:
    """Print a message that is not a result to stderr, below the progress bars."""
    _progress_stack[-1].close()
    print_to_stderr(text)


def print_json_line(row: Mapping[Any, Any]) -> None:
    """Print a JSON object on a line of its own."""
    print_result_to_stdout(json.dumps(to_json_value(row), ensure_ascii=False, default=str))


def print_json_lines(rows: list[dict[Any, Any]]) -> None:
    """Print JSON objects, one per line."""
    for row in rows:
        print_json_line(row)


def format_progress(
    step: str, done: int, total: int, note: str, rate: float | None, remaining_s: float | None
) -> str:
    """Return the progress of a step as one line, with its rate and remaining time if known.

    Examples
    --------
    >>> format_progress("Embedding clips", 5, 20, "", 0.5, 30.0)
    'Embedding clips: 5/20 (25 %), 0.5 per second, 0:30 left'
    """
    text = f"{step}: {done}/{total}"
    if total > 0:
        text += f" ({100 * done // total} %)"
    parts = [text]
    if rate is not None and remaining_s is not None and done < total:
        parts += [f"{rate:.3g} per second", f"{format_duration_as_clock(remaining_s)} left"]
    if note:
        parts.append(format_table_cell(note))
    return ", ".join(parts)


def _get_terminal_width() -> int:
    """Return the number of columns of stderr's terminal; some terminals report 0."""
    return os.get_terminal_size(sys.stderr.fileno()).columns or DEFAULT_TERMINAL_COLUMNS


@contextmanager
def open_terminal_progress() -> Iterator[Progress]:
    """Yield a `Progress` that draws bars in a terminal, or else prints lines."""
    display = ProgressBars() if sys.stderr.isatty() else ProgressLines()
    _progress_stack.append(display)
    try:
        yield display
    finally:
        _progress_stack.pop().close()


class ProgressBars:
    """Progress bars, one per step."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __call__(
        self,
        step: str,
        done: int,
        total: int,
        note: str = "",
        data: dict | None = None,  # noqa: ARG002 (the protocol Progress has it)
    ) -> None:
        """Update the bar of a step."""
        if step not in self._bars:
            self._bars[step] = self._create_progress_bar(step, done, total)
        bar = self._bars[step]
        bar.total = total
        bar.set_postfix_str(format_table_cell(note)[: _get_terminal_width() // 3], refresh=False)
        bar.update(done - bar.n)
        if done >= total:
            bar.refresh()

    def close(self) -> None:
        """Leave the bars on the screen; the next output starts below them."""
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()

    def _create_progress_bar(self, step: str, done: int, total: int) -> Any:
        # Imported late so that --help responds at once.
        from tqdm import tqdm

        return tqdm(
            desc=step,
            initial=done,
            total=total,
            position=len(self._bars),
            file=sys.stderr,
            ncols=_get_terminal_width() - 1,
            unit="",
            bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} "
            "{rate_noinv_fmt}, {remaining} left{postfix}",
        )


class ProgressLines:
    """Progress as lines: at the start of a step, every few seconds, and at its end."""

    def __init__(self) -> None:
        self._rates: dict[str, RateEstimator] = {}
        self._last_printed: dict[str, float] = {}
        self._finished_steps: set[str] = set()

    def __call__(
        self,
        step: str,
        done: int,
        total: int,
        note: str = "",
        data: dict | None = None,  # noqa: ARG002 (the protocol Progress has it)
    ) -> None:
        """Print a line if a step starts or ends, or if the last line is some seconds old."""
        estimator = self._rates.setdefault(step, RateEstimator())
        estimator.record_done_count(done)
        now = time.monotonic()
        has_just_finished = done >= total and step not in self._finished_steps
        last_printed = self._last_printed.get(step, -PROGRESS_LINE_INTERVAL_S)
        if has_just_finished or now - last_printed >= PROGRESS_LINE_INTERVAL_S:
            self._last_printed[step] = now
            remaining_s = estimator.estimate_remaining_s(total)
            print_to_stderr(
                format_progress(step, done, total, note, estimator.units_per_second, remaining_s)
            )
        if done >= total:
            self._finished_steps.add(step)
        else:
            self._finished_steps.discard(step)

    def close(self) -> None:
        """Do nothing: printed lines need no end."""


# The innermost display is last. Results are printed below it, wherever they come from.
_progress_stack: list[ProgressBars | ProgressLines] = [ProgressLines()]
