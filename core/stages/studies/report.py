"""One report of all studies of a corpus: a page that needs nothing else, Markdown, and CSV."""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.io
from plotly.offline import get_plotlyjs

from core.corpus import Corpus
from core.errors import EarshotError
from core.progress import Progress, silent
from core.sonicpi import Clip
from core.stages.studies import STUDIES, options_of, published, store
from core.stages.studies.result import ABOVE, BELOW, LEVEL, Heard
from core.stages.studies.running import run_study
from core.stages.studies.store import StudyRun, clip_file

REPORT = "report"
CLIP_SECONDS = 4.0
MOST_CLIPS = 12  # of a study
MOST_ROWS = 60  # of a table; the CSV has them all
DIFFERS = (
    "**Templates**: the project's own, after the sections of Sonic Pi's tutorial, not the paper's,"
    " which aren't published. **Encoders**: those named below; the paper's are distilroberta-base"
    " and wav2vec2. **Renderer**: Sonic Pi run offline on a virtual clock, not recorded live.",
    "**Splits**: the column split says of which programs a number is: test means held out from"
    " training; written for the study, seen by no training; all or else, that there were too few"
    " test programs, so that some were trained on. The map's picture shows the programs of every"
    " split, its numbers are of test programs. The paper doesn't say on which its numbers were"
    " measured.",
)
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;
color:#222}
table{border-collapse:collapse;font-size:13px;margin:1rem 0;display:block;overflow-x:auto}
td,th{padding:3px 9px;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td.text,td:first-child,th:first-child{text-align:left}
.above{color:#00734f}.below{color:#b04a00}
pre{background:#f5f5f5;padding:.6rem;overflow-x:auto;font-size:12px}
audio{height:32px;vertical-align:middle}
"""


def study_all(
    corpus_name: str, options: Mapping[str, Any] | None = None, progress: Progress = silent
) -> Path:
    """Run every study that the corpus allows and write the report.

    Returns
    -------
    Path
        The report's folder: report.html, report.md, and tables as CSV. What could not be run
        is in it with the reason.

    Raises
    ------
    EarshotError
        When the corpus isn't there, or not one study could be run.
    """
    corpus = Corpus.open(corpus_name)
    done: list[StudyRun] = []
    left_out: dict[str, str] = {}
    for place, name in enumerate(STUDIES):
        progress("Studies", place, len(STUDIES), name)
        known = {option.name for option in options_of(name)}
        given = {key: value for key, value in (options or {}).items() if key in known}
        try:
            done.append(run_study(name, corpus_name, given, progress))
        except EarshotError as error:
            left_out[name] = str(error)
    progress("Studies", len(STUDIES), len(STUDIES))
    if not done:
        why = next(iter(left_out.values()))
        raise EarshotError(f"No study could be run on '{corpus_name}'. {why}")
    return write_report(corpus, done, left_out)


def write_report(corpus: Corpus, runs: Sequence[StudyRun], left_out: Mapping[str, str]) -> Path:
    """Write the report of these runs beside them; earlier reports stay."""
    home = store.folder(corpus)
    numbers = [int(p.name.rpartition("-")[2]) for p in home.glob(f"{REPORT}-[0-9]*")]
    target = home / f"{REPORT}-{max(numbers, default=0) + 1:04d}"
    partial = home / f".partial-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "tables").mkdir(parents=True)
    for run in runs:
        for file in (run.path / "tables").glob("*.csv"):
            shutil.copy(file, partial / "tables" / f"{run.study}-{file.name}")
    (partial / "report.md").write_text(_markdown(corpus, runs, left_out), encoding="utf-8")
    (partial / "report.html").write_text(_page(corpus, runs, left_out), encoding="utf-8")
    os.replace(partial, target)
    return target


def verdicts(compared: pd.DataFrame) -> str:
    """How many numbers are above, level with and below the paper's, in words."""
    counts = compared["verdict"].value_counts()
    words = (ABOVE, LEVEL, BELOW)
    parts = [f"{counts[word]} {word}" for word in words if word in counts]
    return f"{', '.join(parts)} the paper" if parts else "the paper has no such number"


def _markdown(corpus: Corpus, runs: Sequence[StudyRun], left_out: Mapping[str, str]) -> str:
    parts = [f"# The paper's studies on corpus {corpus.name}", published.source(), "", *DIFFERS]
    for run in runs:
        compared = run.compared()
        parts += ["", f"## {run.facts['title']}", "", run.facts["question"], ""]
        parts += [f"{verdicts(compared)} ({run.id}).", "", _markdown_table(compared), ""]
        parts += [f"- {note}" for note in run.facts["notes"]]
    parts += ["", *(f"- Not run: {name}. {why}" for name, why in left_out.items())]
    parts += ["", "## Settings", "", "```json", _settings(runs), "```", ""]
    return "\n".join(parts)


def _markdown_table(frame: pd.DataFrame) -> str:
    lines = [f"| {' | '.join(frame.columns)} |", "|---" * len(frame.columns) + "|"]
    for row in frame.astype(object).itertuples(index=False):
        lines.append(f"| {' | '.join(_cell(value).replace('|', '/') for value in row)} |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _settings(runs: Sequence[StudyRun]) -> str:
    shown = {run.id: run.facts["settings"] for run in runs}
    return json.dumps(shown, indent=1, ensure_ascii=False)


def _page(corpus: Corpus, runs: Sequence[StudyRun], left_out: Mapping[str, str]) -> str:
    body = [f"<h1>The paper's studies on corpus {html.escape(corpus.name)}</h1>",
            f"<p>{html.escape(published.source())}</p>"]  # fmt: skip
    body += [f"<p>{html.escape(text.replace('**', ''))}</p>" for text in DIFFERS]
    for run in runs:
        body += _section(run)
    for name, why in left_out.items():
        body.append(f"<p><b>Not run: {html.escape(name)}.</b> {html.escape(why)}</p>")
    body.append(f"<h2>Settings, versions, corpus</h2><pre>{html.escape(_settings(runs))}</pre>")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>The paper's studies</title>"
        f"<style>{_STYLE}</style><script>{get_plotlyjs()}</script>{''.join(body)}</html>"
    )


def _section(run: StudyRun) -> list[str]:
    result = run.result()
    title, question = html.escape(run.facts["title"]), html.escape(run.facts["question"])
    said = verdicts(result.compared)
    parts = [f"<h2>{title}</h2><p>{question} <b>{said[:1].upper()}{said[1:]}</b> ({run.id}).</p>"]
    parts.append(_html_table(result.compared))
    parts.append("<ul>" + "".join(f"<li>{html.escape(n)}</li>" for n in result.notes) + "</ul>")
    for figure in result.figures:
        drawn = plotly.io.to_html(figure.figure, full_html=False, include_plotlyjs=False)
        parts.append(f"<h3>{html.escape(figure.title)}</h3>{drawn}")
        parts.append(f"<p>{html.escape(_without_clicks(figure.caption))}</p>")
    for table in result.tables:
        rows = table.rows.drop(columns="clips", errors="ignore").head(MOST_ROWS)
        title = f"{html.escape(table.title)} ({len(table.rows)} rows)"
        parts.append(f"<details><summary>{title}</summary>")
        parts.append(f"<p>{html.escape(table.caption)}</p>{_html_table(rows)}</details>")
    parts += [_player(heard) for heard in result.clips[:MOST_CLIPS]]
    return parts


def _without_clicks(caption: str) -> str:
    """A caption without what only the page Studies can do."""
    return " ".join(s for s in caption.split(". ") if not s.startswith("Click")).strip()


def _html_table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    rows = []
    for row in frame.astype(object).itertuples(index=False):
        cells = (f"<td{_kind(value)}>{html.escape(_cell(value))}</td>" for value in row)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _kind(value: Any) -> str:
    """The class of a cell: verdicts have a colour, texts stand on the left."""
    if not isinstance(value, str):
        return ""
    return f" class='{value if value in (ABOVE, BELOW) else 'text'}'"


def _player(heard: Heard) -> str:
    sound = joined(heard.paths, CLIP_SECONDS)
    if sound is None:
        return ""
    data = base64.b64encode(sound.encode(".ogg")).decode()
    note = html.escape(f"{heard.label} {heard.note}")
    source = f"data:audio/ogg;base64,{data}"
    return f"<p><audio controls preload='none' src='{source}'></audio> {note}</p>"


def joined(paths: Sequence[str], seconds: float) -> Clip | None:
    """The beginnings of clips, one after the other with a short rest between, mono at half the
    sample rate; None when one of them is gone."""
    parts: list[np.ndarray] = []
    rate = 0
    for path in paths:
        file = clip_file(path)
        if file is None:
            return None
        clip = Clip.load(file)
        rate = clip.sample_rate // 2
        mono = clip.samples[: int(seconds * clip.sample_rate)].mean(axis=1)
        mono = mono[: len(mono) // 2 * 2].reshape(-1, 2).mean(axis=1)
        parts += [mono, np.zeros(rate // 3, np.float32)]
    whole = np.concatenate(parts[:-1])
    return Clip(np.repeat(whole[:, None], 2, axis=1).astype(np.float32), rate)
