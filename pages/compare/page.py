"""Compare: pairs that are written alike but sound different, and the reverse, to hear in turn."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus
from core.programs.diff import diff_values
from pages.components import (
    cache,
    program_card,
    layout,
    job_panel,
    selection,
    audio_player,
    formatting,
)

PAIR_KIND_LABELS = {
    "written alike": "Written alike, sounding different",
    "sounding alike": "Sounding alike, written differently",
}
CODE_SPACE_LABELS = {"before": "Before alignment", "after": "After alignment"}
PAIR_URL_PARAM = "pair"  # in the address: the two programs' ids
SECONDS_PER_CLIP = 6.0  # of each clip, when both are heard


def draw_page() -> None:
    selection.draw_alignment_page("Compare", draw_disagreements)


def draw_disagreements(corpus: Corpus, alignment: AlignmentRecord) -> None:
    found = cache.load_disagreement_pairs(alignment)
    if found is None:
        offer_pair_search(corpus, alignment)
    else:
        draw_pair_explorer(corpus, found)


def offer_pair_search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the button that looks for the pairs, or how far that is."""
    argv = ["compare", corpus.name, "--alignment", alignment.id]
    running = job_panel.find_latest_job(*argv)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
    if workspace.is_read_only():
        st.info("Nobody has looked for the pairs of this alignment yet.", icon=":material/info:")
    elif running is None or not running.is_active:
        st.info(
            "Which programs are written alike but sound different, and which sound alike but are"
            " written differently? All pairs of this corpus are looked at: seconds for hundreds"
            " of programs, under a minute for thousands.",
            icon=":material/compare_arrows:",
        )
        if st.button("Find the pairs", type="primary", icon=":material/compare_arrows:"):
            jobs.start_job(argv, f"Compare the programs of {corpus.name}")
            st.rerun()


def draw_pair_explorer(corpus: Corpus, pairs: pd.DataFrame) -> None:
    """Draw the pairs of the chosen kind, and the chosen one of them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control(
            "Kind",
            list(PAIR_KIND_LABELS),
            default="written alike",
            required=True,
            key="kind",
            bind="query-params",
            format_func=PAIR_KIND_LABELS.get,
            label_visibility="collapsed",
            width="content",
        )
        space = st.segmented_control(
            "Code",
            list(CODE_SPACE_LABELS),
            default="before",
            required=True,
            key="space",
            bind="query-params",
            format_func=CODE_SPACE_LABELS.get,
            label_visibility="collapsed",
            width="content",
            help="The space in which code is near or far.",
        )
    chosen = pairs[(pairs["kind"] == kind) & (pairs["space"] == space)].reset_index(drop=True)
    programs = cache.load_programs(corpus)
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
    picked = find_selected_row_number(chosen)
    with left:
        draw_pair_table(chosen, programs, space, picked)
    with right:
        draw_pair(chosen.iloc[picked], programs, picked, len(chosen), chosen)


def find_selected_row_number(pairs: pd.DataFrame) -> int:
    """The row of the pair that the address names; the first, if it names none of these."""
    ids = (pairs["first"] + pairs["second"]).tolist()
    wanted = st.query_params.get(PAIR_URL_PARAM, "")
    return ids.index(wanted) if wanted in ids else 0


def open_and_play_pair(pairs: pd.DataFrame, row_number: int) -> None:
    """Open a pair and play it; for callbacks."""
    one = pairs.iloc[row_number]
    st.query_params[PAIR_URL_PARAM] = one["first"] + one["second"]
    audio_player.request_autoplay("both")


def draw_pair_table(pairs: pd.DataFrame, programs: pd.DataFrame, space: str, selected_row_number: int) -> None:
    titles = cache.load_template_titles()
    known = zip(programs.index, programs["template"], programs["name"])
    title = {each: titles.get(of, of) or name for each, of, name in known}
    code = f"code_{space}"
    key = f"pairs-{space}-{pairs['kind'].iloc[0]}-{pairs['first'].iloc[0]}"

    def open_selected_pair() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and rows[0] < len(pairs):
            open_and_play_pair(pairs, rows[0])

    st.dataframe(
        pd.DataFrame(
            {
                "One": [title[each] for each in pairs["first"]],
                "Other": [title[each] for each in pairs["second"]],
                "Code": pairs[code],
                "Sound": pairs["sound"],
            }
        ),
        hide_index=True,
        height=470,
        key=key,
        selection_mode="single-row",
        on_select=open_selected_pair,
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
    pair: pd.Series, programs: pd.DataFrame, row_number: int, pair_count: int, pairs: pd.DataFrame
) -> None:
    """Draw both programs, what differs, and the buttons that hear them and go on."""
    one, other = programs.loc[pair["first"]], programs.loc[pair["second"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        audio_player.draw_playlist_button(["one", "other"], "Hear both", SECONDS_PER_CLIP, "both")
        st.markdown(f"Pair {row_number + 1} of {pair_count}", width="stretch")
        st.button(
            "",
            icon=":material/chevron_left:",
            help="Previous pair",
            key="previous",
            disabled=row_number == 0,
            on_click=open_and_play_pair,
            args=(pairs, row_number - 1),
        )
        st.button(
            "",
            icon=":material/chevron_right:",
            help="Next pair",
            key="following",
            disabled=row_number == pair_count - 1,
            on_click=open_and_play_pair,
            args=(pairs, row_number + 1),
        )
    st.caption(
        f"Distance of code {pair['code_before']:.2f} before and {pair['code_after']:.2f} after"
        f" alignment, of sound {pair['sound']:.2f}. {format_percentage(pair['code_share'])} of all pairs are"
        f" written more alike, {format_percentage(pair['sound_share'])} sound more alike."
    )
    for side, (key, row) in zip(
        st.columns(2, gap="small"), (("one", one), ("other", other)), strict=True
    ):
        with side.container(border=True, key=f"program-{key}", gap="small"):
            program_card.draw_program_header(row["name"], row["template"], row["role"], row["split"])
            audio_player.draw_file_player(row["audio"], row["name"], key)
            st.code(row["source"], language="ruby", height=230)
    draw_pair_differences(one, other)


def format_percentage(fraction: float) -> str:
    """A share of pairs in words: "12 %", "0.02 %", "99.97 %"."""
    percent = 100 * fraction
    if percent > 99:
        number = f"{100 - float(f'{100 - percent:.1g}'):.6g}"
    else:
        number = f"{percent:.0f}" if percent >= 1 else f"{percent:.1g}"
    return f"{number}\N{NO-BREAK SPACE}%"


def draw_pair_differences(first: pd.Series, second: pd.Series) -> None:
    """Draw the parameters that differ, and the lines."""
    with st.expander("What differs", type="compact"):
        rows = diff_values(first["parameters"], second["parameters"])
        if rows and first["template"] == second["template"]:
            columns = ["Parameter", "One", "Other"]
            st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)
        program_card.draw_code_differences(first["source"], second["source"], ("One", "Other"))


layout.run_page(draw_page)
