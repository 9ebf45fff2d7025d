"""Audio encoders: tiny models of the real architectures, and the real sound-effects CNN."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import (
    ClapFeatureExtractor,
    ClapModel,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForPreTraining,
)

from core.encoders import find_encoder_spec, get_encoder
from core.encoders.aisfx import read_checkpoint_weights
from core.encoders.audio_encoder_base import resample_waveform
from core.encoders.encoder_device_and_precision import ComputeConfig, is_openvino_enabled
from core.encoders.encoder_loading import load_encoder
from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip
from tests.integration.encoders.tiny_models import make_tiny_clap_config

FP32, BF16 = ComputeConfig("cpu", use_bf16=False), ComputeConfig("cpu", use_bf16=True)
WAV2VEC2_CONFIG = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "initializer_range": 0.3,
}


def make_clips(seconds, rate=44_100):
    """Return a melody, noise in bursts and a low hum: stereo, at quite different levels."""
    rng = np.random.default_rng(3)
    frames = int(seconds * rate)
    time = np.arange(frames) / rate
    notes = rng.choice([220, 262, 330, 392, 440], 1 + int(seconds * 4))[(time * 4).astype(int)]
    melody = 0.3 * np.sin(2 * np.pi * notes * time)
    bursts = rng.normal(size=frames) * (np.sin(2 * np.pi * 2 * time) > 0.6) * 0.1
    hum = 0.01 * np.sign(np.sin(2 * np.pi * 55 * time))
    return [
        Clip(np.stack([wave, 0.5 * wave], axis=1).astype(np.float32), rate)
        for wave in (melody, bursts, hum)
    ]


def cosine(a, b):
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory):
    """Save a model like the paper's: pickled, pre-training head, old weight-norm names."""
    folder = tmp_path_factory.mktemp("wav2vec2")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **WAV2VEC2_CONFIG, codevector_dim=16, proj_codevector_dim=16, num_codevectors_per_group=8
    )
    model = Wav2Vec2ForPreTraining(config).eval()
    weights = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in model.state_dict().items()
    }
    assert any(key.endswith("pos_conv_embed.conv.weight_g") for key in weights)
    torch.save(weights, folder / "pytorch_model.bin")
    config.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder, model.wav2vec2


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    model = ClapModel(make_tiny_clap_config(projection_dim=24)).eval()
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder, model


def to_waveform(clip, rate):
    return resample_waveform(clip.samples.mean(axis=1), clip.sample_rate, rate)


def test_wav2vec2_equals_a_plain_forward_pass(wav2vec2):
    folder, model = wav2vec2
    clips = make_clips(3.0)
    vectors = load_encoder(find_encoder_spec(str(folder)), FP32).embed(clips)
    for clip, vector in zip(clips, vectors, strict=True):
        wave = to_waveform(clip, 16_000).astype(np.float64)
        wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
        with torch.no_grad():
            hidden = model(torch.from_numpy(wave).float()[None]).last_hidden_state
        np.testing.assert_allclose(vector, hidden[0].mean(dim=0), atol=1e-4)


