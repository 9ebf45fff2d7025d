"""Building a small corpus with the real Sonic Pi and encoders that need no download."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import encoders, programs, sonicpi
from core.cli.argument_parsing import parse_fixed_template_parameters
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.pipeline import generate_and_add_missing_programs, generate_render_and_embed_corpus
from core.pipeline.corpus_data_card import make_data_card
from core.pipeline.cost_estimates import BuildEstimate, estimate_build_cost
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.pipeline.executors import LocalExecutor
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    BuildReport,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from core.pipeline.import_programs import import_programs
from core.pipeline.render_missing_clips import render_missing_clips
from core.programs import Program
from core.sonicpi import Clip
from core.workspace import PROJECT_FOLDER

SECONDS = 4.0
OFFLINE, CLIPS = EncoderChoice("offline"), ClipFormat(SECONDS)
CHEAP_ENCODERS = EncoderChoice(code_encoder="sonicpi", audio_encoder="log-mel")
STEPS = (
    generate_render_and_embed_corpus.GENERATION_STEP,
    "Embedding code",
    generate_render_and_embed_corpus.RENDERING_STEP,
)


def some_templates(count: int = 3) -> list[str]:
    return [template.id for template in programs.list_templates()[:count]]


def options(templates: list[str], count: int = 3) -> BuildOptions:
    return BuildOptions(templates, count, seed=5)


class RecordedProgress:
    """A progress that records its calls, and the estimates of a build."""

    def __init__(self):
        self.calls: list[tuple[str, int, int, str]] = []
        self.estimates: list[BuildEstimate] = []

    def __call__(self, step, done, total, note="", data=None):
        self.calls.append((step, done, total, note))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Corpus, BuildReport, RecordedProgress]:
    """A corpus that most tests only read."""
    recorded = RecordedProgress()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        report = build_corpus(
            "tiny",
            options(some_templates()),
            OFFLINE,
            CLIPS,
            progress=recorded,
            on_estimate=recorded.estimates.append,
        )
        yield Corpus.open("tiny"), report, recorded


@pytest.fixture
def workspace(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def read_content(corpus: Corpus) -> dict[str, bytes]:
    """Return everything that must not depend on how often a build was stopped."""
    rows = corpus.load_programs().drop(columns="audio")
    pairs = corpus.load_embedding_pairs(
        *(corpus.settings["encoders"][key] for key in ("code", "audio"))
    )
    files = {
        str(path.relative_to(corpus.path)): path.read_bytes()
        for path in (corpus.path / "audio").rglob("*")
        if path.is_file()
    }
    return {
        "rows": rows.to_json(orient="records").encode(),
        "pairs": json.dumps(pairs.program_ids).encode(),
        "code": pairs.code_embeddings.tobytes(),
        "audio": pairs.audio_embeddings.tobytes(),
        **files,
    }


def test_a_build_generates_renders_and_embeds_every_program(
    built: tuple[Corpus, BuildReport, RecordedProgress],
):
    corpus, report, _ = built
    offline = encoders.PRESETS["offline"]
    assert report.counts == {"programs": 9, "ok": 9, "failed": 0, "pending": 0}
    assert (report.programs_added, report.clips_rendered, report.clips_reused) == (9, 9, 0)
    assert (report.code_embeddings_added, report.audio_embeddings_added) == (9, 9)
    assert (
        report.encoders == {"code": offline.code_encoder, "audio": offline.audio_encoder}
        and report.encoder_choice_reason
    )
    assert set(report.step_seconds) == set(STEPS)

    rows = corpus.load_programs()
    assert list(rows.groupby("template").size()) == [3, 3, 3]
    assert (rows["seconds"] == SECONDS).all() and (rows["rms"] > 0).all()
    pairs = corpus.load_embedding_pairs(offline.code_encoder, offline.audio_encoder)
    assert pairs.program_ids == list(rows["program"])
    for vectors, encoder_id in (
        (pairs.code_embeddings, offline.code_encoder),
        (pairs.audio_embeddings, offline.audio_encoder),
    ):
        assert vectors.shape == (9, encoders.find_encoder_spec(encoder_id).dim)
        assert np.isfinite(vectors).all()


def test_stored_clips_and_embeddings_equal_those_of_render_and_encoder(
    built: tuple[Corpus, BuildReport, RecordedProgress],
):
    corpus, _, _ = built
    offline = encoders.PRESETS["offline"]
    row = corpus.load_programs().iloc[4]
    rendered = sonicpi.render(row["source"], seconds=SECONDS)
    clip = Clip.load(corpus.get_clip_path(row["program"]))
    assert np.abs(clip.samples - rendered.samples).max() <= 2.0**-15
    vector = encoders.get_encoder(offline.audio_encoder).embed([clip])
    assert np.array_equal(
        corpus.load_embeddings(offline.audio_encoder, [row["program"]])[1], vector
    )


def test_each_step_counts_up_to_its_total(built: tuple[Corpus, BuildReport, RecordedProgress]):
    _, _, recorded = built
    assert list(dict.fromkeys(step for step, *_ in recorded.calls)) == list(STEPS)
    for step in STEPS:
        counts = [(done, total) for each, done, total, _ in recorded.calls if each == step]
        assert {total for _, total in counts} == {9}
        done = [done for done, _ in counts]
        assert done == sorted(done) and done[0] == 0 and done[-1] == 9


def test_the_estimate_is_reported_once(built: tuple[Corpus, BuildReport, RecordedProgress]):
    _, _, recorded = built
    assert recorded.estimates == [estimate_build_cost(9, SECONDS)]


def test_parameters_can_be_fixed_and_narrowed(workspace):
    values = parse_fixed_template_parameters(["02_1_beeps.synth=saw|pulse", "02_1_beeps.tonic=60"])
    beeps = BuildOptions(["02_1_beeps"], 4, parameter_values=values)
    report = build_corpus("set", beeps, CHEAP_ENCODERS, ClipFormat(1.0))
    rows = Corpus.open("set").load_programs()
    assert report.counts["ok"] == len(rows) == 4
    parameters = rows["parameters"].tolist()
    assert {each["tonic"] for each in parameters} == {60}
    assert {each["synth"] for each in parameters} <= {"saw", "pulse"}
    assert build_corpus("set", beeps, CHEAP_ENCODERS, ClipFormat(1.0)).programs_added == 0


def test_a_second_build_does_nothing(
    built: tuple[Corpus, BuildReport, RecordedProgress], monkeypatch: pytest.MonkeyPatch
):
    corpus, _, _ = built
    before = read_content(corpus)
    calls = []

    def count_calls(module, name):
        real = getattr(module, name)

        def call(*args, **more):
            calls.append(name)
            return real(*args, **more)

        monkeypatch.setattr(module, name, call)

    count_calls(sonicpi, "render_programs_in_parallel")
    count_calls(generate_and_add_missing_programs, "generate")
    count_calls(encoders, "get_encoder")
    count_calls(Corpus, "set_corpus_setting")
    recorded = RecordedProgress()
    report = build_corpus("tiny", options(some_templates()), OFFLINE, CLIPS, progress=recorded)
    assert calls == [] and recorded.calls == [] and report.step_seconds == {}
    assert (
        report.programs_added,
        report.clips_rendered,
        report.code_embeddings_added,
        report.audio_embeddings_added,
    ) == (0,) * 4
    assert embed_corpus(Corpus.open("tiny")).step_seconds == {} and calls == []
    assert read_content(corpus) == before
    assert "nothing was missing" in str(report)


KILLED = """
import json, sys
from core.pipeline.generate_and_add_missing_programs import BuildOptions
from core.pipeline.generate_render_and_embed_corpus import ClipFormat, EncoderChoice, build_corpus

