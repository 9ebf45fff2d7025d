"""Windows, sample rates, channels and mel bands, each against a slow independent computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from core.encoders import EmbedError, get_encoder
from core.encoders.audio import mix_to_mono, resample
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.windowing import compute_window_weights, split_into_windows
from core.sonicpi.clip import Clip


@given(st.data())
def test_windows_cover_everything_and_overlap(data):
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
    fewer = len(windows) - 1
    assert window + (fewer - 1) * (window - overlap) < length, "no window too many"


@given(st.integers(0, 500), st.integers(2, 60))
def test_each_place_weighs_one_over_all_windows(length, window):
    windows = split_into_windows(length, window, window // 2)
    total = np.zeros(length)
    for (start, stop), weight in zip(windows, compute_window_weights(length, windows)):
        total[start:stop] += weight
    np.testing.assert_allclose(total, 1)


@pytest.mark.parametrize("have, want", [(44_100, 16_000), (44_100, 48_000), (48_000, 44_100)])
def test_resampling_keeps_what_both_rates_can_hold(have, want):
    seconds = np.arange(have) / have
    wave = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (100, 1000, 7000)) / 3
    heard = resample(wave.astype(np.float32), have, want)
    assert heard.dtype == np.float32 and len(heard) == want
    seconds = np.arange(want) / want
    truth = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (100, 1000, 7000)) / 3
    inner = slice(want // 20, -want // 20)
    np.testing.assert_allclose(heard[inner], truth[inner], atol=1e-3)


def test_resampling_removes_what_would_fold_back():
    seconds = np.arange(44_100) / 44_100
    wave = np.sin(2 * np.pi * 10_000 * seconds).astype(np.float32)
    heard = resample(wave, 44_100, 16_000)[800:-800]
    assert np.sqrt(np.mean(heard**2)) < 10 ** (-75 / 20)


def test_an_equal_rate_changes_nothing():
    wave = np.arange(5, dtype=np.float32)
    assert resample(wave, 44_100, 44_100) is wave


def test_mono_is_the_mean_of_the_channels():
    samples = np.array([[1, 0], [0.5, -0.5], [-1, -1]], np.float32)
    np.testing.assert_array_equal(mix_to_mono(Clip(samples)), [0.5, 0, -1])
    np.testing.assert_array_equal(mix_to_mono(Clip(samples[:, 0])), samples[:, 0])
    many = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    for channels in (many[:, :2], many):
        np.testing.assert_array_equal(mix_to_mono(Clip(channels)), channels.mean(axis=1))


@pytest.mark.parametrize(
    "item, why",
    [
        ("play 60", "not str"),
        (np.zeros(10, np.float32), "not ndarray"),
        (Clip(np.zeros((0, 2), np.float32)), "no samples"),
        (Clip(np.full((10, 2), np.nan, np.float32)), "not finite"),
        (Clip(np.array([[0, np.inf]], np.float32)), "not finite"),
    ],
)
def test_what_is_no_clip_is_named_by_its_place(item, why):
    fine = Clip(np.ones((100, 2), np.float32))
    with pytest.raises(EmbedError, match=f"item 2.*{why}") as caught:
        get_encoder("log-mel").embed([fine, fine, item])
    assert caught.value.index == 2


def slow_mel_bank(bands, fft, sample_rate, low, high):
    """Triangle by triangle and bin by bin, as the HTK book draws them."""
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # noqa: E731
    step = (mel(high) - mel(low)) / (bands + 1)
    bank = np.zeros((bands, fft // 2 + 1))
    for band in range(bands):
        edges = [700 * (10 ** ((mel(low) + (band + k) * step) / 2595) - 1) for k in range(3)]
        for bin_ in range(fft // 2 + 1):
            hertz = bin_ * sample_rate / fft
            bank[band, bin_] = max(np.interp(hertz, edges, [0, 1, 0], left=0, right=0), 0)
        bank[band] /= bank[band].sum()
    return bank


@pytest.mark.parametrize(
    "arguments", [(96, 2048, 44_100, 0.0, 22_050.0), (64, 2048, 44_100, 30.0, 16_000.0)]
)
def test_the_mel_bank_is_the_book_s(arguments):
    bank = build_mel_filterbank(*arguments)
    np.testing.assert_allclose(bank, slow_mel_bank(*arguments), atol=1e-6)
    np.testing.assert_allclose(bank.sum(axis=1), 1, rtol=1e-5)


def tone(hertz, seconds=2.0, level=0.3, rate=44_100):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return Clip(np.repeat(wave[:, None], 2, axis=1).astype(np.float32), rate)


def test_log_mel_measures_a_tone_as_the_definition_says():
    bin_ = 47
    vector = get_encoder("log-mel").embed([tone(bin_ * 44_100 / 2048, seconds=5)])[0]
    mean, spread_, change = vector.reshape(3, 64)
    # A Hann window spreads a tone in the middle of a bin over three of them, the outer two at a
    # quarter of its power; at RMS -20 dB a sine's power is twice 0.1 squared.
    bank = slow_mel_bank(64, 2048, 44_100, 30.0, 16_000.0)
    power = bank[:, bin_ - 1 : bin_ + 2] @ [0.25, 1, 0.25] * 2 * 0.1**2
    band = int(np.argmax(power))
    assert np.argmax(mean) == band
    assert mean[band] * 15 - 50 == pytest.approx(10 * np.log10(power[band]), abs=0.2)
    assert mean.min() * 15 - 50 == pytest.approx(-80, abs=0.5)
    assert spread_[band] < 0.2 and change[band] < 0.1


def test_log_mel_hears_no_loudness_but_pitch_and_rhythm():
    clips = [tone(440), tone(440, level=0.01), tone(2000)]
    pulse = tone(440).samples * (np.arange(88_200) % 11_025 < 4000)[:, None]
    loud, soft, high, pulsed = get_encoder("log-mel").embed([*clips, Clip(pulse.astype(np.float32))])
    np.testing.assert_allclose(loud, soft, atol=1e-3)
    assert np.linalg.norm(loud - high) > 1 and np.linalg.norm(loud - pulsed) > 1


def test_log_mel_of_silence_is_the_floor_at_any_length():
    short, long = get_encoder("log-mel").embed([Clip(np.zeros((n, 2), np.float32)) for n in (1, 100_000)])
    np.testing.assert_array_equal(short, long)
    np.testing.assert_allclose(short, np.repeat([-2.0, 0, 0], 64), atol=1e-5)


def test_other_sample_rates_are_heard_alike():
    one, other = get_encoder("log-mel").embed([tone(440), tone(440, rate=48_000)])
    inaudible = one.reshape(3, 64)[0] < -1.5
    audible = ~np.tile(inaudible, 3)
    np.testing.assert_allclose(one[audible], other[audible], atol=0.2)


def test_progress_and_order():
    seen = []
    clips = [tone(hertz, 0.2) for hertz in (200, 3000, 800)]
    together = get_encoder("log-mel").embed(
        clips, progress=lambda step, done, total, *rest: seen.append((step, done, total))
    )
    assert seen == [("Embedding clips", done, 3) for done in (1, 2, 3)]
    for clip, vector in zip(clips, together):
        np.testing.assert_array_equal(get_encoder("log-mel").embed([clip])[0], vector)
    nothing = get_encoder("log-mel").embed([])
    assert nothing.shape == (0, 192) and nothing.dtype == np.float32


def test_log_mel_is_the_same_whatever_the_threads():
    """A cancelled build goes on in a process that may have more of them, or fewer."""
    clip = Clip(np.random.default_rng(4).normal(0, 0.1, (5 * 44_100, 2)).astype(np.float32))
    vectors = []
    for threads in (1, 2, 4, 7):
        with threadpool_limits(threads):
            vectors.append(get_encoder("log-mel").embed([clip]).tobytes())
    assert len(set(vectors)) == 1
