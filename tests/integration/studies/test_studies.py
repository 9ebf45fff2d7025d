"""The paper's studies, each end to end on a small corpus of real clips, and their report."""

from __future__ import annotations

import doctest
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.cli import main
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.sweep_results import list_sweep_ids, load_sweep_results
from core.programs import Program
from core.sonicpi import Clip
from core.studies import (
    completion_candidate_similarity_study,
    distance_correlation_study,
    published_numbers,
    study_run_storage,
    study_runner,
    umap_modality_mixing_study,
)
from core.studies.alignment_and_study_figure_collection import (
    collect_alignment_and_study_figures,
)
from core.studies.audio_descriptors import DESCRIPTOR_UNITS
from core.studies.completion_findings import HELD_OUT_ENCODER, TRAINING_ENCODER
from core.studies.completion_scenarios import load_completion_scenarios
from core.studies.paper_comparison_verdicts import count_verdicts
from core.studies.result_table_collection import collect_result_tables_of_corpus
from core.studies.study_clip_rendering import find_stored_clip
from core.studies.study_inputs import StudyInputs
from core.studies.study_result import StudyResult
from core.studies.study_run_storage import list_study_runs
from core.studies.study_runner import run_study
from core.table_file_formats import write_table_files

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(autouse=True)
def corpus(studied_workspace, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(studied_workspace.workspace))
    return Corpus.open("small")


def load_first_run(corpus: Corpus, study: str) -> tuple[StudyResult, dict[str, pd.DataFrame]]:
    """Return the result of the report's run of a study, and its tables by name."""
    result = study_run_storage.load_study_run(corpus, f"{study}-0001").load_result()
    return result, {table.name: table.rows for table in result.tables}


def test_the_example_of_run_study_runs(corpus: Corpus):
    corpora = SimpleNamespace(open=lambda _name: corpus)
    result = doctest.testmod(study_runner, extraglobs={"Corpus": corpora})
    assert result.attempted > 0 and result.failed == 0


def test_correlation_is_over_all_pairs_of_one_program_per_template(corpus: Corpus):
    result, tables = load_first_run(corpus, "correlation")
    pairs = tables["pairs"]
    assert len(pairs) == 6 and pairs["clips"].str.count(r"\|").eq(1).all()
    comparison = result.comparison.set_index("measure")
    for name, correlate in (("Pearson", stats.pearsonr), ("Spearman", stats.spearmanr)):
        expected = correlate(pairs["code"], pairs["audio"])
        row = comparison.loc[f"{name}, raw code against raw audio"]
        assert row["measured"] == pytest.approx(expected.statistic, abs=1e-6)
        assert row["paper"] == published_numbers.get_published_value(f"correlation.{name.lower()}")
        p = comparison.loc[f"p of {name}, parametric, raw code against raw audio", "measured"]
        assert p == pytest.approx(expected.pvalue, abs=1e-6)
    # The spread over draws is no interval, which 4 programs are too few for.
    assert comparison["low"].isna().all()
    assert "resamples" in tables
    assert all(find_stored_clip(path) for clips in result.clips for path in clips.paths)
    # The clips of a pair are those of the programs that it names.
    audio = corpus.load_programs().set_index("name")["audio"]
    pair = pairs.iloc[3]
    expected_paths = [Path(audio[pair[side]]) for side in ("first", "second")]
    assert [find_stored_clip(path) for path in pair["clips"].split("|")] == expected_paths


def test_perturbation_moves_code_and_audio(corpus: Corpus):
    result, tables = load_first_run(corpus, "perturbation")
    changes = tables["changes"]
    assert {"sleep", "amp", "note"} <= set(changes["kind"])
    assert changes[["code", "audio", "aligned_code"]].notna().all(axis=None)
    # A pitch an octave higher is audible.
    assert (changes["audio"] < 0.9999).any() and (changes["code"] <= 1.0001).all()
    assert len(result.figures) == changes["kind"].nunique()
    measured = result.comparison.set_index("measure")["measured"]
    before = measured["Rank correlation of changes in audio and raw code"]
    expected = stats.spearmanr(1 - changes["code"], 1 - changes["audio"]).statistic
    assert before == pytest.approx(expected)
    after = measured["Rank correlation of changes in audio and aligned code"]
    gain = measured["Gain in rank correlation by alignment"]
    assert gain == pytest.approx(after - before)