def progress(step, done, total, note="", data=None):
    print(step, done, flush=True)
    if [step, done] == json.loads(sys.argv[1]):
        sys.stdin.read()  # waits here until it is killed

options = BuildOptions(json.loads(sys.argv[2]), 3, seed=5)
clip_format = ClipFormat(float(sys.argv[3]))
build_corpus("tiny", options, EncoderChoice("offline"), clip_format, progress=progress)
"""


def test_a_killed_build_resumes_and_ends_the_same(
    built: tuple[Corpus, BuildReport, RecordedProgress], workspace
):
    kill_points = [[STEPS[0], 3], [STEPS[1], 0], [STEPS[2], 2]]
    for kill_point in kill_points:
        arguments = [json.dumps(each) for each in (kill_point, some_templates(), SECONDS)]
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, *arguments],
            cwd=PROJECT_FOLDER,
            stdin=-1,
            stdout=-1,
            text=True,
        ) as process:
            awaited_line = f"{kill_point[0]} {kill_point[1]}\n"
            reached = any(line == awaited_line for line in process.stdout)
            process.kill()
        assert reached
        # The corpus is readable at once.
        assert Corpus.open("tiny").count_programs_by_state()["programs"] <= 9
    report = build_corpus("tiny", options(some_templates()), OFFLINE, CLIPS)
    assert (report.clips_rendered, report.clips_reused) == (7, 0)
    uninterrupted_corpus, _, _ = built
    resumed, before = read_content(Corpus.open("tiny")), read_content(uninterrupted_corpus)
    assert resumed.keys() == before.keys()
    assert [key for key in resumed if resumed[key] != before[key]] == []


def test_a_lost_database_costs_no_rendering(
    built: tuple[Corpus, BuildReport, RecordedProgress], workspace, monkeypatch: pytest.MonkeyPatch
):
    template = some_templates(1)
    build_corpus("tiny", options(template), OFFLINE, CLIPS)
    corpus = Corpus.open("tiny")
    before = read_content(corpus)
    (corpus.path / "corpus.sqlite").unlink()
    report = build_corpus("tiny", options(template), OFFLINE, CLIPS)
    assert (report.clips_reused, report.clips_rendered) == (3, 0)
    assert read_content(Corpus.open("tiny")) == before


def test_more_variants_are_added_to_the_existing_ones(workspace):
    template = some_templates(1)
    build_corpus("tiny", options(template, 1), OFFLINE, CLIPS)
    before = read_content(Corpus.open("tiny"))
    split = Corpus.open("tiny").load_programs()["split"][0]
    report = build_corpus("tiny", options(template, 2), clip_format=CLIPS)
    assert (report.programs_added, report.clips_rendered, report.audio_embeddings_added) == (
        1,
        1,
        1,
    )
    assert "built with" in report.encoder_choice_reason
    after = read_content(Corpus.open("tiny"))
    assert after.keys() > before.keys()
    assert after["audio"].startswith(before["audio"])
    assert Corpus.open("tiny").load_programs()["split"][0] == split


def test_failed_programs_keep_their_error_and_do_not_stop_the_build(workspace):
    corpus = Corpus.create("mine", seconds=SECONDS)
    corpus.add_programs(
        [
            Program("play 60\nsleep 1\nplay (\n", "broken"),
            Program("sleep 1\n", "quiet"),
            Program("# no sound\nsleep 1\nno_such_thing\n", "lost"),
            Program("play 60, release: 2\nsleep 1\n", "fine"),
        ]
    )
    recorded = RecordedProgress()
    report = build_corpus("mine", BuildOptions([]), OFFLINE, progress=recorded)
    assert report.counts == {"programs": 4, "ok": 1, "failed": 3, "pending": 0}
    assert report.failures == {"runtime": 1, "silent": 1, "syntax": 1}
    rows = corpus.load_programs().set_index("name")
    assert rows.loc["lost", "error_line"] == 3 and rows.loc["broken", "error_line"] is not None
    assert "no_such_thing" in rows.loc["lost", "error_message"]
    offline = encoders.PRESETS["offline"]
    assert corpus.load_embedding_pairs(offline.code_encoder, offline.audio_encoder).program_ids == [
        rows.loc["fine", "program"]
    ]
    notes = [note for *_, note in recorded.calls if note]
    assert len(notes) == 3 and any(note.startswith("quiet: ") for note in notes)
    assert (
        build_corpus("mine", BuildOptions([])).clips_rendered == 0
    )  # a program's own error is not tried again


def test_an_error_of_a_thread_is_a_warning_unless_the_corpus_is_strict(workspace):
    corpus = Corpus.create("mine", seconds=1.0)
    partial = "live_loop(:a) { play 60; sleep 0.5 }\nin_thread { sleep 0.25; no_such_thing }\n"
    corpus.add_programs([Program(partial, "partial"), Program("play 60\n", "fine")])

    def build(is_strict: bool | None) -> BuildReport:
        return build_corpus("mine", BuildOptions([], is_strict=is_strict), CHEAP_ENCODERS)

    def load_partial_program() -> pd.Series:
        return corpus.load_programs().set_index("name").loc["partial"]

    report = build(None)
    assert (report.counts["ok"], report.programs_with_thread_errors) == (2, 1)
    assert "1 of them with an error in a thread" in str(report)
    (warning,) = load_partial_program()["warnings"]
    assert (warning["kind"], warning["line"], warning["seconds"]) == ("runtime", 2, 0.25)
    clip_path = Path(load_partial_program()["audio"])
    content = clip_path.read_bytes()

    report = build(True)
    assert (report.counts["ok"], report.failures, report.clips_rendered) == (1, {"runtime": 1}, 1)
    assert load_partial_program()["error_line"] == 2 and not clip_path.exists()
    assert build(None).clips_rendered == 0  # The corpus stays strict.

    report = build(False)
    assert (report.counts["ok"], report.clips_rendered) == (2, 1)
    assert clip_path.read_bytes() == content
    assert corpus.load_embedding_pairs("sonicpi", "log-mel").program_ids == list(
        corpus.load_programs()["program"]
    )


def test_invalid_options_are_refused_before_anything_is_created(workspace):
    audio_encoder = encoders.PRESETS["offline"].audio_encoder
    for arguments in (
        {"options": BuildOptions(["no_such_template"])},
        {"options": BuildOptions(programs_per_template=-1)},
        {"options": BuildOptions([], parameter_values={"02_1_beeps": {"tonic": 60}})},
        {"encoder_choice": EncoderChoice("no_such_preset")},
        {"encoder_choice": EncoderChoice("offline", code_encoder=audio_encoder)},
        {"clip_format": ClipFormat(0)},
    ):
        with pytest.raises(EarshotError):
            build_corpus("odd", **arguments)
    assert not list_corpora()


class ReversedExecutor:
    """Renders all programs at once and yields them in reverse order, as a cluster may."""

    def __init__(self, results_before_failure: int):
        self.results_left = results_before_failure
        self.closed_count = 0
        self.local = LocalExecutor()
        self.embed_batches = self.local.embed_batches
        self.choose_batch_size = self.local.choose_batch_size

    @contextmanager
    def render_programs_and_embed_clips(self, sources, settings):
        def yield_results():
            with self.local.render_programs_and_embed_clips(sources, settings) as batches:
                results = [result for batch in batches for result in batch]
            for result in sorted(results, key=lambda result: -result[0]):
                if not self.results_left:
                    raise EarshotError("The cluster is gone.")
                self.results_left -= 1
                yield [result]

        try:
            yield yield_results()
        finally:
            self.closed_count += 1


def test_another_executor_can_render(workspace):
    arguments = BuildOptions(["02_1_beeps"], 3), CHEAP_ENCODERS, ClipFormat(1.0)
    build_corpus("here", *arguments)
    executor = ReversedExecutor(results_before_failure=2)
    with pytest.raises(EarshotError, match="cluster is gone"):
        build_corpus("there", *arguments, executor=executor)
    assert executor.closed_count == 1 and Corpus.open("there").count_programs_by_state()["ok"] == 2
    executor.results_left = 1  # no more than are still missing
    assert build_corpus("there", *arguments, executor=executor).clips_rendered == 1
    local, remote = (read_content(Corpus.open(name)) for name in ("here", "there"))
    local.pop("rows"), remote.pop("rows")  # contain render times
    assert local == remote


def test_clips_of_another_length_are_refused(built: tuple[Corpus, BuildReport, RecordedProgress]):
    with pytest.raises(EarshotError, match="has seconds 4.0, not 5"):
        build_corpus("tiny", BuildOptions([]), clip_format=ClipFormat(5))
    assert build_corpus("tiny", BuildOptions([])).counts["ok"] == 9


def test_another_encoder_is_added_to_the_first(built: tuple[Corpus, BuildReport, RecordedProgress]):
    corpus, _, _ = built
    report = embed_corpus(Corpus.open("tiny"), audio_encoder="musicnn")
    assert (report.code_embeddings_added, report.audio_embeddings_added) == (
        0,
        9,
    ) and not report.embedding_errors
    code = corpus.settings["encoders"]["code"]
    assert len(corpus.load_embedding_pairs(code, "musicnn")) == 9
    assert corpus.settings["encoders"]["audio"] != "musicnn"
    with pytest.raises(EarshotError, match="log-mel embeds audio, not code"):
        embed_corpus(Corpus.open("tiny"), code_encoder="log-mel")


def test_a_corpus_has_one_version_of_sonic_pi(workspace, tmp_path):
    program = tmp_path / "loud.rb"
    program.write_text("set_volume! 3\nplay 60, amp: 0.5")
    peaks = []
    for name, version in (("with-3", "3.2"), ("with-5", "5")):
        import_programs(name, program, clip_format=ClipFormat(0.5, sonic_pi=version))
        corpus = Corpus.open(name)
        with corpus.lock_for_writing("a test"):
            render_missing_clips(corpus)
        peaks.append(float(corpus.load_programs()["peak"].iloc[0]))
    assert peaks[0] > 2 * peaks[1]
    corpus = Corpus.open("with-5")
    assert corpus.settings["sonic_pi"] == "5" and corpus.list_programs_to_render() == []
    card = make_data_card(corpus)
    assert card.facts["sonic_pi"] == "5" and "with the sound of Sonic Pi 5)" in card.markdown_text
    with pytest.raises(EarshotError, match=r"has sonic_pi 5, not 3\.2"):
        import_programs("with-5", program, clip_format=ClipFormat(sonic_pi="3.2"))
    with pytest.raises(EarshotError, match=r"Use one of: 3\.2, 5"):
        import_programs("with-4", program, clip_format=ClipFormat(sonic_pi="4"))


def test_a_corpus_of_an_earlier_version_has_the_sound_of_3_2(workspace):
    corpus = Corpus.create("older", seconds=1)
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        connection.execute("DELETE FROM meta WHERE key = 'sonic_pi'")
    corpus = Corpus.open("older")
    corpus.add_programs([Program("play 60", "one")])
    assert corpus.settings["sonic_pi"] == "3.2"
    assert [source for _, source in corpus.list_programs_to_render()] == ["play 60"]
    assert [fault.kind for fault in corpus.find_corpus_faults()] == ["not rendered"]
