"""Does an offline render equal what Sonic Pi plays live? Events one by one, and sound.

Each program is played live three times and rendered once. Offline against live stands
beside live against live: no render can be nearer to live than live is to itself. Recordings and
a page to compare them by ear are left in artifacts/fidelity.

scsynth begins everything at the start of a block of 64 frames. Where in a block a take's program
begins is chance, and the same for all of its sounds; so each take is compared with the nearest of
renders that begin at different places of a block.
"""

from __future__ import annotations

import html
import sys
import tempfile
from difflib import SequenceMatcher
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import soundfile
from _live_sonic_pi import LiveSonicPi, decoded

from core.errors import EarshotError
from core.sonicpi import Clip, collect_osc_messages, render
from core.workspace import atomic_write, get_workspace_root

EXAMPLES = Path("/usr/share/sonic-pi/examples")
SECONDS = 6.0
TAKES = 3
# What differs from run to run by its nature: numbers that name nodes, busses and buffers.
NAMES_OF_THINGS = {"in_bus", "out_bus", "buf", "buffer"}
TIME_STEP = 0.002  # events nearer than this in time are at the same time
BEGINNINGS = range(0, 64, 4)  # frames of a block

# Offline against live, each beside live against live.
COLUMNS = (
    "events same",
    "live",
    "in order",
    "live",
    "cosine",
    "live (least)",
    "dB apart",
    "live (most)",
    "",
)

PROGRAMS = {
    "notes": "use_bpm 100\n8.times { |i| play 60 + 2 * i, release: 0.5; sleep 1 }",
    "chords": "use_synth :saw\n[:major, :minor, :m7].each { |c| play chord(:e3, c), amp: 0.6; sleep 1.5 }",
    "controlled": "s = synth :prophet, note: 40, sustain: 4, note_slide: 1, cutoff_slide: 2\n"
    "sleep 0.5\ncontrol s, note: 52, cutoff: 70\nsleep 1.5\ncontrol s, note: 47\nsleep 1\nkill s",
    "samples": "use_bpm 120\nlive_loop :a do\n  sample :bd_haus\n  sleep 0.5\n  sample :drum_snare_soft, rate: 0.8\n"
    "  sleep 0.5\n  sample :loop_amen, beat_stretch: 4, finish: 0.25, lpf: 90\n  sleep 1\nend",
    "onsets and slices": "8.times { |i| sample :loop_amen, onset: i; sleep 0.25; sample :loop_garzul, slice: i, num_slices: 16; sleep 0.5 }",
    "nested FX": "with_fx :reverb, room: 0.9 do\n  with_fx :echo, phase: 0.25, decay: 2 do\n    4.times { play scale(:e4, :minor).tick, release: 0.2; sleep 0.75 }\n  end\nend",
    "FX in a loop": "live_loop :a do\n  with_fx :bitcrusher, sample_rate: 4000 do\n    synth :tb303, note: (ring 40, 43, 47).tick, release: 0.3\n  end\n  sleep 0.5\nend",
    "now and later FX": "with_fx(:gverb) { play 70, release: 0.3; sleep 1 }\nwith_fx(:tanh) { synth :saw, note: 45; sleep 1 }\nwith_fx(:pitch_shift, pitch: 5) { play 60; sleep 1 }\nwith_fx(:wobble) { synth :dsaw, note: 40, sustain: 1; sleep 1 }",
    "cue and sync": "live_loop :beat do\n  sample :bd_tek\n  sleep 0.5\nend\nlive_loop :melody, sync: :beat do\n  synth :pluck, note: (scale :c4, :major_pentatonic).tick\n  sleep 0.25\nend",
    "randomness": "use_random_seed 11\nlive_loop :a do\n  synth [:beep, :tri, :fm].choose, note: rrand_i(48, 72), release: rrand(0.1, 0.5), pan: rrand(-1, 1)\n  sleep [0.25, 0.5].choose\nend",
    "threads": "in_thread(delay: 0.5) { 6.times { play 72, release: 0.1; sleep 0.5 } }\nat([1, 2, 3], [60, 64, 67]) { |n| synth :piano, note: n }\ntime_warp(0.25) { play 50 }\ndensity(2) { 2.times { sample :drum_cymbal_closed; sleep 1 } }\nsleep 2",
    "sample options": "sample :loop_amen, pitch_stretch: 2\nsleep 1\nsample :loop_compus, start: 0.25, finish: 0.5, rpitch: 5, attack: 0.1, release: 0.3\n"
    "sleep 1\nsample :ambi_choir, rate: -1, hpf: 60, pan: -0.5\nsleep 1\nsample :guit_em9, attack: 0.2, sustain: 0.5, release: 0.5, lpf: 80, pitch: 3\nsleep 1.5\nsample :misc_cineboom, finish: 0.2",
    "slides and kill": "with_fx :lpf, cutoff: 60, cutoff_slide: 2 do |fx|\n  s = synth :dsaw, note: 45, sustain: 5, amp_slide: 0.5, pan_slide: 1\n  control fx, cutoff: 120\n"
    "  sleep 1\n  control s, amp: 0.3, pan: -1\n  sleep 1\n  control s, amp: 1, pan: 1\n  sleep 1.5\n  kill s\nend",
    "state and time": "use_bpm 90\nlive_loop :a do\n  set :n, (ring 55, 58, 62).tick\n  density(2) { synth :beep, note: get[:n], release: 0.2; sleep 1 }\nend\n"
    "live_loop :b do\n  n = sync :tick_b\n  time_warp(0.25) { synth :pluck, note: n[0] }\nend\nlive_loop :c do\n  cue :tick_b, (knit 70, 2, 74, 1).tick\n  sleep 0.75\nend",
    "noise": "synth :noise, release: 2, cutoff: 90\nsleep 2\nsynth :bnoise, sustain: 1, release: 1\nsleep 2\nsynth :cnoise, release: 1",
    "example: haunted": EXAMPLES / "apprentice/haunted.rb",
    "example: acid": EXAMPLES / "magician/acid.rb",
}


