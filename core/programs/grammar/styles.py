"""The musical styles that composed programs are made in."""

from __future__ import annotations

from dataclasses import dataclass, field

PREFIX = "composed-"


@dataclass(frozen=True)
class Style:
    """What a style tends to: never a rule without exceptions.

    Parameters
    ----------
    name : str
        "acid"; a program's template is "composed-acid".
    title : str
        For people.
    lead : mapping of layer kind to weight
        What the first layer is.
    layers : mapping of layer kind to weight
        What joins it.
    tempo : (int, int)
        Beats a minute.
    timed : float
        How often the tempo is said; else it is Sonic Pi's 60.
    pace : (float, float)
        Seconds from one step to the next.
    scales : str
        Names, in words.
    register : int
        Octaves that melodies are shifted by.
    fx : mapping of FX kind to weight
    wet : float
        How often a layer has an FX.
    size : mapping of number of layers to weight
    synths : mapping of layer kind to group
        Where it isn't the usual group.
    """

    name: str
    title: str
    lead: dict[str, float]
    layers: dict[str, float]
    tempo: tuple[int, int]
    timed: float
    pace: tuple[float, float]
    scales: str
    fx: dict[str, float]
    wet: float
    size: dict[int, float]
    register: int = 0
    synths: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What stands as `Program.template`."""
        return PREFIX + self.name


_ANY_SIZE = {1: 5, 2: 4, 3: 4, 4: 3, 5: 2, 6: 1, 7: 0.6, 8: 0.4}
_BANDS = {1: 2, 2: 3, 3: 4, 4: 4, 5: 3, 6: 2, 7: 1, 8: 0.7}
_FEW = {1: 6, 2: 5, 3: 3, 4: 1.5, 5: 0.5}
_DARK = "minor minor_pentatonic dorian phrygian aeolian harmonic_minor"
_BRIGHT = "major major_pentatonic lydian mixolydian minor_pentatonic"
_ODD = (
    "hirajoshi iwato whole_tone hungarian_minor egyptian kumoi pelog prometheus spanish "
    "bhairav enigmatic"
)
_HOUSE_FX = {"space": 3, "filter": 2, "chop": 2, "mix": 1}

_ALL = (
    Style(
        "ambient",
        "Ambient",
        lead={"drone": 3, "chords": 3, "texture": 3, "melody": 1},
        layers={"drone": 3, "texture": 3, "chords": 2, "melody": 2, "noise": 1, "glitch": 1},
        tempo=(50, 80),
        timed=0.3,
        pace=(0.5, 2.0),
        scales=f"{_BRIGHT} dorian lydian hirajoshi",
        fx={"space": 5, "filter": 2, "bend": 1},
        wet=0.7,
        size=_FEW,
    ),
    Style(
        "acid",
        "Acid",
        lead={"bass": 4, "arp": 1},
        layers={"kit": 4, "bass": 2, "noise": 1, "melody": 1, "chords": 1},
        tempo=(118, 142),
        timed=0.75,
        pace=(0.1, 0.25),
        scales=f"{_DARK} blues_minor",
        fx={"chop": 2, "dirt": 3, "space": 2, "filter": 2},
        wet=0.55,
        size=_ANY_SIZE,
        synths={"bass": "acid", "arp": "acid"},
    ),
    Style(
        "techno",
        "Techno",
        lead={"kit": 4, "bass": 2, "break": 1},
        layers={"kit": 4, "bass": 3, "noise": 1, "chords": 2, "texture": 1, "glitch": 1, "arp": 1},
        tempo=(120, 140),
        timed=0.75,
        pace=(0.12, 0.3),
        scales=_DARK,
        fx={"space": 2, "filter": 2, "chop": 2, "dirt": 2, "mix": 1},
        wet=0.4,
        size=_BANDS,
    ),
    Style(
        "house",
        "House",
        lead={"kit": 3, "chords": 3, "bass": 1},
        layers={"kit": 4, "chords": 3, "bass": 4, "melody": 2, "break": 1, "texture": 0.5},
        tempo=(116, 128),
        timed=0.75,
        pace=(0.15, 0.35),
        scales="minor dorian major mixolydian minor_pentatonic",
        fx=_HOUSE_FX,
        wet=0.4,
        size=_BANDS,
        synths={"chords": "keys"},
    ),
    Style(
        "breakbeat",
        "Breakbeat",
        lead={"break": 6, "kit": 1},
        layers={
            "break": 2,
            "kit": 2,
            "bass": 4,
            "chords": 2,
            "texture": 1,
            "glitch": 1,
            "melody": 1,
        },
        tempo=(80, 170),
        timed=0.55,
        pace=(0.1, 0.3),
        scales=_DARK,
        fx={"filter": 2, "chop": 2, "dirt": 2, "space": 2, "bend": 1},
        wet=0.45,
        size=_ANY_SIZE,
    ),
    Style(
        "dub",
        "Dub",
        lead={"chords": 3, "kit": 2, "bass": 3},
        layers={"kit": 3, "bass": 4, "chords": 3, "texture": 1, "glitch": 1},
        tempo=(65, 90),
        timed=0.6,
        pace=(0.25, 0.6),
        scales="minor minor_pentatonic dorian phrygian",
        fx={"space": 6, "filter": 2, "bend": 1},
        wet=0.7,
        size=_ANY_SIZE,
        synths={"chords": "keys"},
    ),
    Style(
        "arpeggio",
        "Arpeggios",
        lead={"arp": 6},
        layers={"arp": 2, "bass": 2, "chords": 2, "kit": 2, "melody": 1},
        tempo=(70, 140),
        timed=0.5,
        pace=(0.1, 0.3),
        scales=f"{_BRIGHT} {_DARK}",
        fx={"space": 4, "filter": 1, "chop": 1, "bend": 1},
        wet=0.5,
        size=_ANY_SIZE,
    ),
    Style(
        "minimal",
        "Minimal",
        lead={"melody": 3, "arp": 2, "kit": 2},
        layers={"melody": 3, "arp": 2, "kit": 1, "glitch": 2, "bass": 1},
        tempo=(80, 140),
        timed=0.4,
        pace=(0.12, 0.4),
        scales=f"{_BRIGHT} egyptian dorian",
        fx={"space": 3, "filter": 1, "chop": 1},
        wet=0.3,
        size=_FEW,
        synths={"melody": "soft"},
    ),
    Style(
        "generative",
        "Generative",
        lead={"melody": 5, "glitch": 2, "arp": 1},
        layers={
            "melody": 3,
            "glitch": 2,
            "drone": 1,
            "bass": 2,
            "texture": 1,
            "noise": 0.5,
            "kit": 1,
        },
        tempo=(50, 120),
        timed=0.3,
        pace=(0.1, 0.6),
        scales=f"{_ODD} {_BRIGHT} chromatic",
        fx={"space": 4, "filter": 1, "bend": 1, "dirt": 1},
        wet=0.5,
        size=_ANY_SIZE,
    ),
    Style(
        "drone",
        "Drones",
        lead={"drone": 6, "texture": 2},
        layers={"drone": 3, "texture": 2, "noise": 2, "glitch": 0.5},
        tempo=(40, 70),
        timed=0.2,
        pace=(1.0, 3.0),
        scales=f"{_ODD} minor dorian",
        fx={"space": 4, "filter": 3, "chop": 2, "bend": 1, "dirt": 1},
        wet=0.7,
        size={1: 6, 2: 4, 3: 2, 4: 1},
    ),
    Style(
        "soundtrack",
        "Soundtracks",
        lead={"chords": 4, "melody": 2, "drone": 2},
        layers={
            "chords": 2,
            "melody": 3,
            "texture": 2,
            "bass": 2,
            "kit": 1,
            "noise": 0.5,
            "drone": 1,
        },
        tempo=(60, 100),
        timed=0.5,
        pace=(0.3, 0.9),
        scales="minor harmonic_minor dorian major lydian melodic_minor_asc",
        fx={"space": 5, "filter": 1, "mix": 1},
        wet=0.6,
        size=_ANY_SIZE,
    ),
    Style(
        "chiptune",
        "Chiptunes",
        lead={"melody": 4, "arp": 3},
        layers={"melody": 2, "arp": 3, "bass": 3, "noise": 3, "glitch": 0.5},
        tempo=(100, 180),
        timed=0.6,
        pace=(0.08, 0.22),
        scales="major major_pentatonic minor mixolydian harmonic_minor",
        fx={"dirt": 4, "space": 2, "chop": 1},
        wet=0.25,
        size=_ANY_SIZE,
        synths=dict.fromkeys(("melody", "arp", "bass"), "chip"),
    ),
    Style(
        "polyrhythm",
        "Polyrhythms",
        lead={"kit": 3, "melody": 3},
        layers={"kit": 4, "melody": 3, "glitch": 2, "bass": 2, "arp": 1},
        tempo=(70, 140),
        timed=0.4,
        pace=(0.12, 0.4),
        scales=f"{_BRIGHT} {_ODD}",
        fx={"space": 2, "filter": 1, "chop": 1},
        wet=0.3,
        size=_BANDS,
    ),
    Style(
        "sketch",
        "Live-set sketches",
        lead=dict.fromkeys("kit bass melody arp chords drone break texture glitch".split(), 1.0),
        layers=dict.fromkeys(
            "kit bass melody arp chords drone break texture glitch noise".split(), 1.0
        ),
        tempo=(60, 180),
        timed=0.4,
        pace=(0.1, 0.8),
        scales=f"{_BRIGHT} {_DARK} {_ODD}",
        fx={"space": 3, "filter": 2, "chop": 2, "dirt": 2, "bend": 2, "mix": 1},
        wet=0.5,
        size=_ANY_SIZE,
    ),
)

STYLES: dict[str, Style] = {style.name: style for style in _ALL}

ROLES = {
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
