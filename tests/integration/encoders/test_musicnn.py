"""The music-tagging CNN: its weights against TensorFlow, random weights against plain layers."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.encoders import find_encoder_spec, get_encoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_loading import load_encoder, load_encoder_without_sanity_check
from core.encoders.model_weight_sources import FolderWeights
from core.encoders.musicnn import split_spectrogram_into_windows
from core.encoders.musicnn_network import (
    MusicTaggingNetwork,
    list_required_tensor_shapes,
    read_network_weights,
)
from core.encoders.tensorflow_checkpoint import CheckpointError
from core.sonicpi.audio_clip_and_render_result import Clip
from tests.unit.encoders.checkpoint_files import save_checkpoint

FP32 = ComputeConfig("cpu", use_bf16=False)
# For `make_waveform`: the log-mel spectrogram of librosa 0.11 (reflected ends), and what the
# checkpoint's own graph computes from it in TensorFlow 2.21.
MEL_VALUES = {(0, 0): 5.739201, (10, 5): 4.424251, (50, 20): 2.269122, (100, 50): 0, (150, 95): 0}
PENULTIMATE_VALUES = [
    *(-0.17717558, -0.12702879, -0.28482637, -0.27512100, -0.35315061, 1.41711271),
    *(-0.25740564, 0.30276340, -0.07686342, 2.68875742, 0.41009890, 1.03557170),
]
PENULTIMATE_NORM = 22.786446
TAG_VALUES = {4: 0.8129376, 41: 0.5495493, 18: 0.2258971, 48: 0.0950139, 28: 0.0693676}
ELECTRONIC, JAZZ, FOLK = 4, 9, 20  # in the package's list of tags


def make_waveform():
    """Return three seconds of decaying tones over pulses of a square wave at 16 kHz."""
    time = np.arange(16_000 * 3) / 16_000
    tones = np.sin(2 * np.pi * 220 * time) * np.exp(-(time % 0.5) * 6) * 0.4
    pulses = 0.2 * np.sign(np.sin(2 * np.pi * 55 * time)) * ((time % 0.25) < 0.06)
    return (tones + pulses).astype(np.float32)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(find_encoder_spec("musicnn"), FP32)


def test_the_spectrogram_equals_that_of_the_published_front_end(encoder):
    spectrogram = encoder.compute_log_mel_spectrogram(make_waveform()).numpy()
    assert spectrogram.shape == (188, 96)
    for position, value in MEL_VALUES.items():
        assert spectrogram[position] == pytest.approx(value, abs=2e-5)


def test_the_embedding_equals_that_of_the_checkpoint_s_own_graph(encoder):
    vector = encoder.embed([Clip(make_waveform()[:, None], 16_000)])[0]
    np.testing.assert_allclose(vector[:12], PENULTIMATE_VALUES, atol=1e-4)
    assert np.linalg.norm(vector) == pytest.approx(PENULTIMATE_NORM, abs=1e-3)


def test_the_tags_equal_those_of_the_checkpoint_s_own_graph(encoder):
    (probabilities,) = encoder.compute_tag_probabilities(make_waveform())
    assert probabilities.shape == (50,)
    assert list(np.argsort(-probabilities)[:5]) == list(TAG_VALUES)
    for tag, probability in TAG_VALUES.items():
        assert probabilities[tag] == pytest.approx(probability, abs=1e-4)


def test_the_short_encoder_embeds_two_windows_of_a_longer_clip(encoder):
    short_encoder = load_encoder(find_encoder_spec("musicnn-short"), FP32)
    rng = np.random.default_rng(0)
    level = np.repeat(np.linspace(0.02, 0.5, 6), 48_000)
    waveform = (level * rng.normal(size=len(level))).astype(np.float32)
    windows = split_spectrogram_into_windows(encoder.compute_log_mel_spectrogram(waveform))
    assert len(windows) == 6
    with torch.inference_mode():
        expected = encoder._network(windows[[1, 4]]).mean(dim=0)
    clip = Clip(waveform[:, None], 16_000)
    np.testing.assert_allclose(short_encoder.embed([clip])[0], expected, atol=1e-5)
    one_window = Clip(make_waveform()[:, None], 16_000)
    np.testing.assert_array_equal(short_encoder.embed([one_window]), encoder.embed([one_window]))


def test_a_drum_loop_is_electronic_and_neither_jazz_nor_folk(encoder):
    rng = np.random.default_rng(1)
    time = np.arange(4000) / 16_000
    kick = 0.9 * np.sin(2 * np.pi * (50 + 80 * np.exp(-30 * time)) * time) * np.exp(-12 * time)
    snare = 0.4 * rng.normal(size=4000) * np.exp(-25 * time)
    loop = np.tile(np.concatenate([kick, snare]), 14).astype(np.float32)
    probabilities = encoder.compute_tag_probabilities(loop).mean(axis=0)
    assert probabilities.argmax() == ELECTRONIC
    assert probabilities[ELECTRONIC] > 10 * max(probabilities[[JAZZ, FOLK]])


def test_a_loud_bass_does_not_overflow(encoder):
    bass = np.sign(np.sin(2 * np.pi * 40 * np.arange(64_000) / 16_000)).astype(np.float32)
    assert encoder.compute_log_mel_spectrogram(bass).max() > np.log10(10_000 * 6.5)
    assert np.isfinite(encoder.embed([Clip(bass[:, None], 16_000)])).all()


@pytest.mark.parametrize(
    "frame_count, starts",
    [
        (7, None),
        (187, [0]),
        (188, [0]),
        (280, [0]),  # 1.497 windows
        (281, [0, 94]),
        (376, [0, 189]),
        (1126, [0, 187, 375, 563, 751, 939]),  # 18 s
    ],
)
def test_windows_are_spread_over_the_clip(frame_count, starts):
    spectrogram = torch.arange(frame_count)[:, None].expand(-1, 96)
    windows = split_spectrogram_into_windows(spectrogram)
    assert windows.shape[1:] == (187, 96)
    if starts is None:
        assert windows[0, :, 0].tolist() == [frame % frame_count for frame in range(187)]
    else:
        assert windows[:, 0, 0].tolist() == starts
        assert windows[:, -1, 0].tolist() == [start + 186 for start in starts]


def make_random_weights():
    """Return weights whose batch norms scale by positive and negative factors."""
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in list_required_tensor_shapes().items():
        values = rng.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1))
        if name.endswith("moving_variance"):
            values = values**2 + 0.1
        weights[name] = values.astype(np.float32)
    return weights


@dataclasses.dataclass(frozen=True)
class CheckpointFolder(FolderWeights):
    """A folder that is not in transformers format."""

    def locate_or_download_weights(self, _encoder_id: str, /):
        return self.path


def save_network(folder, weights):
    """Save weights under the names that the package's files have; return the folder."""
    for path in save_checkpoint(folder / "model", weights):
        path.rename(folder / path.name.removeprefix("model"))
    return folder