def run(
    variants: int | None = None, program: str | None = None, takes: int = TAKES
) -> list[tuple[str, str]]:
    """Compare; return (program, figures) rows.

    Parameters
    ----------
    variants : int, optional
        Only so many of the programs.
    program : str, optional
        Only the program of that name.
    takes : int
        How often each is played live, at least 2. The more, the better is known by how much
        live takes differ among themselves.

    Raises
    ------
    EarshotError
        When there is no program of that name, or one take only.
    """
    if program and program not in PROGRAMS:
        raise EarshotError(
            f"There is no program {program!r}.", remedy=f"Use one of: {', '.join(PROGRAMS)}."
        )
    if takes < 2:
        raise EarshotError("One take has no other to be compared with.", remedy="Use 2 or more.")
    chosen = {program: PROGRAMS[program]} if program else PROGRAMS
    rows = [("program", "  ".join(f"{column:>12}" for column in COLUMNS))]
    folder = get_workspace_root() / "fidelity"
    pages = []
    with tempfile.TemporaryDirectory() as home, LiveSonicPi(Path(home)) as live:
        for name, source in list(chosen.items())[:variants]:
            source = source.read_text("utf-8") if isinstance(source, Path) else source
            played = [live.take(source, SECONDS) for _ in range(takes)]
            figures = _compared(source, played, folder / _stem(name))
            rows.append((name, figures))
            print(f"{name:20} {figures}", file=sys.stderr, flush=True)  # it takes ten minutes
            pages.append((name, figures, source))
            with atomic_write(folder / "index.html", "w") as page:
                page.write(_page(pages, takes))
        rows.append(("live takes with a dropout", f"{live.dropouts} of {takes * len(pages)}"))
    rows.append(("to compare by ear", str(folder / "index.html")))
    return rows


