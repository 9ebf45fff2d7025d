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
from core.studies.audio_concat import joined, small
from core.studies.report_markdown import (
    TITLE,
    Content,
    card,
    cell,
    differs,
    settings,
    telling,
    verdicts,
)
from core.studies.result import ABOVE, BELOW, LEVEL, Heard
from core.studies.store import StudyRun
from core.studies.report_summary import standing

CLIP_SECONDS = 4.0
MOST_CLIPS = 12  # of a study
MOST_ROWS = 60  # of a table; the CSV has them all
_STYLE = """
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


def page(made: Content) -> str:
    """The whole page."""
    title = html.escape(TITLE.format(made.corpus))
    body = [f"<h1>{title}</h1><p>{html.escape(paper_results.source())}</p>"]
    body.append(f"<p><b>{html.escape(standing(made.main))}</b></p>{_main(made.main)}")
    body.append("<h3>What differs from the paper's set-up</h3><ul>")
    body += [f"<li><b>{what}</b>: {html.escape(how)}</li>" for what, how in differs(made.runs)]
    body += [
        f"<li><b>Not run: {html.escape(name)}.</b> {html.escape(why)}</li>"
        for name, why in made.left_out.items()
    ]
    body.append("</ul>")
    for run in made.runs:
        body += _section(run)
    body.append("<h2>Corpus and versions</h2><dl>")
    body += [
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in card(made.runs).items()
    ]
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{title}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script>"
        f"{''.join(body)}</dl></html>"
    )


def _main(rows: pd.DataFrame) -> str:
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
        cells = "".join(f"<td{_kind(each)}>{html.escape(cell(each))}</td>" for each in values)
        lines.append(f"<tr{' class=new' if new else ''}>{cells}</tr>")
        before = (row.study, row.of)
    words = ("study", "of", "number", "Earshot is", "programs")
    head = "".join(f"<th{' class=text' if n in words else ''}>{n}</th>" for n in names)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _section(run: StudyRun) -> list[str]:
    result = run.result()
    title, question = html.escape(run.facts["title"]), html.escape(run.facts["question"])
    said = verdicts(result.compared)
    parts = [f"<h2>{title}</h2><p>{question} <b>{said[:1].upper()}{said[1:]}</b> ({run.id}).</p>"]
    parts.append(_table(telling(result.compared)))
    parts.append("<ul>" + "".join(f"<li>{html.escape(n)}</li>" for n in result.notes) + "</ul>")
    for figure in result.figures:
        drawn = plotly.io.to_html(
            go.Figure(figure.figure).update_layout(template="plotly_white"),
            full_html=False,
            include_plotlyjs=False,
            config={"displaylogo": False, "responsive": True},
        )
        parts.append(f"<h3>{html.escape(figure.title)}</h3>{drawn}")
        parts.append(f"<p>{html.escape(without_clicks(figure.caption))}</p>")
    if result.clips:
        players = "".join(_player(heard) for heard in spread(result.clips, MOST_CLIPS))
        parts.append(f"<h3>To hear</h3><div class='clips'>{players}</div>")
    for table in result.tables:
        rows = table.rows.drop(columns="clips", errors="ignore").head(MOST_ROWS)
        title = f"{html.escape(table.title)} ({len(table.rows)} rows"
        title += f", the first {MOST_ROWS} of them)" if len(table.rows) > MOST_ROWS else ")"
        parts.append(f"<details><summary>{title}</summary>")
        parts.append(f"<p>{html.escape(table.caption)}</p>{_table(rows)}</details>")
    parts.append(f"<details><summary>Settings</summary><pre>{html.escape(settings(run))}</pre>")
    parts.append("</details>")
    return parts


def without_clicks(caption: str) -> str:
    """A caption without what only the page Studies can do."""
    sentences = re.split(r"(?<=\.) ", caption)
    return " ".join(each for each in sentences if not each.startswith("Click"))


def spread(clips: Sequence[Heard], most: int) -> list[Heard]:
    """At most so many of the clips, evenly from the first to the last."""
    if len(clips) <= most:
        return list(clips)
    return [clips[i * len(clips) // most] for i in range(most)]


def _table(frame: pd.DataFrame) -> str:
    texts = [name for name in frame if frame[name].dtype == object or frame[name].dtype == "str"]
    head = "".join(
        f"<th{' class=text' if name in texts else ''}>{html.escape(str(name))}</th>"
        for name in frame.columns
    )
    rows = []
    for row in frame.astype(object).itertuples(index=False):
        cells = (f"<td{_kind(value)}>{html.escape(cell(value))}</td>" for value in row)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _kind(value: Any) -> str:
    """The class of a cell: verdicts have a colour, texts stand on the left."""
    if not isinstance(value, str):
        return ""
    word = value if value in (ABOVE, BELOW) else ""
    number = value[:1] in "+-–0123456789" and value not in ("", LEVEL)
    return f" class='{'' if number and not word else 'text '}{word}'"


def _player(heard: Heard) -> str:
    sound = joined(heard.paths, CLIP_SECONDS)
    if sound is None:
        return ""
    data = base64.b64encode(small(sound).encode(".ogg")).decode()
    note = html.escape(f"{heard.label}. {heard.note}" if heard.note else heard.label)
    source = f"data:audio/ogg;base64,{data}"
    return f"<div><audio controls preload='none' src='{source}'></audio>{note}</div>"
