"""Music styles of grammar programs: probabilities of layers, tempi, scales and FX."""

from __future__ import annotations

from dataclasses import dataclass, field

# Corpora hold template ids with this prefix, and their splits depend on it. Users see the other.
GRAMMAR_TEMPLATE_PREFIX = "composed-"
GRAMMAR_NAME_PREFIX = "grammar-"


@dataclass(frozen=True)
class MusicStyle:
    """A music style: the probabilities of musical choices.

    Parameters
    ----------
    name : str
        For example "acid"; users then see the template "grammar-acid".
    title : str
        Display title.
    lead_weights : dict of str to float
        Weight of each layer kind for the first layer.
    layer_weights : dict of str to float
        Weight of each layer kind for the other layers.
    bpm_range : (int, int)
        Slowest and fastest tempo, in beats per minute.
    tempo_probability : float
        Probability that the program sets a tempo; otherwise Sonic Pi's default of 60 applies.
    step_seconds_range : (float, float)
        Shortest and longest time between two steps, in seconds.
    scale_names : str
        Names of scales, separated by spaces; a repeated name is more likely.
    fx_weights : dict of str to float
        Weight of each kind of FX.
    fx_probability : float
        Probability that a layer has an FX, before the factors of its arrangement.
    layer_count_weights : dict of int to float
        Weight of each number of layers.
    octave_shift : int
        Octaves by which pitches are shifted.
    synth_groups : dict of str to str
        Synth group by layer kind, where it is not the default group.
    """

    name: str
    title: str
    lead_weights: dict[str, float]
    layer_weights: dict[str, float]
    bpm_range: tuple[int, int]
    tempo_probability: float
    step_seconds_range: tuple[float, float]
    scale_names: str
    fx_weights: dict[str, float]
    fx_probability: float
    layer_count_weights: dict[int, float]
    octave_shift: int = 0
    synth_groups: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id that programs record as their template."""
        return GRAMMAR_TEMPLATE_PREFIX + self.name

    @property
    def display_id(self) -> str:
        """Id of the template as users see it, which begins the names of its programs."""
        return GRAMMAR_NAME_PREFIX + self.name


_ANY_LAYER_COUNTS = {1: 5, 2: 4, 3: 4, 4: 3, 5: 2, 6: 1, 7: 0.6, 8: 0.4}
_MANY_LAYER_COUNTS = {1: 2, 2: 3, 3: 4, 4: 4, 5: 3, 6: 2, 7: 1, 8: 0.7}
_FEW_LAYER_COUNTS = {1: 6, 2: 5, 3: 3, 4: 1.5, 5: 0.5}
_DARK_SCALES = "minor minor_pentatonic dorian phrygian aeolian harmonic_minor"
_BRIGHT_SCALES = "major major_pentatonic lydian mixolydian minor_pentatonic"
_EXOTIC_SCALES = (
    "hirajoshi iwato whole_tone hungarian_minor egyptian kumoi pelog prometheus spanish "
    "bhairav enigmatic"
)
_HOUSE_FX_WEIGHTS: dict[str, float] = {"space": 3, "filter": 2, "chop": 2, "mix": 1}

_ALL_STYLES = (
    MusicStyle(
        "ambient",
        "Ambient",
        lead_weights={"drone": 3, "chords": 3, "texture": 3, "melody": 1},
        layer_weights={"drone": 3, "texture": 3, "chords": 2, "melody": 2, "noise": 1, "glitch": 1},
        bpm_range=(50, 80),
        tempo_probability=0.3,
        step_seconds_range=(0.5, 2.0),
        scale_names=f"{_BRIGHT_SCALES} dorian lydian hirajoshi",
        fx_weights={"space": 5, "filter": 2, "bend": 1},
        fx_probability=0.7,
        layer_count_weights=_FEW_LAYER_COUNTS,
    ),
    MusicStyle(
        "acid",
        "Acid",
        lead_weights={"bass": 4, "arp": 1},
        layer_weights={"kit": 4, "bass": 2, "noise": 1, "melody": 1, "chords": 1},
        bpm_range=(118, 142),
        tempo_probability=0.75,
        step_seconds_range=(0.1, 0.25),
        scale_names=f"{_DARK_SCALES} blues_minor",
        fx_weights={"chop": 2, "dirt": 3, "space": 2, "filter": 2},
        fx_probability=0.55,
        layer_count_weights=_ANY_LAYER_COUNTS,
        synth_groups={"bass": "acid", "arp": "acid"},
    ),
    MusicStyle(
        "techno",
        "Techno",
        lead_weights={"kit": 4, "bass": 2, "break": 1},
        layer_weights={
            "kit": 4,
            "bass": 3,
            "noise": 1,
            "chords": 2,
            "texture": 1,
            "glitch": 1,
            "arp": 1,
        },
        bpm_range=(120, 140),
        tempo_probability=0.75,
        step_seconds_range=(0.12, 0.3),
        scale_names=_DARK_SCALES,
        fx_weights={"space": 2, "filter": 2, "chop": 2, "dirt": 2, "mix": 1},
        fx_probability=0.4,
        layer_count_weights=_MANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "house",
        "House",
        lead_weights={"kit": 3, "chords": 3, "bass": 1},
        layer_weights={"kit": 4, "chords": 3, "bass": 4, "melody": 2, "break": 1, "texture": 0.5},
        bpm_range=(116, 128),
        tempo_probability=0.75,
        step_seconds_range=(0.15, 0.35),
        scale_names="minor dorian major mixolydian minor_pentatonic",
        fx_weights=_HOUSE_FX_WEIGHTS,
        fx_probability=0.4,
        layer_count_weights=_MANY_LAYER_COUNTS,
        synth_groups={"chords": "keys"},
    ),
    MusicStyle(
        "breakbeat",
        "Breakbeat",
        lead_weights={"break": 6, "kit": 1},
        layer_weights={
            "break": 2,
            "kit": 2,
            "bass": 4,
            "chords": 2,
            "texture": 1,
            "glitch": 1,
            "melody": 1,
        },
        bpm_range=(80, 170),
        tempo_probability=0.55,
        step_seconds_range=(0.1, 0.3),
        scale_names=_DARK_SCALES,
        fx_weights={"filter": 2, "chop": 2, "dirt": 2, "space": 2, "bend": 1},
        fx_probability=0.45,
        layer_count_weights=_ANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "dub",
        "Dub",
        lead_weights={"chords": 3, "kit": 2, "bass": 3},
        layer_weights={"kit": 3, "bass": 4, "chords": 3, "texture": 1, "glitch": 1},
        bpm_range=(65, 90),
        tempo_probability=0.6,
        step_seconds_range=(0.25, 0.6),
        scale_names="minor minor_pentatonic dorian phrygian",
        fx_weights={"space": 6, "filter": 2, "bend": 1},
        fx_probability=0.7,
        layer_count_weights=_ANY_LAYER_COUNTS,
        synth_groups={"chords": "keys"},
    ),
    MusicStyle(
        "arpeggio",
        "Arpeggios",
        lead_weights={"arp": 6},
        layer_weights={"arp": 2, "bass": 2, "chords": 2, "kit": 2, "melody": 1},
        bpm_range=(70, 140),
        tempo_probability=0.5,
        step_seconds_range=(0.1, 0.3),
        scale_names=f"{_BRIGHT_SCALES} {_DARK_SCALES}",
        fx_weights={"space": 4, "filter": 1, "chop": 1, "bend": 1},
        fx_probability=0.5,
        layer_count_weights=_ANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "minimal",
        "Minimal",
        lead_weights={"melody": 3, "arp": 2, "kit": 2},
        layer_weights={"melody": 3, "arp": 2, "kit": 1, "glitch": 2, "bass": 1},
        bpm_range=(80, 140),
        tempo_probability=0.4,
        step_seconds_range=(0.12, 0.4),
        scale_names=f"{_BRIGHT_SCALES} egyptian dorian",
        fx_weights={"space": 3, "filter": 1, "chop": 1},
        fx_probability=0.3,
        layer_count_weights=_FEW_LAYER_COUNTS,
        synth_groups={"melody": "soft"},
    ),
    MusicStyle(
        "generative",
        "Generative",
        lead_weights={"melody": 5, "glitch": 2, "arp": 1},
        layer_weights={
            "melody": 3,
            "glitch": 2,
            "drone": 1,
            "bass": 2,
            "texture": 1,
            "noise": 0.5,
            "kit": 1,
        },
        bpm_range=(50, 120),
        tempo_probability=0.3,
        step_seconds_range=(0.1, 0.6),
        scale_names=f"{_EXOTIC_SCALES} {_BRIGHT_SCALES} chromatic",
        fx_weights={"space": 4, "filter": 1, "bend": 1, "dirt": 1},
        fx_probability=0.5,
        layer_count_weights=_ANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "drone",
        "Drones",
        lead_weights={"drone": 6, "texture": 2},
        layer_weights={"drone": 3, "texture": 2, "noise": 2, "glitch": 0.5},
        bpm_range=(40, 70),
        tempo_probability=0.2,
        step_seconds_range=(1.0, 3.0),
        scale_names=f"{_EXOTIC_SCALES} minor dorian",
        fx_weights={"space": 4, "filter": 3, "chop": 2, "bend": 1, "dirt": 1},
        fx_probability=0.7,
        layer_count_weights={1: 6, 2: 4, 3: 2, 4: 1},
    ),
    MusicStyle(
        "soundtrack",
        "Soundtracks",
        lead_weights={"chords": 4, "melody": 2, "drone": 2},
        layer_weights={
            "chords": 2,
            "melody": 3,
            "texture": 2,
            "bass": 2,
            "kit": 1,
            "noise": 0.5,
            "drone": 1,
        },
        bpm_range=(60, 100),
        tempo_probability=0.5,
        step_seconds_range=(0.3, 0.9),
        scale_names="minor harmonic_minor dorian major lydian melodic_minor_asc",
        fx_weights={"space": 5, "filter": 1, "mix": 1},
        fx_probability=0.6,
        layer_count_weights=_ANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "chiptune",
        "Chiptunes",
        lead_weights={"melody": 4, "arp": 3},
        layer_weights={"melody": 2, "arp": 3, "bass": 3, "noise": 3, "glitch": 0.5},
        bpm_range=(100, 180),
        tempo_probability=0.6,
        step_seconds_range=(0.08, 0.22),
        scale_names="major major_pentatonic minor mixolydian harmonic_minor",
        fx_weights={"dirt": 4, "space": 2, "chop": 1},
        fx_probability=0.25,
        layer_count_weights=_ANY_LAYER_COUNTS,
        synth_groups=dict.fromkeys(("melody", "arp", "bass"), "chip"),
    ),
    MusicStyle(
        "polyrhythm",
        "Polyrhythms",
        lead_weights={"kit": 3, "melody": 3},
        layer_weights={"kit": 4, "melody": 3, "glitch": 2, "bass": 2, "arp": 1},
        bpm_range=(70, 140),
        tempo_probability=0.4,
        step_seconds_range=(0.12, 0.4),
        scale_names=f"{_BRIGHT_SCALES} {_EXOTIC_SCALES}",
        fx_weights={"space": 2, "filter": 1, "chop": 1},
        fx_probability=0.3,
        layer_count_weights=_MANY_LAYER_COUNTS,
    ),
    MusicStyle(
        "sketch",
        "Live-set sketches",
        lead_weights=dict.fromkeys(
            "kit bass melody arp chords drone break texture glitch".split(), 1.0
        ),
        layer_weights=dict.fromkeys(
            "kit bass melody arp chords drone break texture glitch noise".split(), 1.0
        ),
        bpm_range=(60, 180),
        tempo_probability=0.4,
        step_seconds_range=(0.1, 0.8),
        scale_names=f"{_BRIGHT_SCALES} {_DARK_SCALES} {_EXOTIC_SCALES}",
        fx_weights={"space": 3, "filter": 2, "chop": 2, "dirt": 2, "bend": 2, "mix": 1},
        fx_probability=0.5,
        layer_count_weights=_ANY_LAYER_COUNTS,
    ),
)

MUSIC_STYLES: dict[str, MusicStyle] = {style.name: style for style in _ALL_STYLES}

LAYER_ROLES = {
    "kit": "drums",
    "break": "drums",
    "glitch": "drums",
    "bass": "bass",
    "melody": "melody",
    "arp": "melody",
    "chords": "chords",
    "drone": "ambience",
    "texture": "ambience",
    "noise": "ambience",
}
