"""Sounds by address: whole and in part, and nothing else of the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import play_history
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.components import audio_server

NAME = "a & b? #1"
PLAYED = {"Sec-Fetch-Dest": "audio", "Sec-Fetch-Site": "same-origin", "Range": "bytes=0-"}


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=audio_server.build_routes()))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    place = tmp_path / "workspace" / "corpora" / "tiny" / "audio" / "a b.flac"
    return Clip(np.full((4410, 2), 0.25, np.float32)).save(place)


def test_a_file_of_the_workspace_is_given_byte_for_byte(client: TestClient, file: Path) -> None:
    answer = client.get(audio_server.build_audio_url(file, NAME))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.content == file.read_bytes()
    part = client.get(audio_server.build_audio_url(file, NAME), headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, file.read_bytes()[4:10])


@pytest.mark.parametrize(
    "named",
    [
        "corpora/tiny/corpus.sqlite",
        "../outside.flac",
        "%2e%2e/outside.flac",
        "link.flac",
        "x.flac",
        "corpora",
        "a%00b.flac",
        "/etc/passwd",
        "x" * 5000 + ".flac",
    ],
)
def test_nothing_else_is_given(client: TestClient, file: Path, tmp_path: Path, named: str) -> None:
    (tmp_path / "workspace/corpora/tiny/corpus.sqlite").write_bytes(b"secret")
    (tmp_path / "outside.flac").write_bytes(b"secret")
    (tmp_path / "workspace" / "link.flac").symlink_to(tmp_path / "outside.flac")
    answer = client.get(f"/sound/file/{named}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_path_outside_the_workspace_has_no_address(file: Path) -> None:
    with pytest.raises(EarshotError, match="outside"):
        audio_server.build_audio_url("/etc/sound.flac", NAME)


def test_what_was_made_is_kept_for_a_while_in_whole_and_in_part(client: TestClient) -> None:
    address = audio_server.cache_audio_bytes(b"0123456789", NAME)
    assert client.get(address).content == b"0123456789"
    for asked, content in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")):
        answer = client.get(address, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, content)
        assert answer.headers["content-range"].endswith("/10")
    for asked in ("bytes=10-", "bytes=-", "bytes=5-3", "lines=1-2", "bytes=x-"):
        assert client.get(address, headers={"Range": asked}).content == b"0123456789"
    for number in range(audio_server.MAX_CACHED_CLIPS):
        audio_server.cache_audio_bytes(str(number).encode(), NAME)
    assert client.get(address).status_code == 404


# -- what was heard last ----------------------------------------------------------------------


def test_what_plays_is_noted_newest_first_and_once(client: TestClient, file: Path) -> None:
    other = Clip(np.zeros((100, 2), np.float32)).save(file.with_name("other.flac"))
    for path, name in ((file, NAME), (other, "other"), (file, NAME)):
        assert (
            client.get(audio_server.build_audio_url(path, name), headers=PLAYED).status_code == 206
        )
    assert [
        (each.path, each.name, each.corpus_name) for each in play_history.load_play_history()
    ] == [
        (file, NAME, "tiny"),
        (other, "other", "tiny"),
    ]
    other.unlink()
    assert [each.path for each in play_history.load_play_history()] == [file]


@pytest.mark.parametrize(
    "headers",
    [
        {**PLAYED, "Sec-Fetch-Dest": "empty"},
        {**PLAYED, "Sec-Fetch-Site": "cross-site"},
        {**PLAYED, "Range": "bytes=100-"},
        {},
    ],
)
def test_what_is_fetched_otherwise_was_not_heard(
    client: TestClient, file: Path, headers: dict[str, str]
) -> None:
    assert client.get(audio_server.build_audio_url(file, NAME), headers=headers).status_code in (
        200,
        206,
    )
    assert play_history.load_play_history() == []


def test_a_made_clip_is_kept_for_as_long_as_it_is_listed(client: TestClient, file: Path) -> None:
    contents = [b"clip %d" % number for number in range(play_history.MAX_PLAYED_CLIPS + 2)]
    for content in contents:
        client.get(audio_server.cache_audio_bytes(content, NAME), headers=PLAYED)
    listed = play_history.load_play_history()
    assert [each.path.read_bytes() for each in listed] == contents[:1:-1]
    assert listed[0].corpus_name == ""
    assert len(list(listed[0].path.parent.glob("*.flac"))) == play_history.MAX_PLAYED_CLIPS


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '[{"path": "../../etc/passwd", "name": "x", "when": 0}]']
)
def test_a_damaged_list_is_an_empty_one(file: Path, content: str) -> None:
    play_history.record_played_clip(file, NAME)
    (file.parents[3] / "heard" / "heard.json").write_text(content)
    assert play_history.load_play_history() == []
    play_history.record_played_clip(file, NAME)
    assert len(play_history.load_play_history()) == 1


def test_nothing_is_noted_in_read_only_mode(
    client: TestClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    client.get(audio_server.build_audio_url(file, NAME), headers=PLAYED)
    client.get(audio_server.cache_audio_bytes(b"made", NAME), headers=PLAYED)
    assert not (file.parents[3] / "heard").exists()
