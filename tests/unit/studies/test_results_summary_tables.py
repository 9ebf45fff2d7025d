"""The page "How good is it?": unseen programs first, the random split named, no local paths."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.results_summary import build_results_summary
from core.studies.results_summary_tables import summarize_prediction, summarize_unseen_templates
from core.studies.study_result import StudyResult, StudyTable
from core.studies.study_run_storage import save_study_run

SCORE = "normalized similarity@5"


@pytest.fixture
def corpus(empty_workspace: Any) -> Corpus:
    return Corpus.create("songs", seconds=0.5)


def save_run(corpus: Corpus, study: str, tables: dict[str, list[dict]], **settings: Any) -> None:
    """Save a run of a study with its tables."""
    settings = {"corpus": {"name": corpus.name, "ok": 12}, "k": 5, "methods": {}, **settings}
    result = StudyResult(
        tables=[StudyTable(name, name, pd.DataFrame(rows)) for name, rows in tables.items()],
        settings=settings,
    )
    save_study_run(corpus, {"study": study, "title": study, "question": "?"}, result)


def save_retrieval_run(corpus: Corpus, queries: str, kind: str, score: float) -> None:
    rows = [
        {"method": method, "encoder": "log-mel", "kind": kind, SCORE: value, "queries": 9}
        | {"low": value - 0.1, "high": value + 0.1}
        for method, value in (("kernel ridge", score), ("true nearest by log-mel", 1.0))
    ]
    options = {"queries": queries, "methods": "baselines", "eval_encoder": "log-mel"}
    save_run(corpus, "retrieval", {"scores_by_kind": rows}, queries=queries, options=options)


def test_prediction_has_the_newest_run_of_each_set_of_queries(corpus: Corpus) -> None:
    save_retrieval_run(corpus, "/home/me/songs", "programs of the folder", 0.5)
    save_retrieval_run(corpus, "validation", "held-out templates", 0.1)
    save_retrieval_run(corpus, "validation", "held-out templates", 0.7)
    table = summarize_prediction(corpus)
    assert table is not None
    shown = table.shown_rows
    assert shown["queries of"].tolist() == ["held-out templates (9)", "programs of the folder (9)"]
    assert shown["log-mel"].tolist() == ["0.70 [0.60, 0.80]", "0.50 [0.40, 0.60]"]
    assert set(shown["method"]) == {"kernel ridge"}  # Not the bound by a single encoder.
    assert "retrieval songs --queries FOLDER --eval-encoder log-mel`" in table.caption
    assert "/home/me" not in table.format_as_markdown()


def test_draws_of_unseen_templates_are_averaged_over_dimensions(corpus: Corpus) -> None:
    rows = [
        {
            "draw": draw,
            "method": f"linear CCA, {dimension} dimensions",
            "split": "unseen templates",
            "reading": "aligned code ~ aligned audio",
            "metric": "cka_debiased",
            "value": value,
            "low": 0.0,
            "high": 1.0,
            "calibrated": value,
            "programs": 20,
        }
        for draw, dimension, value in ((1, 16, 0.2), (2, 64, 0.4))
    ]
    save_run(
        corpus,
        "agreement",
        {"unseen": rows},
        alignment={"id": "deleted", "config": {}, "selected_by": "you"},
    )
    table = summarize_unseen_templates(corpus)
    assert table is not None
    assert table.shown_rows["method"].tolist() == ["linear CCA"]
    assert table.shown_rows["debiased CKA"].tolist() == ["0.30 [0.20, 0.40]"]


def test_page_names_the_random_split_and_needs_a_study(corpus: Corpus) -> None:
    with pytest.raises(EarshotError, match="no study results"):
        build_results_summary(corpus)
    save_retrieval_run(corpus, "examples", "Sonic Pi's examples", 0.5)
    page = build_results_summary(corpus).markdown
    assert page.count("\n## ") == 1
    assert "random split, the paper's" in page.split("\n## ")[0]
