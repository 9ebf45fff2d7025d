"""Score events: the timed synths and samples of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.sonicpi.audio_clip_and_render_result import OscMessage
from core.sonicpi.sound_options_and_control_changes import SoundOptions, is_changed_over_time

MAX_SCORE_SECONDS = 18.0  # events start before this time, the length of a clip in the paper
MAX_FX_CHAIN_LENGTH = 16
SAMPLE_PLAYER_SYNTHDEFS = {
    "basic_mono_player",
    "basic_stereo_player",
    "mono_player",
    "stereo_player",
}

# Options before and after they are moved, by the identity of the first.
MovedOptions = dict[int, tuple[SoundOptions, SoundOptions]]
# Names of FX with their options, innermost first.
FxChain = tuple[tuple[str, dict[str, float]], ...]


# With slots, because a program may have thousands.
@dataclass(slots=True)
class ScoreEvent:
    """The start of one note or one sample.

    Attributes
    ----------
    time : float
        Seconds from the program's start.
    kind : {"synth", "sample"}
        Whether `name` is a synth or a sample.
    name : str
        Name of the synth, or stem of the sample's file.
    options : dict of str to float
        Options that the program sets; times in seconds, "note" as MIDI note. `SoundOptions` where
        the static interpreter made the event, with the changes by `control`.
    fx : FxChain
        FX that the event passes through, innermost first.
    layer : str
        Loop, thread or output bus of the event.
    weight : float
        Number of events that this event represents.
    """

    time: float
    kind: str
    name: str
    options: dict[str, float] = field(default_factory=dict)
    fx: FxChain = ()
    layer: str = ""
    weight: float = 1.0


def move_control_changes_of_event(
    event: ScoreEvent, seconds: float, moved_options: MovedOptions
) -> None:
    """Move the changes of an event's options and FX by `seconds`.

    Parameters
    ----------
    event : ScoreEvent
    seconds : float
    moved_options : MovedOptions
        What was moved before: events that share an FX share its moved options.
    """

    def move(options: dict[str, float]) -> dict[str, float]:
        if not is_changed_over_time(options):
            return options
        if id(options) not in moved_options:
            moved_options[id(options)] = options, options.move_changes(seconds)
        return moved_options[id(options)][1]

    event.options = move(event.options)
    if any(is_changed_over_time(options) for _, options in event.fx):
        event.fx = tuple((name, move(options)) for name, options in event.fx)


@dataclass
class _Fx:
    """A running FX: its options, and the bus that it writes to."""

    name: str
    options: dict[str, float]
    output_bus: int


def parse_score_events_from_osc_messages(messages: Sequence[OscMessage]) -> list[ScoreEvent]:
    """Return the score events in a program's messages to scsynth.

    Parameters
    ----------
    messages : sequence of OscMessage
        In order of time, as `collect_osc_messages` returns them.

    Returns
    -------
    list of ScoreEvent
        In the order of the messages. The FX chain of an event is found by following its output bus
        through the FX that read from that bus.
    """
    sample_by_buffer: dict[int, str] = {}
    fx_by_input_bus: dict[int, _Fx] = {}
    options_by_node: dict[int, dict[str, float]] = {}
    events: list[ScoreEvent] = []
    for message in messages:
        if message.address == "/b_allocRead":
            sample_by_buffer[int(message.arguments[0])] = Path(str(message.arguments[1])).stem
        elif message.address == "/n_set" and message.arguments[0] in options_by_node:
            # A control that is set later describes the event too, unless it is set at the start.
            for name, value in message.control_value_by_name.items():
                options_by_node[message.arguments[0]].setdefault(f"{name}", float(value))
        elif message.synthdef_name is not None:
            synthdef = message.synthdef_name
            options = {
                name: _to_float_or_zero(value)
                for name, value in message.control_value_by_name.items()
            }
            options_by_node[message.arguments[1]] = options
            output_bus = int(options.pop("out_bus", 0))
            if synthdef.startswith("fx_"):
                input_bus = int(options.pop("in_bus", -1))
                fx_by_input_bus[input_bus] = _Fx(synthdef[3:], options, output_bus)
            elif "mixer" not in synthdef:
                kind, name = _identify_sound_of_event(synthdef, options, sample_by_buffer)
                fx_chain = _trace_fx_chain(output_bus, fx_by_input_bus)
                event_time = max(0.0, message.time)
                events.append(
                    ScoreEvent(event_time, kind, name, options, fx_chain, str(output_bus))
                )
    return events


def _identify_sound_of_event(
    synthdef: str, options: dict[str, float], sample_by_buffer: dict[int, str]
) -> tuple[str, str]:
    """Return kind and name of a score event, and remove the buffer from its options."""
    buffer = options.pop("buf", None)
    if synthdef in SAMPLE_PLAYER_SYNTHDEFS and buffer is not None:
        return "sample", sample_by_buffer.get(int(buffer), "unknown")
    return "synth", synthdef


def _trace_fx_chain(bus: int, fx_by_input_bus: dict[int, _Fx]) -> FxChain:
    chain: list[tuple[str, dict[str, float]]] = []
    while bus in fx_by_input_bus and len(chain) < MAX_FX_CHAIN_LENGTH:
        fx = fx_by_input_bus[bus]
        chain.append((fx.name, fx.options))
        bus = fx.output_bus
    return tuple(chain)


def _to_float_or_zero(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
