"""Tests of the routes that serve clips: files, ranges, and the play history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import play_history
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.components import clip_http_routes

NAME = "a & b? #1"
PLAYED = {"Sec-Fetch-Dest": "audio", "Sec-Fetch-Site": "same-origin", "Range": "bytes=0-"}


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=clip_http_routes.build_audio_routes()))


@pytest.fixture
def audio_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    path = tmp_path / "workspace" / "corpora" / "tiny" / "audio" / "a b.flac"
    return Clip(np.full((4410, 2), 0.25, np.float32)).save(path)


def test_a_file_of_the_workspace_is_served_byte_for_byte(
    client: TestClient, audio_file: Path
) -> None:
    response = client.get(clip_http_routes.build_audio_url(audio_file, NAME))
    assert response.status_code == 200
    assert response.headers["content-type"] == "audio/flac"
    assert response.content == audio_file.read_bytes()
    part = client.get(
        clip_http_routes.build_audio_url(audio_file, NAME), headers={"Range": "bytes=4-9"}
    )
    assert (part.status_code, part.content) == (206, audio_file.read_bytes()[4:10])


@pytest.mark.parametrize(
    "path",
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
def test_other_files_are_not_served(
    client: TestClient, audio_file: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "workspace/corpora/tiny/corpus.sqlite").write_bytes(b"secret")
    (tmp_path / "outside.flac").write_bytes(b"secret")
    (tmp_path / "workspace" / "link.flac").symlink_to(tmp_path / "outside.flac")
    response = client.get(f"/sound/file/{path}")
    assert response.status_code == 404
    assert b"secret" not in response.content


def test_a_path_outside_the_workspace_has_no_url(audio_file: Path) -> None:
    with pytest.raises(EarshotError, match="outside"):
        clip_http_routes.build_audio_url("/etc/sound.flac", NAME)


def test_a_cached_clip_is_served_whole_and_in_ranges(client: TestClient) -> None:
    url = clip_http_routes.cache_audio_and_build_url(b"0123456789", NAME)
    assert client.get(url).content == b"0123456789"
    for byte_range, content in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")):
        response = client.get(url, headers={"Range": byte_range})
        assert (response.status_code, response.content) == (206, content)
        assert response.headers["content-range"].endswith("/10")
    for byte_range in ("bytes=10-", "bytes=-", "bytes=5-3", "lines=1-2", "bytes=x-"):
        assert client.get(url, headers={"Range": byte_range}).content == b"0123456789"
    for number in range(clip_http_routes.MAX_CACHED_CLIPS):
        clip_http_routes.cache_audio_and_build_url(str(number).encode(), NAME)
    assert client.get(url).status_code == 404


# -- the play history -------------------------------------------------------------------------


def test_played_clips_are_recorded_once_newest_first(client: TestClient, audio_file: Path) -> None:
    other = Clip(np.zeros((100, 2), np.float32)).save(audio_file.with_name("other.flac"))
    for path, name in ((audio_file, NAME), (other, "other"), (audio_file, NAME)):
        assert (
            client.get(clip_http_routes.build_audio_url(path, name), headers=PLAYED).status_code
            == 206
        )
    assert [
        (clip.path, clip.name, clip.corpus_name) for clip in play_history.load_play_history()
    ] == [
        (audio_file, NAME, "tiny"),
        (other, "other", "tiny"),
    ]
    other.unlink()
    assert [clip.path for clip in play_history.load_play_history()] == [audio_file]


@pytest.mark.parametrize(
    "headers",
    [
        {**PLAYED, "Sec-Fetch-Dest": "empty"},
        {**PLAYED, "Sec-Fetch-Site": "cross-site"},
        {**PLAYED, "Range": "bytes=100-"},
        {},
    ],
)
def test_other_requests_are_not_recorded_as_played(
    client: TestClient, audio_file: Path, headers: dict[str, str]
) -> None:
    assert client.get(
        clip_http_routes.build_audio_url(audio_file, NAME), headers=headers
    ).status_code in (
        200,
        206,
    )
    assert play_history.load_play_history() == []


def test_a_generated_clip_is_stored_while_it_is_in_the_history(
    client: TestClient, audio_file: Path
) -> None:
    contents = [b"clip %d" % number for number in range(play_history.MAX_PLAYED_CLIPS + 2)]
    for content in contents:
        client.get(clip_http_routes.cache_audio_and_build_url(content, NAME), headers=PLAYED)
    listed = play_history.load_play_history()
    assert [clip.path.read_bytes() for clip in listed] == contents[:1:-1]
    assert listed[0].corpus_name == ""
    assert len(list(listed[0].path.parent.glob("*.flac"))) == play_history.MAX_PLAYED_CLIPS


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '[{"path": "../../etc/passwd", "name": "x", "when": 0}]']
)
def test_a_damaged_history_reads_as_empty(audio_file: Path, content: str) -> None:
    play_history.record_played_clip(audio_file, NAME)
    (audio_file.parents[3] / "heard" / "heard.json").write_text(content)
    assert play_history.load_play_history() == []
    play_history.record_played_clip(audio_file, NAME)
    assert len(play_history.load_play_history()) == 1


def test_nothing_is_recorded_in_read_only_mode(
    client: TestClient, audio_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    client.get(clip_http_routes.build_audio_url(audio_file, NAME), headers=PLAYED)
    client.get(clip_http_routes.cache_audio_and_build_url(b"clip", NAME), headers=PLAYED)
    assert not (audio_file.parents[3] / "heard").exists()


def test_the_loudness_of_a_clip_and_its_gain_are_served(
    client: TestClient, audio_file: Path
) -> None:
    seconds = np.arange(2 * 44_100) / 44_100
    tone = 0.05 * np.sin(2 * np.pi * 1000 * seconds)
    clip = Clip(np.stack([tone, tone], 1).astype(np.float32))
    path = clip.save(audio_file.with_name("tone.flac"))
    cached_url = clip_http_routes.cache_audio_and_build_url(clip.encode_audio_file(".flac"), NAME)
    for url in (clip_http_routes.build_audio_url(path, NAME), cached_url):
        loudness = client.get(url.replace("/sound/", "/sound/loudness/")).json()
        # A 1 kHz tone in both channels: its level in dBFS (RMS) plus 3 LU.
        assert loudness["lufs"] == pytest.approx(-26.0, abs=0.2)
        assert loudness["gain"] == pytest.approx(10 ** ((-20 - loudness["lufs"]) / 20))
    assert client.get("/sound/loudness/file/none.flac").status_code == 404
    assert client.get("/sound/loudness/made/none.flac").status_code == 404
    audio_file.write_text("text")
    url = clip_http_routes.build_audio_url(audio_file, NAME)
    assert client.get(url.replace("/sound/", "/sound/loudness/")).status_code == 422
