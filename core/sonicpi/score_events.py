"""What a program plays, sound by sound: the common ground of the encoders `sonicpi` and `score`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.sonicpi.clip import OscMessage

MAX_SCORE_SECONDS = 18.0  # of a program are looked at: the paper's length of a clip
SAMPLE_PLAYER_SYNTHDEFS = {"basic_mono_player", "basic_stereo_player", "mono_player", "stereo_player"}


@dataclass
class ScoreEvent:
    """One note, or one sample, that is started.

    Attributes
    ----------
    time : float
        Seconds from the program's start.
    kind : {"synth", "sample"}
    name : str
        Without a colon; of a sample, of its file.
    options : dict of str to float
        As given; times in seconds. "note" is a MIDI note.
    fx : tuple of (str, dict)
        What it passes through, innermost first.
    layer : str
        Which loop or thread plays it.
    weight : float
        How many such sounds it stands for.
    """

    time: float
    kind: str
    name: str
    options: dict[str, float] = field(default_factory=dict)
    fx: tuple = ()
    layer: str = ""
    weight: float = 1.0


@cache
def load_sonic_pi_inventory() -> dict[str, Any]:
    """Sonic Pi 3.2.2's synths, FX, samples (in seconds), chords and scales, with their defaults.

    `core.sonicpi.inventory` reads them from the installed Sonic Pi.
    """
    return json.loads(Path(__file__).with_name("inventory.json").read_text(encoding="utf-8"))


def extract_score_events(messages: Sequence[OscMessage]) -> list[ScoreEvent]:
    """The sounds among the messages of a program to scsynth.

    A sound's FX are found by following its output bus through the FX that read from it.
    """
    files: dict[int, str] = {}
    reads: dict[int, tuple[str, dict[str, float], int]] = {}  # bus -> FX that reads it
    nodes: dict[int, dict[str, float]] = {}
    found: list[ScoreEvent] = []
    for event in messages:
        if event.address == "/b_allocRead":
            files[int(event.arguments[0])] = Path(str(event.arguments[1])).stem
        elif event.address == "/n_set" and event.arguments[0] in nodes:
            # A sound that is changed afterwards is also what it is changed to.
            for name, value in event.controls.items():
                nodes[event.arguments[0]].setdefault(f"{name}", float(value))
        elif event.address == "/s_new":
            name, controls = event.synthdef_name, {k: _to_float(v) for k, v in event.controls.items()}
            nodes[event.arguments[1]] = controls
            bus = int(controls.pop("out_bus", 0))
            if name.startswith("fx_"):
                reads[int(controls.pop("in_bus", -1))] = (name[3:], controls, bus)
            elif "mixer" not in name:
                buffer = controls.pop("buf", None)
                sampled = name in SAMPLE_PLAYER_SYNTHDEFS and buffer is not None
                label = files.get(int(buffer), "unknown") if sampled else name
                kind = "sample" if sampled else "synth"
                chain = _trace_fx_chain(bus, reads)
                found.append(ScoreEvent(max(0.0, event.time), kind, label, controls, chain, str(bus)))
    return found


def _trace_fx_chain(bus: int, fx_by_input_bus: dict) -> tuple:
    chain = []
    while bus in fx_by_input_bus and len(chain) < 16:
        name, controls, bus = fx_by_input_bus[bus]
        chain.append((name, controls))
    return tuple(chain)


def _to_float(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
