"""Benchmark: fidelity of offline renders to live Sonic Pi, by messages and by sound.

Each program is played live three times and rendered once. Offline against live is reported next to
live against live, because live takes differ from each other too. Recordings and a page to compare
them by listening are written to artifacts/fidelity.

scsynth starts everything at the start of a block of 64 frames. The position of a take's first sound
in its block is random, and the same for all of its sounds. So each take is compared to renders that
start at different positions of a block, and the most similar one counts.

With EARSHOT_SONIC_PI=FOLDER, the live Sonic Pi is the installation of Sonic Pi 4 or 5 in that
folder, the renders have the sound of Sonic Pi 5, and only the sound is compared. This is untried.
"""

from __future__ import annotations

import html
import os
import sys
import tempfile
from difflib import SequenceMatcher
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from _live_sonic_pi import LiveSonicPi, decode_message
from _live_sonic_pi_5 import INSTALLATION_VARIABLE, LiveSonicPi5

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write
from core.sonicpi import DEFAULT_SONIC_PI, Clip, collect_osc_messages, render
from core.workspace import get_workspace_root

EXAMPLES = Path("/usr/share/sonic-pi/examples")
SECONDS = 6.0
TAKE_COUNT = 3
MAX_LAG_FRAMES = 4410  # 0.1 s
# Options with numbers of nodes, busses and buffers, which differ from run to run.
NUMBERING_OPTIONS = {"in_bus", "out_bus", "buf", "buffer"}
TIME_TOLERANCE_SECONDS = 0.002
BLOCK_OFFSETS = range(0, 64, 4)  # frames

# Each figure of offline against live is followed by the same figure of live against live.
COLUMNS = (
    "same events",
    "live",
    "in order",
    "live",
    "cosine",
    "live (min)",
    "dB apart",
    "live (max)",
    "",
)

