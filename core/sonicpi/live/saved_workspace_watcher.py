"""Workspaces (buffers 0 to 9) that Sonic Pi saves on disk, and a watcher of the one in use.

Sonic Pi 3.2 to 4.6 writes a workspace when it is run, and all ten when it is closed; nothing is
written while the user types (`/save-and-run-buffer` and `/save-buffer` in its `mainwindow.cpp`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.live.source_file_watcher import SourceChange, SourceFileWatcher

WORKSPACE_NAMES = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
)
WHEN_SAVED = (
    "Sonic Pi saves a workspace when you run it, and all of them when it closes;"
    " what you type is seen here after the next Run."
)


def get_sonic_pi_folder() -> Path:
    """Return the folder of Sonic Pi's logs and workspaces: ``.sonic-pi`` in the home folder.

    The environment variable SONIC_PI_HOME replaces the home folder, as in Sonic Pi.
    """
    return Path(os.environ.get("SONIC_PI_HOME") or Path.home()) / ".sonic-pi"


def get_workspace_path(number: int) -> Path:
    """Return the file of a workspace.

    Parameters
    ----------
    number : int
        0 to 9, as on the tabs of Sonic Pi.

    Raises
    ------
    EarshotError
        When there is no such workspace.
    """
    if number not in range(len(WORKSPACE_NAMES)):
        raise EarshotError(
            f"There is no workspace {number}.", remedy="Sonic Pi has workspaces 0 to 9."
        )
    name = f"workspace_{WORKSPACE_NAMES[number]}.spi"
    return get_sonic_pi_folder() / "store" / "default" / name


class SavedWorkspacesWatcher:
    """Reports the changes of the workspace of Sonic Pi that was saved last.

    The first report is the workspace with the newest file. When Sonic Pi closes, it saves all
    workspaces: only those with new content are reported.

    Parameters
    ----------
    read_clock : callable, optional
        Returns the time in seconds; for tests.

    Raises
    ------
    EarshotError
        When Sonic Pi has never saved a workspace on this machine.
    """

    def __init__(self, read_clock: Callable[[], float] = time.monotonic):
        self._watchers = [
            SourceFileWatcher(get_workspace_path(number), read_clock)
            for number in range(len(WORKSPACE_NAMES))
        ]
        self._is_first_report = True
        self.last_change: SourceChange | None = None
        folder = self._watchers[0].path.parent
        if not folder.is_dir():
            raise EarshotError(
                "Sonic Pi has not saved a workspace on this machine.",
                where=str(folder),
                remedy="Run a program in Sonic Pi once, or follow a file.",
            )

    @property
    def path(self) -> Path:
        """The workspace reported last; before the first report, the folder of all."""
        return self.last_change.path if self.last_change else self._watchers[0].path.parent

    def read_settled_change(self) -> SourceChange | None:
        """Return the newest settled change of a readable workspace, or None."""
        changes = [
            change for watcher in self._watchers if (change := watcher.read_settled_change())
        ]
        # A workspace that Sonic Pi has not saved yet is no news.
        readable = [
            change
            for change in changes
            if change.code is not None and (change.code.strip() or not self._is_first_report)
        ]
        if not readable:
            return None
        self._is_first_report = False
        self.last_change = max(readable, key=lambda change: _get_modification_time(change.path))
        return self.last_change


def _get_modification_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
