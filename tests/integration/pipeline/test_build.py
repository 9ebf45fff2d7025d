"""Building a small corpus with the real Sonic Pi and the encoders that are always at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from core import encoders, programs, sonicpi
from core.cli.parsing import fixed_values
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, Rendering
from core.pipeline import build as stage
from core.pipeline.build import BuildReport, build
from core.pipeline.embed import embed
from core.pipeline.estimate import Estimate, estimate
from core.workspace import PROJECT

SECONDS = 4.0
OPTIONS = {"per_template": 3, "seed": 5, "preset": "offline", "seconds": SECONDS}
STEPS = (stage.PROGRAMS_STEP, "Embedding code", stage.CLIPS_STEP)


def some_templates(count: int = 3) -> list[str]:
    return [template.id for template in programs.templates()[:count]]


class Heard:
    """A progress that remembers."""

    def __init__(self):
        self.calls: list[tuple[str, int, int, str]] = []
        self.estimates: list[Estimate] = []

    def __call__(self, step, done, total, note="", data=None):
        self.calls.append((step, done, total, note))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Corpus, BuildReport, Heard]:
    """The corpus that most tests only read."""
    heard = Heard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        report = build(
            "tiny", some_templates(), progress=heard, expect=heard.estimates.append, **OPTIONS
        )
        yield Corpus.open("tiny"), report, heard


@pytest.fixture
def workspace(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def content(corpus: Corpus) -> dict[str, bytes]:
    """Everything that must not depend on how often a build was stopped."""
    rows = corpus.programs().drop(columns="audio")
    pairs = corpus.pairs(*(corpus.settings["encoders"][key] for key in ("code", "audio")))
    files = {
        str(path.relative_to(corpus.path)): path.read_bytes()
        for path in (corpus.path / "audio").rglob("*")
        if path.is_file()
    }
    return {
        "rows": rows.to_json(orient="records").encode(),
        "pairs": json.dumps(pairs.programs).encode(),
        "code": pairs.code.tobytes(),
        "audio": pairs.audio.tobytes(),
        **files,
    }


def test_everything_is_there(built: tuple[Corpus, BuildReport, Heard]):
    corpus, report, _ = built
    offline = encoders.PRESETS["offline"]
    assert report.counts == {"programs": 9, "ok": 9, "failed": 0, "pending": 0}
    assert (report.added, report.rendered, report.adopted) == (9, 9, 0)
    assert (report.embedded_code, report.embedded_audio) == (9, 9)
    assert report.encoders == {"code": offline.code, "audio": offline.audio} and report.why
    assert set(report.seconds) == set(STEPS)

    rows = corpus.programs()
    assert list(rows.groupby("template").size()) == [3, 3, 3]
    assert (rows["seconds"] == SECONDS).all() and (rows["rms"] > 0).all()
    pairs = corpus.pairs(offline.code, offline.audio)
    assert pairs.programs == list(rows["program"])
    for vectors, encoder_id in ((pairs.code, offline.code), (pairs.audio, offline.audio)):
        assert vectors.shape == (9, encoders.entry(encoder_id).dim)
        assert np.isfinite(vectors).all()


def test_what_is_stored_is_what_its_parts_make_of_it(built: tuple[Corpus, BuildReport, Heard]):
    corpus, _, _ = built
    offline = encoders.PRESETS["offline"]
    row = corpus.programs().iloc[4]
    rendered = sonicpi.render(row["source"], seconds=SECONDS)
    clip = Clip.load(corpus.clip_path(row["program"]))
    assert np.abs(clip.samples - rendered.samples).max() <= 2.0**-15
    vector = encoders.get(offline.audio).embed([clip])
    assert np.array_equal(corpus.embeddings(offline.audio, [row["program"]])[1], vector)


def test_each_step_counts_up_to_its_total(built: tuple[Corpus, BuildReport, Heard]):
    _, _, heard = built
    assert list(dict.fromkeys(step for step, *_ in heard.calls)) == list(STEPS)
    for step in STEPS:
        counts = [(done, total) for each, done, total, _ in heard.calls if each == step]
        assert {total for _, total in counts} == {9}
        done = [done for done, _ in counts]
        assert done == sorted(done) and done[0] == 0 and done[-1] == 9


def test_what_it_will_take_is_told_once_before(built: tuple[Corpus, BuildReport, Heard]):
    _, _, heard = built
    assert heard.estimates == [estimate(9, SECONDS)]


def test_parameters_can_be_fixed_and_narrowed(workspace):
    values = fixed_values(["02_1_beeps.synth=saw|pulse", "02_1_beeps.tonic=60"])
    cheap = {"code_encoder": "sonicpi", "audio_encoder": "log-mel", "seconds": 1.0}
    report = build("set", ["02_1_beeps"], per_template=4, values=values, **cheap)
    rows = Corpus.open("set").programs()
    assert report.counts["ok"] == len(rows) == 4
    drawn = rows["parameters"].tolist()
    assert {each["tonic"] for each in drawn} == {60}
    assert {each["synth"] for each in drawn} <= {"saw", "pulse"}
    assert build("set", ["02_1_beeps"], per_template=4, values=values, **cheap).added == 0


def test_a_second_build_does_nothing(
    built: tuple[Corpus, BuildReport, Heard], monkeypatch: pytest.MonkeyPatch
):
    corpus, _, _ = built
    before = content(corpus)
    calls = []

    def counted(module, name):
        real = getattr(module, name)

        def call(*args, **more):
            calls.append(name)
            return real(*args, **more)

        monkeypatch.setattr(module, name, call)

    counted(sonicpi, "render_many")
    counted(stage, "generate")
    counted(encoders, "get")
    counted(Corpus, "set_setting")
    heard = Heard()
    report = build("tiny", some_templates(), progress=heard, **OPTIONS)
    assert calls == [] and heard.calls == [] and report.seconds == {}
    assert (report.added, report.rendered, report.embedded_code, report.embedded_audio) == (0,) * 4
    assert embed("tiny").seconds == {} and calls == []
    assert content(corpus) == before
    assert "nothing was missing" in str(report)


KILLED = """
import json, sys
from core.pipeline.build import build

