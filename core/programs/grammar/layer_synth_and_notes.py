"""The synth of a melodic or chord layer, and the code that selects it and plays its notes."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.sound_options import (
    limit_normalized_synth_amp,
    pick_random_amp_option,
    pick_random_envelope_options,
    pick_random_pan_option,
    pick_random_synth_options,
)
from core.programs.grammar.statement_tree_nodes import Block, CodeNode

_DEFAULT_SYNTH_GROUPS = {"bass": "basses", "melody": "leads", "arp": "leads", "chords": "keys"}
_OPTIONS_OF_ALL_SYNTHS = ("amp", "release", "attack", "sustain", "pan")


class SynthVoice:
    """A synth with the options that its notes share.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    layer_kind : str
        "bass", "melody", "arp" or "chords".
    note_seconds : float
        Approximate duration of a note, in seconds.
    level : float
        Loudness relative to the average layer.
    is_sustained : bool
        Whether notes fade in and out, instead of decaying from their start.

    Attributes
    ----------
    synth_name : str
        Name of the synth.
    synth_statement : {"use", "synth", "with", "none", "choose"}
        How the code selects the synth: `use_synth` before the notes, `synth` for each note,
        `with_synth` around the notes, not at all (Sonic Pi then plays a beep), or `use_synth` with
        one of several synths.
    note_options : dict of str to str
        Options of each note.
    setup_nodes : list of CodeNode
        Statements before the notes.
    """

    def __init__(
        self,
        state: CompositionState,
        layer_kind: str,
        note_seconds: float,
        level: float,
        is_sustained: bool = False,
    ):
        rng, code_style = state.rng, state.code_style
        self.state = state
        synth_group = state.style.synth_groups.get(layer_kind, _DEFAULT_SYNTH_GROUPS[layer_kind])
        self.synth_name = rng.pick_option(state.sounds.synth_groups[synth_group])
        self.synth_statement = rng.pick_option_by_weight(
            {"use": 10, "synth": 3, "with": 1.2, "none": 1.2, "choose": 0.6}
        )
        if self.synth_statement == "none":
            self.synth_name = "beep"
        amp = synth_fx_and_sample_sets.compute_synth_amp(
            self.synth_name, state.sample_layer_loudness(level)
        )
        options = {
            **pick_random_amp_option(state, amp),
            **pick_random_envelope_options(state, note_seconds, is_sustained),
            **pick_random_synth_options(state, self.synth_name),
            **pick_random_pan_option(state),
        }
        self.note_options = limit_normalized_synth_amp(state, options)
        self.setup_nodes: list[CodeNode] = []
        if self.synth_statement == "use":
            self.add_use_synth_statement()
        if self.synth_statement == "choose":
            self._select_one_of_several_synths()
        constant_options = {
            name: value
            for name, value in self.note_options.items()
            if _is_constant_expression(value)
        }
        if (
            self.synth_statement in ("use", "none")
            and len(constant_options) > 1
            and rng.sample_boolean(0.12)
        ):
            self.setup_nodes.append(
                code_style.format_call_statement("use_synth_defaults", **constant_options)
            )
            self.note_options = {
                name: value
                for name, value in self.note_options.items()
                if name not in constant_options
            }

    def _select_one_of_several_synths(self) -> None:
        rng, code_style = self.state.rng, self.state.code_style
        other_names = rng.pick_options_with_replacement(
            self.state.sounds.synth_groups["plucked"], 2
        )
        symbols = [f":{name}" for name in (self.synth_name, *other_names)]
        ring = self.state.maybe_extract_variable(
            "synths", code_style.format_ruby_list(symbols, as_ring=True)
        )
        synth = f"{ring}.{rng.pick_option(('choose', 'tick'))}"
        self.setup_nodes = [code_style.format_call_statement("use_synth", synth)]
        self.note_options = {
            name: value
            for name, value in self.note_options.items()
            if name in _OPTIONS_OF_ALL_SYNTHS
        }

    def add_use_synth_statement(self) -> None:
        """Select the synth by a `use_synth` statement before the notes."""
        statement = self.state.code_style.format_call_statement("use_synth", f":{self.synth_name}")
        self.setup_nodes = [statement]

    def write_play_note_call(self, note: str, **extra_options: str) -> str:
        """Write a statement that plays one note."""
        code_style = self.state.code_style
        options = {**self.note_options, **extra_options}
        if self.synth_statement == "synth":
            return code_style.format_call_statement(
                "synth", f":{self.synth_name}", note=note, **options
            )
        return code_style.format_call_statement("play", note, **options)

    def add_synth_setup_to_notes(self, nodes: list[CodeNode]) -> list[CodeNode]:
        """Return statements that select the synth and play the notes."""
        if self.synth_statement == "with":
            code_style = self.state.code_style
            head = code_style.format_call_statement("with_synth", f":{self.synth_name}")
            return [Block(head, nodes)]
        return [*self.setup_nodes, *nodes]


def _is_constant_expression(value: str) -> bool:
    """Return whether the code of an option's value is a number or a plain name."""
    return not any(char in value for char in ".(") or value.replace(".", "").isdigit()
