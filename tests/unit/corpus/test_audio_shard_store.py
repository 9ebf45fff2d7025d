"""Clips in shards: what is uploaded, fetched, found damaged and removed from the cache."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

import core.sonicpi
from core.corpus import (
    Corpus,
    clip_cache,
    does_clip_exist,
    fetch_clip_files,
    get_local_clip_file,
    object_storage,
)
from core.corpus.audio_shard_index import AudioStoreIndex
from core.corpus.audio_shard_store import normalize_store_url
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderResult
from tests.fake_rendering import compute_fake_render_id

SECONDS, RATE, COUNT = 0.5, 44_100, 6


@pytest.fixture(autouse=True)
def use_fake_render_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
    monkeypatch.setattr(object_storage, "RETRY_PAUSE_S", 0)


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return normalize_store_url(str(tmp_path / "store"))
    return f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus of clips of noise, about 90 kB each, without a store."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    corpus = Corpus.create("tiny", seconds=SECONDS)
    corpus.add_programs(Program(f"play {60 + n}", f"p{n}") for n in range(COUNT))
    render_pending(corpus)
    return corpus


def render_pending(corpus: Corpus, seed: int = 0) -> int:
    pending = corpus.list_programs_to_render()
    for number, (program_id, _) in enumerate(pending):
        noise = np.random.default_rng([seed, number]).uniform(-0.5, 0.5, (int(SECONDS * RATE), 2))
        result = RenderResult(Clip(noise.astype(np.float32), RATE), render_s=0.1)
        corpus.store_render_result(program_id, result, SECONDS)
    return len(pending)


def read_clips(corpus: Corpus) -> dict[str, bytes]:
    paths = corpus.load_programs()["audio"]
    fetch_clip_files(paths)
    return {path: Path(path).read_bytes() for path in paths}


def remove_local_clips(corpus: Corpus) -> None:
    shutil.rmtree(corpus.path / "audio")


def iterate_shards(url: str) -> Iterator[tuple[Any, str]]:
    file_system, root = fsspec.core.url_to_fs(f"{url}/tiny")
    for path in sorted(file_system.glob(f"{root}/*.tar")):
        yield file_system, path


def test_every_clip_is_one_range_of_bytes_of_a_tar_file(corpus: Corpus, url: str) -> None:
    clips = read_clips(corpus)
    corpus.set_audio_store(url)
    corpus.upload_clips()
    store = corpus.audio_store
    assert store is not None
    members = {}
    for file_system, path in iterate_shards(url):
        content = file_system.cat_file(path)
        with file_system.open(path) as shard, tarfile.open(fileobj=shard) as archive:
            for member in archive:
                file = archive.extractfile(member)
                assert file is not None
                members[member.name] = file.read()
        for clip in store.index.list_clips_of_shard(path.rpartition("/")[2]):
            stored = content[clip.offset : clip.offset + clip.size_bytes]
            assert stored == clips[f"{corpus.path}/audio/{clip.relative_path}"]
    assert members == {Path(path).name: content for path, content in clips.items()}


def test_a_clip_that_is_used_is_fetched(corpus: Corpus, url: str) -> None:
    clips = read_clips(corpus)
    corpus.set_audio_store(url)
    corpus.upload_clips()
    remove_local_clips(corpus)
    assert corpus.list_programs_to_render() == [] and corpus.find_corpus_faults() == []
    first, *others = clips
    assert does_clip_exist(first) and not Path(first).exists()
    program_id = corpus.load_programs()["program"][0]
    assert corpus.get_clip_path(program_id).read_bytes() == clips[first]
    assert [Path(path).exists() for path in others] == [False] * len(others)
    assert read_clips(corpus) == clips
    missing = corpus.path / "audio" / "ab" / "abcd.flac"
    assert not does_clip_exist(missing) and not get_local_clip_file(missing).exists()


def test_a_shard_is_uploaded_as_soon_as_it_is_full(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = normalize_store_url(str(tmp_path / "store"))
    corpus.set_audio_store(url)
    corpus.upload_clips()
    monkeypatch.setattr("core.corpus.audio_shard_store.BYTES_PER_MB", 100_000)
    AudioStoreIndex(corpus.path).write_setting("shard_mb", "2")
    corpus.add_programs(Program(f"sample {n}", f"s{n}") for n in range(7))
    render_pending(corpus, seed=1)
    store = corpus.audio_store
    assert store is not None
    # A clip takes 80 to 95 kB: a shard is full with the third one.
    assert [
        len(store.index.list_clips_of_shard(name)) for name, _ in store.index.list_shards()
    ] == [
        COUNT,
        3,
        3,
    ]
    corpus.upload_clips()
    assert len(store.index.load_clip_sizes()) == COUNT + 7


def test_an_upload_that_is_interrupted_loses_nothing(
    corpus: Corpus, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = read_clips(corpus)
    corpus.set_audio_store(url)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(AudioStoreIndex, "add_shard", stop)
        with pytest.raises(KeyboardInterrupt):
            corpus.upload_clips()
    (corpus.path / ".partial-1.tar").write_bytes(b"of a killed process")
    assert corpus.list_programs_to_render() == []
    with corpus.lock_for_writing("test"):
        corpus.upload_clips()
    assert len(list(iterate_shards(url))) == 1  # The interrupted one was replaced.
    remove_local_clips(corpus)
    assert read_clips(corpus) == clips
    assert not list(corpus.path.glob(".partial-*"))


def test_a_new_corpus_uses_the_shards_that_are_there(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url)
    corpus.upload_clips()
    clips = read_clips(corpus)
    shutil.rmtree(corpus.path)
    again = Corpus.create("tiny", seconds=SECONDS)
    again.add_programs(Program(f"play {60 + n}", f"p{n}") for n in range(COUNT + 1))
    again.set_audio_store(url)
    pending_ids = [program_id for program_id, _ in again.list_programs_to_render()]
    for program_id in again.list_programs_with_clip_file(pending_ids, SECONDS):
        again.register_existing_clip(program_id, SECONDS)
    assert len(again.list_programs_to_render()) == 1  # The one that the first corpus lacked.
    assert {path: content for path, content in read_clips_if_any(again).items()} == clips


def read_clips_if_any(corpus: Corpus) -> dict[str, bytes]:
    paths = [path for path in corpus.load_programs()["audio"] if path is not None]
    return {path: get_local_clip_file(path).read_bytes() for path in paths}


def test_check_finds_damaged_and_missing_shards(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url)
    corpus.upload_clips()
    corpus.add_programs([Program("play 90", "late")])
    render_pending(corpus, seed=1)
    corpus.upload_clips()
    clips = read_clips(corpus)
    store = corpus.audio_store
    assert store is not None
    (first_shard, _), (last_shard, _) = store.index.list_shards()
    damaged = store.index.list_clips_of_shard(first_shard)[1]
    for file_system, path in iterate_shards(url):
        if path.endswith(last_shard):
            file_system.rm(path)
        else:
            content = bytearray(file_system.cat_file(path))
            content[damaged.offset + 50] ^= 1
            file_system.pipe_file(path, bytes(content))
    faults = corpus.find_corpus_faults()
    assert [(fault.kind, fault.where) for fault in faults] == [
        ("damaged shard", first_shard),
        ("missing shard", last_shard),
    ]
    # The clips themselves still have local copies, from which new shards are made.
    corpus.remove_faulty_data(faults)
    assert corpus.list_programs_to_render() == []
    corpus.upload_clips()
    remove_local_clips(corpus)
    assert corpus.find_corpus_faults() == [] and read_clips(corpus) == clips


def test_a_clip_that_is_lost_is_rendered_again(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url)
    corpus.upload_clips()
    remove_local_clips(corpus)
    path = corpus.load_programs()["audio"][0]
    for file_system, shard in iterate_shards(url):
        file_system.pipe_file(shard, file_system.cat_file(shard)[:20_000])
    with pytest.raises(EarshotError, match=r"of \d+ bytes arrived|damaged in its shard"):
        get_local_clip_file(path)
    faults = corpus.find_corpus_faults()
    assert [fault.kind for fault in faults] == ["damaged shard"] * COUNT
    corpus.remove_faulty_data(faults)
    assert render_pending(corpus) == COUNT
    corpus.upload_clips()
    assert corpus.find_corpus_faults() == []


def test_a_clip_with_other_content_replaces_the_stored_one(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url)
    corpus.upload_clips()
    program_id = corpus.load_programs()["program"][0]
    samples = np.full((int(SECONDS * RATE), 2), 0.25, np.float32)
    corpus.store_render_result(program_id, RenderResult(Clip(samples, RATE), render_s=0.1), SECONDS)
    clips = read_clips(corpus)
    corpus.upload_clips()
    remove_local_clips(corpus)
    assert read_clips(corpus) == clips and corpus.find_corpus_faults() == []


def test_the_cache_keeps_the_clips_used_last(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_cache, "MIN_UNUSED_S", -1.0)
    monkeypatch.setattr("core.corpus.audio_shard_store.BYTES_PER_MB", 100_000)  # One clip.
    paths = list(read_clips(corpus))
    url = normalize_store_url(str(tmp_path / "store"))
    corpus.set_audio_store(url, cache_mb=100)
    corpus.upload_clips()
    for age, path in enumerate([paths[3], *(path for path in paths if path != paths[3])]):
        os.utime(path, (time.time() - 60 * (age + 1), 1_000_000_000))
    corpus.set_audio_store(url, cache_mb=2)
    store = corpus.audio_store
    assert store is not None
    clip_cache.remove_least_recently_used(store, 10_000_000)
    assert Path(paths[3]).exists() and not Path(paths[-1]).exists()
    for path in (paths[0], paths[1], paths[2]):
        get_local_clip_file(paths[3])
        assert get_local_clip_file(path).exists()
        size = sum(file.stat().st_size for file in (corpus.path / "audio").glob("*/*"))
        assert size <= 200_000
    assert Path(paths[3]).exists() and not Path(paths[0]).exists()


def test_a_clip_that_is_in_no_shard_stays(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_cache, "MIN_UNUSED_S", -1.0)
    corpus.set_audio_store(normalize_store_url(str(tmp_path / "store")), cache_mb=1)
    store = corpus.audio_store
    assert store is not None
    store.cache_bytes = 0
    clip_cache.remove_least_recently_used(store, 1)
    assert len(list((corpus.path / "audio").glob("*/*"))) == COUNT


def test_a_corpus_keeps_its_store(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url, cache_mb=5)
    corpus.set_audio_store(url)
    corpus.set_audio_store(f"{url}/", cache_mb=7)
    store = corpus.audio_store
    assert store is not None and store.cache_bytes == 7_000_000
    with pytest.raises(EarshotError, match="another audio store"):
        corpus.set_audio_store(f"{url}-2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://key:secret@bucket/clips", "neither a user"),
        ("s3://bucket/clips?secret=x", "neither a user"),
        ("simplecache::s3://bucket", "neither a user"),
        ("memory://clips", "lost when the command ends"),
    ],
)
def test_urls_that_a_corpus_must_not_store_are_refused(text: str, message: str) -> None:
    with pytest.raises(EarshotError, match=message) as failure:
        normalize_store_url(text)
    assert "secret" not in str(failure.value)


def test_a_damaged_index_is_reported(corpus: Corpus, url: str) -> None:
    corpus.set_audio_store(url)
    (corpus.path / "audio_store.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(EarshotError, match="index of the audio store") as failure:
        corpus.list_programs_to_render()
    assert "--audio-store" in str(failure.value.remedy)