PROGRAMS = {
    "notes": "use_bpm 100\n8.times { |i| play 60 + 2 * i, release: 0.5; sleep 1 }",
    "chords": (
        "use_synth :saw\n[:major, :minor, :m7].each { |c| play chord(:e3, c), amp: 0.6; sleep 1.5 }"
    ),
    "controlled": (
        "s = synth :prophet, note: 40, sustain: 4, note_slide: 1, cutoff_slide: 2\n"
        "sleep 0.5\n"
        "control s, note: 52, cutoff: 70\n"
        "sleep 1.5\n"
        "control s, note: 47\n"
        "sleep 1\n"
        "kill s"
    ),
    "samples": (
        "use_bpm 120\n"
        "live_loop :a do\n"
        "  sample :bd_haus\n"
        "  sleep 0.5\n"
        "  sample :drum_snare_soft, rate: 0.8\n"
        "  sleep 0.5\n"
        "  sample :loop_amen, beat_stretch: 4, finish: 0.25, lpf: 90\n"
        "  sleep 1\n"
        "end"
    ),
    "onsets and slices": (
        "8.times { |i| sample :loop_amen, onset: i; sleep 0.25; "
        "sample :loop_garzul, slice: i, num_slices: 16; sleep 0.5 }"
    ),
    "nested FX": (
        "with_fx :reverb, room: 0.9 do\n"
        "  with_fx :echo, phase: 0.25, decay: 2 do\n"
        "    4.times { play scale(:e4, :minor).tick, release: 0.2; sleep 0.75 }\n"
        "  end\n"
        "end"
    ),
    "FX in a loop": (
        "live_loop :a do\n"
        "  with_fx :bitcrusher, sample_rate: 4000 do\n"
        "    synth :tb303, note: (ring 40, 43, 47).tick, release: 0.3\n"
        "  end\n"
        "  sleep 0.5\n"
        "end"
    ),
    "now and later FX": (
        "with_fx(:gverb) { play 70, release: 0.3; sleep 1 }\n"
        "with_fx(:tanh) { synth :saw, note: 45; sleep 1 }\n"
        "with_fx(:pitch_shift, pitch: 5) { play 60; sleep 1 }\n"
        "with_fx(:wobble) { synth :dsaw, note: 40, sustain: 1; sleep 1 }"
    ),
    "cue and sync": (
        "live_loop :beat do\n"
        "  sample :bd_tek\n"
        "  sleep 0.5\n"
        "end\n"
        "live_loop :melody, sync: :beat do\n"
        "  synth :pluck, note: (scale :c4, :major_pentatonic).tick\n"
        "  sleep 0.25\n"
        "end"
    ),
    "randomness": (
        "use_random_seed 11\n"
        "live_loop :a do\n"
        "  synth [:beep, :tri, :fm].choose, note: rrand_i(48, 72), "
        "release: rrand(0.1, 0.5), pan: rrand(-1, 1)\n"
        "  sleep [0.25, 0.5].choose\n"
        "end"
    ),
    "threads": (
        "in_thread(delay: 0.5) { 6.times { play 72, release: 0.1; sleep 0.5 } }\n"
        "at([1, 2, 3], [60, 64, 67]) { |n| synth :piano, note: n }\n"
        "time_warp(0.25) { play 50 }\n"
        "density(2) { 2.times { sample :drum_cymbal_closed; sleep 1 } }\n"
        "sleep 2"
    ),
    "sample options": (
        "sample :loop_amen, pitch_stretch: 2\n"
        "sleep 1\n"
        "sample :loop_compus, start: 0.25, finish: 0.5, rpitch: 5, attack: 0.1, "
        "release: 0.3\n"
        "sleep 1\n"
        "sample :ambi_choir, rate: -1, hpf: 60, pan: -0.5\n"
        "sleep 1\n"
        "sample :guit_em9, attack: 0.2, sustain: 0.5, release: 0.5, lpf: 80, "
        "pitch: 3\n"
        "sleep 1.5\n"
        "sample :misc_cineboom, finish: 0.2"
    ),
    "slides and kill": (
        "with_fx :lpf, cutoff: 60, cutoff_slide: 2 do |fx|\n"
        "  s = synth :dsaw, note: 45, sustain: 5, amp_slide: 0.5, pan_slide: 1\n"
        "  control fx, cutoff: 120\n"
        "  sleep 1\n"
        "  control s, amp: 0.3, pan: -1\n"
        "  sleep 1\n"
        "  control s, amp: 1, pan: 1\n"
        "  sleep 1.5\n"
        "  kill s\n"
        "end"
    ),
    "state and time": (
        "use_bpm 90\n"
        "live_loop :a do\n"
        "  set :n, (ring 55, 58, 62).tick\n"
        "  density(2) { synth :beep, note: get[:n], release: 0.2; sleep 1 }\n"
        "end\n"
        "live_loop :b do\n"
        "  n = sync :tick_b\n"
        "  time_warp(0.25) { synth :pluck, note: n[0] }\n"
        "end\n"
        "live_loop :c do\n"
        "  cue :tick_b, (knit 70, 2, 74, 1).tick\n"
        "  sleep 0.75\n"
        "end"
    ),
    "noise": (
        "synth :noise, release: 2, cutoff: 90\n"
        "sleep 2\n"
        "synth :bnoise, sustain: 1, release: 1\n"
        "sleep 2\n"
        "synth :cnoise, release: 1"
    ),
    "real time": (
        "use_real_time\n4.times { play 60, release: 0.1; sleep 0.5; sample :bd_haus; sleep 0.5 }"
    ),
    "short lead": (
        # set_sched_ahead_time! would change the server for the programs after this one.
        "use_sched_ahead_time 0.1\nlive_loop :kick do\n  sample :bd_haus\n  sleep 0.5\nend"
    ),
    "late messages": (
        "play 72, release: 0.1\n"
        "sleep 2\n"
        "time_warp(-1) { play 60, release: 0.1 }\n"
        "s = play 55, sustain: 2\n"
        "sleep 1\n"
        "time_warp(-0.9) { control s, note: 67 }"
    ),
    "example: haunted": EXAMPLES / "apprentice/haunted.rb",
    "example: acid": EXAMPLES / "magician/acid.rb",
}