def test_a_long_clip_is_split_into_equal_windows(wav2vec2):
    folder, model = wav2vec2
    clip = make_clips(50.0, 16_000)[0]
    vector = load_encoder(find_encoder_spec(str(folder)), FP32).embed([clip])[0]
    wave = clip.samples.mean(axis=1)
    wave = torch.from_numpy((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7))[None]
    with torch.no_grad():
        windows = [model(wave[:, at : at + 480_000]).last_hidden_state[0] for at in (0, 320_000)]
    expected = (windows[0].mean(dim=0) + windows[1].mean(dim=0)) / 2
    np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_clap_equals_the_model_s_audio_features(clap):
    folder, model = clap
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    clips = make_clips(10.0)
    vectors = load_encoder(find_encoder_spec(str(folder)), FP32).embed(clips)
    assert vectors.shape == (3, 24)
    for clip, vector in zip(clips, vectors, strict=True):
        inputs = extractor(to_waveform(clip, 48_000), sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            expected = model.get_audio_features(**inputs).pooler_output[0]
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_clap_embeds_a_clip_to_its_end(clap):
    folder, model = clap
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    clip = make_clips(18.0, 48_000)[0]
    encoder = load_encoder(find_encoder_spec(str(folder)), FP32)
    vector = encoder.embed([clip])[0]
    np.testing.assert_array_equal(encoder.embed([clip])[0], vector)
    total = 0
    for start in (0, 8 * 48_000):
        window = clip.samples.mean(axis=1)[start : start + 480_000]
        inputs = extractor(window, sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            total += model.get_audio_features(**inputs).pooler_output[0]
    np.testing.assert_allclose(vector, total / total.norm(), atol=1e-4)


def test_hubert_equals_a_plain_forward_pass(tmp_path):
    torch.manual_seed(0)
    model = HubertModel(HubertConfig(**WAV2VEC2_CONFIG)).eval()
    model.save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    clip = make_clips(1.0, 16_000)[0]
    wave = clip.samples.mean(axis=1)
    wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    with torch.no_grad():
        expected = model(torch.from_numpy(wave)[None]).last_hidden_state[0].mean(dim=0)
    vector = load_encoder(find_encoder_spec(str(tmp_path)), FP32).embed([clip])[0]
    np.testing.assert_allclose(vector, expected, atol=1e-4)


@pytest.mark.parametrize("bf16", [False, True])
def test_openvino_is_close_to_torch(wav2vec2, bf16):
    pytest.importorskip("openvino", reason="optional; ./run test installs it")
    clips = [*make_clips(3.0), *make_clips(0.4)]
    spec = find_encoder_spec(str(wav2vec2[0]))
    exact = load_encoder(spec, FP32).embed(clips)
    encoder = load_encoder(spec, ComputeConfig("cpu", bf16, use_openvino=True))
    assert not isinstance(encoder._pooled_model, torch.nn.Module), "OpenVINO was not used"
    vectors = encoder.embed(clips)
    assert cosine(exact, vectors).min() >= 0.999
    np.testing.assert_array_equal(encoder.embed(clips), vectors)


def fail_to_compile(*_):
    raise RuntimeError("unknown operation")


@pytest.mark.parametrize(
    "compile_model", [fail_to_compile, lambda *_: lambda wave: torch.ones(1, 32)]
)
def test_torch_is_used_if_openvino_fails_or_differs(
    wav2vec2, monkeypatch: pytest.MonkeyPatch, caplog, compile_model
):
    monkeypatch.setattr("core.encoders.openvino_backend._compile_openvino_model", compile_model)
    spec = find_encoder_spec(str(wav2vec2[0]))
    encoder = load_encoder(spec, ComputeConfig("cpu", use_bf16=False, use_openvino=True))
    assert "OpenVINO is not used" in caplog.text
    clips = make_clips(1.0)
    np.testing.assert_array_equal(encoder.embed(clips), load_encoder(spec, FP32).embed(clips))


def test_openvino_can_be_disabled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert is_openvino_enabled()
    monkeypatch.setenv("EARSHOT_OPENVINO", "0")
    assert not is_openvino_enabled()


def list_encoder_ids(wav2vec2, clap):
    return [str(wav2vec2[0]), str(clap[0]), "aisfx", "musicnn", "log-mel"]


def test_bf16_is_close_to_fp32(wav2vec2, clap):
    clips = make_clips(3.0)
    for encoder_id in list_encoder_ids(wav2vec2, clap)[:4]:
        exact = load_encoder(find_encoder_spec(encoder_id), FP32).embed(clips)
        rounded = load_encoder(find_encoder_spec(encoder_id), BF16).embed(clips)
        assert cosine(exact, rounded).min() >= 0.999, encoder_id
        assert not np.array_equal(exact, rounded), encoder_id


def test_a_vector_depends_on_its_clip_alone(wav2vec2, clap):
    clips = make_clips(2.5)
    for encoder_id in list_encoder_ids(wav2vec2, clap):
        encoder = get_encoder(encoder_id)
        vectors = encoder.embed(clips)
        np.testing.assert_array_equal(encoder.embed(clips[::-1])[::-1], vectors)
        assert encoder.embed([]).shape == (0, encoder.spec.dim)


def test_silence_and_the_shortest_clip_have_a_nonzero_vector(wav2vec2, clap):
    silence = [Clip(np.zeros((frames, 2), np.float32)) for frames in (1, 441, 44_100 * 5)]
    click = Clip(np.ones((1, 2), np.float32))
    for encoder_id in list_encoder_ids(wav2vec2, clap):
        vectors = get_encoder(encoder_id).embed([*silence, click])
        assert np.isfinite(vectors).all(), encoder_id
        assert np.linalg.norm(vectors, axis=1).min() > 0, encoder_id


def test_only_clap_and_musicnn_depend_on_the_level(wav2vec2, clap):
    loud = make_clips(2.0)[:1]
    soft = [Clip(loud[0].samples * np.float32(0.125))]
    for encoder_id in list_encoder_ids(wav2vec2, clap):
        encoder = load_encoder(find_encoder_spec(encoder_id), FP32)
        similarity = cosine(encoder.embed(loud), encoder.embed(soft))[0]
        keeps_level = encoder_id in (str(clap[0]), "musicnn")
        assert (similarity > 0.99999) == (not keeps_level), encoder_id


def slow_aisfx(wave):
    """Apply the published layers one by one to a spectrogram computed with numpy."""
    wave = wave.astype(np.float64) / np.abs(wave).max()
    wave = np.pad(wave, 1024)
    hann = 0.5 * (1 - np.cos(2 * np.pi * np.arange(2048) / 2048))
    starts = range(0, len(wave) - 2047, 1024)
    power = np.array([np.abs(np.fft.rfft(hann * wave[at : at + 2048])) ** 2 for at in starts])
    top = 2595 * np.log10(1 + 22_050 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, 98) / 2595) - 1)
    hertz = np.fft.rfftfreq(2048, 1 / 44_100)
    bank = [np.interp(hertz, corners[b : b + 3], [0, 1, 0], left=0, right=0) for b in range(96)]
    bank = np.array([row / row.sum() for row in bank])
    spectrogram = np.log10(1e4 * power @ bank.T + 1) / 9.457799
    frames = len(spectrogram)
    if frames <= 100:
        spectrogram = np.pad(spectrogram, ((0, 100 - frames), (0, 0)))
        starts = [0]
    else:
        count = int(np.ceil((frames - 100) / 100))
        starts = [k * (frames - 100) // count for k in range(count + 1)]
    weights = read_checkpoint_weights(
        find_encoder_spec("aisfx").weights.locate_or_download_weights("aisfx")
    )
    return np.mean([apply_network(weights, spectrogram[at : at + 100]) for at in starts], axis=0)


def apply_network(weights, block):
    x = torch.from_numpy(block).float()[None, None]
    for pair in (1, 2, 3, 4):
        for half in (1, 2):
            at = f"embedding_net.conv_block{pair}."
            x = functional.conv2d(x, weights[f"{at}conv{half}.weight"], padding=1)
            norm = [weights[f"{at}bn{half}.{key}"] for key in ("running_mean", "running_var")]
            affine = [weights[f"{at}bn{half}.{key}"] for key in ("weight", "bias")]
            x = functional.relu(functional.batch_norm(x, *norm, *affine))
        if pair < 4:
            x = functional.max_pool2d(x, 2)
    return x.mean(dim=3).amax(dim=2)[0].numpy()


@pytest.mark.parametrize("seconds", [0.7, 2.4, 5.0])
def test_aisfx_equals_a_slow_reference(seconds):
    clips = make_clips(seconds)
    vectors = load_encoder(find_encoder_spec("aisfx"), FP32).embed(clips)
    expected = np.array([slow_aisfx(to_waveform(clip, 44_100)) for clip in clips])
    np.testing.assert_allclose(vectors, expected, rtol=1e-3, atol=1e-3)
    assert cosine(get_encoder("aisfx").embed(clips), expected).min() >= 0.999


def test_the_aisfx_spectrogram_has_the_range_of_its_training():
    loudest = np.sign(np.sin(np.arange(44_100) / 10)).astype(np.float32)
    spectrogram = get_encoder("aisfx").compute_log_mel_spectrogram(loudest).numpy()
    assert spectrogram.shape == (44, 96)
    assert 0.9 < spectrogram.max() <= 1.02 and spectrogram.min() >= 0


def test_aisfx_recognizes_an_altered_clip():
    clips = make_clips(6.0)
    late = [Clip(np.roll(clip.samples, 22_050, axis=0)) for clip in clips]
    dull = [Clip(np.apply_along_axis(np.convolve, 0, c.samples, [0.25, 0.5, 0.25])) for c in clips]
    base = get_encoder("aisfx").embed(clips)
    for altered in (late, dull):
        similarity = np.array([cosine(row, base) for row in get_encoder("aisfx").embed(altered)])
        assert similarity.argmax(axis=1).tolist() == [0, 1, 2]


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save(({}, Bomb(tmp_path / "trace")), tmp_path / "checkpoint.pth")
    with pytest.raises(EarshotError, match="cannot be read"):
        read_checkpoint_weights(tmp_path / "checkpoint.pth")
    assert not (tmp_path / "trace").exists()


def test_the_error_of_a_missing_package_names_the_command_that_installs_it():
    spec = find_encoder_spec("aisfx")
    weights = dataclasses.replace(spec.weights, path_in_package="nowhere.pth")
    missing = dataclasses.replace(spec, weights=weights)
    assert not missing.is_available_offline()
    with pytest.raises(EarshotError, match="pip install --no-deps aisfx==0.1.2"):
        load_encoder(missing)