def _compared(source: str, takes: list, place: Path) -> str:
    """Compare a render with every take, and every two takes with each other."""
    clips = [clip for _, clip in takes]
    offline = [_recorded(render(f"sleep {n}/44100.0\n{source}", SECONDS)) for n in BEGINNINGS]
    offline[0].save(place.with_name(f"{place.name}-offline.flac"))
    for number, clip in enumerate(clips, 1):
        clip.save(place.with_name(f"{place.name}-live-{number}.flac"))
    ours = [(e.time, e.address, list(e.arguments)) for e in collect_osc_messages(source, SECONDS)]
    theirs = [[decoded(*message) for message in messages] for messages, _ in takes]
    same = np.mean([_same(ours, messages) for messages in theirs])
    live_same = np.mean([_same(one, two) for one, two in combinations(theirs, 2)])
    order = np.mean([_in_order(ours, messages) for messages in theirs])
    live_order = np.mean([_in_order(one, two) for one, two in combinations(theirs, 2)])
    nearest = [min((_sound(one, clip) for one in offline), key=lambda s: s[1]) for clip in clips]
    cosine, decibels = np.mean(nearest, axis=0)
    live = np.array([_sound(one, two) for one, two in combinations(clips, 2)])
    least, most = live[:, 0].min(), live[:, 1].max()
    within = cosine >= least and decibels <= most
    figures = (
        f"{same:.1%}",
        f"{live_same:.1%}",
        f"{order:.1%}",
        f"{live_order:.1%}",
        f"{cosine:.4f}",
        f"{least:.4f}",
        f"{decibels:.2f}",
        f"{most:.2f}",
        "within" if within else "beyond",
    )
    return "  ".join(f"{figure:>12}" for figure in figures)


def _recorded(clip: Clip) -> Clip:
    """Return a clip as Sonic Pi records it: cut, not rounded, to 16 bits."""
    samples, sample_rate = soundfile.read(BytesIO(clip.encode(".wav")), dtype="float32")
    return Clip(samples, sample_rate)


def _stem(name: str) -> str:
    return name.replace(":", "").replace(" ", "-")


def _same(one: list, two: list) -> float:
    """Return the share of events that both have: time from the first sound, what, and options."""
    ours, theirs = _described(one), _described(two)
    ours, theirs = _times(ours), _times(theirs)
    same = sum(_matched(times, theirs[what]) for what, times in ours.items() if what in theirs)
    return same / max(sum(map(len, ours.values())), sum(map(len, theirs.values())), 1)


