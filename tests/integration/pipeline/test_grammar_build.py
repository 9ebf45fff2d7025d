"""Grammar programs in a corpus, and written to files."""

from __future__ import annotations

import json

import pytest

from core.cli import main
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.corpus_data_card import make_data_card
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    BuildReport,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from core.programs import compose_programs, get_title_by_template_id


def build(name: str, programs_per_template: int, grammar_program_count: int) -> BuildReport:
    options = BuildOptions(
        ["02_1_beeps"],
        programs_per_template,
        seed=4,
        grammar_program_count=grammar_program_count,
    )
    return build_corpus(name, options, EncoderChoice("offline"), ClipFormat(2.0))


@pytest.fixture
def workspace(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def test_a_corpus_holds_grammar_programs_besides_variants(workspace):
    first_report = build("mixed", 1, 3)
    assert (first_report.programs_added, first_report.counts["ok"], first_report.failures) == (
        4,
        4,
        {},
    )
    second_report = build("mixed", 1, 5)
    assert (
        second_report.programs_added,
        second_report.clips_rendered,
        second_report.counts["ok"],
    ) == (2, 2, 6)
    third_report = build("mixed", 1, 5)
    assert (third_report.programs_added, third_report.clips_rendered) == (0, 0)
    programs_table = Corpus.open("mixed").load_programs()
    assert {program.id for program in compose_programs(5, 4)} < set(programs_table["program"])
    assert set(programs_table["template"]) <= set(get_title_by_template_id())
    assert "" not in set(programs_table["role"])


def test_without_variants_only_grammar_programs_are_built(workspace):
    report = build("pure", 0, 2)
    assert report.counts["programs"] == report.counts["ok"] == 2


def test_grammar_programs_are_written_to_files(tmp_path, capsys):
    command = ["generate", "--grammar-programs", "3", "--style", "dub", "--seed", "6", "--json"]
    assert main([*command, "--out", str(tmp_path)]) in (0, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["template"] for line in lines] == ["composed-dub"] * 3
    written = [(tmp_path / f"{line['name']}.rb").read_text() for line in lines]
    assert written == [program.source for program in compose_programs(3, 6, "dub")]


def test_a_corpus_records_the_sounds_it_was_made_with(workspace):
    options = BuildOptions([], 0, seed=4, grammar_program_count=3, sound_set="5")
    report = build_corpus("later", options, EncoderChoice("offline"), ClipFormat(2.0))
    assert report.counts["ok"] == 3
    corpus = Corpus.open("later")
    ids = {program.id for program in compose_programs(3, 4, sound_set="5")}
    assert ids == set(corpus.load_programs()["program"])
    assert make_data_card(corpus).facts["sound_set"] == "5"
    # Without the option, a later build goes on with the sounds of the corpus.
    more = BuildOptions([], 0, seed=4, grammar_program_count=4)
    assert build_corpus("later", more).programs_added == 1
    with pytest.raises(EarshotError, match="with the sounds of Sonic Pi 5, not 3.2"):
        build_corpus("later", BuildOptions(sound_set="3.2"))


def test_a_corpus_has_the_sounds_of_3_2_by_default(workspace):
    build("older", 0, 1)
    assert make_data_card(Corpus.open("older")).facts["sound_set"] == "3.2"
    with pytest.raises(EarshotError, match="with the sounds of Sonic Pi 3.2, not 5"):
        build_corpus("older", BuildOptions(sound_set="5"))
