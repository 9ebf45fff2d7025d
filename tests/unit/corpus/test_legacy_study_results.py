"""Study results in former names, as read today."""

from __future__ import annotations

import pandas as pd
import pytest

from core.corpus.legacy_study_results import (
    get_former_table_name,
    translate_legacy_method_name,
    translate_legacy_study_metadata,
    translate_legacy_study_table,
)


@pytest.mark.parametrize(
    ("former", "present"),
    [
        ("bag of identifiers", "bag of words"),
        ("the paper's method on MiniLM", "InfoNCE on MiniLM"),
        ("InfoNCE, the paper's, on MiniLM", "InfoNCE on MiniLM, 15 epochs"),
        ("ridge on score", "linear ridge on score"),
        ("kernel ridge on sonicpi+score", "kernel ridge on sonicpi+score"),
        ("  nothing kept of the mean", "kernel ridge, mean fraction 0"),
        ("  soft, against each program changed", "soft InfoNCE, hard negatives"),
        (
            "  and 300 programs changed a little, rendered",
            "kernel ridge, 300 rendered perturbations",
        ),
        ("MiniLM tuned end to end, soft targets", "MiniLM finetuned, soft InfoNCE"),
        ("truly nearest by aisfx", "true nearest by aisfx"),
    ],
)
def test_methods_have_todays_names(former: str, present: str):
    assert translate_legacy_method_name(former) == present
    assert translate_legacy_method_name(present) == present


@pytest.mark.parametrize(
    ("study", "former", "present"),
    [
        (
            "retrieval",
            "Foretold share,   three of them, judged by log-mel",
            "normalized similarity@5, MLP regression, 3 seeds, measured by log-mel",
        ),
        (
            "completion",
            "bass: Jaccard@3, aligned code ~ raw sound, unseen ear",
            "bass: Jaccard@3, aligned code ~ raw audio, held-out encoder",
        ),
        (
            "correlation",
            "p of Pearson, parametric, raw code against raw sound",
            "p of Pearson, parametric, raw code against raw audio",
        ),
        (
            "perturbation",
            "Mean similarity of sound: sleep, amp, bpm",
            "Mean similarity of audio: sleep, amp, bpm",
        ),
        ("sweep", "The same against raw sound, CKA", "Best CKA against raw audio"),
        (
            "umap",
            "Told apart after, by logistic regression",
            "Classifier accuracy after, logistic regression",
        ),
    ],
)
def test_measures_have_todays_names(study: str, former: str, present: str):
    for measure in (former, present):
        table = translate_legacy_study_table(study, pd.DataFrame({"measure": [measure]}))
        assert table["measure"].tolist() == [present]


def test_columns_and_values_have_todays_names():
    table = pd.DataFrame({"level": ["sure", "guess"], "said": [0.9, 0.1], "share": [0.5, 0.2]})
    translated = translate_legacy_study_table("retrieval", table)
    assert list(translated) == ["level", "predicted probability", "normalized similarity@5"]
    assert translated["level"].tolist() == ["high", "low"]
    assert list(table) == ["level", "said", "share"]
    table = pd.DataFrame({"sound": ["trained ear", "one ear and the other"], "value": [1.0, 2.0]})
    translated = translate_legacy_study_table("completion", table)
    assert translated["audio"].tolist() == ["training encoder", "between encoders"]


def test_metadata_has_todays_names_and_translating_twice_changes_nothing():
    metadata = {
        "study": "foretelling",
        "tables": [{"name": "shares", "title": "T", "caption": ""}],
        "figures": [{"name": "shares", "title": "T", "caption": "", "hears": "queries"}],
        "settings": {
            "judges": ["aisfx", "log-mel"],
            "options": {"ways": "tuned", "judge": "log-mel"},
            "ways": {
                "  three of them": {"method": "mlp", "config": None, "breadth": "composed"},
                "kernel ridge on sonicpi": {"method": "heads", "config": {"kept_mean": 0.1}},
            },
        },
    }
    translated = translate_legacy_study_metadata("retrieval", metadata)
    assert translated["study"] == "retrieval"
    assert translated["tables"][0]["name"] == "scores"
    assert translated["figures"][0]["name"] == "scores"
    assert translated["figures"][0]["clip_table"] == "queries"
    assert translated["settings"] == {
        "eval_encoders": ["aisfx", "log-mel"],
        "options": {"methods": "finetuned", "eval_encoder": "log-mel"},
        "methods": {
            "MLP regression, 3 seeds": {
                "algorithm": "mlp",
                "alignment_config": None,
                "training_subset": "grammar",
            },
            "kernel ridge on sonicpi": {
                "algorithm": "projection-heads",
                "alignment_config": {"mean_fraction": 0.1},
            },
        },
    }
    assert translate_legacy_study_metadata("retrieval", translated) == translated


def test_files_of_renamed_tables_are_found_under_their_former_name():
    assert get_former_table_name("retrieval", "scores") == "shares"
    assert get_former_table_name("retrieval", "queries") is None
    assert get_former_table_name("completion", "scores") is None