def test_completion_is_measured_by_two_audio_encoders(corpus: Corpus):
    result, tables = load_first_run(corpus, "completion")
    assert len(tables["neighbours"]) == 24 and len(result.clips) == 24
    is_aligned = result.comparison["measure"].str.contains("aligned code ~ raw audio")
    aligned = result.comparison[is_aligned]
    assert aligned["measured"].notna().all()
    assert aligned["paper"].notna().sum() == 24  # twelve per audio encoder
    scores = tables["scores"]
    assert scores.query("metric == 'overlap@3'")["value"].between(0, 1).all()
    overlaps = scores[scores["metric"] == "overlap@3"].set_index(["scenario", "code", "audio"])
    for row in tables["alignment_gain"].query("metric == 'overlap@3'").itertuples():
        raw_overlap, aligned_overlap = (
            overlaps["value"][row.scenario, code, row.audio] for code in ("raw", "aligned")
        )
        assert row.value == pytest.approx(aligned_overlap - raw_overlap)
    bass = tables["neighbours"].query("scenario == 'bass'")
    shared = [len({*a.split()} & {*b.split()}) for a, b in zip(bass["raw"], bass["audio"])]
    bass_overlap = overlaps["value"]["bass", "raw", TRAINING_ENCODER]
    assert bass_overlap == pytest.approx(sum(shared) / (3 * len(bass)))


def test_completion_is_perfect_where_code_and_audio_are_one_space(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    points = np.random.default_rng(0).normal(size=(200, 6))

    def make_embedder(encoder_id: str) -> Callable[..., np.ndarray]:
        width = corpus.load_embeddings(encoder_id)[1].shape[1]

        def embed(_encoder_id, items, _progress) -> np.ndarray:
            embeddings = np.zeros((len(items), width), np.float32)
            embeddings[:, :6] = points[: len(items)]
            return embeddings

        return embed

    monkeypatch.setattr(
        completion_candidate_similarity_study, "embed_program_sources", make_embedder("sonicpi")
    )
    monkeypatch.setattr(
        completion_candidate_similarity_study, "embed_clip_files", make_embedder("log-mel")
    )
    first_result, _ = load_first_run(corpus, "completion")
    paths = [find_stored_clip(clips.paths[0]) for clips in first_result.clips]
    monkeypatch.setattr(
        completion_candidate_similarity_study,
        "render_study_clips",
        lambda _corpus, sources, *_: ((paths * 4)[: len(sources)], {}),
    )
    run = run_study("completion", corpus, {"holdout_audio_encoder": "log-mel"})
    comparison = run.load_paper_comparison()
    raw = comparison[comparison["measure"].str.endswith("raw code ~ raw audio")]
    assert len(raw) == 12
    np.testing.assert_allclose(raw["measured"], 1, atol=1e-5)


def test_completion_refuses_a_corpus_that_holds_a_candidate(corpus: Corpus):
    scenario = load_completion_scenarios()[0]
    for name, source in (
        ("whole", scenario.candidates[3].source),
        ("prompt", scenario.prompt),
        ("continuation", scenario.candidates[5].continuation),
    ):
        other_corpus = Corpus.create(f"holding-{name}", seconds=2.0)
        try:
            completion_candidate_similarity_study._check_scenario_not_in_corpus(
                other_corpus, scenario
            )
            other_corpus.add_programs([Program(source, "copy", "", "other", {}, 0)])
            with pytest.raises(EarshotError, match="holds a candidate of scenario melody"):
                completion_candidate_similarity_study._check_scenario_not_in_corpus(
                    other_corpus, scenario
                )
        finally:
            shutil.rmtree(other_corpus.path)


def test_completion_reports_upper_bounds_and_descriptors(corpus: Corpus):
    result, tables = load_first_run(corpus, "completion")
    correlations = tables["descriptor_correlations"]
    assert len(correlations) == 3 * len(DESCRIPTOR_UNITS)
    assert correlations["aligned"].dropna().between(-1, 1).all()
    assert {TRAINING_ENCODER, HELD_OUT_ENCODER} <= set(correlations)
    levels = tables["neighbours"].set_index("candidate").loc[["01"], "loudness"]
    paths = [find_stored_clip(clips.paths[0]) for clips in result.clips if clips.names == ("01",)]
    assert len(paths) == len(levels) == 3
    for path, level in zip(paths, levels):
        mono = Clip.load(path).samples.mean(axis=1)
        assert level == pytest.approx(10 * np.log10(np.mean(np.square(mono))), abs=0.01)
    bounds = tables["scores"].query("code == 'aligned audio' and metric == 'overlap@3'")
    assert len(bounds) == 6 and bounds["value"].between(0, 1).all()
    assert any(note.startswith("bass: aligned code") for note in result.notes)


def test_sweep_reports_the_results_of_its_runs(corpus: Corpus):
    result, tables = load_first_run(corpus, "sweep")
    (sweep_id,) = list_sweep_ids(corpus)
    assert result.settings["sweep"] == sweep_id and result.settings["runs"] == 4
    table = tables["configurations"]
    assert {"unaligned", "narrow", "wide"} < set(table["name"]) and "width" in table
    assert any(name.startswith("linear CCA") for name in table["name"])
    numbers = load_sweep_results(corpus, sweep_id)
    narrow = numbers[
        (numbers["name"] == "narrow")
        & (numbers["split"] == "test")
        & (numbers["metric"] == "cka")
        & (numbers["reading"] == "aligned code ~ aligned audio")
    ]["value"]
    reported = table.set_index("name").loc["narrow", "test cka"]
    assert len(narrow) == 2 and reported == pytest.approx(narrow.mean())
    assert set(result.comparison["paper"].dropna()) == {0.09, 0.14, 0.59, 0.902}
    # The paper has no number for raw audio.
    raw_audio = result.comparison[result.comparison["measure"].str.contains("against raw audio")]
    assert len(raw_audio) == 6 and raw_audio["paper"].isna().all()
    assert raw_audio["measured"].notna().all()


def test_a_study_without_its_inputs_gives_the_command_that_makes_them(corpus: Corpus):
    empty_corpus = Corpus.create("empty", seconds=2.0)
    try:
        for name, command in (("sweep", "./run build"), ("umap", "./run train")):
            with pytest.raises(EarshotError) as error:
                run_study(name, empty_corpus)
            assert command in error.value.remedy
    finally:
        shutil.rmtree(empty_corpus.path)


def test_all_studies_make_one_self_contained_report(corpus: Corpus, studied_workspace):
    from playwright.sync_api import sync_playwright

    folder = studied_workspace.report
    text = (folder / "report.md").read_text(encoding="utf-8")
    # There are too few test programs for the UMAP study, which the report states.
    assert "Not run: umap" in text and "Small changes of one parameter" in text
    assert (folder / "tables" / "completion-compared.csv").is_file()
    assert (folder / "tables" / "completion-scores.csv").is_file()
    requested_urls, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: requested_urls.append(request.url))
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((folder / "report.html").as_uri())
        page.locator(".js-plotly-plot .main-svg").first.wait_for()
        clip_seconds = page.locator("audio").first.evaluate(
            "async a => { a.load(); await new Promise(r => a.onloadedmetadata = r);"
            " return a.duration }"
        )
        assert page.locator("h2").count() >= 4 and clip_seconds > 1
        browser.close()
    external_urls = [url for url in requested_urls if not re.match(r"(file|data|blob):", url)]
    assert not external_urls and not errors


