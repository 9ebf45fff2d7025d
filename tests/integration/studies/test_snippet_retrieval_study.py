"""The snippet-retrieval study, end to end on a small corpus of real clips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig, BertModel, ClapConfig, ClapFeatureExtractor, ClapModel

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs, train
from core.corpus import Corpus
from core.encoders import PRESETS, get_encoder
from core.encoders.aspect_vectors import ASPECTS
from core.encoders.model_weight_sources import WheelWeights
from core.errors import EarshotError
from core.evaluation import confidence_calibration
from core.evaluation.metrics import normalized_similarity
from core.pipeline import train_and_evaluate_alignment as train_stage
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from core.programs.grammar.music_styles import GRAMMAR_TEMPLATE_PREFIX
from core.search import confidence_fitting, search_confidence
from core.search.nearest_neighbour_queries import find_neighbours
from core.search.silent_snippet_check import SilentSnippetError
from core.studies import (
    retrieval_findings,
    retrieval_method_definitions,
    retrieval_method_fitting_and_ranking,
    snippet_retrieval_study,
)
from core.studies.experiments import ablation_methods
from core.studies.experiments.text_encoder_finetuning import FinetuningConfig, finetune_text_encoder
from core.studies.retrieval_queries import (
    STYLE_QUERY_KIND,
    TEMPLATE_QUERY_KIND,
    load_query_set,
)
from core.studies.study_clip_rendering import find_stored_clip
from core.studies.study_registry import fill_default_study_options
from core.studies.study_run_storage import StudyRun
from core.studies.study_runner import run_study

OPTIONS = {"eval_encoder": "log-mel"}
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
QUICK = {"width": 16, "layers": 2, "epochs": 3, "patience": 0, "precision": "fp32"}
SCORE = "normalized similarity@5"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """Programs of four templates and grammar programs of several styles, 2 s each."""
    make_alignment_config = retrieval_method_definitions.make_preset_alignment_config

    def make_quick_config(preset: str, **overrides) -> AlignmentConfig:
        return make_alignment_config(preset, **overrides | QUICK)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        patch.setattr(
            retrieval_method_definitions, "make_preset_alignment_config", make_quick_config
        )
        patch.setattr(retrieval_method_fitting_and_ranking, "TIMED_QUERY_COUNT", 2)
        build_corpus(
            "small",
            BuildOptions(TEMPLATES, 6, grammar_program_count=16),
            EncoderChoice(code_encoder="sonicpi", audio_encoder="log-mel"),
            ClipFormat(2.0),
        )
        yield Corpus.open("small")


@pytest.fixture(scope="module")
def text_encoder(tmp_path_factory) -> str:
    """An untrained transformer with one small layer and one token per character."""
    folder = tmp_path_factory.mktemp("reader")
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *("##" + c for c in letters),
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
            initializer_range=0.3,
        )
    ).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def validation_run(corpus: Corpus) -> StudyRun:
    return run_study("retrieval", corpus, OPTIONS)


def load_tables(run: StudyRun) -> dict[str, pd.DataFrame]:
    return {table.name: table.rows for table in run.load_study_tables()}


def test_held_out_templates_and_styles_are_neither_searched_nor_trained_on(
    corpus: Corpus, validation_run: StudyRun
):
    templates = corpus.load_programs().set_index("name")["template"]
    queries = load_tables(validation_run)["queries"]
    assert set(queries["kind"]) == {TEMPLATE_QUERY_KIND, STYLE_QUERY_KIND}
    query_templates = set(templates[queries["program"]])
    retrieved = {name for row in queries["retrieved"] for name in row.split(", ")}
    nearest = {name for row in queries["true nearest"] for name in row.split(", ")}
    assert query_templates.isdisjoint(templates[list(retrieved | nearest)])
    assert any(name.startswith(GRAMMAR_TEMPLATE_PREFIX) for name in query_templates)


def test_scores_are_those_of_the_named_clips(corpus: Corpus, validation_run: StudyRun):
    queries = load_tables(validation_run)["queries"]
    programs = corpus.load_programs()
    id_by_name = programs.set_index("name")["program"]
    held_out_templates = set(programs["template"][programs["name"].isin(queries["program"])])
    base = programs[~programs["template"].isin(held_out_templates)]
    base_audio = corpus.load_embeddings("log-mel", list(base["program"]))[1]
    query_ids = list(id_by_name[queries["program"]])
    query_audio = corpus.load_embeddings("log-mel", query_ids)[1]
    row_by_name = {name: row for row, name in enumerate(base["name"])}
    retrieved = np.array(
        [[row_by_name[name] for name in row.split(", ")] for row in queries["retrieved"]]
    )
    expected = normalized_similarity(retrieved, query_audio, base_audio)
    np.testing.assert_allclose(queries["default method"], expected, atol=1e-6)


def test_each_aspect_gains_by_its_own_measure(validation_run: StudyRun):
    scores = load_tables(validation_run)["aspects"].set_index("weights")
    assert list(scores.columns) == ["log-mel", *ASPECTS]
    for aspect in ASPECTS:
        assert scores.loc[aspect, aspect] > 0.2
        assert scores.loc[f"whole + {aspect}", aspect] > scores.loc["whole", aspect]
    default = load_tables(validation_run)["scores_by_encoder"].set_index("method")
    name = next(
        table.title for table in validation_run.load_study_tables() if table.name == "aspects"
    )
    default_score = default.loc[name.removeprefix("Aspects added to "), "log-mel"]
    assert scores.loc["whole", "log-mel"] == pytest.approx(default_score, abs=1e-6)


def test_each_method_has_a_score_and_the_true_nearest_score_one(validation_run: StudyRun):
    scores = load_tables(validation_run)["scores"].set_index("method")
    assert scores.loc["true nearest by log-mel", SCORE] == pytest.approx(1)
    methods = scores[scores["fit seconds"].notna()]
    assert len(methods) >= 5 and (methods[SCORE] < 1).all()
    assert (methods["fit seconds"] >= 0).all() and (methods["query ms"] > 0).all()
    # Its programs are of fewer than four templates, too few for an interval over templates.
    assert methods[["low", "high"]].isna().all(axis=None)


def test_several_held_out_encoders_measure_and_the_lowest_score_is_shown(corpus: Corpus):
    run = run_study("retrieval", corpus)  # by default log-mel and musicnn
    tables = load_tables(run)
    scores = tables["scores_by_encoder"].set_index("method")
    assert list(scores) == ["log-mel", "musicnn", "lowest"]  # log-mel is the training encoder here
    np.testing.assert_allclose(scores["lowest"], scores[["log-mel", "musicnn"]].min(axis=1))
    for encoder, other in (("log-mel", "musicnn"), ("musicnn", "log-mel")):
        assert scores.loc[f"true nearest by {encoder}", encoder] == pytest.approx(1)
        assert scores.loc[f"true nearest by {encoder}", other] < 1
    both = scores.loc["true nearest by all encoders", "lowest"]
    assert both > max(scores.loc[["true nearest by log-mel", "true nearest by musicnn"], "lowest"])
    long_table = tables["scores"].set_index(["method", "encoder"])[SCORE]
    for method in scores.index:
        assert long_table[method, "musicnn"] == pytest.approx(scores.loc[method, "musicnn"])
    assert any("musicnn is not used in training" in note for note in run.load_result().notes)


@pytest.fixture(scope="module")
def clap(tmp_path_factory) -> str:
    """A tiny CLAP with random weights and one token per character."""
    folder = tmp_path_factory.mktemp("clap")
    vocabulary = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        *(chr(code) for code in range(33, 127)),
        "Ġ",
        "Ċ",
    ]
    tokenizer = {token: index for index, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(tokenizer))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 128}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    text = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 130,
    }
    audio = {
        "patch_embeds_hidden_size": 16,
        "hidden_size": 128,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 2, 4, 8],
        "initializer_range": 0.3,
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=16)
    model = ClapModel(config)
    # The usual small initial values would give all programs nearly the same vector.
    for module in (*model.text_model.modules(), *model.text_projection.modules()):
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            torch.nn.init.normal_(module.weight, std=0.5)
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return str(folder)


def test_zero_shot_retrieval_compares_the_text_tower_with_the_audio_tower(
    corpus: Corpus, clap: str
):
    run = run_study("retrieval", corpus, {**OPTIONS, "zero_shot": f"{clap}#text"})
    tables = load_tables(run)
    scores = tables["scores"].set_index("method")
    assert scores.loc[f"zero-shot {clap}", SCORE] < 1
    assert scores.loc[f"zero-shot {clap}", "query ms"] > 0
    # What the method retrieved, computed here from the two towers.
    programs = corpus.load_programs().set_index("name")
    query_set = load_query_set(corpus, "validation", ["sonicpi", "log-mel"], lambda *_: None)
    base_clips = corpus.load_embeddings(clap, list(query_set.base["program"]))[1]
    texts = get_encoder(f"{clap}#text").embed(list(query_set.queries["source"]))
    similarity = normalize(texts) @ normalize(base_clips).T
    rows = np.argsort(-similarity, axis=1, kind="stable")[:, :5]
    audio = {
        part: corpus.load_embeddings("log-mel", list(frame["program"]))[1]
        for part, frame in (("base", query_set.base), ("queries", query_set.queries))
    }
    expected = normalized_similarity(rows, audio["queries"], audio["base"]).mean()
    assert scores.loc[f"zero-shot {clap}", SCORE] == pytest.approx(expected, abs=1e-3)
    assert len(programs) > len(query_set.base)
    with pytest.raises(EarshotError, match="sonicpi shares no space"):
        run_study("retrieval", corpus, {**OPTIONS, "zero_shot": "sonicpi"})


def normalize(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_default_encoder_without_weights_is_skipped_and_one_asked_for_is_an_error(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(WheelWeights, "is_available_offline", lambda self: False)
    monkeypatch.setattr(corpus, "count_embeddings_by_encoder", lambda: [])
    default = fill_default_study_options("retrieval")["eval_encoder"]
    available, skipped = snippet_retrieval_study.choose_held_out_encoders(corpus, default)
    assert (available, skipped) == (["log-mel"], ["musicnn"])
    (note,) = retrieval_findings.describe_skipped_encoders(skipped)
    assert "musicnn does not measure" in note and "pip install --no-deps musicnn==0.1.0" in note
    assert snippet_retrieval_study.choose_held_out_encoders(corpus, "musicnn") == (["musicnn"], [])
    with pytest.raises(EarshotError, match="sonicpi embeds code"):
        snippet_retrieval_study.choose_held_out_encoders(corpus, "log-mel,sonicpi")
    with pytest.raises(EarshotError, match="no encoder 'nothing'"):
        snippet_retrieval_study.choose_held_out_encoders(corpus, "nothing")


def test_every_query_can_be_played_with_its_retrieved_clips(validation_run: StudyRun):
    result = validation_run.load_result()
    assert result.clips and len(result.clips[0].paths) == 6 == len(result.clips[0].sources)
    assert all(find_stored_clip(path) for clips in result.clips for path in clips.paths)
    figure = next(figure for figure in result.figures if figure.clip_table)
    queries = load_tables(validation_run)["queries"]
    assert list(figure.figure.data[0].text) == list(queries["program"])


def test_the_same_seed_gives_the_same_numbers(corpus: Corpus, validation_run: StudyRun):
    second_run = run_study("retrieval", corpus, OPTIONS)
    assert second_run.load_paper_comparison().equals(validation_run.load_paper_comparison())


def test_every_method_of_the_ablation_retrieves_clips_and_reports_its_time(
    corpus: Corpus, text_encoder: str, monkeypatch: pytest.MonkeyPatch
):
    embed_corpus(corpus, text_encoder, None)
    embed_corpus(corpus, "simulation", None)
    embed_corpus(corpus, "score", PRESETS["offline"].audio_encoder)
    quick_finetuning = FinetuningConfig(max_programs=12, epochs=1, batch_size=6)
    monkeypatch.setattr(retrieval_method_definitions, "SENTENCE_ENCODER", text_encoder)
    monkeypatch.setattr(ablation_methods, "FinetuningConfig", lambda: quick_finetuning)
    monkeypatch.setattr(ablation_methods, "PERTURBED_PROGRAM_COUNT", 3)
    run = run_study("retrieval", corpus, {**OPTIONS, "methods": "all"})
    scores = load_tables(run)["scores"].set_index("method")
    method_sets = [
        *ablation_methods.METHOD_SETS.values(),
        snippet_retrieval_study.list_baseline_methods,
    ]
    expected = {method.name for list_methods in method_sets for method in list_methods("sonicpi")}
    assert expected == set(scores.index) - {"true nearest by log-mel"}
    methods = scores.loc[sorted(expected)]
    assert methods[SCORE].between(-2, 1).all() and (methods["query ms"] > 0).all()
    # The methods differ, though on few programs some retrieve the same clips.
    assert methods[SCORE].nunique() > len(expected) / 2


def test_every_method_set_of_the_ablation_has_an_option():
    assert set(snippet_retrieval_study.METHOD_SETS) == {
        *ablation_methods.METHOD_SETS,
        snippet_retrieval_study.BASELINES,
    }


def test_finetuning_trains_encoder_and_heads_reproducibly(text_encoder: str):
    sources = [f"play {40 + n}\nsleep {n % 3 + 1}" for n in range(24)]
    audio = torch.randn(24, 8, generator=torch.Generator().manual_seed(1))
    config = AlignmentConfig.from_dict(QUICK)
    no_validation = ValidationPairs(audio[:0, :1].expand(0, 32), audio[:0])
    heads = train(TrainingPairs(torch.randn(24, 32), audio), no_validation, config).heads
    weights_before = {name: value.clone() for name, value in heads.get_tensors_to_save().items()}
    steps = []
    finetuning = FinetuningConfig(
        max_programs=20, epochs=6, max_tokens=500, batch_size=10, learning_rate=3e-3
    )
    first, second = (
        finetune_text_encoder(
            text_encoder, heads, sources, audio, finetuning, lambda *step: steps.append(step)
        )
        for _ in range(2)
    )
    assert [step[:2] for step in steps[:12]] == [(number, 12) for number in range(1, 13)]
    assert steps[11][2] < steps[0][2]  # the loss
    assert torch.equal(
        first.project_code_embeddings(sources), second.project_code_embeddings(sources)
    )
    assert first.project_code_embeddings(sources).shape == (24, config.dim)
    assert first.project_audio_embeddings(audio).shape == (24, config.dim)
    assert first.encoder.max_tokens == 64  # the context length of the model
    assert all(
        torch.equal(value, weights_before[name])
        for name, value in heads.get_tensors_to_save().items()
    )
    with pytest.raises(EarshotError, match="can't be fine-tuned"):
        finetune_text_encoder("sonicpi", heads, sources, audio, finetuning)


def test_queries_may_be_a_folder_of_programs(corpus: Corpus, tmp_path: Path):
    (tmp_path / "deep").mkdir()
    source = "use_synth :tb303\n8.times do\n  play 40\n  sleep 0.25\nend"
    (tmp_path / "deep" / "bass.rb").write_text(source)
    (tmp_path / "silent.rb").write_text("sleep 1")
    (tmp_path / "known.rb").write_text(corpus.load_programs()["source"].iloc[0])
    run = run_study("retrieval", corpus, {**OPTIONS, "queries": str(tmp_path)})
    tables = load_tables(run)
    assert list(tables["queries"]["program"]) == ["deep/bass.rb"]
    assert set(tables["skipped"]["program"]) == {"silent.rb", "known.rb"}
    assert run.load_result().clips[0].sources[0].startswith("use_synth :tb303")


@pytest.fixture
def no_map(monkeypatch: pytest.MonkeyPatch):
    # The map takes half a minute, and these tests do not use it.
    monkeypatch.setattr(train_stage, "compute_alignment_map", lambda *_: None)


@pytest.fixture
def few_programs_suffice(monkeypatch: pytest.MonkeyPatch, no_map):
    monkeypatch.setattr(confidence_fitting, "MIN_CALIBRATION_PROGRAMS", 20)
    monkeypatch.setattr(confidence_calibration, "MIN_PROGRAMS_PER_OUTCOME", 2)


def test_an_alignment_estimates_its_confidence_for_a_snippet(corpus: Corpus, few_programs_suffice):
    aligned_corpus = train_stage.train(corpus, AlignmentConfig.from_preset("kernel_ridge"))
    fields = aligned_corpus.record.metrics["confidence"]
    assert 20 <= fields["program_count"] <= len(corpus.load_programs())
    assert 0 < fields["correct_fraction"] < 1
    known_snippet = corpus.load_programs()["source"].iloc[0]
    estimates = [
        search_confidence.estimate_confidence(
            aligned_corpus, snippet, find_neighbours(aligned_corpus, snippet)
        )
        for snippet in (known_snippet, "with_fx(:bitcrusher) { synth :cnoise, sustain: 9, amp: 3 }")
    ]
    for estimate in estimates:
        assert 0 < estimate.probability < 1
        assert estimate.calibration_program_count == fields["program_count"]
        assert estimate.level == confidence_calibration.classify_confidence_level(
            estimate.probability
        )
    assert estimates[0].probability > estimates[1].probability
    assert search_confidence.estimate_confidence(aligned_corpus, known_snippet, []) is None
    with pytest.raises(SilentSnippetError):
        find_neighbours(aligned_corpus, "puts 'no sound at all'")


def test_an_alignment_of_too_few_programs_estimates_no_confidence(corpus: Corpus, no_map):
    aligned_corpus = train_stage.train(corpus, AlignmentConfig.from_preset("kernel_ridge"))
    neighbours = find_neighbours(aligned_corpus, "play 60")
    assert search_confidence.estimate_confidence(aligned_corpus, "play 60", neighbours) is None


def test_an_ablation_on_the_test_set_is_refused(corpus: Corpus):
    with pytest.raises(EarshotError, match="validation programs only"):
        run_study("retrieval", corpus, {"methods": "ridge", "queries": "examples"})


def test_a_folder_without_programs_is_refused(corpus: Corpus, tmp_path: Path):
    with pytest.raises(EarshotError, match="no programs"):
        run_study("retrieval", corpus, {"queries": str(tmp_path)})


def test_the_encoder_study_compares_all_encoders_at_hand(corpus: Corpus):
    run = run_study("encoders", corpus, {"programs": 30})
    tables = load_tables(run)
    audio_encoders = set(tables["aspects"]) - {"aspect", "descriptor"}
    assert {"aisfx", "musicnn", "log-mel"} <= audio_encoders
    pairs = tables["agreement"]
    assert len(pairs) == len(audio_encoders) * (len(audio_encoders) - 1) // 2
    assert pairs["spearman"].between(-1, 1).all() and (pairs["low"] <= pairs["high"]).all()
    # Encoders of the same clips agree more than chance, and all follow timbre to some degree.
    bundled = pairs[pairs["first"].isin({"aisfx", "musicnn"}) & (pairs["second"] == "log-mel")]
    assert (bundled["spearman"] > 0.1).all()
    assert len(run.load_result().notes) == 5
    for encoders_option, message in (("aisfx", "at least two"), ("aisfx,sonicpi", "embeds code")):
        with pytest.raises(EarshotError, match=message):
            run_study("encoders", corpus, {"compared_encoders": encoders_option})
