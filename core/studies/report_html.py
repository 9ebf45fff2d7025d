"""A report as one HTML page that needs nothing else, of a bounded size."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

from core.studies import paper_results
from core.studies.audio_concat import concatenate_clips, downsample_to_mono
from core.studies.report_markdown import (
    REPORT_TITLE,
    ReportContent,
    format_shared_settings,
    format_cell,
    list_paper_differences,
    format_run_settings,
    drop_empty_columns,
    format_verdict_counts,
)
from core.studies.result import VERDICT_ABOVE, VERDICT_BELOW, VERDICT_LEVEL, ClipSequence
from core.studies.store import StudyRun
from core.studies.report_summary import summarize_verdicts

REPORT_CLIP_SECONDS = 4.0
MAX_CLIPS_PER_STUDY = 12  # of a study
MAX_TABLE_ROWS = 60  # of a table; the CSV has them all
_REPORT_CSS = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;max-width:1280px;margin:2rem auto;padding:0 1.5rem;
color:#222;background:#fff}
p,li{max-width:70rem}
h1{line-height:1.2}h2{margin-top:3rem;border-top:1px solid #ddd;padding-top:1rem}
table{border-collapse:collapse;font-size:13px;margin:1rem 0;display:block;overflow-x:auto;
font-variant-numeric:tabular-nums}
td,th{padding:3px 9px;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
td.text,th.text,td:first-child,th:first-child{text-align:left}
tr.new td{border-top:2px solid #bbb}
.above{color:#00734f}.below{color:#b04a00}
pre{background:#f5f5f5;padding:.6rem;overflow-x:auto;font-size:12px}
summary{cursor:pointer;margin:.4rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;font-size:13px}
dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
.clips{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:.8rem;
font-size:13px}
audio{height:36px;width:100%;display:block}
"""


def build_html_report(content: ReportContent) -> str:
    """The whole page."""
    title = html.escape(REPORT_TITLE.format(content.corpus_name))
    body = [f"<h1>{title}</h1><p>{html.escape(paper_results.get_paper_citation())}</p>"]
    body.append(f"<p><b>{html.escape(summarize_verdicts(content.main_rows))}</b></p>{_build_main_table(content.main_rows)}")
    body.append("<h3>What differs from the paper's set-up</h3><ul>")
    body += [f"<li><b>{what}</b>: {html.escape(how)}</li>" for what, how in list_paper_differences(content.runs)]
    body += [
        f"<li><b>Not run: {html.escape(name)}.</b> {html.escape(why)}</li>"
        for name, why in content.skipped_studies.items()
    ]
    body.append("</ul>")
    for run in content.runs:
        body += _build_study_section(run)
    body.append("<h2>Corpus and versions</h2><dl>")
    body += [
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in format_shared_settings(content.runs).items()
    ]
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{title}</title><style>{_REPORT_CSS}</style><script>{get_plotlyjs()}</script>"
        f"{''.join(body)}</dl></html>"
    )