def apply_published_layers(weights, window):
    """Apply the layers in the published order: convolution, ReLU, batch norm, maximum."""

    def normalize(x, index):
        prefix = "batch_normalization" + (f"_{index}" if index else "")
        mean, variance, gamma, beta = (
            weights[f"{prefix}/{name}"]
            for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def convolve(image, index):
        name = "conv2d" + (f"_{index}" if index else "")
        kernel = torch.from_numpy(weights[f"{name}/kernel"]).permute(3, 2, 0, 1)
        image = torch.from_numpy(image).float()[None, None]
        outputs = (
            functional.conv2d(image, kernel)[0]
            + torch.from_numpy(weights[f"{name}/bias"])[:, None, None]
        )
        return functional.relu(outputs).permute(1, 2, 0).numpy()  # [frames, bands, filters]

    image = normalize(window, 0)
    front_end = [normalize(convolve(np.pad(image, ((3, 3), (0, 0))), i), i + 1) for i in (0, 1)]
    for index, before, after in ((2, 63, 64), (3, 31, 32), (4, 15, 16)):
        padded = np.pad(image, ((before, after), (0, 0)))
        front_end.append(normalize(convolve(padded, index), index + 1))
    features = [np.concatenate([output.max(axis=1) for output in front_end], axis=1)]
    for index in (5, 6, 7):
        convolved = convolve(np.pad(features[-1], ((3, 3), (0, 0))), index)[:, 0]
        residual = features[-1] if index > 5 else 0
        features.append(normalize(convolved, index + 1) + residual)
    joined = np.concatenate(features, axis=1)
    pooled = np.stack([joined.max(axis=0), joined.mean(axis=0)], axis=1).reshape(-1)
    dense = normalize(pooled, 9) @ weights["dense/kernel"] + weights["dense/bias"]
    return normalize(np.maximum(dense, 0), 10)


def test_random_weights_give_what_plain_layers_give(tmp_path):
    weights = make_random_weights()
    network = MusicTaggingNetwork(read_network_weights(save_network(tmp_path, weights))).eval()
    windows = np.random.default_rng(1).normal(size=(2, 187, 96)).astype(np.float32)
    with torch.inference_mode():
        vectors = network(torch.from_numpy(windows)).numpy()
    for window, vector in zip(windows, vectors, strict=True):
        expected = apply_published_layers(weights, window)
        np.testing.assert_allclose(vector, expected, rtol=1e-3, atol=1e-3)


def test_a_checkpoint_of_another_network_is_an_error(tmp_path):
    weights = make_random_weights()
    weights["dense/kernel"] = weights["dense/kernel"].T
    folder = CheckpointFolder(save_network(tmp_path, weights), revision="0")
    other = dataclasses.replace(find_encoder_spec("musicnn"), weights=folder)
    with pytest.raises(CheckpointError, match="'dense/kernel' has the shape"):
        load_encoder_without_sanity_check(other, FP32)


def test_the_embedding_follows_the_music(encoder):
    """The clip's own late copy is nearer than another clip."""
    rng = np.random.default_rng(3)
    time = np.arange(16_000 * 6) / 16_000
    notes = rng.choice([220, 262, 330, 392], 25)[(time * 4).astype(int)]
    melody = 0.3 * np.sin(2 * np.pi * notes * time)
    bursts = rng.normal(size=len(time)) * (np.sin(2 * np.pi * 2 * time) > 0.6) * 0.1
    clips = [Clip(wave.astype(np.float32)[:, None], 16_000) for wave in (melody, bursts)]
    late = [Clip(np.roll(clip.samples, 8000, axis=0), 16_000) for clip in clips]
    vectors, late_vectors = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in (get_encoder("musicnn").embed(clips), get_encoder("musicnn").embed(late))
    )
    assert (late_vectors @ vectors.T).argmax(axis=1).tolist() == [0, 1]
