"""A workspace written before the redesign of all names works with today's code."""

from __future__ import annotations

import json
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import encoders, favourites, jobs, play_history
from core.alignment import AlignmentConfig
from core.cli import build_command_parser
from core.corpus import Corpus, list_corpora
from core.corpus.disagreement_pair_storage import load_disagreement_pairs
from core.corpus.legacy_command_names import translate_legacy_command
from core.jobs import process_liveness_and_killing
from core.pipeline import train_and_evaluate_alignment as training
from core.pipeline.corpus_check_and_repair import verify_corpus
from core.pipeline.corpus_export import export_corpus
from core.pipeline.embed_missing_programs_and_clips import embed_missing_code
from core.pipeline.evaluate_alignment_on_held_out_programs import evaluate_alignment
from core.search.aligned_corpus import open_aligned_corpus
from core.search.embedded_corpus import open_embedded_corpus
from core.search.nearest_neighbour_queries import find_neighbours
from core.search.search_confidence import estimate_confidence
from core.studies import study_run_storage
from core.studies.all_studies_report import list_study_reports, write_study_report

FIXTURE = Path(__file__).parents[1] / "fixtures" / "workspace_before_redesign.tar.xz"
SNIPPET = "use_synth :tb303\nplay 40, cutoff: 90"
# What the commit that wrote the workspace answered: program ids and similarities, nearest first.
EXPECTED_NEIGHBOURS = {
    "0001-7e6d5c89": [
        ("6f14d4a05a18b0b9e70cc496d58eef71", 0.5331325531005859),
        ("38cbaed0d9909d977b4495bc19d793d4", 0.44834232330322266),
        ("fb07fce5c20d9c7b37c93900414f6189", 0.4394187927246094),
    ],
    "0002-4063b0d0": [
        ("6f14d4a05a18b0b9e70cc496d58eef71", 0.5386648178100586),
        ("8589a7a9d46bbfeee01e5cdd9b3c71dc", 0.47652721405029297),
        ("49cff8de1e747e907eb251613f511e55", 0.38597869873046875),
    ],
    "0003-672a2187": [
        ("49cff8de1e747e907eb251613f511e55", 0.5086889266967773),
        ("6f14d4a05a18b0b9e70cc496d58eef71", 0.5019006729125977),
        ("fb07fce5c20d9c7b37c93900414f6189", 0.4845294952392578),
    ],
    "0005-9ec26316": [
        ("6f859de6afc807ab53c6ee5df540df7a", 0.6493158340454102),
        ("38cbaed0d9909d977b4495bc19d793d4", 0.5059814453125),
        ("be0ec05bc1e27f54115e153fad66acce", 0.4969930648803711),
    ],
}
# Programs that the reader of that commit followed wrongly: it drew other random numbers than Sonic
# Pi, rotated some rhythms of `spread`, read values of `get` at another time, and rounded the sum of
# sleeps.
REREAD_PROGRAMS = [
    "04_randomisation-0000",
    "05_3_conditionals-0000",
    "05_5_functions-0000",
    "08_1_lists-0000",
    "09_3_ticking-0000",
    "10_2_set_get_sync-0000",
    "grammar-polyrhythm-00000",
    "grammar-generative-00001",
    "grammar-minimal-00003",
    "grammar-dub-00004",
    "grammar-arpeggio-00005",
]
# Programs with sounds that it heard otherwise: default times of a synth at the tempo, notes that
# `control` changes, and one slice of a sample.
RETIMED_PROGRAMS = [
    "05_4_threads-0000",
    "05_6_variables-0000",
    "05_7_thread_sync-0000",
    "07_1_controlling-0000",
    "07_3_slides-0000",
    "09_2_multiple_live_loops-0000",
    "grammar-house-00002",
]
OBJECTIVES = {
    "0001-7e6d5c89": "soft_infonce",
    "0002-4063b0d0": "infonce",
    "0003-672a2187": "weighted_infonce",
    "0005-9ec26316": "kernel_ridge",
}
CALIBRATED = "0005-9ec26316"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """The corpus of the old workspace, unpacked into an empty folder."""
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    return Corpus.open("old")