class DescribedMessage(NamedTuple):
    """A message to scsynth in a form that is comparable between runs."""

    time: float  # seconds from the first sound
    address: str
    synthdef: str
    options: frozenset


def run(
    variants: int | None = None, program: str | None = None, takes: int = TAKE_COUNT
) -> list[tuple[str, str]]:
    """Compare offline renders to live Sonic Pi; return rows of (program, figures).

    Parameters
    ----------
    variants : int, optional
        Number of programs; None: all.
    program : str, optional
        Name of the only program to compare.
    takes : int
        Number of live takes per program, at least 2. More takes give better estimates of the
        differences between live takes.

    Raises
    ------
    EarshotError
        When there is no program of that name, or only one take.
    """
    if program and program not in PROGRAMS:
        raise EarshotError(
            f"There is no program {program!r}.", remedy=f"Use one of: {', '.join(PROGRAMS)}."
        )
    if takes < 2:
        raise EarshotError("A single take cannot be compared to others.", remedy="Use 2 or more.")
    selected = {program: PROGRAMS[program]} if program else PROGRAMS
    rows = [("program", "  ".join(f"{column:>12}" for column in COLUMNS))]
    folder = get_workspace_root() / "fidelity"
    compared_programs = []
    installation = os.environ.get(INSTALLATION_VARIABLE)
    sonic_pi = "5" if installation else DEFAULT_SONIC_PI
    with tempfile.TemporaryDirectory() as home, _create_live_sonic_pi(home, installation) as live:
        for name, source in list(selected.items())[:variants]:
            source = source.read_text("utf-8") if isinstance(source, Path) else source
            live_takes = [live.record_take(source, SECONDS) for _ in range(takes)]
            figures = _compare_program(source, live_takes, folder / _format_stem(name), sonic_pi)
            rows.append((name, figures))
            # The whole comparison takes ten minutes, so each program is reported at once.
            print(f"{name:20} {figures}", file=sys.stderr, flush=True)
            compared_programs.append((name, figures, source))
            with atomic_write(folder / "index.html", "w") as page:
                page.write(_build_page(compared_programs, takes))
        take_count = takes * len(compared_programs)
        rows.append(("live takes with a dropout", f"{live.dropouts} of {take_count}"))
    rows.append(("page for listening", str(folder / "index.html")))
    return rows


def _create_live_sonic_pi(home: str, installation: str | None) -> LiveSonicPi:
    if installation:
        return LiveSonicPi5(Path(home), Path(installation).expanduser())
    return LiveSonicPi(Path(home))


def _compare_program(source: str, takes: list, path_stem: Path, sonic_pi: str) -> str:
    """Compare a render to every take, and all pairs of takes; return the formatted figures."""
    live_clips = [clip for _, clip in takes]
    offline_clips = [
        _quantize_like_recording(
            render(f"sleep {offset}/44100.0\n{source}", SECONDS, sonic_pi=sonic_pi)
        )
        for offset in BLOCK_OFFSETS
    ]
    offline_clips[0].save(path_stem.with_name(f"{path_stem.name}-offline.flac"))
    for number, clip in enumerate(live_clips, 1):
        clip.save(path_stem.with_name(f"{path_stem.name}-live-{number}.flac"))
    offline_messages = _describe_messages(
        [(m.time, m.address, list(m.arguments)) for m in collect_osc_messages(source, SECONDS)]
    )
    live_messages = [
        _describe_messages([decode_message(*packet) for packet in packets]) for packets, _ in takes
    ]
    figures = _compare_messages(offline_messages, live_messages)
    nearest = [
        min((_compare_sound(clip, live) for clip in offline_clips), key=lambda figures: figures[1])
        for live in live_clips
    ]
    cosine, decibels = np.mean(nearest, axis=0)
    live_figures = np.array([_compare_sound(*pair) for pair in combinations(live_clips, 2)])
    min_cosine, max_decibels = live_figures[:, 0].min(), live_figures[:, 1].max()
    is_within = cosine >= min_cosine and decibels <= max_decibels
    figures += [f"{cosine:.4f}", f"{min_cosine:.4f}", f"{decibels:.2f}", f"{max_decibels:.2f}"]
    figures.append("within" if is_within else "beyond")
    return "  ".join(f"{figure:>12}" for figure in figures)


