"""Cards of a program's versions, which play in loops and switch on the bar line."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core import workspace
from core.sonicpi import DEFAULT_SONIC_PI
from core.suggest.audition_loop_timing_and_loudness import compute_loop_timings
from pages.components import audition_http_routes, session_keys, target_comparison_http_routes
from pages.components.utf16_offsets import count_utf16_units

ASSETS_DIR = Path(__file__).parent
KEY_HINT = (
    "Keys: 0–6 or arrows play at the next bar, with Shift at once; Enter takes; m more like this;"
    " d different; r render; u undo."
)
COMPARISON_HINT = (
    " Nearer, not nearer: the true sound compared with the target and with the current version."
)

_audition_component = st.components.v2.component(
    "earshot_audition",
    html='<div class="audition"></div>',
    css=(ASSETS_DIR / "audition_player.css").read_text(encoding="utf-8"),
    # One script: a component has no modules of its own.
    js="\n".join(
        (ASSETS_DIR / name).read_text(encoding="utf-8")
        for name in ("audition_engine.js", "audition_player.js")
    ),
)


@dataclass(frozen=True)
class CodeChange:
    """New code for the characters from `start` to `end` of the current version."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class AuditionVersion:
    """One version of a program, as its card shows it.

    Attributes
    ----------
    source : str
    title : str
        What changed, in one line.
    line : int
        First changed line, from 1; 0 without a change.
    before, after : str
        The changed lines.
    forecast : str
        The predicted sound in words.
    note : str
        Distance and confidence.
    place : tuple of (float, float), optional
        On the small map, in [-1, 1].
    changes : tuple of CodeChange
        What the editor marks while the card is selected, or the pointer is on it.
    """

    source: str
    title: str
    line: int = 0
    before: str = ""
    after: str = ""
    forecast: str = ""
    note: str = ""
    place: tuple[float, float] | None = None
    changes: tuple[CodeChange, ...] = ()


@dataclass(frozen=True)
class AuditionView:
    """What the component shows beside the versions.

    Attributes
    ----------
    bars : int
        Length of all loops.
    points : sequence of (float, float)
        All candidates on the small map, in [-1, 1].
    tree : sequence of dict
        Choices: id, words, depth, isCurrent.
    actions : tuple of str
        Of "take", "more", "different", "render", "undo", "go".
    is_edited : bool
        Whether the code was edited since the versions were made.
    hint : str
        The keys, in words.
    sonic_pi : {"3.2", "5"}
    target_key : str
        Of `TargetComparisons.register_target`: the cards state whether their clips are nearer to
        that target than the first one. Empty without a target clip.
    """

    bars: int
    points: Sequence[tuple[float, float]] = ()
    tree: Sequence[dict[str, Any]] = ()
    actions: tuple[str, ...] = ()
    is_edited: bool = False
    hint: str = KEY_HINT
    sonic_pi: str = DEFAULT_SONIC_PI
    target_key: str = ""


def draw_audition_player(
    versions: Sequence[AuditionVersion],
    view: AuditionView,
    key: str,
    on_action: Callable[[dict[str, Any]], None],
) -> None:
    """Draw the versions, start rendering them, and report what the user does with them.

    Parameters
    ----------
    versions : sequence of AuditionVersion
        The current one first; at most 10.
    view : AuditionView
    key : str
        Unique on the page.
    on_action : callable
        Takes "name", the "key" of the version (`build_version_key`) and the id of a "choice".
    """
    data = build_audition_data(versions, view)

    def report_action() -> None:
        action = (st.session_state.get(key) or {}).get("action")
        if isinstance(action, dict):
            on_action(action)

    _audition_component(key=key, data=data, on_action_change=report_action)


def build_audition_data(versions: Sequence[AuditionVersion], view: AuditionView) -> dict[str, Any]:
    """Return the data of the component; this starts the rendering unless it is read-only."""
    timings = compute_loop_timings([version.source for version in versions], view.bars)
    # Rounded to whole frames, as the browser does it.
    lengths = [round(timing.seconds * 44100) / 44100 for timing in timings]
    urls: list[str] = [""] * len(versions)
    comparison_urls: list[str] = [""] * len(versions)
    clip_ids = [
        audition_http_routes.build_clip_id(version.source, seconds, view.sonic_pi)
        for version, seconds in zip(versions, lengths)
    ]
    if not workspace.is_workspace_read_only():
        owner = _get_session_owner_id()
        requests = [(version.source, seconds) for version, seconds in zip(versions, lengths)]
        audition_http_routes.open_audition_clips().request_clip_rendering(
            requests, owner, view.sonic_pi
        )
        urls = [audition_http_routes.build_clip_url(clip_id) for clip_id in clip_ids]
        if view.target_key:
            comparison_urls = [
                target_comparison_http_routes.build_comparison_url(
                    view.target_key, clip_ids[0], clip_id
                )
                for clip_id in clip_ids
            ]
    data: dict[str, Any] = {
        "versions": [
            {
                "number": number,
                "key": build_version_key(version.source),
                "clip": clip_id,
                "url": url,
                "comparisonUrl": comparison_url,
                "seconds": seconds,
                "bars": timing.bars,
                "title": version.title,
                "line": version.line,
                "before": version.before,
                "after": version.after,
                "forecast": version.forecast,
                "note": version.note,
                "place": version.place,
                "changes": [
                    {
                        "from": count_utf16_units(versions[0].source, change.start),
                        "to": count_utf16_units(versions[0].source, change.end),
                        "text": change.text,
                    }
                    for change in version.changes
                ],
            }
            for number, (version, clip_id, url, comparison_url, seconds, timing) in enumerate(
                zip(versions, clip_ids, urls, comparison_urls, lengths, timings)
            )
        ],
        "program": versions[0].source if versions else "",
        "points": [[round(x, 3), round(y, 3)] for x, y in view.points],
        "tree": list(view.tree),
        "actions": list(view.actions),
        "isEdited": view.is_edited,
        "hint": view.hint + (COMPARISON_HINT if any(comparison_urls) else ""),
    }
    # The component draws everything again when this changes.
    data["round"] = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    return data


def build_version_key(source: str) -> str:
    """Return a short key of a version: an answer of the browser cannot name another source."""
    return hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()[:16]


def _get_session_owner_id() -> str:
    """Return an id of this session, for the clips that it waits for."""
    if not session_keys.AUDITION_OWNER.is_set():
        session_keys.AUDITION_OWNER.set_value(secrets.token_hex(8))
    return session_keys.AUDITION_OWNER.get_value()
