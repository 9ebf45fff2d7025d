"""Page Compare: pairs of programs whose code and sound disagree, played one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import workspace
from core.corpus import Corpus
from core.corpus.disagreement_pair_storage import PROGRAM_COUNT_KEY, count_embedded_programs
from core.programs.program_differences import diff_parameter_values
from core.search.pair_disagreement_explanation import (
    PairComparison,
    compare_pair_by_aspect,
    describe_training_difference_of_pair,
    explain_disagreement,
)
from pages.components import (
    audio_player,
    corpus_and_alignment_picker,
    job_panel,
    page_cache,
    page_header_and_sidebar,
    program_actions_menu,
    program_header_and_diff,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.program_actions_menu import ProgramToUse
from pages.components.unknown_url_value_notice import draw_unknown_url_value_warning
from pages.components.url_bound_segmented_control import draw_choice_bound_to_url

# By kind of pair, as the stored table names it. The URL holds these labels.
PAIR_KIND_LABELS = {
    "written alike": "Written alike, sounding different",
    "sounding alike": "Sounding alike, written differently",
}
CODE_SPACE_LABELS = {"before": "Before alignment", "after": "After alignment"}
SECONDS_PER_CLIP = 6.0  # How much of each clip "Play both" plays.
PLAYLIST_KEY = "both"


@dataclass(frozen=True)
class PairList:
    """The pairs of one kind and their programs.

    Attributes
    ----------
    pairs : DataFrame
        As `core.pipeline.disagreement_search` stores them.
    programs : DataFrame
        Rows of `Corpus.load_programs`, indexed by program id.
    """

    pairs: pd.DataFrame
    programs: pd.DataFrame

    def format_pair_url_value(self, row: int) -> str:
        """Return the URL's value for a pair: both program ids."""
        return self.pairs["first"].iloc[row] + self.pairs["second"].iloc[row]

    def find_pair_row(self, pair_id: str | None) -> int:
        """Return the row of a pair; 0 if there is no such pair."""
        pair_ids = (self.pairs["first"] + self.pairs["second"]).tolist()
        return pair_ids.index(pair_id) if pair_id in pair_ids else 0


def draw_page() -> None:
    """Draw the page."""
    corpus_and_alignment_picker.draw_alignment_page("Compare", draw_disagreement_pairs, "map")


def draw_disagreement_pairs(selected: Selection) -> None:
    """Draw the pairs, or the button that finds them."""
    pairs = page_cache.load_disagreement_pairs(selected.alignment)
    if pairs is None:
        draw_pair_search_job_or_button(selected)
    else:
        warn_about_added_programs(selected, pairs)
        draw_pair_explorer(selected, pairs)


def draw_pair_search_job_or_button(selected: Selection) -> None:
    """Draw the job that finds the pairs, or the button that starts it."""
    argv = ("compare", selected.corpus.name, "--alignment", selected.alignment.id)
    job = job_panel.draw_latest_job_unless_done(*argv)
    if workspace.is_workspace_read_only():
        st.info("No pairs computed yet for this alignment.", icon=":material/info:")
    elif job is None or not job.is_active:
        st.info(
            "Finds programs with similar code and different sound, and the reverse. Compares all"
            " pairs: seconds for hundreds of programs, under a minute for thousands.",
            icon=":material/compare_arrows:",
        )
        job_panel.draw_job_start_button(
            "Find pairs",
            argv,
            f"Compare the programs of {selected.corpus.name}",
            icon=":material/compare_arrows:",
            is_primary=True,
        )


def warn_about_added_programs(selected: Selection, pairs: pd.DataFrame) -> None:
    """Warn if the corpus had other programs when the pairs were found."""
    count_then = pairs.attrs.get(PROGRAM_COUNT_KEY)
    count_now = count_embedded_programs(selected.corpus, selected.alignment)
    if count_then is None or count_then == count_now:
        return
    st.warning(
        f"These pairs were found among {count_then} programs; the corpus now has {count_now}."
        " Shares of all pairs are those of then.",
        icon=":material/balance:",
    )
    if not workspace.is_workspace_read_only():
        draw_pair_search_job_or_button(selected)