def _compare_messages(
    offline: list[DescribedMessage], takes: list[list[DescribedMessage]]
) -> list[str]:
    """Return the figures of the messages; dashes if the live messages were not recorded."""
    if not any(takes):
        return ["-"] * 4
    figures = []
    for compute_share in (_compute_same_share, _compute_in_order_share):
        offline_shares = [compute_share(offline, live) for live in takes]
        live_shares = [compute_share(*pair) for pair in combinations(takes, 2)]
        figures += [f"{np.mean(offline_shares):.1%}", f"{np.mean(live_shares):.1%}"]
    return figures


def _quantize_like_recording(clip: Clip) -> Clip:
    """Return a clip as Sonic Pi records it: truncated, not rounded, to 16 bits."""
    samples, sample_rate = soundfile.read(BytesIO(clip.encode_audio_file(".wav")), dtype="float32")
    return Clip(samples, sample_rate)


def _format_stem(name: str) -> str:
    return name.replace(":", "").replace(" ", "-")


def _compute_same_share(first: list[DescribedMessage], second: list[DescribedMessage]) -> float:
    """Return the share of messages that both have at the same time from the first sound."""
    first_times, second_times = _group_times(first), _group_times(second)
    same_count = sum(
        _count_matching_times(times, second_times[content])
        for content, times in first_times.items()
        if content in second_times
    )
    return same_count / max(len(first), len(second), 1)


def _compute_in_order_share(first: list[DescribedMessage], second: list[DescribedMessage]) -> float:
    """Return the share of messages that both have in the same order."""
    contents = ([message[1:] for message in messages] for messages in (first, second))
    matcher = SequenceMatcher(None, *contents, autojunk=False)
    same_count = sum(block.size for block in matcher.get_matching_blocks())
    return same_count / max(len(first), len(second), 1)


def _group_times(messages: list[DescribedMessage]) -> dict[tuple, list[float]]:
    """Return the times of all messages by their content."""
    times: dict[tuple, list[float]] = {}
    for message in messages:
        times.setdefault(message[1:], []).append(message.time)
    return times


def _count_matching_times(first: list[float], second: list[float]) -> int:
    """Count the pairs, in order of time, that differ by at most TIME_TOLERANCE_SECONDS."""
    i = j = count = 0
    while i < len(first) and j < len(second):
        if abs(first[i] - second[j]) <= TIME_TOLERANCE_SECONDS:
            i, j, count = i + 1, j + 1, count + 1
        elif first[i] < second[j]:
            i += 1
        else:
            j += 1
    return count


def _describe_messages(messages: list[tuple[float, str, list]]) -> list[DescribedMessage]:
    """Describe all starts and changes of sounds and FX, with times from the first sound.

    The mixer of the job is omitted, and so are messages in the last second, which a recording may
    not contain.
    """
    synthdef_by_node: dict[int, str] = {}
    described = []
    for message_time, address, arguments in sorted(messages, key=lambda message: message[0]):
        if address == "/s_new":
            synthdef_by_node[arguments[1]] = arguments[0]
            node, names_and_values = arguments[1], arguments[4:]
        elif address == "/n_set":
            node, names_and_values = arguments[0], arguments[1:]
        else:
            continue
        synthdef = synthdef_by_node.get(node, "?")
        if synthdef == "?" or synthdef.endswith(("mixer", "recorder")):
            continue
        controls = dict(zip(names_and_values[::2], names_and_values[1::2]))
        options = frozenset(
            (name, float(np.float32(value)))
            for name, value in controls.items()
            if name not in NUMBERING_OPTIONS
        )
        described.append(DescribedMessage(message_time, address, synthdef, options))
    start = min((m.time for m in described if "fx_" not in m.synthdef), default=0.0)
    return [
        message._replace(time=message.time - start)
        for message in described
        if message.time - start < SECONDS - 1
        and ("fx_" not in message.synthdef or message.time >= start)
    ]