def _build_main_table(rows: pd.DataFrame) -> str:
    """The main table, a line a number."""
    lines, before = [], None
    names = (
        "study",
        "of",
        "number",
        "Earshot",
        "95 %",
        "the paper",
        "difference",
        "Earshot is",
        "programs",
        "seed",
    )
    for row in rows.itertuples():
        new = (row.study, row.of) != before
        shown = (row.study, row.of) if new else ("", "")
        interval = "" if pd.isna(row.low) else f"{row.low:.3f} to {row.high:.3f}"
        paper = "–" if pd.isna(row.paper) else f"{row.paper:.3f}"
        apart = "" if pd.isna(row.difference) else f"{row.difference:+.3f}"
        values = (
            *shown,
            row.number,
            row.measured,
            interval,
            paper,
            apart,
            row.verdict,
            row.split,
            row.seed,
        )
        cells = "".join(f"<td{_format_cell_class(each)}>{html.escape(format_cell(each))}</td>" for each in values)
        lines.append(f"<tr{' class=new' if new else ''}>{cells}</tr>")
        before = (row.study, row.of)
    words = ("study", "of", "number", "Earshot is", "programs")
    head = "".join(f"<th{' class=text' if n in words else ''}>{n}</th>" for n in names)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _build_study_section(run: StudyRun) -> list[str]:
    result = run.load_result()
    title, question = html.escape(run.metadata["title"]), html.escape(run.metadata["question"])
    said = format_verdict_counts(result.comparison)
    parts = [f"<h2>{title}</h2><p>{question} <b>{said[:1].upper()}{said[1:]}</b> ({run.id}).</p>"]
    parts.append(_build_html_table(drop_empty_columns(result.comparison)))
    parts.append("<ul>" + "".join(f"<li>{html.escape(n)}</li>" for n in result.notes) + "</ul>")
    for figure in result.figures:
        drawn = plotly.io.to_html(
            go.Figure(figure.figure).update_layout(template="plotly_white"),
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "responsive": True},
        )
        parts.append(f"<h3>{html.escape(figure.title)}</h3>{drawn}")
        parts.append(f"<p>{html.escape(remove_click_hints(figure.caption))}</p>")
    if result.clips:
        players = "".join(_build_audio_player(heard) for heard in sample_evenly(result.clips, MAX_CLIPS_PER_STUDY))
        parts.append(f"<h3>To hear</h3><div class='clips'>{players}</div>")
    for table in result.tables:
        rows = table.rows.drop(columns="clips", errors="ignore").head(MAX_TABLE_ROWS)
        title = f"{html.escape(table.title)} ({len(table.rows)} rows"
        title += f", the first {MAX_TABLE_ROWS} of them)" if len(table.rows) > MAX_TABLE_ROWS else ")"
        parts.append(f"<details><summary>{title}</summary>")
        parts.append(f"<p>{html.escape(table.caption)}</p>{_build_html_table(rows)}</details>")
    parts.append(f"<details><summary>Settings</summary><pre>{html.escape(format_run_settings(run))}</pre>")
    parts.append("</details>")
    return parts


def remove_click_hints(caption: str) -> str:
    """A caption without what only the page Studies can do."""
    sentences = re.split(r"(?<=\.) ", caption)
    return " ".join(each for each in sentences if not each.startswith("Click"))


def sample_evenly(clips: Sequence[ClipSequence], max_clips: int) -> list[ClipSequence]:
    """At most so many of the clips, evenly from the first to the last."""
    if len(clips) <= max_clips:
        return list(clips)
    return [clips[i * len(clips) // max_clips] for i in range(max_clips)]


def _build_html_table(frame: pd.DataFrame) -> str:
    texts = [name for name in frame if frame[name].dtype == object or frame[name].dtype == "str"]
    head = "".join(
        f"<th{' class=text' if name in texts else ''}>{html.escape(str(name))}</th>"
        for name in frame.columns
    )
    rows = []
    for row in frame.astype(object).itertuples(index=False):
        cells = (f"<td{_format_cell_class(value)}>{html.escape(format_cell(value))}</td>" for value in row)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _format_cell_class(value: Any) -> str:
    """The class of a cell: verdicts have a colour, texts stand on the left."""
    if not isinstance(value, str):
        return ""
    word = value if value in (VERDICT_ABOVE, VERDICT_BELOW) else ""
    number = value[:1] in "+-–0123456789" and value not in ("", VERDICT_LEVEL)
    return f" class='{'' if number and not word else 'text '}{word}'"


def _build_audio_player(clip_sequence: ClipSequence) -> str:
    sound = concatenate_clips(clip_sequence.paths, REPORT_CLIP_SECONDS)
    if sound is None:
        return ""
    data = base64.b64encode(downsample_to_mono(sound).encode(".ogg")).decode()
    note = html.escape(f"{clip_sequence.label}. {clip_sequence.note}" if clip_sequence.note else clip_sequence.label)
    source = f"data:audio/ogg;base64,{data}"
    return f"<div><audio controls preload='none' src='{source}'></audio>{note}</div>"
