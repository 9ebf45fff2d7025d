"""The study of foretelling, end to end on a small corpus of real clips."""

from __future__ import annotations

import numpy as np
import pytest

from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation import sureness
from core.evaluation.metrics import foretold
from core.programs.composed.styles import PREFIX
from core.stages import neighbours
from core.stages import sureness as stage
from core.stages import train as training
from core.stages.build import build
from core.stages.studies import foretelling_ways as ways
from core.stages.studies import store
from core.stages.studies.foretelling_sets import STYLES, TEMPLATES
from core.stages.studies.running import run_study

OPTIONS = {"judge": "log-mel"}
CHOSEN = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
QUICK = {"width": 16, "layers": 2, "epochs": 3, "patience": 0, "precision": "fp32"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    """Variants of four templates and composed programs of several styles, 2 s each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        whole = ways.heads
        patch.setattr(ways, "heads", lambda method, **changes: whole(method, **changes, **QUICK))
        build("small", templates=CHOSEN, per_template=6, composed=16, seconds=2.0,
              code_encoder="sonicpi", audio_encoder="log-mel")  # fmt: skip
        yield Corpus.open("small")


@pytest.fixture(scope="module")
def validation(corpus):
    return run_study("foretelling", "small", OPTIONS)


def tables(run) -> dict:
    return {table.name: table.rows for table in run.result().tables}


def test_held_out_templates_and_styles_are_neither_searched_nor_trained_on(corpus, validation):
    programs = corpus.programs().set_index("name")["template"]
    each = tables(validation)["queries"]
    assert set(each["kind"]) == {TEMPLATES, STYLES}
    asked = set(programs[each["program"]])
    found = {name for row in each["foretold"] for name in row.split(", ")}
    nearest = {name for row in each["truly nearest"] for name in row.split(", ")}
    assert asked.isdisjoint(programs[list(found | nearest)])
    assert any(name.startswith(PREFIX) for name in asked)


def test_shares_are_those_of_the_clips_that_are_named(corpus, validation):
    each = tables(validation)["queries"]
    programs = corpus.programs()
    rows = programs.set_index("name")["program"]
    held = set(programs["template"][programs["name"].isin(each["program"])])
    base = programs[~programs["template"].isin(held)]
    heard = corpus.embeddings("log-mel", list(base["program"]))[1]
    own = corpus.embeddings("log-mel", list(rows[each["program"]]))[1]
    place = {name: row for row, name in enumerate(base["name"])}
    found = np.array([[place[name] for name in row.split(", ")] for row in each["foretold"]])
    np.testing.assert_allclose(each["ours"], foretold(found, own, heard), atol=1e-6)


def test_each_way_is_told_with_its_interval_and_the_truth_is_one(validation):
    table = tables(validation)["shares"].set_index("way")
    assert table.loc["truly nearest by log-mel", "share"] == pytest.approx(1)
    others = table[table["seconds"].notna()]
    assert len(others) >= 5 and (others["share"] < 1).all()
    assert ((others["low"] <= others["share"]) & (others["share"] <= others["high"])).all()


def test_every_query_can_be_heard_with_what_was_foretold(validation):
    result = validation.result()
    assert result.clips and len(result.clips[0].paths) == 6 == len(result.clips[0].sources)
    assert all(store.clip_file(path) for heard in result.clips for path in heard.paths)
    figure = next(each for each in result.figures if each.hears)
    assert list(figure.figure.data[0].text) == list(tables(validation)["queries"]["program"])


def test_the_same_seed_gives_the_same_numbers(validation):
    again = run_study("foretelling", "small", OPTIONS)
    assert again.compared().equals(validation.compared())


def test_a_folder_of_programs_is_asked_about(corpus, tmp_path):
    (tmp_path / "deep").mkdir()
    mine = "use_synth :tb303\n8.times do\n  play 40\n  sleep 0.25\nend"
    (tmp_path / "deep" / "mine.rb").write_text(mine)
    (tmp_path / "silent.rb").write_text("sleep 1")
    (tmp_path / "own.rb").write_text(corpus.programs()["source"].iloc[0])
    run = run_study("foretelling", "small", {**OPTIONS, "queries": str(tmp_path)})
    found = tables(run)
    assert list(found["queries"]["program"]) == ["deep/mine.rb"]
    assert set(found["skipped"]["program"]) == {"silent.rb", "own.rb"}
    assert run.result().clips[0].sources[0].startswith("use_synth :tb303")


@pytest.fixture
def no_map(monkeypatch):
    monkeypatch.setattr(training, "laid_out", lambda *_: None)  # half a minute, and not asked for


@pytest.fixture
def few_will_do(monkeypatch, no_map):
    monkeypatch.setattr(stage, "LEAST", 20)
    monkeypatch.setattr(sureness, "FEWEST", 2)


def test_an_alignment_says_how_sure_it_is_of_a_snippet(corpus, few_will_do):
    record = training.train("small", AlignmentConfig.of_method("foretell"))
    known = record.metrics["sureness"]
    assert 20 <= known["programs"] <= len(corpus.programs()) and 0 < known["right"] < 1
    snippet = corpus.programs()["source"].iloc[0]
    told = []
    for text in (snippet, "puts 'no sound at all'"):
        found = neighbours.neighbours("small", text, alignment_id=record.id)
        told.append(stage.how_sure("small", text, found, record.id))
    assert all(0 < each.probability < 1 and each.programs == known["programs"] for each in told)
    assert all(each.level == sureness.level(each.probability) for each in told)
    assert told[0].probability > told[1].probability
    assert stage.how_sure("small", snippet, [], record.id) is None


def test_an_alignment_of_too_few_programs_does_not_say(corpus, no_map):
    record = training.train("small", AlignmentConfig.of_method("foretell"))
    found = neighbours.neighbours("small", "play 60", alignment_id=record.id)
    assert stage.how_sure("small", "play 60", found, record.id) is None


def test_a_test_is_never_chosen_on(corpus):
    with pytest.raises(EarshotError, match="validation programs only"):
        run_study("foretelling", "small", {"ways": "solved", "queries": "examples"})


def test_a_folder_without_programs_is_refused(corpus, tmp_path):
    with pytest.raises(EarshotError, match="no programs"):
        run_study("foretelling", "small", {"queries": str(tmp_path)})
