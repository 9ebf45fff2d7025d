"""Following the workspaces that Sonic Pi saves."""

import os
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.sonicpi.live import SavedWorkspacesWatcher, SourceChange, get_workspace_path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONIC_PI_HOME", str(tmp_path))
    folder = tmp_path / ".sonic-pi/store/default"
    folder.mkdir(parents=True)
    return folder


class SteppingClock:
    """A clock that goes on by two seconds per reading."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        self.now += 2.0
        return self.now


def save(number: int, code: str, modification_time: float) -> None:
    path = get_workspace_path(number)
    path.write_text(code)
    os.utime(path, (modification_time, modification_time))


def settle(watcher: SavedWorkspacesWatcher) -> SourceChange | None:
    return watcher.read_settled_change() or watcher.read_settled_change()


def test_the_workspace_saved_last_is_followed(store: Path) -> None:
    save(0, "play 60", 100)
    save(3, "play 63", 200)
    save(9, "", 300)  # Empty, and saved when Sonic Pi closed.
    watcher = SavedWorkspacesWatcher(SteppingClock().read)
    change = settle(watcher)
    assert change is not None and change.code == "play 63"
    assert watcher.path == store / "workspace_three.spi"
    save(0, "play 60.5", 400)
    change = settle(watcher)
    assert change is not None and change.code == "play 60.5"
    # Closing Sonic Pi saves all of them again.
    for number, code in ((0, "play 60.5"), (3, "play 63"), (9, "")):
        save(number, code, 500 + number)
    assert settle(watcher) is None
    assert watcher.path == store / "workspace_zero.spi"


def test_a_workspace_has_a_number_from_0_to_9(store: Path) -> None:
    assert get_workspace_path(9) == store / "workspace_nine.spi"
    with pytest.raises(EarshotError, match="no workspace 10"):
        get_workspace_path(10)


def test_without_saved_workspaces_there_is_nothing_to_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONIC_PI_HOME", str(tmp_path / "new"))
    with pytest.raises(EarshotError, match="has not saved a workspace"):
        SavedWorkspacesWatcher()
