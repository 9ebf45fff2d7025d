"""Compare: pairs that are written alike but sound different, and the reverse, to hear in turn."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus
from core.programs.diff import value_differences
from pages.components import (
    cache,
    program_card,
    layout,
    job_panel,
    selection,
    audio_player,
    formatting,
)

KINDS = {
    "written alike": "Written alike, sounding different",
    "sounding alike": "Sounding alike, written differently",
}
SPACES = {"before": "Before alignment", "after": "After alignment"}
PICKED = "pair"  # in the address: the two programs' ids
SECONDS = 6.0  # of each clip, when both are heard


def page() -> None:
    selection.on_alignment("Compare", compare)


def compare(corpus: Corpus, alignment: AlignmentRecord) -> None:
    found = cache.pairs_of(alignment)
    if found is None:
        offer(corpus, alignment)
    else:
        explore(corpus, found)


def offer(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the button that looks for the pairs, or how far that is."""
    argv = ["compare", corpus.name, "--alignment", alignment.id]
    running = job_panel.latest(*argv)
    if running is not None and running.state != "done":
        job_panel.panel(running)
    if workspace.read_only():
        st.info("Nobody has looked for the pairs of this alignment yet.", icon=":material/info:")
    elif running is None or not running.active:
        st.info(
            "Which programs are written alike but sound different, and which sound alike but are"
            " written differently? All pairs of this corpus are looked at: seconds for hundreds"
            " of programs, under a minute for thousands.",
            icon=":material/compare_arrows:",
        )
        if st.button("Find the pairs", type="primary", icon=":material/compare_arrows:"):
            jobs.start(argv, f"Compare the programs of {corpus.name}")
            st.rerun()


def explore(corpus: Corpus, found: pd.DataFrame) -> None:
    """Draw the pairs of the chosen kind, and the chosen one of them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control(
            "Kind",
            list(KINDS),
            default="written alike",
            required=True,
            key="kind",
            bind="query-params",
            format_func=KINDS.get,
            label_visibility="collapsed",
            width="content",
        )
        space = st.segmented_control(
            "Code",
            list(SPACES),
            default="before",
            required=True,
            key="space",
            bind="query-params",
            format_func=SPACES.get,
            label_visibility="collapsed",
            width="content",
            help="The space in which code is near or far.",
        )
    chosen = found[(found["kind"] == kind) & (found["space"] == space)].reset_index(drop=True)
    programs = cache.programs_of(corpus)
    ids = {*chosen["first"], *chosen["second"]}
    programs = programs[programs["program"].isin(ids)].set_index("program")
    there = chosen["first"].isin(programs.index) & chosen["second"].isin(programs.index)
    chosen = chosen[there].reset_index(drop=True)
    if chosen.empty:
        st.info(
            "There is no such pair: where code is near, sound is near as well.",
            icon=":material/sentiment_satisfied:",
        )
        return
    left, right = st.columns([5, 7], gap="medium")
    picked = picked_pair(chosen)
    with left:
        table(chosen, programs, space, picked)
    with right:
        draw_pair(chosen.iloc[picked], programs, picked, len(chosen), chosen)


def picked_pair(chosen: pd.DataFrame) -> int:
    """The row of the pair that the address names; the first, if it names none of these."""
    ids = (chosen["first"] + chosen["second"]).tolist()
    wanted = st.query_params.get(PICKED, "")
    return ids.index(wanted) if wanted in ids else 0


def pick(chosen: pd.DataFrame, row: int) -> None:
    """Open a pair and play it; for callbacks."""
    one = chosen.iloc[row]
    st.query_params[PICKED] = one["first"] + one["second"]
    audio_player.start("both")


def table(chosen: pd.DataFrame, programs: pd.DataFrame, space: str, picked: int) -> None:
    titles = cache.titles()
    known = zip(programs.index, programs["template"], programs["name"])
    title = {each: titles.get(of, of) or name for each, of, name in known}
    code = f"code_{space}"
    key = f"pairs-{space}-{chosen['kind'].iloc[0]}-{chosen['first'].iloc[0]}"

    def select() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and rows[0] < len(chosen):
            pick(chosen, rows[0])

    st.dataframe(
        pd.DataFrame(
            {
                "One": [title[each] for each in chosen["first"]],
                "Other": [title[each] for each in chosen["second"]],
                "Code": chosen[code],
                "Sound": chosen["sound"],
            }
        ),
        hide_index=True,
        height=470,
        key=key,
        selection_mode="single-row",
        on_select=select,
        alt="Pairs of programs, a row each, those that disagree most first",
        column_config={
            "Code": st.column_config.NumberColumn(
                format="%.2f", width=58, help="Cosine distance of the two programs' code, 0 to 2"
            ),
            "Sound": st.column_config.NumberColumn(
                format="%.2f", width=58, help="Cosine distance of their sound, raw, 0 to 2"
            ),
        },
    )
    st.caption(
        "Among all pairs of the corpus, those whose ranks by distance of code and of sound differ"
        " most; each program in one pair at most."
    )


def draw_pair(
    pair: pd.Series, programs: pd.DataFrame, number: int, count: int, chosen: pd.DataFrame
) -> None:
    """Draw both programs, what differs, and the buttons that hear them and go on."""
    one, other = programs.loc[pair["first"]], programs.loc[pair["second"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        audio_player.one_after_the_other(["one", "other"], "Hear both", SECONDS, "both")
        st.markdown(f"Pair {number + 1} of {count}", width="stretch")
        st.button(
            "",
            icon=":material/chevron_left:",
            help="Previous pair",
            key="previous",
            disabled=number == 0,
            on_click=pick,
            args=(chosen, number - 1),
        )
        st.button(
            "",
            icon=":material/chevron_right:",
            help="Next pair",
            key="following",
            disabled=number == count - 1,
            on_click=pick,
            args=(chosen, number + 1),
        )
    st.caption(
        f"Distance of code {pair['code_before']:.2f} before and {pair['code_after']:.2f} after"
        f" alignment, of sound {pair['sound']:.2f}. {share(pair['code_share'])} of all pairs are"
        f" written more alike, {share(pair['sound_share'])} sound more alike."
    )
    for side, (key, row) in zip(
        st.columns(2, gap="small"), (("one", one), ("other", other)), strict=True
    ):
        with side.container(border=True, key=f"program-{key}", gap="small"):
            program_card.head(row["name"], row["template"], row["role"], row["split"])
            audio_player.clip_file(row["audio"], row["name"], key)
            st.code(row["source"], language="ruby", height=230)
    differences(one, other)


def share(part: float) -> str:
    """A share of pairs in words: "12 %", "0.02 %", "99.97 %"."""
    percent = 100 * part
    if percent > 99:
        number = f"{100 - float(f'{100 - percent:.1g}'):.6g}"
    else:
        number = f"{percent:.0f}" if percent >= 1 else f"{percent:.1g}"
    return f"{number}\N{NO-BREAK SPACE}%"


def differences(one: pd.Series, other: pd.Series) -> None:
    """Draw the parameters that differ, and the lines."""
    with st.expander("What differs", type="compact"):
        rows = value_differences(one["parameters"], other["parameters"])
        if rows and one["template"] == other["template"]:
            columns = ["Parameter", "One", "Other"]
            st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)
        program_card.differences(one["source"], other["source"], ("One", "Other"))


layout.show(page)