def test_the_corpus_opens_whole(corpus: Corpus):
    assert list_corpora() == ["old"]
    assert corpus.count_programs_by_state() == {"programs": 33, "ok": 33, "failed": 0, "pending": 0}
    assert corpus.find_corpus_faults() == []
    assert verify_corpus("old").has_no_faults


def test_the_stored_embeddings_are_what_the_encoder_computes_today(corpus: Corpus):
    program_ids, stored = corpus.load_embeddings("sonicpi")
    sources = corpus.load_programs().set_index("program").loc[program_ids, "source"]
    computed = np.asarray(encoders.get_encoder("sonicpi").embed(list(sources)))
    names = corpus.load_programs().set_index("program").loc[program_ids, "name"].to_numpy()
    is_changed = np.isin(names, REREAD_PROGRAMS + RETIMED_PROGRAMS)
    np.testing.assert_array_equal(computed[~is_changed], stored[~is_changed])
    assert is_changed.sum() == len(REREAD_PROGRAMS) + len(RETIMED_PROGRAMS)
    for name, before, after in zip(names[is_changed], stored[is_changed], computed[is_changed]):
        cosine = before @ after / (np.linalg.norm(before) * np.linalg.norm(after))
        lowest = 0.84 if name in RETIMED_PROGRAMS else 0.94
        assert lowest < cosine and not np.array_equal(before, after), name


def test_embedding_again_replaces_the_vectors_and_keeps_every_alignment(corpus: Corpus):
    spec = encoders.find_encoder_spec("sonicpi")
    stored_revision = corpus.get_encoder_revision("sonicpi")
    assert stored_revision in spec.comparable_revisions
    # An alignment that is trained now records the revision of its vectors, not of the encoder.
    assert open_embedded_corpus(corpus).code_encoder.revision == stored_revision
    assert embed_missing_code(corpus, "sonicpi").code_embeddings_added == 33
    assert corpus.get_encoder_revision("sonicpi") == spec.revision
    assert open_embedded_corpus(corpus).code_encoder.revision == spec.revision
    for alignment_id, expected in EXPECTED_NEIGHBOURS.items():
        neighbours = find_neighbours(open_aligned_corpus(corpus, alignment_id), SNIPPET, k=3)
        assert [each.program_id for each in neighbours] == [
            program_id for program_id, _ in expected
        ]


def test_all_alignments_load_with_todays_names(corpus: Corpus):
    records = {record.id: record for record in corpus.load_alignments()}
    assert {
        key: record.config["alignment"]["objective"] for key, record in records.items()
    } == OBJECTIVES
    for record in records.values():
        fields = record.config["alignment"]
        assert set(fields) == set(AlignmentConfig().to_dict())
        assert AlignmentConfig.from_dict(fields).to_dict() == fields
        assert record.metrics["stopped"] == "epochs"
        metric_names = {row["metric"] for row in record.metrics["readings"]}
        assert "normalized_similarity@5" in metric_names
        assert not any(name.startswith("foretold") for name in metric_names)
        assert "sureness" not in record.metrics
        assert (
            len(record.load_alignment_map_points()) == 66
            and len(record.load_training_history()) >= 1
        )
    calibration = records[CALIBRATED].metrics["confidence"]
    assert (calibration["program_count"], calibration["correct_fraction"]) == (
        33,
        pytest.approx(1 / 3),
    )
    pairs = load_disagreement_pairs(records[CALIBRATED])
    assert pairs is not None and len(pairs) == 53