def progress(step, done, total, note="", data=None):
    print(step, done, flush=True)
    if [step, done] == json.loads(sys.argv[1]):
        sys.stdin.read()  # stays in the middle until it is killed

build("tiny", json.loads(sys.argv[2]), progress=progress, **json.loads(sys.argv[3]))
"""


def test_a_build_that_is_killed_goes_on_and_ends_the_same(
    built: tuple[Corpus, BuildReport, Heard], workspace
):
    moments = [[STEPS[0], 3], [STEPS[1], 0], [STEPS[2], 2]]
    for moment in moments:
        words = [json.dumps(each) for each in (moment, some_templates(), OPTIONS)]
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, *words], cwd=PROJECT, stdin=-1, stdout=-1, text=True
        ) as process:
            awaited = f"{moment[0]} {moment[1]}\n"
            reached = any(line == awaited for line in process.stdout)
            process.kill()
        assert reached
        assert Corpus.open("tiny").counts()["programs"] <= 9  # readable at once
    report = build("tiny", some_templates(), **OPTIONS)
    assert (report.rendered, report.adopted) == (7, 0)
    undisturbed, _, _ = built
    again, before = content(Corpus.open("tiny")), content(undisturbed)
    assert again.keys() == before.keys()
    assert [key for key in again if again[key] != before[key]] == []


def test_a_lost_database_costs_no_rendering(
    built: tuple[Corpus, BuildReport, Heard], workspace, monkeypatch: pytest.MonkeyPatch
):
    template = some_templates(1)
    build("tiny", template, **OPTIONS)
    corpus = Corpus.open("tiny")
    before = content(corpus)
    (corpus.path / "corpus.sqlite").unlink()
    report = build("tiny", template, **OPTIONS)
    assert (report.adopted, report.rendered) == (3, 0)
    assert content(Corpus.open("tiny")) == before


def test_more_variants_are_added_to_those_that_are_there(workspace):
    template = some_templates(1)
    build("tiny", template, **{**OPTIONS, "per_template": 1})
    before = content(Corpus.open("tiny"))
    split = Corpus.open("tiny").programs()["split"][0]
    report = build("tiny", template, **{**OPTIONS, "per_template": 2, "preset": None})
    assert (report.added, report.rendered, report.embedded_audio) == (1, 1, 1)
    assert "built with" in report.why
    after = content(Corpus.open("tiny"))
    assert after.keys() > before.keys()
    assert after["audio"].startswith(before["audio"])
    assert Corpus.open("tiny").programs()["split"][0] == split


def test_programs_that_fail_stay_with_their_error_and_stop_nobody(workspace):
    corpus = Corpus.create("mine", seconds=SECONDS)
    corpus.add_programs(
        [
            Program("play 60\nsleep 1\nplay (\n", "broken"),
            Program("sleep 1\n", "quiet"),
            Program("play 60\nsleep 1\nno_such_thing\n", "lost"),
            Program("play 60, release: 2\nsleep 1\n", "fine"),
        ]
    )
    heard = Heard()
    report = build("mine", [], preset="offline", progress=heard)
    assert report.counts == {"programs": 4, "ok": 1, "failed": 3, "pending": 0}
    assert report.failures == {"runtime": 1, "silent": 1, "syntax": 1}
    rows = corpus.programs().set_index("name")
    assert rows.loc["lost", "error_line"] == 3 and rows.loc["broken", "error_line"] is not None
    assert "no_such_thing" in rows.loc["lost", "error_message"]
    offline = encoders.PRESETS["offline"]
    assert corpus.pairs(offline.code, offline.audio).programs == [rows.loc["fine", "program"]]
    notes = [note for *_, note in heard.calls if note]
    assert len(notes) == 3 and any(note.startswith("quiet: ") for note in notes)
    assert build("mine", []).rendered == 0  # an error of the program's own is not tried again


def test_what_cannot_be_is_refused_before_anything_is_made(workspace):
    for options in (
        {"templates": ["no_such_template"]},
        {"per_template": -1},
        {"preset": "no_such_preset"},
        {"code_encoder": encoders.PRESETS["offline"].audio, "preset": "offline"},
        {"seconds": 0},
    ):
        with pytest.raises(EarshotError):
            build("odd", **options)
    assert not list_corpora()


class Elsewhere:
    """An engine that takes all programs at once and answers backwards, as a cluster may."""

    def __init__(self, breaks_after: int):
        self.answers_left = breaks_after
        self.left = 0

    @contextmanager
    def rendering(self, sources, seconds):
        def answers():
            for index, source in reversed(list(enumerate(sources))):
                if not self.answers_left:
                    raise EarshotError("The cluster is gone.")
                self.answers_left -= 1
                yield index, Rendering(sonicpi.render(source, seconds))

        try:
            yield answers()
        finally:
            self.left += 1


def test_another_engine_can_render(workspace):
    options = {"seconds": 1.0, "code_encoder": "sonicpi", "audio_encoder": "log-mel"}
    usual = ["02_1_beeps"], 3
    build("here", *usual, **options)
    engine = Elsewhere(breaks_after=2)
    with pytest.raises(EarshotError, match="cluster is gone"):
        build("there", *usual, engine=engine, **options)
    assert engine.left == 1 and Corpus.open("there").counts()["ok"] == 2
    engine.answers_left = 1  # no more than what is still missing
    assert build("there", *usual, engine=engine, **options).rendered == 1
    here, there = (content(Corpus.open(name)) for name in ("here", "there"))
    here.pop("rows"), there.pop("rows")  # hold how long each took
    assert here == there


def test_clips_of_another_length_are_refused(built: tuple[Corpus, BuildReport, Heard]):
    with pytest.raises(EarshotError, match="has seconds 4.0, not 5"):
        build("tiny", [], seconds=5)
    assert build("tiny", []).counts["ok"] == 9


def test_another_encoder_is_added_to_the_first(built: tuple[Corpus, BuildReport, Heard]):
    corpus, _, _ = built
    report = embed("tiny", audio_encoder="log-mel")
    assert (report.code, report.audio) == (0, 9) and not report.failed
    code = corpus.settings["encoders"]["code"]
    assert len(corpus.pairs(code, "log-mel")) == 9
    assert corpus.settings["encoders"]["audio"] != "log-mel"
    with pytest.raises(EarshotError, match="log-mel embeds audio, not code"):
        embed("tiny", code_encoder="log-mel")
