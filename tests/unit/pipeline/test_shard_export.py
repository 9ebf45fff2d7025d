"""Shards are read back with tarfile, and with webdataset where it is installed."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import uuid
from pathlib import Path

import fsspec
import numpy as np
import pytest

import core.sonicpi
from core.cli import main
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline import shard_export
from core.pipeline.corpus_export import ExportOptions
from core.pipeline.shard_export import distribute_samples_over_shards, export_corpus_shards
from core.pipeline.shard_folder import open_shard_folder
from core.programs import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, RenderResult
from tests.fake_rendering import compute_fake_render_id

SECONDS, RATE = 3.0, 44_100
NAMES = ("Größe", "größe", "a.b", "..", "broken", "x")
BROKEN = 4


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus of noise, whose clips of about 0.5 MB fill shards of 1 MB, and one failure."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
        corpus = Corpus.create("tiny", seconds=SECONDS)
        # Its line separator must not split the JSON of a sample.
        programs = [
            Program(f"# {n}\u2028ü\nplay {60 + n}\n", name, "beeps", seed=n)
            for n, name in enumerate(NAMES)
        ]
        corpus.add_programs(programs)
        for number, program in enumerate(programs):
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, (round(SECONDS * RATE), 2))
            if number == BROKEN:
                error = RenderProblem("runtime", "It broke.", 2)
                rendering = RenderResult(None, error=error, render_s=0.1)
            else:
                rendering = RenderResult(Clip(noise.astype(np.float32)), render_s=0.1)
            corpus.store_render_result(program.id, rendering, SECONDS)
        yield corpus


def load_clips(corpus: Corpus) -> dict[str, tuple[str, bytes, str]]:
    """The source, the stored clip and its suffix of each program that has a clip."""
    rows = corpus.load_programs().query("state == 'ok'")
    return {
        row.program: (row.source, Path(row.audio).read_bytes(), Path(row.audio).suffix)
        for row in rows.itertuples()
    }


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_shards_hold_every_clip_byte_for_byte_in_a_bounded_size(corpus, tmp_path):
    folder = Path(export_corpus_shards(corpus, str(tmp_path), shard_mb=1))
    index = json.loads((folder / "index.json").read_text())
    assert index["samples"] == 5 and index["programs_without_clip"] == 1
    assert len(index["shardlist"]) > 1
    expected = load_clips(corpus)
    splits = dict(corpus.load_programs()[["program", "split"]].itertuples(index=False))
    contents: dict[str, bytes] = {}
    for entry in index["shardlist"]:
        shard = (folder / entry["url"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(shard).hexdigest()
        assert len(shard) == entry["filesize"]
        # A clip of noise takes up to 1.1 MB, which then is a shard of its own.
        assert len(shard) <= 1_000_000 or entry["nsamples"] == 1
        with tarfile.open(folder / entry["url"]) as archive:
            members = archive.getmembers()
            assert len(members) == 3 * entry["nsamples"]
            keys = [member.name.partition(".")[0] for member in members[::3]]
            assert keys == sorted(keys) and len(keys) == entry["nsamples"]
            assert {splits[key] for key in keys} == {entry["split"]}
            for member in members:
                assert (member.mtime, member.uid, member.uname) == (0, 0, "")
                contents[member.name] = archive.extractfile(member).read()
    assert {name[:32] for name in contents} == set(expected)
    for program_id, (source, clip, suffix) in expected.items():
        assert contents[program_id + suffix] == clip
        assert contents[f"{program_id}.rb"].decode() == source
        row = json.loads(contents[f"{program_id}.json"])
        assert row["program"] == program_id and row["source"] == source
    readme = (folder / "README.md").read_text()
    assert re.findall(r"^\| `(.+?)` \| .+ \|$", readme, re.MULTILINE) == list(row)
    assert str(tmp_path) not in readme + (folder / "index.json").read_text()


def test_webdataset_reads_the_samples(corpus, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    folder = Path(export_corpus_shards(corpus, str(tmp_path / "out"), shard_mb=1))
    shards = sorted(str(path) for path in folder.glob("*.tar"))
    samples = {
        sample["__key__"]: sample for sample in webdataset.WebDataset(shards, shardshuffle=False)
    }
    expected = load_clips(corpus)
    assert set(samples) == set(expected)
    for program_id, (source, clip, suffix) in expected.items():
        assert samples[program_id][suffix[1:]] == clip
        assert samples[program_id]["rb"].decode() == source


def test_a_url_gets_the_same_bytes_as_a_folder(corpus, tmp_path):
    folder = Path(export_corpus_shards(corpus, str(tmp_path / "out"), shard_mb=1))
    url = f"memory://{uuid.uuid4().hex}/deep/folder"
    assert export_corpus_shards(corpus, url, shard_mb=1) == url
    file_system, root = fsspec.core.url_to_fs(url)
    names = [path.rpartition("/")[2] for path in file_system.ls(root, detail=False)]
    files = {name: file_system.cat_file(f"{root}/{name}") for name in names}
    assert files == read_folder(folder)
    with pytest.raises(EarshotError, match="something at that path already"):
        export_corpus_shards(corpus, url)


def test_a_failed_export_leaves_no_half_shard_and_is_completed(
    corpus, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    whole = Path(export_corpus_shards(corpus, str(tmp_path / "whole"), shard_mb=1))
    folder = tmp_path / "out"
    opened_paths: list[str] = []
    open_clip = shard_export.open_clip_file

    def fail_in_the_last_clip(path: str):
        opened_paths.append(path)
        if len(opened_paths) == 10:  # Five are measured, five are written.
            raise OSError(28, "No space left on device")
        return open_clip(path)

    monkeypatch.setattr(shard_export, "open_clip_file", fail_in_the_last_clip)
    with pytest.raises(EarshotError, match="No space left on device"):
        export_corpus_shards(corpus, str(folder), shard_mb=1)
    monkeypatch.undo()
    expected = read_folder(whole)
    unfinished = read_folder(folder)
    assert unfinished and "index.json" not in unfinished
    assert all(expected[name] == content for name, content in unfinished.items())

    kept_name = next(iter(unfinished))
    kept = (folder / kept_name).stat().st_ino
    (folder / ".partial-tiny-train-000000.tar-1").write_bytes(b"of a killed export")
    (folder / "tiny-train-000099.tar").write_bytes(b"of an export with smaller shards")
    assert export_corpus_shards(corpus, str(folder), shard_mb=1) == str(folder)
    assert read_folder(folder) == expected
    assert (folder / kept_name).stat().st_ino == kept  # It was not written again.


def test_a_damaged_shard_of_an_unfinished_export_is_replaced(corpus, tmp_path):
    folder = Path(export_corpus_shards(corpus, str(tmp_path / "out")))
    expected = read_folder(folder)
    (folder / "index.json").unlink()
    shard = next(folder.glob("*.tar"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    export_corpus_shards(corpus, str(folder))
    assert read_folder(folder) == expected


def test_other_files_are_left_alone(corpus, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert export_corpus_shards(corpus, str(tmp_path)) == str(tmp_path / "tiny-shards")
    with pytest.raises(EarshotError, match="something at that path already"):
        export_corpus_shards(corpus, str(tmp_path))
    with pytest.raises(EarshotError, match="a file at that path"):
        export_corpus_shards(corpus, str(tmp_path / "notes.txt"))


def test_samples_are_distributed_by_size_within_their_split():
    splits = ["test", "train", "train", "train", "validation"]
    shards = distribute_samples_over_shards("c", splits, [100, 5_000, 4_000, 50_000, 100], 10_240)
    assert [(shard.name, list(shard.rows)) for shard in shards] == [
        ("c-test-000000.tar", [0]),
        ("c-train-000000.tar", [1, 2]),
        ("c-train-000001.tar", [3]),
        ("c-validation-000000.tar", [4]),
    ]


@pytest.mark.parametrize("shard_mb", [0, -1, 100_001])
def test_a_shard_size_out_of_range_is_refused(corpus, tmp_path, shard_mb):
    with pytest.raises(EarshotError, match="shard cannot have"):
        export_corpus_shards(corpus, str(tmp_path), shard_mb=shard_mb)


def test_programs_without_clips_are_refused(corpus, tmp_path):
    programs = corpus.load_programs()
    failed = programs.loc[programs["state"] != "ok", "program"].tolist()
    with pytest.raises(EarshotError, match="no clips to export"):
        export_corpus_shards(corpus, str(tmp_path / "out"), options=ExportOptions(failed))
    assert not (tmp_path / "out").exists()


def test_a_bad_url_is_reported_without_its_password(corpus):
    with pytest.raises(EarshotError) as failure:
        open_shard_folder("nosuch://ann:secret@host/folder", "tiny")
    assert "secret" not in str(failure.value.where)
    assert "fsspec supports" in failure.value.remedy


def test_the_command_writes_shards_to_a_folder_or_url(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["export", "tiny", "--format", "shards", "--shard-mb", "1", "--json", "--out"]
    assert main([*command, str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(out)
    assert (out / "index.json").is_file()
    url = f"memory://{uuid.uuid4().hex}"
    assert main([*command, url]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == url
    assert main(["export", "tiny", "--format", "zip", "--out", url]) != 0
    assert "Only shards can be written to a URL" in capsys.readouterr().err