@pytest.mark.parametrize("alignment_id", EXPECTED_NEIGHBOURS)
def test_a_snippet_has_the_same_neighbours(corpus: Corpus, alignment_id: str):
    neighbours = find_neighbours(open_aligned_corpus(corpus, alignment_id), SNIPPET, k=3)
    expected = EXPECTED_NEIGHBOURS[alignment_id]
    assert [each.rank for each in neighbours] == [1, 2, 3]
    assert [each.program_id for each in neighbours] == [program_id for program_id, _ in expected]
    for neighbour, (_, similarity) in zip(neighbours, expected, strict=True):
        assert neighbour.similarity == pytest.approx(similarity, abs=1e-6)
        assert Path(neighbour.audio_path).is_file()


def test_old_metrics_are_shown_and_computed_again_with_the_measures_of_today(corpus: Corpus):
    aligned_corpus = open_aligned_corpus(corpus, "0001-7e6d5c89")
    saved = pd.DataFrame(aligned_corpus.record.metrics["readings"])
    assert {"cka", "cca_all_directions"} <= set(saved["metric"])
    assert "cca" not in set(saved["metric"])
    metrics = evaluate_alignment(aligned_corpus)
    keys = ["split", "reading", "metric"]
    both = saved.merge(metrics, on=keys, suffixes=(" old", ""))
    kept = both[both["metric"].isin(["cka", "cka_debiased", "spearman", "recall@1 code->audio"])]
    assert len(kept) > 10
    np.testing.assert_allclose(kept["value"], kept["value old"].astype(float), atol=1e-5)
    assert metrics[metrics["metric"] == "cka"]["calibrated"].notna().any()
    again = evaluate_alignment(open_aligned_corpus(corpus, "0001-7e6d5c89"))
    pd.testing.assert_frame_equal(again, metrics, check_dtype=False)


def test_confidence_is_estimated_with_the_saved_calibration(corpus: Corpus):
    aligned_corpus = open_aligned_corpus(corpus, CALIBRATED)
    confidence = estimate_confidence(
        aligned_corpus, SNIPPET, find_neighbours(aligned_corpus, SNIPPET)
    )
    assert confidence is not None and 0 < confidence.probability < 1
    uncalibrated = open_aligned_corpus(corpus, "0001-7e6d5c89")
    neighbours = find_neighbours(uncalibrated, SNIPPET)
    assert estimate_confidence(uncalibrated, SNIPPET, neighbours) is None