def _compare_sound(first: Clip, second: Clip) -> tuple[float, float]:
    """Return the centred cosine of two clips' log-mel spectra and their mean difference in dB."""
    a, b = (_trim_before_first_sound(clip.samples.mean(axis=1)) for clip in (first, second))
    lag = _find_lag(a, b)
    a, b = a[max(-lag, 0) :], b[max(lag, 0) :]
    length = min(len(a), len(b), int((SECONDS - 0.5) * 44_100))
    powers = _compute_mel_power(a[:length]), _compute_mel_power(b[:length])
    # Both have the same floor, 80 dB below the louder peak. With separate floors, two silences
    # would differ by as much as the peaks.
    floor = 1e-8 * max(power.max() for power in powers)
    x, y = (10 * np.log10(np.maximum(power, floor)) for power in powers)
    cosine = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    return float(cosine), float(np.abs(x - y).mean())


def _trim_before_first_sound(samples: np.ndarray) -> np.ndarray:
    """Remove samples more than 50 ms before the first sound above -60 dB of the peak."""
    first = int(np.argmax(np.abs(samples) > 1e-3 * np.abs(samples).max()))
    return samples[max(first - 2205, 0) :]


def _find_lag(a: np.ndarray, b: np.ndarray) -> int:
    """Return the number of frames by which `b` is later than `a`, from their cross-correlation.

    The lag is limited to MAX_LAG_FRAMES, because a program with repetitions also correlates with
    itself a bar later.
    """
    size = 1 << (len(a) + len(b)).bit_length()
    product = np.conj(np.fft.rfft(np.abs(a), size)) * np.fft.rfft(np.abs(b), size)
    correlation = np.fft.irfft(product)
    near = np.concatenate([correlation[-MAX_LAG_FRAMES:], correlation[: MAX_LAG_FRAMES + 1]])
    return int(near.argmax()) - MAX_LAG_FRAMES


def _compute_mel_power(
    samples: np.ndarray, bands: int = 64, window: int = 2048, hop: int = 512
) -> np.ndarray:
    """Return mel power, float [bands, frames]."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(window, 1 / 44_100) / 700)
    edges = np.linspace(0, mel[-1], bands + 2)
    rise = (mel - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - mel) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(np.minimum(rise, fall), 0) @ power.T


def _build_page(programs: list[tuple[str, str, str]], take_count: int) -> str:
    """Return an HTML page with all figures and players for all recordings."""
    header = "".join(f"<th>{column}" for column in ("program", *COLUMNS))
    table_rows = (
        "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in (name, *figures.split()))
        for name, figures, _ in programs
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Offline and live Sonic Pi</title>",
        "<style>body{font:1rem sans-serif;margin:2rem}td,th{padding:0 .8em;text-align:right}"
        "td:first-child,th:first-child{text-align:left}"
        "figure{display:inline-block;margin:0 1rem 0 0}audio{display:block;width:18rem}</style>",
        f"<h1>Offline and live Sonic Pi</h1><table><tr>{header}{''.join(table_rows)}</table>",
    ]
    for name, _, source in programs:
        stem = _format_stem(name)
        parts.append(f"<h2>{html.escape(name)}</h2>")
        for label in ("offline", *(f"live-{number}" for number in range(1, take_count + 1))):
            parts.append(
                f"<figure><figcaption>{label}</figcaption>"
                f"<audio controls preload=metadata src='{stem}-{label}.flac'></audio></figure>"
            )
        parts.append(f"<pre>{html.escape(source)}</pre>")
    return "\n".join(parts)
