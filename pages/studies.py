"""Studies: run one of the paper's, read and hear what it found, and compare earlier runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs
from core.corpus import Corpus
from core.stages.studies import STUDIES, study
from core.stages.studies.report import joined
from core.stages.studies.result import Heard, StudyResult
from core.stages.studies.store import StudyRun, runs
from pages.parts import frame, job, place, player, say

SECONDS = 6.0  # of each clip, where one is played after the other
ALL = "all"


def page() -> None:
    st.title("The paper's studies")
    with say.errors():
        here = place.chosen(alignment=False)
        if here.corpus is None:
            place.no_corpus()
            return
        name = st.segmented_control(
            "Study", [*STUDIES, ALL], default=next(iter(STUDIES)), required=True, key="study",
            format_func=str.capitalize, label_visibility="collapsed",
        )  # fmt: skip
        if name == ALL:
            begin(here.corpus, ALL)
            st.caption("Runs every study and writes one report, in the corpus's folder studies.")
        else:
            one(here.corpus, name)


def one(corpus: Corpus, name: str) -> None:
    """Draw a study: its question, the button, its runs."""
    module = study(name)
    st.markdown(f"**{module.TITLE}.** {module.QUESTION}")
    begin(corpus, name)
    found = runs(corpus, name)
    if not found:
        st.info("It has not been run on this corpus yet.", icon=":material/science:")
        return
    labels = {run.id: f"{run.id}, {run.created[:16].replace('T', ' ')}" for run in found}
    shown = st.selectbox("Run", list(labels), format_func=labels.get, key=f"run-{name}")
    run = next(each for each in found if each.id == shown)
    read(run, run.result())
    if len(found) > 1:
        compare(found, labels)


def begin(corpus: Corpus, name: str) -> None:
    """Draw the button, or the job that runs."""
    argv = ["study", name, corpus.name]
    running = job.latest(*argv)
    if running is not None and running.state != "done":
        job.panel(running)
    if running is None or not running.active:
        if st.button("Run it", type="primary", icon=":material/play_arrow:", key=f"start-{name}"):
            jobs.start(argv, f"Study {name} of {corpus.name}")
            st.rerun()


def read(run: StudyRun, result: StudyResult) -> None:
    """Draw what a run found."""
    st.subheader("Beside the paper")
    st.dataframe(result.compared, hide_index=True, key=f"compared-{run.id}", column_config={
        name: st.column_config.NumberColumn(format="%.3f")
        for name in ("measured", "low", "high", "paper", "difference")
    })  # fmt: skip
    for note in result.notes:
        st.markdown(f"- {say.plain(note) if len(note) < say.LONGEST else note}")
    for figure in result.figures:
        st.markdown(f"**{figure.title}**")
        table = next((each for each in result.tables if each.name == figure.hears), None)
        key = f"figure-{run.id}-{figure.name}"
        picked = st.plotly_chart(
            figure.figure, key=key, on_select="rerun" if table is not None else "ignore",
            selection_mode="points", alt=figure.title,
        )  # fmt: skip
        st.caption(figure.caption)
        points = picked["selection"]["points"] if table is not None else []
        if points:
            hear_row(table.rows, points[0]["customdata"], key)
    hear(result.clips, run.id)
    for table in result.tables:
        with st.expander(f"{table.title} ({len(table.rows)} rows)"):
            st.caption(table.caption)
            st.dataframe(table.rows.drop(columns="clips", errors="ignore"), hide_index=True)
    with st.expander("Settings, versions, corpus"):
        st.json(result.settings)


def hear_row(rows: pd.DataFrame, customdata, key: str) -> None:
    """Play what a point stands for, one clip after the other."""
    number = customdata[0] if isinstance(customdata, (list, tuple)) else customdata
    row = rows.iloc[int(number)]
    play(tuple(row["clips"].split("|")), key)
    st.caption(say.plain(", ".join(str(row[c]) for c in rows.columns[:2])))


def hear(clips: list[Heard], run_id: str) -> None:
    """Draw a choice of what there is to hear, and the chosen one's player and code."""
    if not clips:
        return
    chosen = st.selectbox("Hear", range(len(clips)), format_func=lambda i: clips[i].label,
                          key=f"hear-{run_id}")  # fmt: skip
    heard = clips[chosen]
    play(heard.paths, f"{run_id}-{chosen}")
    if heard.note:
        st.caption(say.plain(heard.note))
    for name, source in zip(heard.names, heard.sources):
        with st.expander(f"Code of {say.plain(name)}"):
            st.code(source, language="ruby")


def play(paths: tuple[str, ...], key: str) -> None:
    sound = joined(paths, SECONDS)
    if sound is None:
        st.caption(":material/music_off: The clip is not there any more.")
    else:
        player.clip(sound, "one after the other", f"study-{key}")


def compare(found: list[StudyRun], labels: dict[str, str]) -> None:
    """Put the runs' numbers side by side."""
    with st.expander("Compare runs"):
        chosen = st.multiselect("Runs", list(labels), list(labels)[:2], format_func=labels.get)
        columns = {
            run.id: run.compared().drop_duplicates("measure").set_index("measure")["measured"]
            for run in found if run.id in chosen
        }  # fmt: skip
        st.dataframe(pd.DataFrame(columns))


frame.show(page)
