"""A synth, how its notes sound, and where in the code that is said."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.context import CompositionContext
from core.programs.grammar.code_tree import Block, CodeNode

_DEFAULT_SYNTH_GROUPS = {"bass": "basses", "melody": "leads", "arp": "leads", "chords": "keys"}


class SynthVoice:
    """One synth with the options that its notes share, and where they are said.

    A synth is named by `use_synth` before the notes, by `synth` in each of them, by
    `with_synth` around them, or not at all: then it is the beep.
    """

    def __init__(self, context: CompositionContext, layer_kind: str, note_seconds: float, level: float, is_sustained: bool = False):
        d, h = context.rng, context.code_style
        self.context, self.layer_kind = context, layer_kind
        self.synth_name = d.pick(instruments.SYNTH_GROUPS[context.style.synth_groups.get(layer_kind, _DEFAULT_SYNTH_GROUPS[layer_kind])])
        self.synth_statement = d.pick_weighted({"use": 10, "synth": 3, "with": 1.2, "none": 1.2, "choose": 0.6})
        if self.synth_statement == "none":
            self.synth_name = "beep"
        value = instruments.compute_synth_amp(self.synth_name, context.draw_level(level))
        options = {
            **context.draw_amp_option(value),
            **context.draw_envelope_options(note_seconds, is_sustained),
            **context.draw_synth_options(self.synth_name),
            **context.draw_pan_option(),
        }
        options = context.limit_loudness(options)
        self.note_options = options
        self.setup_nodes: list[CodeNode] = (
            [h.format_call_statement("use_synth", f":{self.synth_name}")] if self.synth_statement == "use" else []
        )
        if self.synth_statement == "choose":
            others = d.pick_with_repeats(instruments.SYNTH_GROUPS["plucked"], 2)
            names = context.maybe_hoist(
                "synths", h.format_list([f":{each}" for each in (self.synth_name, *others)], as_ring=True)
            )
            self.setup_nodes = [h.format_call_statement("use_synth", f"{names}.{d.pick(('choose', 'tick'))}")]
            self.note_options = {
                k: v
                for k, v in options.items()
                if k in ("amp", "release", "attack", "sustain", "pan")
            }
        still = {
            k: v
            for k, v in options.items()
            if not any(c in v for c in ".(") or v.replace(".", "").isdigit()
        }
        if self.synth_statement in ("use", "none") and len(still) > 1 and d.chance(0.12):
            self.setup_nodes.append(h.format_call_statement("use_synth_defaults", **still))
            self.note_options = {k: v for k, v in options.items() if k not in still}

    def write_note(self, note: str, **extra_options: str) -> str:
        """Write one note."""
        options = {**self.note_options, **extra_options}
        if self.synth_statement == "synth":
            return self.context.code_style.format_call_statement("synth", f":{self.synth_name}", note=note, **options)
        return self.context.code_style.format_call_statement("play", note, **options)

    def wrap_notes(self, nodes: list[CodeNode]) -> list[CodeNode]:
        """Return the layer's body with its synth said."""
        if self.synth_statement == "with":
            return [Block(self.context.code_style.format_call_statement("with_synth", f":{self.synth_name}"), nodes)]
        return [*self.setup_nodes, *nodes]
