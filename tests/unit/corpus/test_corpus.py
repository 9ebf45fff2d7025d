"""A corpus on disk returns what was stored and refuses what is invalid."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import core.sonicpi
from core.corpus import Corpus, delete_corpus, list_corpora
from core.corpus.program_filtering import filter_programs_with_thread_errors
from core.errors import EarshotError
from core.programs.program import Program
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, RenderResult
from core.workspace import PROJECT_FOLDER
from tests.fake_rendering import compute_fake_render_id

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
SECONDS = 0.5


@pytest.fixture(autouse=True)
def workspace(empty_workspace: Path) -> Path:
    return empty_workspace


@pytest.fixture
def corpus() -> Corpus:
    return Corpus.create("tiny", seconds=SECONDS)


def program(number: int, template: str = "beeps", **fields) -> Program:
    return Program(
        source=f"# {template} {number}\nplay {40 + number}\nsleep 1\n",
        name=f"{template}-{number:04d}",
        template=template,
        role="melody",
        parameters={"note": 40 + number, "release": 0.1 + number / 3, "loud": True, "synth": "saw"},
        seed=7,
        **fields,
    )


def rendering(number: int, **fields) -> RenderResult:
    rng = np.random.default_rng(number)
    samples = rng.uniform(-0.5, 0.5, (round(SECONDS * 44_100), 2)).astype(np.float32)
    return RenderResult(Clip(samples), render_s=0.25, **fields)


def filled(corpus: Corpus, count: int) -> list[str]:
    """Add `count` programs with clips; return their ids."""
    programs = [program(number) for number in range(count)]
    corpus.add_programs(programs)
    for number, added in enumerate(programs):
        corpus.store_render_result(added.id, rendering(number), SECONDS)
    return [added.id for added in programs]


def vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)


class TestOpening:
    def test_all_created_corpora_are_listed(self):
        Corpus.create("b")
        Corpus.create("a")
        assert list_corpora() == ["a", "b"]
        assert Corpus.open("a").settings["seconds"] == 18.0
        assert Corpus.open("a").settings["schema_version"] == 1

    def test_a_second_corpus_of_the_same_name_is_refused_unless_exist_ok(self, corpus: Corpus):
        corpus.add_programs([program(0)])
        with pytest.raises(EarshotError, match="corpus 'tiny' already"):
            Corpus.create("tiny")
        again = Corpus.create("tiny", exist_ok=True, seconds=3)
        assert again.count_programs_by_state()["programs"] == 1
        assert again.settings["seconds"] == SECONDS

    def test_an_unknown_name_is_refused_with_similar_names(self, corpus: Corpus):
        with pytest.raises(EarshotError, match="Did you mean tiny"):
            Corpus.open("tinny")
        assert not (corpus.path.parent / "tinny").exists()

    @pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b", "x" * 65, "a b"])
    def test_names_that_are_paths_are_refused(self, name, workspace):
        for open_or_create in (Corpus.open, Corpus.create):
            with pytest.raises(EarshotError, match="cannot be the name of a corpus"):
                open_or_create(name)
        assert not (workspace / "corpora").exists()

    @pytest.mark.parametrize(
        "arguments",
        [
            {"seconds": 0},
            {"seconds": -1},
            {"seconds": 1e9},
            {"seconds": float("nan")},
            {"audio_format": "exe"},
        ],
    )
    def test_impossible_settings_leave_nothing_behind(self, arguments):
        with pytest.raises(EarshotError):
            Corpus.create("odd", **arguments)
        assert list_corpora() == []

    def test_settings_survive(self, corpus: Corpus):
        corpus.set_corpus_setting("encoders", {"code": CODE})
        assert Corpus.open("tiny").settings["encoders"] == {"code": CODE}


class TestPrograms:
    def test_programs_are_read_back_unchanged(self, corpus: Corpus):
        programs = [program(1), Program("play 1", name="mine"), program(0)]
        assert corpus.add_programs(programs) == 3
        rows = corpus.load_programs()
        assert list(rows["program"]) == [item.id for item in programs]
        for row, item in zip(rows.to_dict("records"), programs):
            assert (row["name"], row["template"], row["role"]) == (
                item.name,
                item.template,
                item.role,
            )
            assert row["source"] == item.source and row["seed"] == item.seed
            assert row["parameters"] == dict(item.parameters)
            assert list(row["parameters"]) == list(item.parameters)
            assert [type(v) for v in row["parameters"].values()] == [
                type(v) for v in item.parameters.values()
            ]
            assert row["state"] == "pending" and row["error_kind"] is None
            assert row["audio"] is None and np.isnan(row["rms"]) and row["warnings"] == []
        assert corpus.load_program(programs[0].id)["parameters"] == dict(programs[0].parameters)

    def test_equal_sources_share_one_row(self, corpus: Corpus):
        assert corpus.add_programs([program(0), program(1)]) == 2
        twin = Program(source=program(1).source, name="another name", template="other")
        assert corpus.add_programs([twin, program(2), program(2)]) == 1
        assert list(corpus.load_programs()["name"]) == ["beeps-0000", "beeps-0001", "beeps-0002"]

    def test_equal_names_are_numbered(self, corpus: Corpus):
        same = [Program(source=f"play {n}", name="tune") for n in range(3)]
        corpus.add_programs(same[:1])
        corpus.add_programs(same[1:])
        assert list(corpus.load_programs()["name"]) == ["tune", "tune.2", "tune.3"]

    def test_older_names_of_grammar_programs_are_read_as_todays(self, corpus: Corpus):
        older = [Program(f"play {n}", f"older-{n}", "composed-acid") for n in range(2)]
        corpus.add_programs(older)
        with closing(sqlite3.connect(corpus.path / "corpus.sqlite")) as database, database:
            database.execute("UPDATE programs SET name = 'composed-acid-0000' || (position - 1)")
        corpus.add_programs([Program("play 9", "grammar-acid-00001", "composed-acid")])
        rows = corpus.load_programs()
        names = ["grammar-acid-00000", "grammar-acid-00001", "grammar-acid-00001.2"]
        assert list(rows["name"]) == names and set(rows["template"]) == {"composed-acid"}
        assert corpus.load_program(older[0].id)["name"] == names[0]

    def test_an_unknown_program_is_named(self, corpus: Corpus):
        with pytest.raises(EarshotError, match="no program 'feed'"):
            corpus.load_program("feed")

    def test_an_empty_corpus_has_all_columns(self, corpus: Corpus):
        empty = corpus.load_programs()
        corpus.add_programs([program(0)])
        assert len(empty) == 0
        assert list(empty.columns) == list(corpus.load_programs().columns)
        assert list(empty.dtypes) == list(corpus.load_programs().dtypes)


THREAD_ERROR = RenderProblem("runtime", "divided by 0", 3, seconds=1.5)


class TestStrictness:
    def test_a_new_corpus_keeps_clips_with_errors_of_threads(self, corpus: Corpus):
        corpus.add_programs([program(0), program(1)])
        clip = corpus.store_render_result(
            program(0).id, rendering(0, warnings=(THREAD_ERROR,)), SECONDS
        )
        corpus.store_render_result(program(1).id, rendering(1), SECONDS)
        assert clip is not None and not corpus.is_strict_about_thread_errors
        assert len(filter_programs_with_thread_errors(corpus.load_programs())) == 1
        (warning,) = corpus.load_program(program(0).id)["warnings"]
        assert RenderProblem(**warning) == THREAD_ERROR

    def test_a_strict_corpus_stores_the_error(self, corpus: Corpus):
        corpus.set_strict_about_thread_errors(True)
        corpus.add_programs([program(0)])
        result = rendering(0, warnings=(THREAD_ERROR,))
        assert corpus.store_render_result(program(0).id, result, SECONDS) is None
        assert corpus.count_failures_by_kind() == {"runtime": 1}
        assert corpus.load_program(program(0).id)["error_line"] == 3

    def test_a_change_makes_only_affected_programs_pending(self, corpus: Corpus):
        corpus.add_programs([program(number) for number in range(3)])
        corpus.store_render_result(program(0).id, rendering(0, warnings=(THREAD_ERROR,)), SECONDS)
        loud = rendering(1, warnings=(RenderProblem("clipped", "Too loud."),))
        corpus.store_render_result(program(1).id, loud, SECONDS)
        silent = RenderResult(None, RenderProblem("silent", "…"))
        corpus.store_render_result(program(2).id, silent, SECONDS)
        path = corpus.get_clip_path(program(0).id)

        corpus.set_strict_about_thread_errors(True)
        assert corpus.list_programs_to_render() == [(program(0).id, program(0).source)]
        assert not path.exists()
        result = rendering(0, warnings=(THREAD_ERROR,))
        corpus.store_render_result(program(0).id, result, SECONDS)
        assert corpus.list_programs_to_render() == []

        corpus.set_strict_about_thread_errors(False)
        assert corpus.list_programs_to_render() == [(program(0).id, program(0).source)]

    def test_a_strict_corpus_does_not_register_such_a_clip(self, corpus: Corpus):
        corpus.add_programs([program(0)])
        corpus.store_render_result(program(0).id, rendering(0, warnings=(THREAD_ERROR,)), SECONDS)
        path = corpus.get_clip_path(program(0).id)
        content = path.read_bytes()
        corpus.set_strict_about_thread_errors(True)
        path.write_bytes(content)
        assert corpus.register_existing_clip(program(0).id, SECONDS) is None
        corpus.set_strict_about_thread_errors(False)
        assert corpus.register_existing_clip(program(0).id, SECONDS) is not None
        assert len(filter_programs_with_thread_errors(corpus.load_programs())) == 1


class TestClips:
    def test_the_state_of_each_program_is_recorded(self, corpus: Corpus):
        ok, failed, silent, pending = (program(number) for number in range(4))
        corpus.add_programs([ok, failed, silent, pending])
        warned = rendering(0, warnings=(RenderProblem("clipped", "Too loud.", 2),))
        stored_clip = corpus.store_render_result(ok.id, warned, SECONDS)
        error = RenderProblem("syntax", "unexpected end", 3)
        assert corpus.store_render_result(failed.id, RenderResult(None, error), SECONDS) is None
        quiet = RenderResult(Clip(np.full((22_050, 2), 1e-6, np.float32)))
        assert corpus.store_render_result(silent.id, quiet, SECONDS) is None

        assert corpus.count_programs_by_state() == {
            "programs": 4,
            "ok": 1,
            "failed": 2,
            "pending": 1,
        }
        assert corpus.count_failures_by_kind() == {"silent": 1, "syntax": 1}
        assert corpus.list_programs_to_render() == [(pending.id, pending.source)]
        rows = corpus.load_programs()
        assert list(rows["state"]) == ["ok", "failed", "failed", "pending"]
        assert rows["warnings"][0] == [{"kind": "clipped", "message": "Too loud.", "line": 2}]
        assert rows["error_message"][1] == "unexpected end" and rows["error_line"][1] == 3
        assert rows["error_kind"][2] == "silent"
        assert rows["seconds"][0] == SECONDS
        assert rows["rms"][0] == stored_clip.rms and rows["peak"][0] == stored_clip.peak

    def test_the_returned_clip_is_what_the_file_holds(self, corpus: Corpus):
        corpus.add_programs([program(0)])
        rendered = rendering(0)
        stored_clip = corpus.store_render_result(program(0).id, rendered, SECONDS)
        path = corpus.get_clip_path(program(0).id)
        identity = compute_fake_render_id(program(0).source, SECONDS)
        assert path == corpus.path / "audio" / identity[:2] / f"{identity}.flac"
        assert np.array_equal(stored_clip.samples, Clip.load(path).samples)
        assert np.abs(stored_clip.samples - rendered.clip.samples).max() <= 2.0**-16

    def test_clips_can_be_stored_as_ogg(self):
        corpus = Corpus.create("small", seconds=SECONDS, audio_format="ogg")
        filled(corpus, 1)
        path = corpus.get_clip_path(program(0).id)
        assert path.suffix == ".ogg" and path.read_bytes()[:4] == b"OggS"

    def test_the_error_for_a_missing_clip_gives_the_reason(self, corpus: Corpus):
        corpus.add_programs([program(0), program(1)])
        corpus.store_render_result(
            program(1).id, RenderResult(None, RenderProblem("runtime", "boom", 1)), SECONDS
        )
        with pytest.raises(EarshotError, match="beeps-0000 has no clip: it has not been rendered"):
            corpus.get_clip_path(program(0).id)
        with pytest.raises(EarshotError, match="boom"):
            corpus.get_clip_path(program(1).id)

    @pytest.mark.parametrize("damage", ["missing", "truncated"])
    def test_a_damaged_clip_is_pending(self, corpus: Corpus, damage):
        first, second = filled(corpus, 2)
        path = corpus.get_clip_path(first)
        content = path.read_bytes()
        path.unlink()
        if damage == "truncated":
            path.write_bytes(content[: len(content) // 2])
        assert [program_id for program_id, _ in corpus.list_programs_to_render()] == [first]
        assert corpus.register_existing_clip(first, SECONDS) is None
        corpus.store_render_result(first, rendering(0), SECONDS)
        assert path.read_bytes() == content and corpus.list_programs_to_render() == []

    def test_an_existing_clip_is_registered(self, corpus: Corpus):
        first, _ = filled(corpus, 2)
        before = corpus.load_programs()
        (corpus.path / "corpus.sqlite").unlink()
        again = Corpus.create("tiny", seconds=SECONDS)
        again.add_programs([program(0), program(1), program(2)])
        registered = again.register_existing_clip(first, SECONDS)
        assert np.array_equal(registered.samples, Clip.load(again.get_clip_path(first)).samples)
        assert again.load_programs()["rms"][0] == before["rms"][0]
        assert again.register_existing_clip(program(2).id, SECONDS) is None

    def test_failures_that_are_not_the_programs_fault_are_pending(self, corpus: Corpus):
        corpus.add_programs([program(0), program(1)])
        for number, kind in ((0, "crashed"), (1, "timeout")):
            failure = RenderResult(None, RenderProblem(kind, "…"))
            corpus.store_render_result(program(number).id, failure, SECONDS)
        assert [program_id for program_id, _ in corpus.list_programs_to_render()] == [program(0).id]

    def test_failures_of_an_older_renderer_are_pending_and_its_clips_are_not(
        self, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
    ):
        filled(corpus, 1)
        corpus.add_programs([program(1)])
        corpus.store_render_result(
            program(1).id, RenderResult(None, RenderProblem("runtime", "…")), SECONDS
        )
        assert corpus.list_programs_to_render() == []

        def newer(source: str, seconds: float = 18.0, sonic_pi: str = "3.2") -> str:
            return compute_fake_render_id("newer" + source, seconds)

        monkeypatch.setattr(core.sonicpi, "compute_render_id", newer)
        assert [program_id for program_id, _ in corpus.list_programs_to_render()] == [program(1).id]

    def test_incomplete_files_are_removed(self, corpus: Corpus):
        (program_id,) = filled(corpus, 1)
        partial = corpus.get_clip_path(program_id).with_name(".partial-x1y2")
        partial.write_bytes(b"fLaC")
        with corpus.lock_for_writing("a test"):
            assert not partial.exists()
        assert corpus.get_clip_path(program_id).exists()


class TestEmbeddings:
    def test_float32_is_read_back_bit_for_bit(self, corpus: Corpus):
        ids = filled(corpus, 5)
        matrix = vectors(5, 384)
        matrix[0, :4] = [np.finfo(np.float32).max, np.finfo(np.float32).tiny, -0.0, 1e-45]
        corpus.store_embeddings(CODE, "r1", ids, matrix)
        program_ids, stored = Corpus.open("tiny").load_embeddings(CODE)
        assert program_ids == ids and stored.dtype == np.float32
        assert stored.tobytes() == matrix.tobytes()
        selected = [ids[3], ids[0]]
        assert corpus.load_embeddings(CODE, selected)[0] == selected
        assert np.array_equal(corpus.load_embeddings(CODE, selected)[1], matrix[[3, 0]])

    def test_pairs_are_complete_and_in_insertion_order(self, corpus: Corpus):
        ids = filled(corpus, 6)
        corpus.add_programs([program(6)])
        failed = program(6).id
        corpus.store_render_result(
            failed, RenderResult(None, RenderProblem("runtime", "boom")), SECONDS
        )
        code, audio = vectors(7, 384, 1), vectors(6, 512, 2)
        order = [4, 0, 6, 2, 1, 5, 3]
        corpus.store_embeddings(CODE, "r", [[*ids, failed][i] for i in order], code[order])
        corpus.store_embeddings(AUDIO, "r", ids[3:], audio[3:])
        corpus.store_embeddings(AUDIO, "r", ids[:2], audio[:2])
        pairs = corpus.load_embedding_pairs(CODE, AUDIO)
        complete = [0, 1, 3, 4, 5]
        assert pairs.program_ids == [ids[i] for i in complete] and len(pairs) == 5
        assert np.array_equal(pairs.code_embeddings, code[complete])
        assert np.array_equal(pairs.audio_embeddings, audio[complete])
        assert list(pairs.splits) == list(corpus.load_programs()["split"][complete])
        assert corpus.count_embeddings_by_encoder() == [(CODE, "code", 7), (AUDIO, "audio", 5)]

    def test_missing_embeddings_depend_on_modality_and_revision(self, corpus: Corpus):
        ids = filled(corpus, 2)
        corpus.add_programs([program(2)])
        assert corpus.list_programs_without_embedding(CODE) == [*ids, program(2).id]
        assert corpus.list_programs_without_embedding(AUDIO) == ids
        corpus.store_embeddings(AUDIO, "old", ids[:1], vectors(1, 512))
        assert corpus.list_programs_without_embedding(AUDIO) == ids[1:]
        assert corpus.list_programs_without_embedding(AUDIO, "old") == ids[1:]
        assert corpus.list_programs_without_embedding(AUDIO, "new") == ids

    def test_revisions_are_not_mixed(self, corpus: Corpus):
        ids = filled(corpus, 2)
        corpus.store_embeddings(CODE, "old", ids, vectors(2, 384))
        corpus.store_embeddings(CODE, "new", ids[1:], vectors(1, 16))
        assert corpus.load_embeddings(CODE)[0] == ids[1:]
        assert corpus.load_embeddings(CODE)[1].shape == (1, 16)

    def test_a_different_clip_deletes_the_audio_embedding_of_the_old_one(self, corpus: Corpus):
        ids = filled(corpus, 2)
        corpus.store_embeddings(CODE, "r", ids, vectors(2, 384))
        corpus.store_embeddings(AUDIO, "r", ids, vectors(2, 512))
        corpus.store_render_result(ids[0], rendering(0), SECONDS)
        assert corpus.list_programs_without_embedding(AUDIO) == []
        corpus.store_render_result(ids[1], rendering(99), SECONDS)
        assert corpus.list_programs_without_embedding(AUDIO) == ids[1:]
        assert corpus.list_programs_without_embedding(CODE) == []

    @pytest.mark.parametrize(
        "matrix, message",
        [
            (np.full((2, 384), np.nan, np.float32), "not finite for 2 of 2"),
            (np.array([[0.0] * 384, [1e300] * 384]), "not finite for 1 of 2"),
            (np.zeros((2, 383), np.float32), "384 dimensions in this corpus, these have 383"),
            (np.zeros((3, 384), np.float32), r"shape \[3, 384\] for 2 programs"),
            (np.zeros(384, np.float32), r"shape \[384\] for 2 programs"),
            (np.zeros((2, 0), np.float32), r"shape \[2, 0\]"),
            (np.zeros((2, 384), int), "int64 values, not floats"),
        ],
    )
    def test_invalid_embeddings_are_refused_together(self, corpus: Corpus, matrix, message):
        ids = filled(corpus, 3)
        corpus.store_embeddings(CODE, "r", ids[:1], vectors(1, 384))
        with pytest.raises(EarshotError, match=message):
            corpus.store_embeddings(CODE, "r", ids[1:], matrix)
        assert corpus.load_embeddings(CODE)[0] == ids[:1]
        assert np.array_equal(corpus.load_embeddings(CODE)[1], vectors(1, 384))

    def test_a_refused_new_revision_keeps_the_old_one(self, corpus: Corpus):
        ids = filled(corpus, 2)
        corpus.store_embeddings(CODE, "old", ids, vectors(2, 384))
        with pytest.raises(EarshotError, match="no program 'feed'"):
            corpus.store_embeddings(CODE, "new", [ids[0], "feed"], vectors(2, 384))
        with pytest.raises(EarshotError, match="given twice"):
            corpus.store_embeddings(CODE, "new", [ids[0], ids[0]], vectors(2, 384))
        assert corpus.list_programs_without_embedding(CODE, "old") == []

    def test_errors_name_the_encoders_that_were_used(self, corpus: Corpus):
        ids = filled(corpus, 1)
        with pytest.raises(EarshotError, match="'nobody'; encoders used: none yet"):
            corpus.load_embeddings("nobody")
        corpus.store_embeddings(CODE, "r", ids, vectors(1, 384))
        with pytest.raises(EarshotError, match=f"encoders used: {CODE}"):
            corpus.load_embedding_pairs(CODE, AUDIO)
        with pytest.raises(EarshotError, match="embeds code, not audio"):
            corpus.load_embedding_pairs(CODE, CODE)
        with pytest.raises(EarshotError, match="have no embedding"):
            corpus.add_programs([program(5)])
            corpus.load_embeddings(CODE, [ids[0], program(5).id])


class TestSplit:
    def test_the_split_of_many_programs_is_about_14_3_3(self, corpus: Corpus):
        corpus.add_programs([program(n, t) for t in "ab" for n in range(400)])
        table = corpus.load_programs().groupby(["template", "split"]).size().unstack()
        shares = table[["train", "validation", "test"]] / 400
        assert (abs(shares - [0.7, 0.15, 0.15]) < 0.06).all().all()

    def test_templates_with_one_program_are_not_all_in_one_split(self, corpus: Corpus):
        corpus.add_programs([program(0, f"t{n}") for n in range(60)])
        counts = corpus.load_programs()["split"].value_counts()
        assert set(counts.index) == {"train", "validation", "test"}

    def test_adding_programs_changes_no_earlier_split(self, corpus: Corpus):
        programs = [program(n, t) for t in "abc" for n in range(8)]
        corpus.add_programs(programs)
        before = corpus.load_programs().set_index("program")["split"]
        corpus.add_programs([program(n, t) for t in "abcd" for n in range(40)])
        after = corpus.load_programs().set_index("program")["split"]
        assert after[before.index].equals(before)

    def test_the_split_depends_on_template_and_program_alone(self, corpus: Corpus):
        programs = [program(n, t) for t in "ab" for n in range(30)]
        corpus.add_programs(programs)
        grown = Corpus.create("grown", seed=1)
        grown.add_programs([program(n, "c") for n in range(9)])
        for one in reversed(programs):  # one by one, in another order, by another seed
            grown.add_programs([one])
        splits, others = (
            item.load_programs().set_index("program")["split"] for item in (corpus, grown)
        )
        assert others[splits.index].equals(splits)

    def test_a_corpus_of_an_older_version_goes_on_by_its_own_rule(self, corpus: Corpus):
        with corpus._database.open_write_transaction("test") as connection:
            connection.execute("DELETE FROM meta WHERE key = 'split_rule'")
        corpus.add_programs([program(n, t) for t in "abcdefgh" for n in range(8)])
        table = corpus.load_programs().groupby(["template", "split"]).size().unstack(fill_value=0)
        # Rule 1 deals each template's programs in turn.
        assert table.shape == (8, 3) and (table.to_numpy() >= 1).all()
        assert (table["train"] >= 4).all()


class TestOneWriter:
    HOLD = (
        "import sys; from core.corpus import Corpus\n"
        "with Corpus.open('tiny').lock_for_writing('build tiny'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )

    def test_the_lock_names_its_holder_and_does_not_stop_readers(self, corpus: Corpus):
        ids = filled(corpus, 1)
        with subprocess.Popen(
            [sys.executable, "-c", self.HOLD], cwd=PROJECT_FOLDER, stdin=-1, stdout=-1, text=True
        ) as other:
            try:
                assert other.stdout.readline() == "held\n"
                expected = rf"'tiny' is being written by process {other.pid} \(build tiny\) since "
                with pytest.raises(EarshotError, match=expected):
                    corpus.add_programs([program(1)])
                with pytest.raises(EarshotError, match=expected):
                    corpus.store_render_result(ids[0], rendering(0), SECONDS)
                assert list(Corpus.open("tiny").load_programs()["program"]) == ids
                assert Corpus.create("tiny", exist_ok=True).count_programs_by_state()["ok"] == 1
            finally:
                other.kill()
        assert corpus.add_programs([program(1)]) == 1  # A killed process releases its lock.

    def test_readers_see_only_what_is_committed(self, corpus: Corpus):
        filled(corpus, 1)
        reader = Corpus.open("tiny")
        with corpus._database.open_write_transaction("a test") as connection:
            connection.execute("DELETE FROM clips")
            assert reader.count_programs_by_state()["ok"] == 1
        assert reader.count_programs_by_state()["ok"] == 0

    def test_another_thread_waits_for_no_lock_and_is_refused(self, corpus: Corpus):
        messages = []

        def write():
            try:
                corpus.add_programs([program(0)])
            except EarshotError as error:
                messages.append(str(error))

        with corpus.lock_for_writing("the first thread"):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
            assert corpus.add_programs([program(1)]) == 1  # A thread may nest its own lock.
        assert len(messages) == 1 and "the first thread" in messages[0]

    def test_a_deleted_corpus_is_named_as_such(self, corpus: Corpus):
        delete_corpus(Corpus.open(corpus.name))
        for write in (
            lambda: delete_corpus(corpus),
            lambda: corpus.add_programs([program(0)]),
            lambda: corpus.set_corpus_setting("seconds", 1.0),
        ):
            with pytest.raises(EarshotError, match="no longer exists") as error:
                write()
            assert "deleted or renamed" in error.value.remedy

    def test_an_error_releases_the_lock(self, corpus: Corpus):
        with pytest.raises(RuntimeError):
            with corpus.lock_for_writing("first"):
                raise RuntimeError
        with corpus.lock_for_writing("second"):
            pass
        owner = json.loads((corpus.path / "writer.lock").read_text())
        assert owner["command"] == "second"
