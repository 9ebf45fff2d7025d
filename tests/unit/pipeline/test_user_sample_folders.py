"""Folders of own samples of a corpus: which are accepted, and what a build lets programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.import_programs import describe_search_without_training, import_programs
from core.pipeline.render_missing_clips import render_missing_clips
from core.pipeline.user_sample_folders import (
    load_corpus_sample_folders,
    set_corpus_sample_folders,
    validate_sample_folder,
)
from core.sonicpi import Clip
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus


@pytest.fixture
def sample_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my samples"
    folder.mkdir()
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 44_100)
    Clip(np.repeat(wave[:, None], 2, axis=1).astype(np.float32)).save(folder / "own_tone.flac")
    return folder


def test_an_imported_program_plays_a_sample_of_its_own_folder(
    empty_workspace: Path,
    sample_folder: Path,
) -> None:
    source = f'sample "{sample_folder}/own_tone.flac"'
    import_programs("songs", source.encode(), "song.rb", sample_folders=[sample_folder])
    corpus = Corpus.open("songs")
    corpus.set_corpus_setting("seconds", 0.5)
    with corpus.lock_for_writing("test"):
        render_missing_clips(corpus)
    assert corpus.count_programs_by_state()["ok"] == 1
    (path,) = corpus.load_programs()["audio"]
    assert Clip.load(path).peak > 0.1


def test_programs_that_lacked_a_sample_are_rendered_again_with_their_folder(
    empty_workspace: Path, sample_folder: Path
) -> None:
    own_sample = f'sample "{sample_folder}/own_tone.flac"'
    alone, beside_a_note = own_sample.encode(), f"play 60\n{own_sample}".encode()
    import_programs("songs", alone, "alone.rb")
    import_programs("songs", beside_a_note, "beside a note.rb")
    import_programs("songs", b"play 72", "note.rb")
    corpus = Corpus.open("songs")
    corpus.set_corpus_setting("seconds", 0.5)
    with corpus.lock_for_writing("test"):
        render_missing_clips(corpus)
    assert corpus.count_programs_by_state() == {"programs": 3, "ok": 2, "failed": 1, "pending": 0}
    note_path = corpus.load_programs().set_index("name")["audio"]["note"]
    set_corpus_sample_folders(corpus, [sample_folder])
    assert corpus.count_programs_by_state()["pending"] == 2
    with corpus.lock_for_writing("test"):
        assert render_missing_clips(corpus).clips_rendered == 2
    programs = corpus.load_programs().set_index("name")
    assert corpus.count_programs_by_state()["ok"] == 3
    assert programs["audio"]["note"] == note_path
    assert programs["warnings"]["beside a note"] == []
    set_corpus_sample_folders(corpus, [sample_folder])  # The same folder changes nothing.
    assert corpus.list_programs_to_render() == []


def test_a_wrong_folder_is_refused_before_a_corpus_is_created(
    empty_workspace: Path, sample_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for folder, message in (
        (tmp_path / "nowhere", "no such folder"),
        (sample_folder / "own_tone.flac", "a file, not a folder"),
        (tmp_path / "empty", "no samples in this folder"),
        (Path("/"), "far more than samples"),
        (Path.home(), "far more than samples"),
        (empty_workspace, "far more than samples"),
    ):
        with pytest.raises(EarshotError, match=message):
            import_programs("songs", b"play 60", "song.rb", sample_folders=[folder])
    with pytest.raises(EarshotError):
        Corpus.open("songs")
    assert validate_sample_folder(sample_folder) == sample_folder.resolve()


def test_a_folder_that_has_gone_is_named(
    empty_workspace: Path,
    sample_folder: Path,
) -> None:
    corpus = make_tone_corpus("tones", 4)
    assert load_corpus_sample_folders(corpus) == ()
    set_corpus_sample_folders(corpus, [sample_folder, sample_folder])
    assert load_corpus_sample_folders(corpus) == (sample_folder.resolve(),)
    sample_folder.rename(sample_folder.with_name("elsewhere"))
    with pytest.raises(EarshotError, match="is not there") as error:
        load_corpus_sample_folders(corpus)
    assert error.value.where is not None and "my samples" in error.value.where


def test_a_small_corpus_is_led_to_an_existing_alignment(
    empty_workspace: Path,
) -> None:
    songs = make_tone_corpus("songs", 4)
    assert "./run build starter" in describe_search_without_training(songs)
    large = make_tone_corpus("large", 12)
    save_untrained_alignment(large)
    hint = describe_search_without_training(songs)
    assert hint.startswith("4 clips: too few to train on")
    assert "./run neighbours songs" in hint
    assert describe_search_without_training(large) == ""
