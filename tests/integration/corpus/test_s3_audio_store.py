"""Clips in shards on a real S3-compatible server over HTTP, which may be slow, broken or gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import core.sonicpi
from core.cli import main
from core.corpus import Corpus, fetch_clip_files, get_local_clip_file, object_storage
from core.errors import EarshotError
from core.pipeline.shard_export import export_corpus_shards
from core.programs import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult
from tests.fake_rendering import compute_fake_render_id
from tests.integration.corpus.s3_server import (
    FaultyProxy,
    drop_connection,
    make_slow,
    refuse_access,
    truncate_first_answers,
)

SECONDS, RATE, COUNT = 0.5, 44_100, 4
SECRET = "do-not-write-this-anywhere"


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultyProxy]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    proxy = FaultyProxy(server.get_host_and_port()[1])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "earshot-test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(object_storage, "RETRY_PAUSE_S", 0)
        monkeypatch.setattr(object_storage, "_file_systems", {})
        yield proxy
    proxy.close()
    server.stop()


@pytest.fixture
def corpus(proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corpus]:
    """A corpus whose clips are in two shards in a bucket of its own."""
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    file_system, _ = object_storage.open_file_system("s3://clips/earshot/tiny")
    file_system.makedirs("clips", exist_ok=True)
    corpus = Corpus.create("tiny", seconds=SECONDS)
    corpus.set_audio_store("s3://clips/earshot")
    add_clips(corpus, range(COUNT - 1))
    corpus.upload_clips()
    add_clips(corpus, range(COUNT - 1, COUNT))
    corpus.upload_clips()
    yield corpus
    proxy.fault = None
    file_system.rm("clips", recursive=True)


def add_clips(corpus: Corpus, numbers: range) -> None:
    corpus.add_programs(Program(f"play {60 + n}", f"p{n}") for n in numbers)
    for program_id, source in corpus.list_programs_to_render():
        noise = np.random.default_rng(list(source.encode())).uniform(-0.5, 0.5, (22_050, 2))
        result = RenderResult(Clip(noise.astype(np.float32), RATE), render_s=0.1)
        corpus.store_render_result(program_id, result, SECONDS)


def read_local_clips(corpus: Corpus) -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path in corpus.load_programs()["audio"]}


def test_clips_are_read_by_their_ranges_and_exported(
    corpus: Corpus, proxy: FaultyProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = read_local_clips(corpus)
    shutil.rmtree(corpus.path / "audio")
    proxy.requests.clear()
    path = next(iter(clips))
    assert get_local_clip_file(path).read_bytes() == clips[path]
    ((method, _, byte_range),) = proxy.requests  # One request, of the clip's bytes alone.
    first, last = map(int, byte_range.removeprefix("bytes=").split("-"))
    assert method == "GET" and last - first + 1 == len(clips[path])
    fetch_clip_files(clips)
    assert read_local_clips(corpus) == clips
    shutil.rmtree(corpus.path / "audio")
    export_corpus_shards(corpus, str(tmp_path / "out"))
    assert read_local_clips(corpus) == clips
    assert corpus.find_corpus_faults() == []
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in written and SECRET not in caplog.text


def test_a_truncated_or_failed_answer_is_requested_again(
    corpus: Corpus, proxy: FaultyProxy
) -> None:
    clips = read_local_clips(corpus)
    shutil.rmtree(corpus.path / "audio")
    proxy.fault = truncate_first_answers(proxy, 2)
    fetch_clip_files(clips)
    assert read_local_clips(corpus) == clips


def test_a_server_that_is_too_slow_is_reported(
    corpus: Corpus, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(iter(read_local_clips(corpus)))
    Path(path).unlink()
    store = corpus.audio_store
    assert store is not None
    monkeypatch.setattr(object_storage, "_file_systems", {})  # One with another time limit.
    monkeypatch.setattr(object_storage, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setattr(object_storage, "MAX_ATTEMPTS", 1)
    file_system, _ = object_storage.open_file_system(store.url)
    monkeypatch.setattr(file_system, "retries", 1)
    proxy.fault = make_slow(2)
    with pytest.raises(EarshotError, match="The audio store cannot be read") as failure:
        get_local_clip_file(path)
    assert "s3://clips/earshot/tiny/clips-" in str(failure.value.where)


def test_refused_credentials_are_reported_without_them(
    corpus: Corpus, proxy: FaultyProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    add_clips(corpus, range(COUNT, COUNT + 1))
    before = read_local_clips(corpus)
    proxy.fault = refuse_access
    with pytest.raises(EarshotError, match="Access to the audio store was refused") as failure:
        corpus.upload_clips()
    assert "AWS_ACCESS_KEY_ID" in str(failure.value.remedy) and SECRET not in str(failure.value)
    path = next(iter(before))
    Path(path).unlink()
    with pytest.raises(EarshotError, match="Access to the audio store was refused"):
        get_local_clip_file(path)
    assert main(["check", "tiny"]) == 1
    assert "was refused" in capsys.readouterr().err


def test_an_upload_resumes_after_the_server_was_gone(
    corpus: Corpus, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_clips(corpus, range(COUNT, COUNT + 2))
    clips = read_local_clips(corpus)
    store = corpus.audio_store
    assert store is not None
    file_system, _ = object_storage.open_file_system(store.url)
    monkeypatch.setattr(file_system, "retries", 1)
    proxy.fault = drop_connection
    with pytest.raises(EarshotError, match="The audio store cannot be written"):
        corpus.upload_clips()
    assert read_local_clips(corpus) == clips and len(store.index.list_shards()) == 2
    proxy.fault = None
    corpus.upload_clips()
    shutil.rmtree(corpus.path / "audio")
    fetch_clip_files(clips)
    assert read_local_clips(corpus) == clips


def test_a_missing_bucket_is_reported(corpus: Corpus) -> None:
    other = Corpus.create("other", seconds=SECONDS)
    with pytest.raises(EarshotError, match="no such bucket"):
        other.set_audio_store("s3://no-such-bucket/clips")
    assert other.audio_store is None  # Nothing is rendered for a store that cannot be written.
