"""Comparison of several runs of a study: their measures and the settings that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from core.studies.study_run_storage import StudyRun

# Settings that differ between any two runs.
IGNORED_SETTINGS = ("seconds_taken",)


def build_run_measurement_table(runs: Sequence[StudyRun]) -> pd.DataFrame:
    """Collect the measures of several runs.

    Returns
    -------
    DataFrame
        One row per measure. Columns: one per run, by id; ``paper``; of two runs also ``change``,
        the newer run's number minus the older one's.
    """
    comparisons = {run.id: run.load_paper_comparison().drop_duplicates("measure") for run in runs}
    measures = list(
        dict.fromkeys(
            measure for comparison in comparisons.values() for measure in comparison["measure"]
        )
    )
    table = pd.DataFrame(
        {
            run_id: comparison.set_index("measure")["measured"].reindex(measures)
            for run_id, comparison in comparisons.items()
        }
    )
    paper = pd.concat(
        [comparison.set_index("measure")["paper"] for comparison in comparisons.values()]
    )
    table["paper"] = paper[~paper.index.duplicated()].reindex(table.index)
    if len(runs) == 2:
        newer, older = sorted(runs, key=lambda run: (run.created, run.id), reverse=True)
        table["change"] = table[newer.id] - table[older.id]
    return table.rename_axis("measure")


def find_differing_run_settings(runs: Sequence[StudyRun]) -> pd.DataFrame:
    """Collect the settings that are not the same in all runs.

    Returns
    -------
    DataFrame
        One row per setting, one column per run, by id.
    """
    settings = {run.id: dict(_flatten_settings(run.metadata["settings"])) for run in runs}
    table = pd.DataFrame(settings).astype(object)
    table = table.where(table.notna(), "–").astype(str)
    return table[table.nunique(axis=1) > 1].rename_axis("setting")


def find_run_comparability_problems(runs: Sequence[StudyRun]) -> list[str]:
    """Find why the numbers of runs do not compare: they were measured on other programs.

    Parameters
    ----------
    runs : sequence of StudyRun
        Of one study.

    Returns
    -------
    list of str
        Differences without a full stop, such as "the corpus had other programs". Empty if all
        were measured on the same programs.
    """
    settings = [run.metadata["settings"] for run in runs]
    corpora = [setting.get("corpus", {}) for setting in settings]
    compared_values: dict[str, list[Any]] = {
        "the corpora are different": [corpus.get("name") for corpus in corpora],
        "the corpus had other programs": [corpus.get("ok") for corpus in corpora],
        "the corpora were split by different seeds": [
            corpus.get("split_seed") for corpus in corpora
        ],
        "the splits have other sizes": [corpus.get("splits") for corpus in corpora],
        "clips have different lengths": [corpus.get("clip_seconds") for corpus in corpora],
        "the queries are different": [setting.get("queries") for setting in settings],
    }
    return [
        problem
        for problem, values in compared_values.items()
        if any(value != values[0] for value in values[1:])
    ]


def _flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if name in IGNORED_SETTINGS:
            continue
        if isinstance(value, Mapping):
            yield from _flatten_settings(value, f"{prefix}{name}, ")
        else:
            yield f"{prefix}{name}".replace("_", " "), str(value)
