"""Audio encoders: tiny models of the real architectures, and the real sound-effects CNN."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    HubertConfig,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForPreTraining,
)

from core.encoders import find_encoder_spec, get_encoder, openvino
from core.encoders.audio import resample
from core.encoders.device import ComputeConfig
from core.encoders.aisfx import read_checkpoint
from core.encoders.loading import load_encoder
from core.errors import EarshotError
from core.sonicpi.clip import Clip

FP32, BF16 = ComputeConfig("cpu", use_bf16=False), ComputeConfig("cpu", use_bf16=True)
SPEECH = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "initializer_range": 0.3,
}


def sounds(seconds, rate=44_100):
    """A melody, noise in bursts and a low hum: stereo, at quite different levels."""
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
    """Saved as the paper's is: pickled, a head for pre-training, old names of a weight norm."""
    folder = tmp_path_factory.mktemp("wav2vec2")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **SPEECH, codevector_dim=16, proj_codevector_dim=16, num_codevectors_per_group=8
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
    config = ClapConfig(
        text_config={
            "vocab_size": 50,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 20,
        },
        audio_config={
            "patch_embeds_hidden_size": 16,
            "hidden_size": 128,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 4, 8],
            "initializer_range": 0.3,
        },
        projection_dim=24,
    )
    model = ClapModel(config).eval()
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder, model


def heard(clip, rate):
    return resample(clip.samples.mean(axis=1), clip.sample_rate, rate)


def test_wav2vec2_is_the_plain_loop_s(wav2vec2):
    folder, model = wav2vec2
    clips = sounds(3.0)
    vectors = load_encoder(find_encoder_spec(str(folder)), FP32).embed(clips)
    for clip, vector in zip(clips, vectors, strict=True):
        wave = heard(clip, 16_000).astype(np.float64)
        wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
        with torch.no_grad():
            hidden = model(torch.from_numpy(wave).float()[None]).last_hidden_state
        np.testing.assert_allclose(vector, hidden[0].mean(dim=0), atol=1e-4)


def test_a_long_clip_is_heard_in_equal_pieces(wav2vec2):
    folder, model = wav2vec2
    clip = sounds(50.0, 16_000)[0]
    vector = load_encoder(find_encoder_spec(str(folder)), FP32).embed([clip])[0]
    wave = clip.samples.mean(axis=1)
    wave = torch.from_numpy((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7))[None]
    with torch.no_grad():
        pieces = [model(wave[:, at : at + 480_000]).last_hidden_state[0] for at in (0, 320_000)]
    truth = (pieces[0].mean(dim=0) + pieces[1].mean(dim=0)) / 2
    np.testing.assert_allclose(vector, truth, atol=1e-4)