def test_training_goes_on_from_an_old_config(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    points = corpus.load_alignment_map_points("0001-7e6d5c89")
    monkeypatch.setattr(
        training, "compute_alignment_map", lambda *_: points
    )  # UMAP takes seconds to load.
    config = AlignmentConfig.from_dict(corpus.load_alignment("0001-7e6d5c89").config["alignment"])
    new = training.train(corpus, config)
    assert new.record.id.startswith("0006-")
    assert corpus.list_alignment_ids() == [*OBJECTIVES, new.record.id]
    saved = json.loads((new.record.path / "config.json").read_text(encoding="utf-8"))
    assert saved["alignment"] == config.to_dict()


def test_the_corpus_is_exported(corpus: Corpus, tmp_path: Path):
    table = pd.read_parquet(export_corpus(corpus, "parquet", tmp_path / "old.parquet"))
    assert len(table) == 33
    assert {"embedding:sonicpi", "embedding:aisfx", "embedding:log-mel"} <= set(table.columns)


def test_study_results_are_read_and_reported(corpus: Corpus):
    runs = study_run_storage.list_study_runs(corpus)
    assert {run.id for run in runs} == {"correlation-0001", "foretelling-0001"}
    for run in runs:
        result = run.load_result()
        assert len(result.comparison) > 0 and result.tables and result.figures and result.notes
    retrieval_run = study_run_storage.load_study_run(corpus, "foretelling-0001")
    assert retrieval_run.study_name == "retrieval"
    assert [run.id for run in study_run_storage.list_study_runs(corpus, "retrieval")] == [
        "foretelling-0001"
    ]
    tables = {table.name: table.rows for table in retrieval_run.load_study_tables()}
    assert {"scores", "scores_by_kind", "confidence", "queries", "skipped"} == set(tables)
    assert {"method", "encoder", "normalized similarity@5", "query ms"} <= set(tables["scores"])
    assert "InfoNCE on sonicpi" in set(tables["scores"]["method"])
    measures = retrieval_run.load_paper_comparison()["measure"]
    assert measures.str.fullmatch("normalized similarity@5, .+, measured by .+").all()
    report_folder = write_study_report(corpus, runs, {})
    assert [report.path for report in list_study_reports(corpus)] == [report_folder]
    for name in ("report.md", "report.html"):
        assert len((report_folder / name).read_text(encoding="utf-8")) > 1000


def test_jobs_are_listed_and_an_old_command_is_restarted_with_todays_words(
    corpus: Corpus, tmp_path: Path
):
    assert [(job.id, job.state) for job in jobs.list_jobs()] == [
        ("00002-compare", "done"),
        ("00001-train", "failed"),
    ]
    job_file = tmp_path / "jobs" / "00001-train" / "job.json"
    record = json.loads(job_file.read_text(encoding="utf-8"))
    record["argv"] = ["train", "old", "--method", "foretell", "--penalty", "0.5", "--kept-mean=0.2"]
    job_file.write_text(json.dumps(record), encoding="utf-8")
    program = "import sys; print(sys.argv[1:])"
    new_job = jobs.restart_job("1", command_prefix=[sys.executable, "-c", program])
    deadline = time.monotonic() + 30
    while jobs.get_job(new_job.id).is_active and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        expected = [
            "train",
            "old",
            "--method",
            "kernel-ridge",
            "--l2",
            "0.5",
            "--mean-fraction=0.2",
        ]
        assert jobs.get_job(new_job.id).read_log_tail().strip() == str(expected)
        assert jobs.get_job(new_job.id).argv == tuple(expected)
        options = build_command_parser("train").parse_args(expected[1:])
        assert (options.config_l2, options.config_mean_fraction) == (0.5, 0.2)
    finally:
        process_liveness_and_killing.kill_job_processes(new_job.folder)


@pytest.mark.parametrize(
    "command_line",
    [
        "build beats --finish",
        "build beats --composed 5 --per-template 2",
        "generate --composed 3",
        "import vectors.csv beats --vectors code --as mine",
        "train beats --method earshot --objective weighted --kernel-weight 0.5 --whiten 8",
        "train beats --method paper --soft-weight 0.2 --soft-temperature 0.3 --warmup 0.1",
        "train beats --method foretell --objective kernel --penalty 0.1 --kept-mean 0",
        "sweep beats --grid trade",
        "study foretelling beats --ways told --judge log-mel",
        "study completion beats --other-ear log-mel",
        "study perturbation beats --per-kind 2",
        "jobs again 12",
    ],
)
def test_todays_parser_accepts_every_old_command_line(command_line: str):
    command, *arguments = translate_legacy_command(command_line.split())
    build_command_parser(command).parse_args(arguments)


def test_favourites_and_play_history_are_read(corpus: Corpus):
    (favourite,) = favourites.load_favourites()
    assert favourite.corpus_and_program_id == ("old", "38cbaed0d9909d977b4495bc19d793d4")
    assert (favourite.note, favourite.tags) == ("bright", ("lead", "loop"))
    favourites.add_favourite("old", "6f14d4a05a18b0b9e70cc496d58eef71", "x", "07_1_controlling")
    assert [each.name for each in favourites.load_favourites()] == ["x", "02_1_beeps-0000"]
    played = play_history.load_play_history()
    assert [clip.name for clip in played] == ["03_1_samples-0000", "02_1_beeps-0000"]
    assert [clip.corpus_name for clip in played] == ["old", "old"]
    play_history.record_played_clip(played[1].path, played[1].name)
    assert [clip.name for clip in play_history.load_play_history()] == [
        "02_1_beeps-0000",
        "03_1_samples-0000",
    ]