def newest_versions(corpus: Corpus) -> dict[str, str]:
    return study_run_storage.list_study_runs(corpus)[0].metadata["settings"]["versions"]


def test_the_summary_holds_the_numbers_of_the_newest_runs(
    corpus: Corpus, studied_workspace, tmp_path: Path
):
    assert main(["summary", corpus.name, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "how-good-is-it.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    tables = list(tmp_path.glob("*.csv"))
    assert 1 <= len(tables) <= 5 and len(titles) >= len(tables)
    verdicts = pd.read_csv(tmp_path / "how-good-is-it-paper.csv").set_index("study")
    assert len(verdicts)
    for study, counts in verdicts.iterrows():
        comparison = study_run_storage.list_study_runs(corpus, str(study))[
            0
        ].load_paper_comparison()
        assert counts[counts > 0].to_dict() == count_verdicts(comparison["verdict"])
    assert f"./run study all {corpus.name}" in page
    assert " cores, " in newest_versions(corpus)["machine"]


def test_umap_needs_test_programs_and_classifies_modalities(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(EarshotError, match="test programs"):
        run_study("umap", corpus)
    monkeypatch.setattr(umap_modality_mixing_study, "MIN_TEST_PROGRAMS", 4)
    result = run_study("umap", corpus).load_result()
    measured = result.comparison.set_index("measure")["measured"]
    accuracies = measured[measured.index.str.startswith("Classifier accuracy")]
    assert accuracies.between(0, 1).all() and len(accuracies) == 4
    ranks = next(table.rows for table in result.tables if table.name == "own_clip_rank")
    assert measured["Median rank of a program's own clip, after"] == ranks["rank"].median()


def test_an_earlier_run_stays_and_the_same_inputs_give_the_same_numbers(corpus: Corpus):
    options = {"resamples": 5, "permutations": 19}
    first, second = (run_study("correlation", corpus, options) for _ in range(2))
    assert first.id != second.id and first.path.is_dir()
    assert first.load_paper_comparison().equals(second.load_paper_comparison())


def test_correlation_of_a_space_with_itself_is_perfect(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    open_study_inputs = distance_correlation_study.open_study_inputs
    angles = np.linspace(0, np.pi / 2, 40, dtype=np.float32)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def open_circle(corpus: Corpus, options) -> StudyInputs:
        inputs = open_study_inputs(corpus, options)
        pairs = replace(inputs.pairs, code_embeddings=circle, audio_embeddings=circle)
        return replace(inputs, aligned_corpus=None, pairs=pairs)

    monkeypatch.setattr(distance_correlation_study, "open_study_inputs", open_circle)
    run = run_study("correlation", corpus, {"resamples": 2, "permutations": 9})
    measured = run.load_paper_comparison().set_index("measure")["measured"]
    for name in ("Pearson", "Spearman"):
        assert measured[f"{name}, raw code against raw audio"] == pytest.approx(1)


@pytest.mark.parametrize(("sign", "accuracy"), [(1, 0.5), (-1, 1.0)])
def test_umap_separates_opposite_clouds_only(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, sign: int, accuracy: float
):
    """Test audio that equals code, so a program's own clip is nearest, and opposite audio."""
    monkeypatch.setattr(umap_modality_mixing_study, "MIN_TEST_PROGRAMS", 4)
    open_study_inputs = umap_modality_mixing_study.open_study_inputs

    def open_clouds(corpus: Corpus, options, **keywords) -> StudyInputs:
        inputs = open_study_inputs(corpus, options, **keywords)
        points = np.abs(np.random.default_rng(0).normal(size=(len(inputs.programs), 5)))
        points = points.astype(np.float32)
        identity = SimpleNamespace(
            project_code_embeddings=lambda x: x,
            project_audio_embeddings=lambda x: x,
            record=inputs.aligned_corpus.record,
            heads=inputs.aligned_corpus.heads,
        )
        pairs = replace(inputs.pairs, code_embeddings=points, audio_embeddings=sign * points)
        return replace(inputs, aligned_corpus=identity, pairs=pairs)

    monkeypatch.setattr(umap_modality_mixing_study, "open_study_inputs", open_clouds)
    monkeypatch.setattr(StudyInputs, "build_study_input_settings", lambda self, options: {})
    measured = run_study("umap", corpus).load_paper_comparison().set_index("measure")["measured"]
    assert measured["Classifier accuracy after, logistic regression"] == pytest.approx(accuracy)
    clip_count = 2 * measured["Median rank by chance"] - 1
    assert clip_count >= 4
    own_rank = measured["Median rank of a program's own clip, after"]
    assert own_rank == (1 if sign > 0 else clip_count)


def test_every_table_of_studies_and_sweeps_becomes_a_file(corpus: Corpus, tmp_path: Path):
    """Metrics, sweeps and studies, in each format."""
    tables = collect_result_tables_of_corpus(corpus, corpus.load_newest_alignment())
    run_ids = {run.study_name: run for run in reversed(list_study_runs(corpus))}
    for study_name, run in run_ids.items():
        caption, compared = tables[f"{study_name}-compared"]
        assert run.metadata["title"] in caption and len(compared) == len(
            run.load_paper_comparison()
        )
    sweeps = [name for name in tables if name.startswith("sweep-")]
    assert sweeps and "metrics" in tables
    assert {"number", "configuration"} <= set(tables[sweeps[0]][1].columns)
    assert not any("clips" in table.columns for _, table in tables.values())
    run = next(iter(run_ids.values()))
    with_run = collect_result_tables_of_corpus(corpus, None, [run.id])
    assert with_run[f"{run.id}-compared"][1].equals(tables[f"{run.study_name}-compared"][1])
    figures = collect_alignment_and_study_figures(corpus, None, [run.id])
    run_figures = {f"{run.id}-{figure.name}" for figure in run.load_result().figures}
    assert run_figures == {name for name in figures if name.startswith(f"{run.id}-")}
    with pytest.raises(EarshotError):
        collect_alignment_and_study_figures(corpus, None, ["umap-9999"])
    paths = write_table_files(tables, tmp_path / "tables", ("csv", "latex", "markdown"))
    assert len(paths) == 3 * len(tables) and all(path.stat().st_size for path in paths)