def test_clap_is_its_own_model_s_audio_features(clap):
    folder, model = clap
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    clips = sounds(10.0)
    vectors = load_encoder(find_encoder_spec(str(folder)), FP32).embed(clips)
    assert vectors.shape == (3, 24)
    for clip, vector in zip(clips, vectors, strict=True):
        inputs = extractor(heard(clip, 48_000), sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            truth = model.get_audio_features(**inputs).pooler_output[0]
        np.testing.assert_allclose(vector, truth, atol=1e-4)


def test_clap_hears_a_clip_to_its_end(clap):
    folder, model = clap
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    clip = sounds(18.0, 48_000)[0]
    encoder = load_encoder(find_encoder_spec(str(folder)), FP32)
    vector = encoder.embed([clip])[0]
    np.testing.assert_array_equal(encoder.embed([clip])[0], vector)
    total = 0
    for start in (0, 8 * 48_000):
        piece = clip.samples.mean(axis=1)[start : start + 480_000]
        inputs = extractor(piece, sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            total += model.get_audio_features(**inputs).pooler_output[0]
    np.testing.assert_allclose(vector, total / total.norm(), atol=1e-4)


def test_hubert_runs_like_wav2vec2(tmp_path):
    torch.manual_seed(0)
    model = HubertModel(HubertConfig(**SPEECH)).eval()
    model.save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    clip = sounds(1.0, 16_000)[0]
    wave = clip.samples.mean(axis=1)
    wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    with torch.no_grad():
        truth = model(torch.from_numpy(wave)[None]).last_hidden_state[0].mean(dim=0)
    vector = load_encoder(find_encoder_spec(str(tmp_path)), FP32).embed([clip])[0]
    np.testing.assert_allclose(vector, truth, atol=1e-4)


@pytest.mark.parametrize("bf16", [False, True])
def test_openvino_gives_nearly_the_same(wav2vec2, bf16):
    pytest.importorskip("openvino", reason="optional; ./run test installs it")
    clips = [*sounds(3.0), *sounds(0.4)]
    exact = load_encoder(find_encoder_spec(str(wav2vec2[0])), FP32).embed(clips)
    encoder = load_encoder(find_encoder_spec(str(wav2vec2[0])), ComputeConfig("cpu", bf16, use_openvino=True))
    assert not isinstance(encoder._mean, torch.nn.Module), "OpenVINO did not take the model"
    vectors = encoder.embed(clips)
    assert cosine(exact, vectors).min() >= 0.999
    np.testing.assert_array_equal(encoder.embed(clips), vectors)


def falls_out(*_):
    raise RuntimeError("unknown operation")


@pytest.mark.parametrize("made", [falls_out, lambda *_: lambda wave: torch.ones(1, 32)])
def test_where_openvino_fails_or_differs_torch_goes_on(
    wav2vec2, monkeypatch: pytest.MonkeyPatch, caplog, made
):
    monkeypatch.setattr("core.encoders.openvino._compile_model", made)
    encoder = load_encoder(find_encoder_spec(str(wav2vec2[0])), ComputeConfig("cpu", use_bf16=False, use_openvino=True))
    assert "OpenVINO is not used" in caplog.text
    clips = sounds(1.0)
    plain = load_encoder(find_encoder_spec(str(wav2vec2[0])), FP32).embed(clips)
    np.testing.assert_array_equal(encoder.embed(clips), plain)


def test_openvino_can_be_switched_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert openvino.is_openvino_enabled()
    monkeypatch.setenv("EARSHOT_OPENVINO", "0")
    assert not openvino.is_openvino_enabled()


def encoder_ids(wav2vec2, clap):
    return [str(wav2vec2[0]), str(clap[0]), "aisfx", "log-mel"]


def test_bf16_gives_nearly_the_same(wav2vec2, clap):
    clips = sounds(3.0)
    for encoder_id in encoder_ids(wav2vec2, clap)[:3]:
        exact = load_encoder(find_encoder_spec(encoder_id), FP32).embed(clips)
        rounded = load_encoder(find_encoder_spec(encoder_id), BF16).embed(clips)
        assert cosine(exact, rounded).min() >= 0.999, encoder_id
        assert not np.array_equal(exact, rounded), encoder_id


def test_a_vector_depends_on_its_clip_alone(wav2vec2, clap):
    clips = sounds(2.5)
    for encoder_id in encoder_ids(wav2vec2, clap):
        encoder = get_encoder(encoder_id)
        together = encoder.embed(clips)
        np.testing.assert_array_equal(encoder.embed(clips[::-1])[::-1], together)
        assert encoder.embed([]).shape == (0, encoder.spec.dim)


def test_silence_and_the_shortest_clip_have_a_vector(wav2vec2, clap):
    silence = [Clip(np.zeros((frames, 2), np.float32)) for frames in (1, 441, 44_100 * 5)]
    click = Clip(np.ones((1, 2), np.float32))
    for encoder_id in encoder_ids(wav2vec2, clap):
        vectors = get_encoder(encoder_id).embed([*silence, click])
        assert np.isfinite(vectors).all(), encoder_id
        assert np.linalg.norm(vectors, axis=1).min() > 0, encoder_id


def test_level_matters_only_to_clap(wav2vec2, clap):
    loud = sounds(2.0)[:1]
    soft = [Clip(loud[0].samples * np.float32(0.125))]
    for encoder_id in encoder_ids(wav2vec2, clap):
        encoder = load_encoder(find_encoder_spec(encoder_id), FP32)
        alike = cosine(encoder.embed(loud), encoder.embed(soft))[0]
        assert (alike > 0.99999) == (encoder_id != str(clap[0])), encoder_id


def slow_effects(wave):
    """The published network's layers one after another, fed by a spectrogram made with numpy."""
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
    weights = read_checkpoint(find_encoder_spec("aisfx").weights.resolve_weights_path("aisfx"))
    return np.mean([network(weights, spectrogram[at : at + 100]) for at in starts], axis=0)


def network(weights, block):
    x = torch.from_numpy(block).float()[None, None]
    for pair in (1, 2, 3, 4):
        for half in (1, 2):
            at = f"embedding_net.conv_block{pair}."
            x = F.conv2d(x, weights[f"{at}conv{half}.weight"], padding=1)
            norm = [weights[f"{at}bn{half}.{key}"] for key in ("running_mean", "running_var")]
            affine = [weights[f"{at}bn{half}.{key}"] for key in ("weight", "bias")]
            x = F.relu(F.batch_norm(x, *norm, *affine))
        if pair < 4:
            x = F.max_pool2d(x, 2)
    return x.mean(dim=3).amax(dim=2)[0].numpy()


@pytest.mark.parametrize("seconds", [0.7, 2.4, 5.0])
def test_the_sound_effects_cnn_is_the_slow_one(seconds):
    clips = sounds(seconds)
    vectors = load_encoder(find_encoder_spec("aisfx"), FP32).embed(clips)
    truth = np.array([slow_effects(heard(clip, 44_100)) for clip in clips])
    np.testing.assert_allclose(vectors, truth, rtol=1e-3, atol=1e-3)
    assert cosine(get_encoder("aisfx").embed(clips), truth).min() >= 0.999


def test_its_spectrogram_has_the_range_it_was_trained_on():
    loudest = np.sign(np.sin(np.arange(44_100) / 10)).astype(np.float32)
    spectrogram = get_encoder("aisfx").spectrogram(loudest).numpy()
    assert spectrogram.shape == (44, 96)
    assert 0.9 < spectrogram.max() <= 1.02 and spectrogram.min() >= 0


def test_the_sound_effects_cnn_recognises_an_altered_clip():
    clips = sounds(6.0)
    late = [Clip(np.roll(clip.samples, 22_050, axis=0)) for clip in clips]
    dull = [Clip(np.apply_along_axis(np.convolve, 0, c.samples, [0.25, 0.5, 0.25])) for c in clips]
    base = get_encoder("aisfx").embed(clips)
    for altered in (late, dull):
        similarity = np.array([cosine(row, base) for row in get_encoder("aisfx").embed(altered)])
        assert similarity.argmax(axis=1).tolist() == [0, 1, 2]


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_no_code_in_a_checkpoint_is_run(tmp_path):
    torch.save(({}, Bomb(tmp_path / "trace")), tmp_path / "checkpoint.pth")
    with pytest.raises(EarshotError, match="cannot be read"):
        read_checkpoint(tmp_path / "checkpoint.pth")
    assert not (tmp_path / "trace").exists()


def test_a_missing_package_says_how_to_install_it():
    known = find_encoder_spec("aisfx")
    missing = dataclasses.replace(
        known, weights=dataclasses.replace(known.weights, inside="nowhere.pth")
    )
    assert not missing.is_available_offline()
    with pytest.raises(EarshotError, match="pip install --no-deps aisfx==0.1.2"):
        load_encoder(missing)