def _in_order(one: list, two: list) -> float:
    """Return the share of events that come in the same order in both."""
    ours, theirs = ([what for _, *what in _described(messages)] for messages in (one, two))
    matcher = SequenceMatcher(None, [*map(tuple, ours)], [*map(tuple, theirs)], autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return same / max(len(ours), len(theirs), 1)


def _times(described: list[tuple]) -> dict[tuple, list[float]]:
    """Return the times of each event by what it is."""
    times: dict[tuple, list[float]] = {}
    for when, *what in described:
        times.setdefault(tuple(what), []).append(when)
    return times


def _matched(one: list[float], two: list[float]) -> int:
    """Count the pairs, in order of time, that lie within TIME_STEP."""
    i = j = same = 0
    while i < len(one) and j < len(two):
        if abs(one[i] - two[j]) <= TIME_STEP:
            i, j, same = i + 1, j + 1, same + 1
        elif one[i] < two[j]:
            i += 1
        else:
            j += 1
    return same


def _described(messages: list) -> list[tuple]:
    """Return (time from the first sound, address, SynthDef, options) of sounds and changes.

    Left out are the job's mixer, and what comes after the last sound, which a
    recording may cut off.
    """
    kinds: dict[int, str] = {}
    found = []
    for when, address, arguments in sorted(messages, key=lambda message: message[0]):
        if address == "/s_new":
            kinds[arguments[1]] = arguments[0]
            pairs = arguments[4:]
        elif address == "/n_set":
            pairs = arguments[1:]
        else:
            continue
        synthdef = kinds.get(arguments[0] if address == "/n_set" else arguments[1], "?")
        if synthdef == "?" or synthdef.endswith(("mixer", "recorder")):
            continue
        controls = dict(zip(pairs[::2], pairs[1::2]))
        options = frozenset(
            (k, float(np.float32(v))) for k, v in controls.items() if k not in NAMES_OF_THINGS
        )
        found.append((when, address, synthdef, options))
    start = min((when for when, _, synthdef, _ in found if "fx_" not in synthdef), default=0.0)
    return [
        (when - start, *what)
        for when, *what in found
        if when - start < SECONDS - 1 and ("fx_" not in what[1] or when >= start)
    ]


def _sound(one: Clip, two: Clip) -> tuple[float, float]:
    """Return the centred cosine of two clips' log-mel spectra and their mean difference in dB."""
    a, b = (_from_first_sound(clip.samples.mean(axis=1)) for clip in (one, two))
    lag = _lag(a, b)
    a, b = a[max(-lag, 0) :], b[max(lag, 0) :]
    length = min(len(a), len(b), int((SECONDS - 0.5) * 44_100))
    powers = _mel(a[:length]), _mel(b[:length])
    # One floor for both, 80 dB below the louder's peak: with a floor of its own each, two silences
    # would differ by as much as the peaks.
    floor = 1e-8 * max(power.max() for power in powers)
    x, y = (10 * np.log10(np.maximum(power, floor)) for power in powers)
    cosine = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    return float(cosine), float(np.abs(x - y).mean())


def _from_first_sound(samples: np.ndarray) -> np.ndarray:
    """Cut what lies more than 50 ms before the first sound, 60 dB below the peak."""
    first = int(np.argmax(np.abs(samples) > 1e-3 * np.abs(samples).max()))
    return samples[max(first - 2205, 0) :]


def _lag(a: np.ndarray, b: np.ndarray, most: int = 4410) -> int:
    """Return by how many frames `b` is later than `a`, by their cross-correlation.

    At most 0.1 s either way: a program that repeats itself is like itself a bar later too.
    """
    size = 1 << (len(a) + len(b)).bit_length()
    product = np.conj(np.fft.rfft(np.abs(a), size)) * np.fft.rfft(np.abs(b), size)
    correlation = np.fft.irfft(product)
    near = np.concatenate([correlation[-most:], correlation[: most + 1]])
    return int(near.argmax()) - most


def _mel(samples: np.ndarray, bands: int = 64, window: int = 2048, hop: int = 512) -> np.ndarray:
    """Return mel power, [bands, frames]."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(window, 1 / 44_100) / 700)
    edges = np.linspace(0, mel[-1], bands + 2)
    rise = (mel - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - mel) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(np.minimum(rise, fall), 0) @ power.T


def _page(programs: list[tuple[str, str, str]], takes: int) -> str:
    """Return a page with all figures and every recording, to compare by ear."""
    head = "".join(f"<th>{column}" for column in ("program", *COLUMNS))
    lines = (
        "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in (name, *figures.split()))
        for name, figures, _ in programs
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Offline and live Sonic Pi</title>",
        "<style>body{font:1rem sans-serif;margin:2rem}td,th{padding:0 .8em;text-align:right}"
        "td:first-child,th:first-child{text-align:left}figure{display:inline-block;margin:0 1rem 0 0}"
        "audio{display:block;width:18rem}</style>",
        f"<h1>Offline and live Sonic Pi</h1><table><tr>{head}{''.join(lines)}</table>",
    ]
    for name, _, source in programs:
        stem = _stem(name)
        parts.append(f"<h2>{html.escape(name)}</h2>")
        for label in ("offline", *(f"live-{number}" for number in range(1, takes + 1))):
            parts.append(
                f"<figure><figcaption>{label}</figcaption>"
                f"<audio controls preload=metadata src='{stem}-{label}.flac'></audio></figure>"
            )
        parts.append(f"<pre>{html.escape(source)}</pre>")
    return "\n".join(parts)