def draw_pair_explorer(selected: Selection, all_pairs: pd.DataFrame) -> None:
    """Draw the pairs of the chosen kind, and one of them."""
    kind, space = draw_pair_kind_and_code_space_controls()
    pair_list = filter_pairs_by_kind(selected.corpus, all_pairs, kind, space)
    if pair_list.pairs.empty:
        st.info(
            "No such pair: programs with similar code also sound similar.",
            icon=":material/sentiment_satisfied:",
        )
        return
    requested_pair = session_keys.PAIR.get_value()
    row = pair_list.find_pair_row(requested_pair)
    if requested_pair and pair_list.format_pair_url_value(row) != requested_pair:
        draw_unknown_url_value_warning("pair", requested_pair, "the first pair of this list")
    left, right = st.columns([6, 7], gap="medium")
    with left:
        draw_program_pair_table(pair_list, space)
    with right:
        draw_program_pair(selected, pair_list, row)


def draw_pair_kind_and_code_space_controls() -> tuple[str, str]:
    """Draw the choice of the kind of pair and of the code's space; return both."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = draw_choice_bound_to_url("Kind", PAIR_KIND_LABELS, session_keys.PAIR_KIND)
        space = draw_choice_bound_to_url(
            "Code",
            CODE_SPACE_LABELS,
            session_keys.CODE_SPACE,
            "The space in which distances of code are measured.",
        )
    return kind, space


def filter_pairs_by_kind(
    corpus: Corpus, all_pairs: pd.DataFrame, kind: str, space: str
) -> PairList:
    """Return the pairs of a kind whose programs are still in the corpus."""
    pairs = all_pairs[(all_pairs["kind"] == kind) & (all_pairs["space"] == space)]
    programs = page_cache.load_programs(corpus)
    program_ids = {*pairs["first"], *pairs["second"]}
    programs = programs[programs["program"].isin(program_ids)].set_index("program")
    exists = pairs["first"].isin(programs.index) & pairs["second"].isin(programs.index)
    return PairList(pairs[exists].reset_index(drop=True), programs)


def open_and_play_pair(pair_list: PairList, row: int) -> None:
    """Open a pair and play it; for callbacks."""
    session_keys.PAIR.set_value(pair_list.format_pair_url_value(row))
    audio_player.request_autoplay(PLAYLIST_KEY)


def draw_program_pair_table(pair_list: PairList, space: str) -> None:
    """Draw a table of the pairs with their distances."""
    pairs = pair_list.pairs
    titles = {
        program_id: program_header_and_diff.look_up_program_title(name, template)
        for program_id, template, name in zip(
            pair_list.programs.index, pair_list.programs["template"], pair_list.programs["name"]
        )
    }
    table_key = f"pairs-{space}-{pairs['kind'].iloc[0]}-{pairs['first'].iloc[0]}"

    def open_selected_pair() -> None:
        row = session_keys.read_selected_table_row(table_key, len(pairs))
        if row is not None:
            open_and_play_pair(pair_list, row)

    st.dataframe(
        pd.DataFrame(
            {
                # The numbers come first: a narrow window hides what is on the right.
                "Code": pairs[f"code_{space}"],
                "Sound": pairs["sound"],
                "One": [titles[program_id] for program_id in pairs["first"]],
                "Other": [titles[program_id] for program_id in pairs["second"]],
            }
        ),
        hide_index=True,
        height=470,
        key=table_key,
        selection_mode="single-row",
        on_select=open_selected_pair,
        alt="Pairs of programs, one per row, those that disagree most first",
        column_config={
            "Code": st.column_config.NumberColumn(
                format="%.2f", width=72, help="Cosine distance of the two programs' code, 0 to 2"
            ),
            "Sound": st.column_config.NumberColumn(
                format="%.2f",
                width=72,
                help="Cosine distance of their raw audio embeddings, 0 to 2",
            ),
        },
    )
    st.caption(
        "Of all pairs of the corpus, these differ most between their rank by distance of code and"
        " their rank by distance of sound. Each program is in at most one pair."
    )


def draw_program_pair(selected: Selection, pair_list: PairList, row: int) -> None:
    """Draw both programs of a pair, and buttons for playing it and for its neighbours."""
    pair = pair_list.pairs.iloc[row]
    first, second = (pair_list.programs.loc[pair[side]] for side in ("first", "second"))
    draw_pair_navigation(pair_list, row)
    comparison = compare_open_pair(selected.corpus, pair, first, second)
    draw_pair_explanation(pair, comparison)
    splits = {pair["first"]: first["split"], pair["second"]: second["split"]}
    if difference := describe_training_difference_of_pair(selected.alignment, splits):
        st.caption(
            f":material/balance: Distances before and after alignment do not compare: {difference}."
        )
    for column, player_key, program in zip(
        st.columns(2, gap="small"), ("first", "second"), (first, second)
    ):
        with column.container(border=True, key=f"pair-{player_key}", gap="small"):
            program_header_and_diff.draw_program_header(
                program["name"], program["template"], program["role"], program["split"]
            )
            audio_player.draw_audio_file_player(program["audio"], program["name"], player_key)
            program_actions_menu.draw_program_actions_popover(
                ProgramToUse(
                    selected.corpus.name,
                    str(program.name),  # The frame's index.
                    program["name"],
                    program["source"],
                    program["audio"],
                ),
                player_key,
            )
            st.code(program["source"], language="ruby", height=230)
    draw_pair_differences(first, second, comparison)


def compare_open_pair(
    corpus: Corpus, pair: pd.Series, first: pd.Series, second: pd.Series
) -> PairComparison | None:
    """Compare the open pair by aspect; None where the clips are not measured."""
    index = page_cache.load_aspect_index(corpus)
    if index is None:
        return None
    sources = {pair["first"]: first["source"], pair["second"]: second["source"]}
    return compare_pair_by_aspect(index, sources, float(corpus.settings["seconds"]))


def draw_pair_explanation(pair: pd.Series, comparison: PairComparison | None) -> None:
    """Draw why code and sound disagree on a pair, and its distances."""
    shares = (float(pair["code_share"]), float(pair["sound_share"]))
    st.markdown(explain_disagreement(pair["kind"] == "written alike", shares, comparison))
    st.caption(
        f"Distance of code {pair['code_before']:.2f} before and {pair['code_after']:.2f} after"
        f" alignment, of sound {pair['sound']:.2f}."
    )


def draw_pair_navigation(pair_list: PairList, row: int) -> None:
    """Draw the buttons that play a pair and open the previous and the next one."""
    pair_count = len(pair_list.pairs)
    with st.container(horizontal=True, vertical_alignment="center"):
        audio_player.draw_playlist_button(
            ["first", "second"], "Play both", SECONDS_PER_CLIP, PLAYLIST_KEY
        )
        st.markdown(f"Pair {row + 1} of {pair_count}", width="stretch")
        for key, label, icon, target in (
            ("previous-pair", "Previous pair", ":material/chevron_left:", row - 1),
            ("next-pair", "Next pair", ":material/chevron_right:", row + 1),
        ):
            st.button(
                "",
                icon=icon,
                help=label,
                key=key,
                disabled=not 0 <= target < pair_count,
                on_click=open_and_play_pair,
                args=(pair_list, target),
            )


def draw_pair_differences(
    first: pd.Series, second: pd.Series, comparison: PairComparison | None
) -> None:
    """Draw a pair's similarities by aspect, and its differing parameters and lines."""
    with st.expander("Differences", type="compact"):
        if comparison is not None:
            st.table(
                pd.DataFrame(
                    {
                        "Aspect": [name.capitalize() for name in comparison.aspects],
                        "Predicted similarity": [
                            f"{aspect.predicted:.2f}" for aspect in comparison.aspects.values()
                        ],
                        "True similarity": [
                            f"{aspect.measured:.2f}" for aspect in comparison.aspects.values()
                        ],
                    }
                ).set_index("Aspect")
            )
        differences = diff_parameter_values(first["parameters"], second["parameters"])
        if differences and first["template"] == second["template"]:
            table = pd.DataFrame(differences, columns=["Parameter", "One", "Other"])
            st.dataframe(table, hide_index=True)
        program_header_and_diff.draw_code_differences(
            first["source"], second["source"], ("One", "Other")
        )


page_header_and_sidebar.run_page(draw_page)
