"""The language that Sonic Pi gained from 3.3 to 5.0 gives the right notes, times and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi import RenderError, collect_osc_messages, try_render
from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.render_worker import RenderWorker
from core.sonicpi.sandbox import HOST_FOLDER


@pytest.fixture(scope="module")
def worker() -> Iterator[RenderWorker]:
    """Return one worker for the tests that choose a version of Sonic Pi."""
    worker = RenderWorker()
    yield worker
    worker.close()


def list_notes(source: str, seconds: float = 4.0) -> list[tuple[float, float]]:
    """Return (time, note) of every synth that a program starts."""
    return [
        (round(message.time, 4), round(message.control_value_by_name["note"], 4))
        for message in collect_osc_messages(source, seconds)
        if message.synthdef_name and "note" in message.control_value_by_name
    ]


def list_numbers(source: str) -> list[float]:
    """Return the numbers that a program plays as notes at time 0."""
    return [
        message.control_value_by_name["note"]
        for message in collect_osc_messages(source, 0.5)
        if message.synthdef_name and "note" in message.control_value_by_name
    ]


def list_places(source: str, seconds: float) -> list[tuple[float, str]]:
    """Return (time, FX that the synth plays into) of every synth; "" outside of FX."""
    fx_by_bus: dict[float, str] = {}
    places = []
    for message in collect_osc_messages(source, seconds):
        values = message.control_value_by_name
        name = message.synthdef_name or ""
        if "/fx_" in name or name.startswith(("fx_", "sonic-pi-fx_")):
            fx_by_bus[values["in_bus"]] = name.removeprefix("sonic-pi-").removeprefix("fx_")
        elif "note" in values:
            places.append((round(message.time, 2), fx_by_bus.get(values["out_bus"], "")))
    return places


# Each entry: program, notes with their times.
PROGRAMS = {
    "tuplets, case 39c": (
        "tuplets [60, 62, 64] do |n|\n play n\nend",
        [(0, 60), (1, 62), (2, 64)],
    ),
    "a nested list takes one beat": (
        "tuplets([70, [72, 73], [80, 81, 82]]) { |n| play n }; play 90",
        [(0, 70), (1, 72), (1.5, 73), (2, 80), (2.3333, 81), (2.6667, 82), (3, 90)],
    ),
    "duration of tuplets": (
        "tuplets([60, [61, 62]], duration: 0.5) { |n| play n }; play 63",
        [(0, 60), (0.5, 61), (0.75, 62), (1, 63)],
    ),
    "tempo of tuplets": (
        "use_bpm 120; tuplets([60, [61, 62]]) { |n| play n }",
        [(0, 60), (0.5, 61), (0.75, 62)],
    ),
    "swing delays every second element of even tuplets": (
        "tuplets([60, [61, 62], [63, 64, 65]], swing: 0.2) { |n| play n }",
        [(0, 60), (1, 61), (1.7, 62), (2, 63), (2.3333, 64), (2.6667, 65)],
    ),
    "swing is in beats": (
        "use_bpm 120; tuplets([[61, 62]], swing: 0.2) { |n| play n }",
        [(0, 61), (0.35, 62)],
    ),
    "swing_pulse and swing_offset": (
        "tuplets([[60, 61, 62]], swing: 0.1, swing_pulse: 3, swing_offset: 1) { |n| play n }",
        [(0, 60), (0.4333, 61), (0.6667, 62)],
    ),
    "tuplets of rings in density": (
        "density(2) { tuplets(ring(60, ring(61, 62))) { |n| play n } }",
        [(0, 60), (0.5, 61), (0.75, 62), (1, 60), (1.5, 61), (1.75, 62)],
    ),
    "tuplets count beats": (
        "tuplets([60, [61, 62, 63]]) { |n| n }; play beat",
        [(2, 2)],
    ),
    "the block of tuplets may sleep": (
        "tuplets([60, 62]) { |n| play n; sleep 0.25; play n + 12 }",
        [(0, 60), (0.25, 72), (1, 62), (1.25, 74)],
    ),
    "use_bpm :link": ("use_bpm :link; play 60; sleep 1; play 61", [(0, 60), (1, 61)]),
    "set_link_bpm! at the start": (
        "set_link_bpm! 120; use_bpm :link; play 60; sleep 1; play 61",
        [(0, 60), (0.5, 61)],
    ),
    "a thread without a tempo follows the metronome": (
        "set_link_bpm! 120; play 60; sleep 1; in_thread { sleep 1; play 62 }; play 61",
        [(0, 60), (0.5, 61), (1, 62)],
    ),
    "use_bpm leaves the metronome": (
        "use_bpm 30; set_link_bpm! 120; play 60; sleep 1; play 61; use_bpm :link; sleep 1; play 62",
        [(0, 60), (2, 61), (2.5, 62)],
    ),
    "with_bpm :link": (
        "set_link_bpm! 120; use_bpm 60; with_bpm(:link) { play 60; sleep 1 }\n"
        "play 61; sleep 1; play 62",
        [(0, 60), (0.5, 61), (1.5, 62)],
    ),
    "a change of tempo reaches sleeping threads": (
        "in_thread { play 60; sleep 4; play 61 }; sleep 1; set_link_bpm! 120; sleep 2; play 70",
        [(0, 60), (2, 70), (2.5, 61)],
    ),
    "a slower tempo reaches sleeping threads": (
        "in_thread { play 60; sleep 2; play 61 }; sleep 1; set_link_bpm! 30; sleep 0.5; play 70",
        [(0, 60), (2, 70), (3, 61)],
    ),
    "with_bpm_mul on the metronome": (
        "with_bpm_mul(2) { sleep 1; play 60; set_link_bpm! 120; sleep 1; play 61 }\n"
        "sleep 1; play 62",
        [(0.5, 60), (0.75, 61), (1.25, 62)],
    ),
    "link waits for a bar": ("play 60; sleep 0.3; link; play 61", [(0, 60)]),
    "link at the start": ("link; play 60; sleep 1.5; link 2; play 61", [(0, 60), (2, 61)]),
    "link with quantum and phase": ("sleep 0.5; link 3, 1; play 60", [(1, 60)]),
    "link with options": ("sleep 1.5; link quantum: 3, phase: 2; play 60", [(2, 60)]),
    "a loop of link alone": ("live_loop(:a) { link 2; play 60 }", [(0, 60), (2, 60)]),
    "link_sync": ("sleep 0.5; link_sync 1; play 60", [(1, 60)]),
    "current_bpm_mode": (
        "play 60 if current_bpm_mode == :link; use_bpm 90; play current_bpm_mode",
        [(0, 60), (0, 90)],
    ),
    "options of link scale with its tempo": (
        "set_link_bpm! 240; play 60; sleep 4; play bt(1) * 100",
        [(0, 60), (1, 25)],
    ),
    "makam": (
        "play_pattern_timed scale(:c4, :rast).take(3), 1",
        [(0, 60), (1, 62.0377), (2, 63.8491)],
    ),
    "degree of a makam": ("play degree(2, 60, :hicaz)", [(0, 61.1321)]),
    "spread of 0 accents": ("play spread(0, 4).to_a.count(false)", [(0, 4)]),
    "note_range that falls": ("play note_range(:c5, :a4)[1]", [(0, 71)]),
    "index of an empty ring": ("play [].ring[0]; play (ring)[3]; play 60", [(0, 60)]),
    "last elements of a ring": (
        "play (ring 60, 61, 62).take_last(2)[0]; play [60, 61].ring.take_last[0]",
        [(0, 61), (0, 61)],
    ),
    "map compared with nil": ("play 60 unless (map a: 1) == nil", [(0, 60)]),
    "scales of 5.0": (
        "%i[lydian_dominant acoustic altered phrygian_dominant double_harmonic byzantine]"
        ".each { |name| play scale(60, name)[3]; sleep 0.5 }",
        [(0, 66), (0.5, 66), (1, 64), (1.5, 65), (2, 65), (2.5, 65)],
    ),
    "chords of 5.0": (
        "['7+9', '9-5', :maj13, :min7, :minor_major7, :mM7, :mmaj7]"
        ".each { |name| play chord(60, name).to_a.last; sleep 0.5 }",
        [(0, 75), (0.5, 74), (1, 81), (1.5, 70), (2, 71), (2.5, 71), (3, 71)],
    ),
    "values in a ring": (
        "play 60 if (ring 1, 2).include?(2); play 60 + (ring 5, 6).find_index(6)",
        [(0, 60), (0, 61)],
    ),
    "notes mirrored at a note": (
        "play_pattern_timed (ring :c4, :r, :g4).invert_around(:e4), 0.5",
        [(0, 68), (1, 61)],
    ),
    "a pattern with lists of options": (
        "play_pattern_timed [60, 62, 64], [1, 0.5], pan: (ring 0, 1); play 65",
        [(0, 60), (1, 62), (1.5, 64), (2.5, 65)],
    ),
    "use_bpm :midi": (
        'use_bpm 120; use_bpm :midi, "port", quantum: 8; play 60; sleep 1; play 61',
        [(0, 60), (1, 61)],
    ),
    "with_bpm :midi": (
        "use_bpm 120; with_bpm(:midi) { play 60; sleep 1 }; play 61; sleep 1; play 62",
        [(0, 60), (1, 61), (1.5, 62)],
    ),
    "midi_sync": (
        'use_bpm 120; midi_sync 8, port: "x"; play 60; sleep 1; play 61',
        [(0, 60), (1, 61)],
    ),
    "current_drive": ("play 60 + current_drive * 4", [(0, 62)]),
    "own function of a later name": (
        "define(:tuplets) { |n| play n }; tuplets 61; define(:link) { play 62 }; link()",
        [(0, 61), (0, 62)],
    ),
    "own method of a later name": ("def tuplets(n) play(n + 1) end; tuplets 61", [(0, 62)]),
    "variable of a later name": (
        "link = 61; tuplets = 62; play link; play tuplets",
        [(0, 61), (0, 62)],
    ),
    "own function without a block of a later name": (
        "define(:current_random_source) { 64 }; play current_random_source",
        [(0, 64)],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_plays_its_notes_at_their_times(name: str) -> None:
    source, expected = PROGRAMS[name]
    notes = list_notes(source)
    assert notes == [
        (pytest.approx(time, abs=1e-3), pytest.approx(note)) for time, note in expected
    ]


# The static reader counts no beats and knows no ranges of notes.
UNREAD_PROGRAMS = {"tuplets count beats", "note_range that falls"}


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - UNREAD_PROGRAMS))
def test_static_reader_gives_the_events_of_the_render(name: str) -> None:
    source, expected = PROGRAMS[name]
    events = ProgramInterpreter(parse_program(source)).events
    notes = sorted((round(e.time, 3), e.options.get("note", 0.0)) for e in events if e.time < 4)
    assert notes == [
        (pytest.approx(time, abs=1e-3), pytest.approx(note, abs=1e-3))
        for time, note in sorted(expected)
    ]


ERRORS = {
    "use_random_source :brown": "no random source :brown",
    "use_random_source(:pink) { play 60 }": "Did you mean with_random_source",
    "with_random_source :pink": "needs a do/end block",
    "set_link_bpm! 10": "from 20 to 999, got: 10",
    "set_link_bpm! :link": "from 20 to 999, got: :link",
    "use_bpm :fast": "use_bpm needs a number or :link, got: :fast",
    "with_bpm('a') { play 60 }": "with_bpm needs a number or :link",
    "use_bpm 0": "positive value",
    "link 0": "positive number of beats",
    "tuplets 60 do |n| play n end": "tuplets needs a list, got: 60",
    "tuplets [60]": "tuplets needs a do/end block",
    "play range(0, 3, step: 0)[0]": "step of range must not be 0",
    "midi_gamma 3": "instruments have no effect",
    "mc_fly": "Minecraft was removed in version 4",
    "hydra 'x'": "Only development versions",
    "my_melody 3": "If another buffer or file does, copy its code",
}


@pytest.mark.parametrize("source", ERRORS)
def test_error_names_line_and_remedy(source: str) -> None:
    with pytest.raises(RenderError, match=re.escape(ERRORS[source])) as caught:
        collect_osc_messages(f"\n{source}", 1.0)
    assert caught.value.problem.line == 2


def test_mistake_in_a_method_of_another_object_has_no_hint_about_functions() -> None:
    with pytest.raises(RenderError) as caught:
        collect_osc_messages("nil.foo", 1.0)
    assert "another buffer" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        "load_synthdef 'a.scsyndef'",
        "load_synthdefs '/home/me/synthdefs'",
        "use_bpm :midi",
        "midi_sync",
        "link_audio 'Live', 'Drums'",
        "link_audio 'Live', :stop",
        "load_buffer '~/song.rb'",
        "load_example :haunted",
        "recording_save '/tmp/a.wav'",
        "recording_delete",
    ],
)
def test_call_without_an_effect_here_is_ignored_with_a_warning(call: str) -> None:
    result = try_render(f"{call}\nplay 60", 0.5)
    assert result.has_clip
    assert [(warning.kind, warning.line) for warning in result.warnings] == [("ignored", 1)]


def test_current_bpm_mode_names_the_midi_clock_until_another_tempo() -> None:
    source = (
        "modes = []\nuse_bpm :midi, 'x'\nmodes << current_bpm_mode\n"
        "with_bpm(30) { modes << current_bpm_mode }\nmodes << current_bpm_mode\n"
        "use_bpm 40\nmodes << current_bpm_mode\n"
        "with_bpm(:midi) { modes << current_bpm_mode }\nmodes << current_bpm_mode\n"
        "play 60 if modes == [[:midi, 'x'], 30, [:midi, 'x'], 40, [:midi, nil], 40]"
    )
    assert list_numbers(source) == [60]


def test_list_options_of_a_pattern_go_to_its_notes_in_turn() -> None:
    messages = collect_osc_messages("play_pattern_timed [60, 62, 64], 0.25, pan: [-1, 1]", 1.0)
    pans = [m.control_value_by_name["pan"] for m in messages if "pan" in m.control_value_by_name]
    assert pans == [-1, 1, -1]


# -- random sources -----------------------------------------------------------------------------


def test_pink_source_begins_with_the_documented_numbers() -> None:
    assert list_numbers("use_random_source :pink; 2.times { play rand }") == [
        0.47808837890625,
        0.56011962890625,
    ]
    assert list_numbers("use_random_source :pink\nplay rrand_i(50, 90)") == [69]  # case 39


def test_perlin_source_begins_with_the_documented_numbers_and_has_no_jumps() -> None:
    numbers = list_numbers("use_random_source :perlin; 200.times { play rand }")
    assert numbers[:4] == [
        0.546478271484375,
        0.573150634765625,
        0.58526611328125,
        0.597015380859375,
    ]
    assert np.abs(np.diff(numbers)).max() < 0.15


def test_with_random_source_restores_the_source_and_the_white_stream_is_unchanged() -> None:
    source = "2.times { play rand }; with_random_source(:pink) { play rand }; play rand"
    white = list_numbers("4.times { play rand }")
    assert white[:2] == [0.75006103515625, 0.733917236328125]
    mixed = list_numbers(source)
    assert mixed[:2] == white[:2] and mixed[3] == white[3] and mixed[2] != white[2]


def test_source_is_inherited_by_threads_and_read_by_every_random_function() -> None:
    names = "in_thread { play({ white: 0, pink: 1, perlin: 2 }[current_random_source]) }"
    assert list_numbers(f"use_random_source :perlin; {names}") == [2]
    for call in (
        "choose((1..99).to_a)",
        "dice(99)",
        "rrand(1, 9)",
        "(1..99).to_a.shuffle[0]",
        "rdist(9) + 20",
    ):
        white, pink = (
            list_numbers(f"use_random_source :{source}; use_random_seed 7; play {call}")
            for source in ("white", "pink")
        )
        assert white != pink


# Mean, deviation and correlation of successive numbers of the tables of live Sonic Pi.
STATISTICS = {
    "white": (0.498, 0.289, -0.01, 0.05),
    "light_pink": (0.503, 0.111, 0.37, 0.08),
    "pink": (0.495, 0.120, 0.87, 0.1),
    "perlin": (0.499, 0.181, 0.98, 0.01),
}


@pytest.mark.parametrize("source", STATISTICS)
def test_source_has_the_distribution_of_live_sonic_pi(source: str) -> None:
    mean, deviation, correlation, tolerance = STATISTICS[source]
    numbers = np.array(
        list_numbers(
            f"use_random_source :{source}\n"
            "16.times { |i| use_random_seed i * 20_011; 25.times { play rand } }"
        )
    ).reshape(16, 25)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert numbers.mean() == pytest.approx(mean, abs=0.05)
    assert numbers.std() == pytest.approx(deviation, abs=0.03)
    pairs = np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()])
    assert np.corrcoef(pairs)[0, 1] == pytest.approx(correlation, abs=tolerance)


def test_dark_pink_moves_in_small_steps() -> None:
    numbers = list_numbers("use_random_source :dark_pink; 100.times { play rand }")
    assert np.abs(np.diff(numbers)).max() < 0.05


# -- scales --------------------------------------------------------------------------------------


def test_every_makam_spans_its_octave_in_commas() -> None:
    table = json.loads((Path(HOST_FOLDER) / "makam_scales.json").read_text(encoding="utf-8"))
    assert len(table["makams"]) == 78
    names = ", ".join(f":{name}" for name in table["makams"])
    last_notes = list_numbers(f"[{names}].each {{ |name| play scale(0, name).to_a.last }}")
    for name, last in zip(table["makams"], last_notes, strict=True):
        commas = sum(sum(table["parts"][part]) for part in table["makams"][name])
        assert last == pytest.approx(commas * 12 / 53, abs=1e-4)


def test_scale_names_are_those_of_3_2_2() -> None:
    assert list_numbers("play scale_names.size; play scale_names.to_a.count(:rast)") == [
        73,
        0,
    ]


# -- samples and live loops -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sustain"),
    [
        ("duration: 0.5", 0.5),
        ("duration: 1, attack: 0.1, release: 0.3", 0.6),
        ("duration: 1, sustain: 0.2", 0.2),
    ],
)
def test_duration_of_a_sample_sets_its_sustain(options: str, sustain: float) -> None:
    messages = collect_osc_messages(f"sample :loop_amen, {options}", 0.5)
    sustains = [
        m.control_value_by_name["sustain"] for m in messages if "sustain" in m.control_value_by_name
    ]
    assert sustains == [pytest.approx(sustain)]


def test_live_loop_moves_to_the_fx_in_which_it_is_defined_again() -> None:
    source = (
        "with_fx(:reverb) { live_loop(:a) { play 60; sleep 1 } }; sleep 1.5\n"
        "with_fx(:distortion) { live_loop(:a) { play 61; sleep 1 } }; sleep 2\n"
        "live_loop(:a) { play 62; sleep 1 }"
    )
    assert list_places(source, 6) == [
        (0, "reverb"),
        (1, "reverb"),
        (2, "distortion"),
        (3, "distortion"),
        (4, ""),
        (5, ""),
    ]


def test_left_fx_are_freed_and_nothing_accumulates() -> None:
    source = (
        "live_loop(:a) { play 60; sleep 1 }\n"
        "loop { with_fx(:echo) { live_loop(:a) { play 61; sleep 1 } }; sleep 1 }"
    )
    messages = collect_osc_messages(source, 20)
    started = sum(1 for m in messages if m.synthdef_name and m.synthdef_name.endswith("fx_echo"))
    freed = sum(1 for m in messages if m.address == "/n_free")
    assert started == 20
    assert freed >= started - 5


def test_live_loop_defined_again_in_the_same_place_sends_the_same_messages() -> None:
    source = "with_fx(:level) { play 70 }; %slive_loop(:a) { play 60; sleep 0.5 }"
    plain = collect_osc_messages(source % "", 2)
    again = collect_osc_messages(source % "live_loop(:a) { play 60; sleep 0.5 };", 2)
    assert [(m.time, m.address, m.arguments) for m in plain] == [
        (m.time, m.address, m.arguments) for m in again
    ]


# Each entry: program, notes with times in 3.2, and in 5.
PROGRAMS_OF_BOTH_VERSIONS = {
    "notes of a chord": ("play chord(60, 'm6*9')[2]", [(0, 69)], [(0, 67)]),
    "length of a line": (
        "play line(0, 7, steps: 26, inclusive: true).size",
        [(0, 25)],
        [(0, 26)],
    ),
    "values of a line": (
        "line(60, 63, steps: 4, inclusive: true).each { |n| play n }",
        [(0, 60), (0, 61), (0, 62)],
        [(0, 60), (0, 61), (0, 62), (0, 63)],
    ),
    "order of an inverted chord": (
        "play chord_invert([60, 72, 64], 1)[0]",
        [(0, 72)],
        [(0, 64)],
    ),
    "time_warp in density": (
        "density(2) { time_warp(0.5) { play 60 }; sleep 1 }",
        [(0.5, 60), (1.0, 60)],
        [(0.25, 60), (0.75, 60)],
    ),
    "swing in density": (
        "density(2) { tuplets([[60, 61]], swing: 0.1) { |n| play n } }",
        [(0, 60), (0.3, 61), (0.5, 60), (0.8, 61)],
        [(0, 60), (0.3, 61), (0.5, 60), (0.8, 61)],
    ),
    "number of scales": ("play scale_names.size - 73", [(0, 0)], [(0, 84)]),
    "names of chords": ("play chord_names.to_a.count('maj13')", [(0, 0)], [(0, 1)]),
    "notes of augmented ninths": (
        "play chord(60, '9+5')[1]; play chord(60, 'm9+5')[1]",
        [(0, 70), (0, 70)],
        [(0, 64), (0, 63)],
    ),
    "drive": ("set_drive! 0.75; play 60 + 4 * current_drive", [(0, 62)], [(0, 63)]),
    "merged defaults": (
        "use_synth_defaults note: 61; use_merged_synth_defaults amp: 1; play 60",
        [],
        [(0, 60)],
    ),
    "sync in a time_warp": ("play 60; time_warp(0.1) { sync :a }; play 61", [(0, 60)], [(0, 60)]),
}


@pytest.mark.parametrize("name", PROGRAMS_OF_BOTH_VERSIONS)
def test_sonic_pi_5_plays_its_own_notes(name: str, worker: RenderWorker) -> None:
    source, *expected_by_version = PROGRAMS_OF_BOTH_VERSIONS[name]
    for sonic_pi, expected in zip(("3.2", "5"), expected_by_version, strict=True):
        messages, _ = worker.collect_osc_messages(source, 2.0, sonic_pi)
        notes = [
            (round(message.time, 3), message.control_value_by_name["note"])
            for message in messages
            if message.synthdef_name and "note" in message.control_value_by_name
        ]
        assert notes == [(pytest.approx(t), pytest.approx(n)) for t, n in expected], sonic_pi


# -- programs of 3.2.2 ----------------------------------------------------------------------------


def test_functions_of_later_versions_leave_scores_of_other_programs_unchanged(
    worker: RenderWorker,
) -> None:
    source = (
        "live_loop(:a) { use_bpm 90; play rrand(50, 70); sleep 0.5 }\n"
        "with_bpm_mul(2) { sleep 1; play 60 }"
    )
    unchanged = worker.generate_scsynth_score(source, 4.0)
    worker.generate_scsynth_score("use_random_source :perlin; set_link_bpm! 90; play rand", 4.0)
    assert worker.generate_scsynth_score(source, 4.0) == unchanged
