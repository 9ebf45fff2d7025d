"""Descriptors of signals whose properties are known."""

import numpy as np
import pytest

from core.encoders import find_encoder_spec, get_encoder
from core.encoders.clip_descriptor_definitions import (
    CLIP_DESCRIPTORS,
    DESCRIPTOR_NAMES,
    decode_descriptors,
)
from core.encoders.clip_descriptor_encoder import measure_clip_descriptors
from core.sonicpi.audio_clip_and_render_result import Clip

RATE = 44_100


def make_clip(left, right=None, rate=RATE):
    right = left if right is None else right
    return Clip(np.stack([left, right], axis=1).astype(np.float32), rate)


def make_sine(hertz, dbfs, seconds=4.0, rate=RATE):
    time = np.arange(int(seconds * rate)) / rate
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time)


def make_clicks(per_second, seconds=8.0):
    rng = np.random.default_rng(1)
    samples = np.zeros(int(seconds * RATE))
    for start in np.arange(0, seconds, 1 / per_second):
        first = int(start * RATE)
        samples[first : first + 800] = 0.5 * rng.uniform(-1, 1, 800) * np.linspace(1, 0, 800)
    return samples


def test_sine_has_the_loudness_peak_and_register_of_its_definition():
    values = measure_clip_descriptors(make_clip(make_sine(997, -20)))
    # ITU-R BS.1770: a stereo sine of 997 Hz at -20 dBFS has -20 LUFS (one channel: -23).
    assert values["loudness"] == pytest.approx(-20, abs=0.1)
    assert measure_clip_descriptors(make_clip(make_sine(997, -20), np.zeros(4 * RATE)))[
        "loudness"
    ] == pytest.approx(-23, abs=0.1)
    assert values["peak"] == pytest.approx(-20, abs=0.1)
    assert values["register"] == pytest.approx(69 + 12 * np.log2(997 / 440), abs=0.3)
    assert values["brightness"] == pytest.approx(997, rel=0.1)
    assert values["level_1"] == pytest.approx(-23, abs=0.1)
    assert values["level_6"] == pytest.approx(-23, abs=0.1)
    assert (values["silence"], values["stereo_width"]) == (0, pytest.approx(0, abs=1e-6))


def test_peak_between_samples_is_found():
    # A quarter of the sample rate, sampled 45 degrees off its peaks: 3 dB below the true peak.
    samples = 0.5 * np.sin(2 * np.pi * 0.25 * np.arange(2 * RATE) + np.pi / 4)
    assert np.abs(samples).max() == pytest.approx(0.3536, abs=1e-3)
    assert measure_clip_descriptors(make_clip(samples))["peak"] == pytest.approx(-6.0, abs=0.3)


@pytest.mark.parametrize("per_second", [1, 4, 8])
def test_clicks_have_their_onset_rate(per_second):
    values = measure_clip_descriptors(make_clip(make_clicks(per_second)))
    assert values["onset_rate"] == pytest.approx(per_second, abs=0.15 * per_second)


def test_tempo_of_clicks_is_their_rate_or_an_octave_of_it():
    tempo = measure_clip_descriptors(make_clip(make_clicks(2)))["tempo"]
    assert min(abs(tempo / 120 - octave) for octave in (0.5, 1, 2)) < 0.05
    assert np.isnan(measure_clip_descriptors(make_clip(make_sine(220, -20)))["tempo"])


def test_noise_is_noisier_brighter_and_wider_than_a_tone():
    rng = np.random.default_rng(0)
    noise = make_clip(*(0.2 * rng.standard_normal((2, 4 * RATE))))
    tone = make_clip(make_sine(220, -20))
    noise_values, tone_values = measure_clip_descriptors(noise), measure_clip_descriptors(tone)
    assert noise_values["noisiness"] > -1 and tone_values["noisiness"] < -30
    assert noise_values["brightness"] > 5000 > tone_values["brightness"]
    assert noise_values["stereo_width"] == pytest.approx(50, abs=1)
    left, right = make_sine(220, -20), -make_sine(220, -20)
    assert measure_clip_descriptors(make_clip(left, right))["stereo_width"] == pytest.approx(100)


def test_level_and_silence_follow_the_clip():
    samples = np.concatenate([make_sine(440, -10, 3), np.zeros(3 * RATE)])
    values = measure_clip_descriptors(make_clip(samples))
    assert values["silence"] == pytest.approx(50, abs=1)
    assert [round(values[f"level_{number}"]) for number in (1, 3, 4, 6)] == [-13, -13, -70, -70]


def test_silence_and_very_short_clips_have_finite_vectors():
    clips = [make_clip(np.zeros(RATE)), make_clip(np.zeros(1)), make_clip(make_sine(440, -6, 0.01))]
    clips.append(make_clip(make_sine(440, -20, 2, 48_000), rate=48_000))
    vectors = get_encoder("descriptors").embed(clips)
    assert vectors.shape == (4, find_encoder_spec("descriptors").dim) and np.isfinite(vectors).all()
    values = decode_descriptors(vectors)
    np.testing.assert_allclose(values["loudness"][:2], -70)
    assert np.isnan(values["brightness"][:2]).all() and np.isnan(values["tempo"]).all()
    assert values["register"][3] == pytest.approx(69, abs=0.5)


def test_vectors_decode_to_the_measured_values():
    clip = make_clip(make_clicks(4), 0.5 * make_clicks(3))
    values = measure_clip_descriptors(clip)
    decoded = decode_descriptors(get_encoder("descriptors").embed([clip]))
    for name in DESCRIPTOR_NAMES:
        assert decoded[name][0] == pytest.approx(values[name], rel=1e-4, abs=1e-3), name
    assert len({descriptor.name for descriptor in CLIP_DESCRIPTORS}) == len(CLIP_DESCRIPTORS)
