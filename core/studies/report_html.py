"""A report as one self-contained HTML page of bounded size."""

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

from core.studies import published_numbers
from core.studies.paper_comparison_verdicts import VERDICT_ABOVE, VERDICT_BELOW, VERDICTS
from core.studies.report_markdown import (
    REPORT_TITLE,
    ReportContent,
    drop_empty_columns,
    format_run_settings,
    format_table_cell,
    format_verdict_counts,
    get_study_title_and_question,
    list_corpus_and_software_version_settings,
    list_paper_differences,
    summarize_verdicts,
)
from core.studies.study_clip_rendering import concatenate_clip_beginnings, downsample_to_mono
from core.studies.study_result import ClipSequence, StudyFigure, StudyTable
from core.studies.study_run_storage import StudyRun

REPORT_CLIP_SECONDS = 4.0
MAX_CLIPS_PER_STUDY = 12
MAX_TABLE_ROWS = 60  # The CSV files hold all rows.
MAIN_TABLE_HEADERS = (
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
TEXT_HEADERS = ("study", "of", "number", "Earshot is", "programs")
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
    """Return the whole page."""
    title = html.escape(REPORT_TITLE.format(content.corpus_name))
    body = [
        f"<h1>{title}</h1><p>{html.escape(published_numbers.get_paper_citation())}</p>",
        f"<p><b>{html.escape(summarize_verdicts(content.main_rows))}</b></p>",
        _build_paper_comparison_html(content.main_rows),
        "<h3>Differences from the paper's set-up</h3><ul>",
    ]
    body += [
        f"<li><b>{aspect}</b>: {html.escape(difference)}</li>"
        for aspect, difference in list_paper_differences(content.runs)
    ]
    body += [
        f"<li><b>Not run: {html.escape(name)}.</b> {html.escape(reason)}</li>"
        for name, reason in content.skipped_studies.items()
    ]
    body.append("</ul>")
    for run in content.runs:
        body += _build_study_section(run)
    body.append("<h2>Corpus and versions</h2><dl>")
    body += [
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in list_corpus_and_software_version_settings(content.runs).items()
    ]
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{title}</title><style>{_REPORT_CSS}</style><script>{get_plotlyjs()}</script>"
        f"{''.join(body)}</dl></html>"
    )


def _build_paper_comparison_html(rows: pd.DataFrame) -> str:
    """Return the main table with one line per number."""
    lines = []
    previous_group = None
    for row in rows.to_dict("records"):
        group = (row["study"], row["of"])
        is_new_group = group != previous_group
        values = (
            *(group if is_new_group else ("", "")),
            row["number"],
            row["measured"],
            "" if pd.isna(row["low"]) else f"{row['low']:.3f} to {row['high']:.3f}",
            "–" if pd.isna(row["paper"]) else f"{row['paper']:.3f}",
            "" if pd.isna(row["difference"]) else f"{row['difference']:+.3f}",
            row["verdict"],
            row["split"],
            row["seed"],
        )
        lines.append(
            f"<tr{' class=new' if is_new_group else ''}>{_build_table_cells_html(values)}</tr>"
        )
        previous_group = group
    head = "".join(
        f"<th{' class=text' if header in TEXT_HEADERS else ''}>{header}</th>"
        for header in MAIN_TABLE_HEADERS
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _build_study_section(run: StudyRun) -> list[str]:
    result = run.load_result()
    title, question = map(html.escape, get_study_title_and_question(run))
    counts = format_verdict_counts(result.comparison)
    parts = [
        f"<h2>{title}</h2><p>{question} <b>{counts[:1].upper()}{counts[1:]}</b> ({run.id}).</p>",
        _build_html_table(drop_empty_columns(result.comparison)),
        "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in result.notes) + "</ul>",
    ]
    parts += [_build_figure_html(figure) for figure in result.figures]
    if result.clips:
        clips = select_evenly_spaced_clips(result.clips, MAX_CLIPS_PER_STUDY)
        players = "".join(_build_audio_player(clip) for clip in clips)
        parts.append(f"<h3>Clips</h3><div class='clips'>{players}</div>")
    parts += [_build_collapsible_table(table) for table in result.tables]
    settings = html.escape(format_run_settings(run))
    parts.append(f"<details><summary>Settings</summary><pre>{settings}</pre></details>")
    return parts


def _build_figure_html(figure: StudyFigure) -> str:
    plot = plotly.io.to_html(
        go.Figure(figure.figure).update_layout(template="plotly_white"),
        full_html=False,
        include_plotlyjs=False,
        config={"displaylogo": False, "responsive": True},
    )
    caption = html.escape(remove_click_hints_from_caption(figure.caption))
    return f"<h3>{html.escape(figure.title)}</h3>{plot}<p>{caption}</p>"


def _build_collapsible_table(table: StudyTable) -> str:
    rows = table.rows.drop(columns="clips", errors="ignore").head(MAX_TABLE_ROWS)
    row_count = len(table.rows)
    shown = f", the first {MAX_TABLE_ROWS} of them" if row_count > MAX_TABLE_ROWS else ""
    return (
        f"<details><summary>{html.escape(table.title)} ({row_count} rows{shown})</summary>"
        f"<p>{html.escape(table.caption)}</p>{_build_html_table(rows)}</details>"
    )


def remove_click_hints_from_caption(caption: str) -> str:
    """Return a caption without the sentences on clicking, which only the page Studies supports."""
    sentences = re.split(r"(?<=\.) ", caption)
    return " ".join(sentence for sentence in sentences if not sentence.startswith("Click"))


def select_evenly_spaced_clips(clips: Sequence[ClipSequence], max_clips: int) -> list[ClipSequence]:
    """Return at most `max_clips` of the clips, evenly spaced from the first on."""
    if len(clips) <= max_clips:
        return list(clips)
    return [clips[i * len(clips) // max_clips] for i in range(max_clips)]


def _build_html_table(frame: pd.DataFrame) -> str:
    text_columns = {
        name for name in frame if frame[name].dtype == object or frame[name].dtype == "str"
    }
    head = "".join(
        f"<th{' class=text' if name in text_columns else ''}>{html.escape(str(name))}</th>"
        for name in frame.columns
    )
    rows = "".join(
        f"<tr>{_build_table_cells_html(row)}</tr>"
        for row in frame.astype(object).itertuples(index=False)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _build_table_cells_html(values: Sequence[Any]) -> str:
    return "".join(
        f"<td{_format_cell_class(value)}>{html.escape(format_table_cell(value))}</td>"
        for value in values
    )


def _format_cell_class(value: Any) -> str:
    """Return the class attribute of a cell: verdicts are coloured, text is aligned left."""
    if not isinstance(value, str):
        return ""
    verdict = value if value in (VERDICT_ABOVE, VERDICT_BELOW) else ""
    is_number = value[:1] in "+-–0123456789" and value not in ("", *VERDICTS)
    return f" class='{'' if is_number and not verdict else 'text '}{verdict}'"


def _build_audio_player(clips: ClipSequence) -> str:
    audio = concatenate_clip_beginnings(clips.paths, REPORT_CLIP_SECONDS)
    if audio is None:
        return ""
    encoded = base64.b64encode(downsample_to_mono(audio).encode_audio_file(".ogg")).decode()
    label = html.escape(f"{clips.label}. {clips.note}" if clips.note else clips.label)
    source = f"data:audio/ogg;base64,{encoded}"
    return f"<div><audio controls preload='none' src='{source}'></audio>{label}</div>"
