"""The sounds that came after Sonic Pi 3.2.2, and the choice of Sonic Pi's version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi import Clip, RenderResult, sandbox
from core.sonicpi.newer_sonic_pi_sounds import (
    are_newer_sonic_pi_sounds_installed,
    load_newer_sample_seconds,
    load_newer_sonic_pi_sounds,
    load_newer_synth_options,
)
from core.sonicpi.render_worker import RenderWorker

# Seconds after which scsynth frees the synth, measured with `scsynth -N` on the SynthDef alone as
# the last sample that is not zero. Where a sustain level of 0 hides the end, it is the envelope's
# length.
MEASURED_LIFETIMES = {
    "synth :bass_foundation": 1.0,
    "synth :bass_highend": 1.0,
    "synth :gabberkick": 0.328,
    "synth :organ_tonewheel": 1.019,
    "synth :rhodey": 2.001,
    "synth :rodeo": 1.004,
    "synth :rodeo, sustain: 1": 2.003,
    "synth :kalimba, sustain: 1": 2.003,
    "synth :sc808_bassdrum": 2.001,
    "synth :sc808_bassdrum, decay_curve: -40": 0.657,
    "synth :sc808_clap": 2.035,
    "synth :sc808_clap, amp: 3": 2.532,
    "synth :sc808_claves, decay: 2": 1.022,
    "synth :sc808_closed_hihat": 0.276,
    "synth :sc808_closed_hihat, decay: 1": 0.505,
    "synth :sc808_congahi": 0.322,
    "synth :sc808_congalo": 0.765,
    "synth :sc808_congamid": 0.432,
    "synth :sc808_cowbell": 0.942,
    "synth :sc808_cowbell, amp: 0.5": 0.865,
    "synth :sc808_cymbal": 2.299,
    "synth :sc808_open_hihat": 0.598,
    "synth :sc808_rimshot": 0.071,
    "synth :sc808_tomhi": 0.505,
    "synth :sc808_tomlo": 0.836,
    "synth :sc808_tomlo, decay: 4, decay_curve: -20": 1.94,
    "synth :sc808_tommid": 0.691,
}
LIFETIME_TOLERANCE = 0.06
FX_KILL_DELAY = 1.0
# Options for which the loudest partial is the same at every note.
PITCHED_SYNTHS = {
    "bass_foundation": "",
    "bass_highend": ", res: 0, cutoff: 70, drive: 0",
    "kalimba": "",
    "organ_tonewheel": ", bass: 0, quint: 0, oct: 0",
    "rhodey": "",
    "rodeo": "",
    "sc808_congalo": "",
    "sc808_tomlo": "",
}


@pytest.fixture(scope="module")
def worker() -> Iterator[RenderWorker]:
    worker = RenderWorker()
    yield worker
    worker.close()


def render(worker: RenderWorker, source: str, sonic_pi: str = "3.2", seconds: float = 1.0) -> Clip:
    result = worker.render(source, seconds, sonic_pi=sonic_pi)
    assert result.clip is not None, (source, result.error)
    return result.clip


def collect_notes(worker: RenderWorker, source: str, sonic_pi: str) -> list[float]:
    messages, result = worker.collect_osc_messages(source, 1.0, sonic_pi)
    assert result.error is None, (source, result.error)
    notes = [message.control_value_by_name.get("note") for message in messages]
    return [note for note in notes if note is not None]


def list_loaded_samples(worker: RenderWorker, source: str, sonic_pi: str) -> list[str]:
    messages, result = worker.collect_osc_messages(source, 1.0, sonic_pi)
    assert result.error is None, (source, result.error)
    loads = [message for message in messages if message.address == "/b_allocRead"]
    return [Path(message.arguments[1]).stem for message in loads]


def find_loudest_frequency(clip: Clip) -> float:
    spectrum = np.abs(np.fft.rfft(clip.samples.mean(axis=1), 1 << 18))
    return float(spectrum.argmax() * clip.sample_rate / (1 << 18))


def test_the_sounds_are_installed():
    assert are_newer_sonic_pi_sounds_installed(), "Install them with: ./run sounds"


# test_inventory.py renders them with the default version.
def test_every_later_synth_sounds_in_sonic_pi_5(worker):
    for name in load_newer_synth_options():
        result = worker.render(f"synth :{name}", 1.0, sonic_pi="5")
        assert result.clip is not None and result.clip.rms > 1e-3, (name, result.error)
        assert result.warnings == ()


def test_every_later_sample_sounds_for_its_length(worker):
    for name, seconds in load_newer_sample_seconds().items():
        result = worker.render(f"sample :{name}", 1.0)
        assert result.clip is not None, (name, result.error)
        assert result.warnings == ()
        end = round((seconds + 0.1) * result.clip.sample_rate)
        assert np.abs(result.clip.samples[end:]).max(initial=0) < 1e-3, name


@pytest.mark.parametrize("name", PITCHED_SYNTHS)
def test_an_octave_doubles_the_frequency(worker, name):
    lower, higher = (
        find_loudest_frequency(render(worker, f"synth :{name}, note: {note}{PITCHED_SYNTHS[name]}"))
        for note in (48, 60)
    )
    assert higher / lower == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize(("call", "seconds"), MEASURED_LIFETIMES.items())
def test_later_synths_live_as_long_as_in_scsynth(worker, call, seconds):
    # An FX is freed a fixed time after its last synth has ended.
    messages, _ = worker.collect_osc_messages(f"with_fx(:level) {{ {call} }}", 5.0)
    freed = [message.time for message in messages if message.address == "/n_free"]
    assert freed[0] - FX_KILL_DELAY == pytest.approx(seconds, abs=LIFETIME_TOLERANCE)


def test_lists_of_names_are_those_of_the_chosen_version(worker):
    source = (
        "play synth_names.size\nplay sample_groups.size + 20\nplay sample_names(:bd).size + 60\n"
        "play all_sample_names.size - 100\nplay sample_names(:hat).size + 90"
    )
    # Sonic Pi 3.2.2 has no group :hat, so that it is known changes no program of 3.2.2.
    assert collect_notes(worker, source, "3.2") == [42, 34, 73, 64, 111]
    assert collect_notes(worker, source, "5") == [65, 38, 75, 105, 111]


def test_filters_find_later_samples_only_where_3_2_finds_none(worker):
    assert list_loaded_samples(worker, 'sample "bd_", 1', "3.2") == ["bd_ada"]
    assert list_loaded_samples(worker, 'sample "bd_c"', "3.2") == ["bd_chip"]
    assert list_loaded_samples(worker, 'sample "hat_", 2', "3.2") == ["hat_cats"]
    assert list_loaded_samples(worker, "load_samples :ride_tri, :ride_via", "3.2") == []
    later_and_earlier = list_loaded_samples(worker, 'load_samples "bd_"', "5")
    assert later_and_earlier == sorted(later_and_earlier)
    assert {"bd_chip", "bd_jazz", "bd_haus"} <= set(later_and_earlier)


def test_options_of_later_synths_are_checked_and_slide(worker):
    checks = {
        "rodeo, use_chorus: 2": "must be one of the following values: [0, 1]",
        "bass_foundation, res: 1": "must be a value less than 1",
        "organ_tonewheel, tierce: 9": "must be a value between 0 and 8 inclusively",
        "sc808_tomlo, decay: 0": "must be greater than zero",
        "bass_highend, drive: -1": "must be zero or greater",
    }
    for call, message in checks.items():
        result = worker.render(f"use_arg_checks true\nsynth :{call}", 0.5)
        assert message in str(result.error) and result.error.line == 2
    fixed = "use_arg_checks true\ns = synth :kalimba\ncontrol s, clickiness: 1"
    assert "not modulatable" in str(worker.render(fixed, 0.5).warnings[0])
    source = "s = synth :bass_highend, sustain: 1, drive_slide: 0.5\ncontrol s, drive: 9"
    plain = render(worker, "synth :bass_highend, sustain: 1")
    assert np.abs(render(worker, source).samples - plain.samples).max() > 0.01


@pytest.mark.parametrize("source", ["synth :winwood_lead", "use_synth :winwood_lead\nplay 60"])
def test_a_synth_that_no_package_has_is_named(worker, source):
    error = worker.render(source, 0.5).error
    assert error.kind == "silent"
    assert ":winwood_lead came with Sonic Pi 4.0, but its sound is not available" in str(error)


def test_a_note_without_sound_does_not_end_its_thread(worker):
    source = "use_synth :winwood_lead\ns = play 60, cutoff: 90\ncontrol s, note: 62\nsleep 0.1\n"
    result = worker.render(f"{source}synth :beep", 0.5)
    assert result.clip.rms > 0.01
    (warning,) = result.warnings
    assert (warning.kind, warning.name, warning.line) == ("unknown_synth", "winwood_lead", 2)


CHANGED_SYNTHS = {
    "dpulse": "s = synth :dpulse, sustain: 1, pulse_width_slide: 1, pulse_width_slide_shape: 5,"
    " pulse_width_slide_curve: 8\ncontrol s, pulse_width: 0.05",
    "dull_bell": "s = synth :dull_bell, note: 40, amp_slide: 0.3\ncontrol s, amp: 0.1",
    "pretty_bell": "s = synth :pretty_bell, note: 40, amp_slide: 0.3\ncontrol s, amp: 0.1",
    "pulse": "s = synth :pulse, sustain: 1, pulse_width_slide: 1, pulse_width_slide_shape: 5,"
    " pulse_width_slide_curve: 8\ncontrol s, pulse_width: 0.05",
    "subpulse": "s = synth :subpulse, sustain: 1, pulse_width_slide: 1, pulse_width_slide_shape: 5,"
    " pulse_width_slide_curve: 8\ncontrol s, pulse_width: 0.05",
    "tech_saws": "synth :tech_saws",
    "fx_autotuner": "with_fx(:autotuner, note: 48, note_slide: 0.5) { |fx| synth :saw, sustain: 1\n"
    "control fx, note: 60 }",
}


@pytest.mark.parametrize("name", load_newer_sonic_pi_sounds()["changed_synthdefs"])
def test_changed_synths_sound_differently_in_sonic_pi_5(worker, name):
    clips = [render(worker, CHANGED_SYNTHS[name], sonic_pi).samples for sonic_pi in ("3.2", "5")]
    # The mixer of Sonic Pi 5 alone changes less: see the next test.
    assert np.abs(clips[0] - clips[1]).max() > 0.02


def test_quiet_programs_are_nearly_the_same_in_both_versions(worker):
    of_3_2, of_5 = (render(worker, "play 60, amp: 0.5", v).samples[:, 0] for v in ("3.2", "5"))
    # The limiter of 3.2.2 delays the sound by 20 ms, that of Sonic Pi 5 by 1.5 ms.
    delays = range(700, 1000)
    overlap = slice(2000, 30_000)
    differences = [np.abs(of_3_2[delay:][overlap] - of_5[overlap]).max() for delay in delays]
    assert min(differences) < 2e-3
    assert delays[int(np.argmin(differences))] == pytest.approx(882 - 66, abs=2)


def test_the_volume_of_sonic_pi_5_is_0_to_1(worker):
    levels = {
        (volume, sonic_pi): render(worker, f"set_volume! {volume}, true\nplay 60", sonic_pi).rms
        for volume in (0.5, 1, 3)
        for sonic_pi in ("3.2", "5")
    }
    assert levels[3, "3.2"] > 2.5 * levels[1, "3.2"]
    assert levels[3, "5"] == pytest.approx(levels[1, "5"], rel=1e-3)
    assert levels[0.5, "5"] == pytest.approx(levels[1, "5"] / 2, rel=0.05)


def test_the_volume_comes_after_the_limiter_in_sonic_pi_5(worker):
    loud = (
        "set_volume! 0.5, true\nsleep 0.1\n4.times { synth :square, note: 40, sustain: 1, amp: 4 }"
    )
    peaks = [np.abs(render(worker, loud, v).samples[20_000:]).max() for v in ("3.2", "5")]
    assert peaks[0] > 0.9
    assert peaks[1] == pytest.approx(0.495, abs=0.01)


def test_one_gain_limits_both_channels_in_sonic_pi_5(worker):
    source = (
        "synth :saw, note: 40, sustain: 1, amp: 20, pan: -1\n"
        "synth :saw, note: 40, sustain: 1, amp: 2, pan: 1"
    )
    ratios = []
    for sonic_pi in ("3.2", "5"):
        left, right = np.abs(render(worker, source, sonic_pi).samples[10_000:40_000]).mean(axis=0)
        ratios.append(left / right)
    assert ratios[1] == pytest.approx(10, rel=0.1)
    assert ratios[0] < 5


def test_drive_is_for_sonic_pi_5(worker):
    soft, hard = (render(worker, f"set_drive! {d}, true\nplay 60", "5").rms for d in (0.5, 0.75))
    assert hard == pytest.approx(2 * soft, rel=0.1)
    warnings = worker.render("set_drive! 1\nplay 60", 0.5).warnings
    assert [(warning.kind, warning.line) for warning in warnings] == [("ignored", 1)]


def test_the_status_of_scsynth_counts_later_synths(worker):
    source = "synth :organ_tonewheel\nsynth :rodeo\nsleep 0.6\nplay status[:synths] + 50"
    plain_source = source.replace(":organ_tonewheel", ":saw").replace(":rodeo", ":saw, sustain: 1")
    assert collect_notes(worker, source, "5") == collect_notes(worker, plain_source, "3.2")


@pytest.fixture
def worker_without_sounds(monkeypatch) -> Iterator[RenderWorker]:
    monkeypatch.setattr(sandbox, "are_newer_sonic_pi_sounds_installed", lambda: False)
    worker = RenderWorker()
    yield worker
    worker.close()


def test_without_the_sounds_their_names_are_explained(worker, worker_without_sounds):
    def try_render(source: str) -> RenderResult:
        return worker_without_sounds.render(source, 0.5)

    hint = "sounds of later versions are not installed: run ./run sounds"
    assert f":rodeo came with Sonic Pi 3.3, and the {hint}" in str(try_render("synth :rodeo").error)
    assert try_render("synth :rodeo\nplay 60").has_clip
    sample = try_render("play 60\nsample :hat_zap")
    assert sample.has_clip and sample.warnings[0].line == 2
    assert f":hat_zap came with Sonic Pi 4.4, and the {hint}" in str(sample.warnings[0])
    plain = [each.render("play 60", 0.5).clip for each in (worker, worker_without_sounds)]
    assert np.array_equal(plain[0].samples, plain[1].samples)
    # The mixer of Sonic Pi 5 needs none of these sounds.
    assert worker_without_sounds.render("set_volume! 3\nplay 60", 0.5, sonic_pi="5").has_clip
