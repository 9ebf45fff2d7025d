"""Windows, resampling, mono mixing and mel bands, compared with slow reference computations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from core.encoders import EmbedError, get_encoder
from core.encoders.audio_encoder_base import mix_to_mono, resample_waveform
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.overlapping_windows import compute_window_weights, split_into_windows
from core.sonicpi.audio_clip_and_render_result import Clip


@given(st.data())
def test_windows_cover_the_sequence_and_overlap(data):
    window = data.draw(st.integers(1, 80))
    overlap = data.draw(st.integers(0, window - 1))
    length = data.draw(st.integers(0, 2000))
    windows = split_into_windows(length, window, overlap)
    assert windows[0][0] == 0 and windows[-1][1] == length
    if length <= window:
        assert windows == [(0, length)]
        return
    assert all(stop - start == window for start, stop in windows)
    for (start, stop), (following, _) in zip(windows, windows[1:]):
        assert start < following <= stop - overlap
    fewer_windows = len(windows) - 1
    assert window + (fewer_windows - 1) * (window - overlap) < length, "one window too many"


@given(st.integers(0, 500), st.integers(2, 60))
def test_window_weights_add_up_to_one_at_each_position(length, window):
    windows = split_into_windows(length, window, window // 2)
    total = np.zeros(length)
    for (start, stop), weight in zip(windows, compute_window_weights(length, windows)):
        total[start:stop] += weight
    np.testing.assert_allclose(total, 1)


@pytest.mark.parametrize(
    "source_rate, target_rate", [(44_100, 16_000), (44_100, 48_000), (48_000, 44_100)]
)
def test_resampling_keeps_frequencies_that_both_rates_represent(source_rate, target_rate):
    seconds = np.arange(source_rate) / source_rate
    wave = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (100, 1000, 7000)) / 3
    resampled = resample_waveform(wave.astype(np.float32), source_rate, target_rate)
    assert resampled.dtype == np.float32 and len(resampled) == target_rate
    seconds = np.arange(target_rate) / target_rate
    expected = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (100, 1000, 7000)) / 3
    inner = slice(target_rate // 20, -target_rate // 20)
    np.testing.assert_allclose(resampled[inner], expected[inner], atol=1e-3)


def test_resampling_removes_frequencies_that_would_alias():
    seconds = np.arange(44_100) / 44_100
    wave = np.sin(2 * np.pi * 10_000 * seconds).astype(np.float32)
    resampled = resample_waveform(wave, 44_100, 16_000)[800:-800]
    assert np.sqrt(np.mean(resampled**2)) < 10 ** (-75 / 20)


def test_resampling_to_the_same_rate_returns_the_waveform():
    wave = np.arange(5, dtype=np.float32)
    assert resample_waveform(wave, 44_100, 44_100) is wave


def test_mono_is_the_mean_of_the_channels():
    samples = np.array([[1, 0], [0.5, -0.5], [-1, -1]], np.float32)
    np.testing.assert_array_equal(mix_to_mono(Clip(samples)), [0.5, 0, -1])
    np.testing.assert_array_equal(mix_to_mono(Clip(samples[:, 0])), samples[:, 0])
    noise = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    for channels in (noise[:, :2], noise):
        np.testing.assert_array_equal(mix_to_mono(Clip(channels)), channels.mean(axis=1))


@pytest.mark.parametrize(
    "item, reason",
    [
        ("play 60", "not str"),
        (np.zeros(10, np.float32), "not ndarray"),
        (Clip(np.zeros((0, 2), np.float32)), "no samples"),
        (Clip(np.full((10, 2), np.nan, np.float32)), "not finite"),
        (Clip(np.array([[0, np.inf]], np.float32)), "not finite"),
    ],
)
def test_the_error_of_an_invalid_clip_names_its_index(item, reason):
    valid = Clip(np.ones((100, 2), np.float32))
    with pytest.raises(EmbedError, match=f"item 2.*{reason}") as caught:
        get_encoder("log-mel").embed([valid, valid, item])
    assert caught.value.index == 2


def slow_mel_filterbank(bands, fft, sample_rate, low, high):
    """Compute the filterbank band by band and bin by bin, as the HTK book defines it."""

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    step = (mel(high) - mel(low)) / (bands + 1)
    filters = np.zeros((bands, fft // 2 + 1))
    for band in range(bands):
        edges = [700 * (10 ** ((mel(low) + (band + k) * step) / 2595) - 1) for k in range(3)]
        for bin_ in range(fft // 2 + 1):
            hertz = bin_ * sample_rate / fft
            filters[band, bin_] = max(np.interp(hertz, edges, [0, 1, 0], left=0, right=0), 0)
        filters[band] /= filters[band].sum()
    return filters


@pytest.mark.parametrize(
    "arguments", [(96, 2048, 44_100, 0.0, 22_050.0), (64, 2048, 44_100, 30.0, 16_000.0)]
)
def test_the_mel_filterbank_equals_the_htk_book_s(arguments):
    filters = build_mel_filterbank(*arguments)
    np.testing.assert_allclose(filters, slow_mel_filterbank(*arguments), atol=1e-6)
    np.testing.assert_allclose(filters.sum(axis=1), 1, rtol=1e-5)


def tone(hertz, seconds=2.0, level=0.3, rate=44_100):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return Clip(np.repeat(wave[:, None], 2, axis=1).astype(np.float32), rate)


def test_log_mel_of_a_tone_follows_the_definition():
    bin_ = 47
    vector = get_encoder("log-mel").embed([tone(bin_ * 44_100 / 2048, seconds=5)])[0]
    mean, deviation, change = vector.reshape(3, 64)
    # A Hann window spreads a tone in the middle of a bin over three of them, the outer two at a
    # quarter of its power; at RMS -20 dB a sine's power is twice 0.1 squared.
    filters = slow_mel_filterbank(64, 2048, 44_100, 30.0, 16_000.0)
    power = filters[:, bin_ - 1 : bin_ + 2] @ [0.25, 1, 0.25] * 2 * 0.1**2
    band = int(np.argmax(power))
    assert np.argmax(mean) == band
    assert mean[band] * 15 - 50 == pytest.approx(10 * np.log10(power[band]), abs=0.2)
    assert mean.min() * 15 - 50 == pytest.approx(-80, abs=0.5)
    assert deviation[band] < 0.2 and change[band] < 0.1


def test_log_mel_depends_on_pitch_and_rhythm_but_not_on_loudness():
    clips = [tone(440), tone(440, level=0.01), tone(2000)]
    pulse = tone(440).samples * (np.arange(88_200) % 11_025 < 4000)[:, None]
    clips.append(Clip(pulse.astype(np.float32)))
    loud, soft, high, pulsed = get_encoder("log-mel").embed(clips)
    np.testing.assert_allclose(loud, soft, atol=1e-3)
    assert np.linalg.norm(loud - high) > 1 and np.linalg.norm(loud - pulsed) > 1


def test_log_mel_of_silence_is_the_minimum_level_at_any_length():
    clips = [Clip(np.zeros((frames, 2), np.float32)) for frames in (1, 100_000)]
    short, long = get_encoder("log-mel").embed(clips)
    np.testing.assert_array_equal(short, long)
    np.testing.assert_allclose(short, np.repeat([-2.0, 0, 0], 64), atol=1e-5)


def test_log_mel_hardly_depends_on_the_sample_rate():
    cd, dat = get_encoder("log-mel").embed([tone(440), tone(440, rate=48_000)])
    inaudible = cd.reshape(3, 64)[0] < -1.5
    audible = ~np.tile(inaudible, 3)
    np.testing.assert_allclose(cd[audible], dat[audible], atol=0.2)


def test_embed_reports_progress_and_keeps_the_order():
    reports = []
    clips = [tone(hertz, 0.2) for hertz in (200, 3000, 800)]
    vectors = get_encoder("log-mel").embed(
        clips, progress=lambda step, done, total, *_: reports.append((step, done, total))
    )
    assert reports == [("Embedding clips", done, 3) for done in (1, 2, 3)]
    for clip, vector in zip(clips, vectors):
        np.testing.assert_array_equal(get_encoder("log-mel").embed([clip])[0], vector)
    empty = get_encoder("log-mel").embed([])
    assert empty.shape == (0, 192) and empty.dtype == np.float32


def test_log_mel_does_not_depend_on_the_number_of_threads():
    """A resumed build runs in a process that may have another number of them."""
    clip = Clip(np.random.default_rng(4).normal(0, 0.1, (5 * 44_100, 2)).astype(np.float32))
    vectors = []
    for threads in (1, 2, 4, 7):
        with threadpool_limits(threads):
            vectors.append(get_encoder("log-mel").embed([clip]).tobytes())
    assert len(set(vectors)) == 1
