"""Panel "Path" of the map's sidebar: variants between two programs of a template, played."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import sonicpi, workspace
from core.corpus import Corpus
from core.programs import Program, get_template, list_templates
from core.programs.template_interpolation import interpolate_variants
from pages.components import (
    audio_player,
    markdown_and_errors,
    page_cache,
    program_actions_menu,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.program_actions_menu import ProgramToUse
from pages.components.session_keys import MapPath

SECONDS_PER_STEP = 4.0
MAX_STEPS = 12
MAX_START_OPTIONS = 2000  # A browser takes long to open a longer list; the map has them all.
PLAYLIST_KEY = "path"


def choose_path_end(corpus: Corpus, program_id: str) -> None:
    """Make a clicked program the start of a path, or the end of the one that has begun."""
    path = session_keys.MAP_PATH.get_value()
    if path is not None and path.corpus_name == corpus.name and not path.last_id:
        templates = _load_template_by_program(corpus)
        is_same_template = templates.get(program_id) == templates.get(path.first_id)
        if is_same_template and program_id != path.first_id:
            session_keys.MAP_PATH.set_value(path._replace(last_id=program_id))
            return
    session_keys.MAP_PATH.set_value(MapPath(corpus.name, program_id, ""))


def draw_path_panel(selected: Selection, points: pd.DataFrame) -> dict[str, Any] | None:
    """Draw the choice of both ends and the programs between them; return their positions.

    Returns
    -------
    dict or None
        Positions by panel, as the overlay draws them; None before both ends are chosen.
    """
    corpus = selected.corpus
    first_id, last_id = _draw_end_pickers(corpus, points)
    if not first_id or not last_id:
        st.info(
            "Click a program on the map, then another one of the same template. The path leads from"
            " one to the other through the template's parameters. Grammar and imported programs"
            " have no template.",
            icon=":material/route:",
        )
        return None
    step_count = st.slider(
        "Steps",
        3,
        MAX_STEPS,
        session_keys.MAP_PATH_STEPS.default,
        key=session_keys.MAP_PATH_STEPS.name,
        persist_state="session",
    )
    with markdown_and_errors.catch_and_show_errors():
        path = _load_cached_path_programs(corpus, first_id, last_id, step_count)
        _draw_path_players(corpus, path)
        return _place_path_on_map(selected, points, path)
    return None


def _draw_end_pickers(corpus: Corpus, points: pd.DataFrame) -> tuple[str, str]:
    """Draw the choice of the first and the last program; return their ids, "" for none."""
    programs = page_cache.load_programs(corpus)
    template_ids = [template.id for template in list_templates()]
    programs = programs[
        programs["program"].isin(points["program"]) & programs["template"].isin(template_ids)
    ]
    programs = programs.set_index("program")
    path = session_keys.MAP_PATH.get_value()
    if path is None or path.corpus_name != corpus.name or path.first_id not in programs.index:
        opened = session_keys.PROGRAM.get_value() or ""
        path = MapPath(corpus.name, opened if opened in programs.index else "", "")
    names = {str(program_id): str(name) for program_id, name in programs["name"].items()}
    start_ids = list(dict.fromkeys([*filter(None, [path.first_id]), *names]))[:MAX_START_OPTIONS]
    first_id = _draw_end_picker("From", start_ids, path.first_id, names)
    if first_id != path.first_id:
        path = MapPath(corpus.name, first_id, "")
    if not first_id:
        session_keys.MAP_PATH.set_value(path)
        return "", ""
    template = programs["template"][first_id]
    siblings = [
        program_id
        for program_id in programs.index[programs["template"] == template]
        if program_id != first_id
    ]
    last_id = _draw_end_picker("To", siblings, path.last_id, names)
    session_keys.MAP_PATH.set_value(path._replace(last_id=last_id))
    return first_id, last_id


def _draw_end_picker(label: str, ids: list[str], chosen_id: str, names: dict[str, str]) -> str:
    # Another chosen program needs another key: a click on the map changes it as well.
    return (
        st.selectbox(
            label,
            ids,
            index=ids.index(chosen_id) if chosen_id in ids else None,
            key=f"path-{label}-{chosen_id}-{len(ids)}",
            format_func=lambda program_id: names.get(program_id, program_id),
            placeholder="Choose or click a program",
        )
        or ""
    )


def _draw_path_players(corpus: Corpus, path: list[Program]) -> None:
    """Draw the button that renders and plays the path, and its programs."""
    key = (corpus.name, *(program.id for program in path))
    # Visitors of a read-only dashboard see the path and its code.
    if not workspace.is_workspace_read_only() and st.button(
        "Render and play the path", type="primary", icon=":material/route:"
    ):
        with st.spinner(f"Rendering {markdown_and_errors.pluralize(len(path), 'clip')} …"):
            for program in path:
                _render_path_step(program.source, corpus.settings.get("sonic_pi"))
        session_keys.PLAYED_PATH.set_value(key)
        audio_player.request_autoplay(PLAYLIST_KEY)
    is_rendered = session_keys.PLAYED_PATH.get_value() == key
    player_keys = [f"path-{number}" for number in range(1, len(path) + 1)]
    if is_rendered:
        audio_player.draw_playlist_button(player_keys, "Play all", SECONDS_PER_STEP, PLAYLIST_KEY)
    for number, (program, player_key) in enumerate(zip(path, player_keys), 1):
        st.markdown(f"**{number}.** {_describe_path_step_changes(path, number - 1)}")
        clip = None
        if is_rendered:
            rendering = _render_path_step(program.source, corpus.settings.get("sonic_pi"))
            clip = rendering.clip
            if rendering.clip is not None:
                audio_player.draw_clip_player(rendering.clip, f"Step {number}", player_key)
            else:
                st.error(
                    markdown_and_errors.escape_markdown(rendering.error),
                    icon=":material/error:",
                )
        with st.expander("Code", type="compact", key=f"path-code-{number}"):
            st.code(program.source, language="ruby")
            program_actions_menu.draw_program_actions_popover(
                ProgramToUse.from_new_program(program, clip), f"path-{number}"
            )


def _describe_path_step_changes(path: list[Program], index: int) -> str:
    """Return which parameters a step changes, in short."""
    if index == 0:
        return "The start"
    before, after = path[index - 1].parameters, path[index].parameters
    changed = [name for name in after if before.get(name) != after[name]]
    texts = [
        f"{markdown_and_errors.escape_markdown(name.replace('_', ' '))}"
        f" {markdown_and_errors.escape_markdown(str(after[name])[:24])}"
        for name in changed[:3]
    ]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return ", ".join(texts) + more


@page_cache.cache_until_inputs_change(64, ttl_s=None)
def _render_path_step(source: str, sonic_pi: str | None) -> sonicpi.RenderResult:
    sonic_pi = sonic_pi or sonicpi.DEFAULT_SONIC_PI
    return sonicpi.try_render(source, SECONDS_PER_STEP, sonic_pi=sonic_pi)


@page_cache.cache_until_inputs_change(16)
def _load_cached_path_programs(
    corpus: Corpus, first_id: str, last_id: str, step_count: int
) -> list[Program]:
    first, last = corpus.load_program(first_id), corpus.load_program(last_id)
    template = get_template(first["template"])
    return interpolate_variants(template, first["parameters"], last["parameters"], step_count)


def _place_path_on_map(
    selected: Selection, points: pd.DataFrame, path: list[Program]
) -> dict[str, list[list[float]]]:
    """Return the positions of a path's programs by panel; both ends lie on their own points."""
    # Imports torch: the panel is drawn before.
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.map_placement import place_sources_on_map

    aligned_corpus = open_aligned_corpus(selected.corpus, selected.alignment.id)
    predicted = place_sources_on_map(aligned_corpus, [step.source for step in path], points)
    positions = {panel: xy.round(4).tolist() for panel, xy in predicted.items()}
    for panel, modality in (("before", "code"), ("after", "audio")):
        points_of_modality = points[points["modality"] == modality].set_index("program")
        coordinates = points_of_modality[[f"{panel}_x", f"{panel}_y"]]
        for index in (0, -1):
            if path[index].id in coordinates.index:
                row = coordinates.index.get_loc(path[index].id)
                positions[panel][index] = coordinates.to_numpy(float)[row].tolist()
    return positions


def _load_template_by_program(corpus: Corpus) -> dict[str, str]:
    programs = page_cache.load_programs(corpus)
    return dict(zip(programs["program"], programs["template"]))
