"""Architectures of the built-in encoders: tiny random models, saved, loaded and compared."""

import json
import logging
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    EmbeddingGemma2Config,
    EmbeddingGemma2Model,
    Gemma4AudioFeatureExtractor,
    HubertConfig,
    HubertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
    Qwen3Config,
    Qwen3Model,
    Wav2Vec2FeatureExtractor,
)

from core.encoders import find_encoder_spec, list_encoder_specs
from core.encoders.built_in_encoder_specs import EMBEDDING_GEMMA_QUERY_PROMPT
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_loading import load_encoder, load_encoder_without_sanity_check
from core.encoders.jina_bert import list_alibi_slopes
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.muq import MuqNetwork
from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip
from tests.integration.encoders.tiny_models import BOS, EOS, MUQ_CONFIG, PAD, save_byte_tokenizer

FP32, BF16 = ComputeConfig("cpu", use_bf16=False), ComputeConfig("cpu", use_bf16=True)
PROGRAMS = [
    "play 60",
    "use_synth :prophet\nlive_loop :a do\n  play scale(:e3, :minor).choose\n  sleep 0.125\nend",
    "sample :ambi_lunar_land, rate: 0.5",
]
CLIP = Clip((np.random.default_rng(0).normal(0, 0.1, (44_100, 2))).astype(np.float32))


def tokenize(folder, text, before=(BOS,), after=(EOS,)):
    ids = PreTrainedTokenizerFast.from_pretrained(folder)(text, add_special_tokens=False)
    return torch.tensor([[*before, *ids["input_ids"], *after]])


def cosine(a, b):
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize(
    "config_class, model_class", [(Qwen3Config, Qwen3Model), (Qwen2Config, Qwen2Model)]
)
def test_a_causal_model_is_pooled_at_its_last_token(tmp_path, config_class, model_class):
    torch.manual_seed(0)
    config = config_class(
        vocab_size=save_byte_tokenizer(tmp_path, with_bos=False),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=96,
        initializer_range=0.3,
        **({"head_dim": 8} if config_class is Qwen3Config else {}),
    )
    model = model_class(config).eval()
    model.save_pretrained(tmp_path)
    spec = find_encoder_spec(str(tmp_path))
    assert (spec.modality, spec.dim, spec.pooling) == ("code", 32, "last-token")
    vectors = load_encoder(spec, FP32).embed(PROGRAMS)
    for source, vector in zip(PROGRAMS, vectors, strict=True):
        ids = tokenize(tmp_path, source, before=())
        assert ids.shape[1] <= 96
        with torch.no_grad():
            expected = model(ids).last_hidden_state[0, -1]
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_windows_of_a_long_program_count_by_the_tokens_they_cover(tmp_path):
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=save_byte_tokenizer(tmp_path, with_bos=False, max_length=33),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        initializer_range=0.3,
    )
    model = Qwen3Model(config).eval()
    model.save_pretrained(tmp_path)
    source = "play 60\nsleep 1\n" * 3  # 48 tokens: windows of 32 tokens from 0 and 16 on
    vector = load_encoder(find_encoder_spec(str(tmp_path)), FP32).embed([source])[0]
    ids = tokenize(tmp_path, source, before=(), after=())[0]
    with torch.no_grad():
        ends = [
            model(torch.cat([ids[start : start + 32], torch.tensor([EOS])])[None])
            .last_hidden_state[0, -1]
            .numpy()
            for start in (0, 16)
        ]
    np.testing.assert_allclose(vector, (ends[0] + ends[1]) / 2, atol=1e-4)


# -- Jina ------------------------------------------------------------------------------------------

JINA_CONFIG = {
    "model_type": "bert",
    "vocab_size": 0,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "type_vocab_size": 2,
    "max_position_embeddings": 8192,
    "layer_norm_eps": 1e-12,
    "feed_forward_type": "geglu",
    "position_embedding_type": "alibi",
}


def make_jina_tensors(config):
    """Return tensors under the names and in the shapes of the published checkpoint."""
    torch.manual_seed(0)
    size, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], size),
        "embeddings.token_type_embeddings.weight": (2, size),
        "pooler.dense.weight": (size, size),
        "pooler.dense.bias": (size,),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
            shapes |= {f"{at}{name}.weight": (size, size), f"{at}{name}.bias": (size,)}
        shapes |= {
            f"{at}attention.output.dense.weight": (size, size),
            f"{at}attention.output.dense.bias": (size,),
            f"{at}mlp.up_gated_layer.weight": (2 * inner, size),
            f"{at}mlp.down_layer.weight": (size, inner),
            f"{at}mlp.down_layer.bias": (size,),
        }
        norms += [
            f"{at}{name}"
            for name in (
                "attention.self.layer_norm_q",
                "attention.self.layer_norm_k",
                "attention.output.LayerNorm",
                "layer_norm_1",
                "layer_norm_2",
            )
        ]
    tensors = {name: torch.randn(shape) * 0.3 for name, shape in shapes.items()}
    for norm in norms:
        tensors |= {
            f"{norm}.weight": 1 + torch.randn(size) * 0.1,
            f"{norm}.bias": torch.randn(size),
        }
    return tensors


def apply_jina_layers(tensors, ids):
    """Apply the layers as the model's description states them, head by head."""

    def norm(x, name):
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, 1e-12)

    def linear(x, name):
        return functional.linear(x, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))

    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    positions = torch.arange(len(ids))
    distance = (positions[:, None] - positions[None]).abs()
    for layer in range(2):
        at = f"encoder.layer.{layer}."
        q = norm(linear(x, f"{at}attention.self.query"), f"{at}attention.self.layer_norm_q")
        k = norm(linear(x, f"{at}attention.self.key"), f"{at}attention.self.layer_norm_k")
        v = linear(x, f"{at}attention.self.value")
        heads = []
        # Three heads: the slopes of two, 1/16 and 1/256, then the first of four, 1/4.
        for head, slope in enumerate((2**-4, 2**-8, 2**-2)):
            part = slice(8 * head, 8 * head + 8)
            scores = q[:, part] @ k[:, part].T / math.sqrt(8) - slope * distance
            heads.append(scores.softmax(dim=1) @ v[:, part])
        attended = linear(torch.cat(heads, dim=1), f"{at}attention.output.dense")
        attended = norm(attended + x, f"{at}attention.output.LayerNorm")
        x = norm(x + attended, f"{at}layer_norm_1")
        up, gate = linear(x, f"{at}mlp.up_gated_layer").split(40, dim=1)
        x = norm(x + linear(up * functional.gelu(gate), f"{at}mlp.down_layer"), f"{at}layer_norm_2")
    return x


@pytest.fixture(scope="module")
def jina(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jina")
    config = {**JINA_CONFIG, "vocab_size": save_byte_tokenizer(folder)}
    tensors = make_jina_tensors(config)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return folder, tensors


def test_jina_equals_its_description(jina):
    folder, tensors = jina
    spec = find_encoder_spec(str(folder))
    assert (spec.family, spec.modality, spec.dim) == ("jina_bert", "code", 24)
    vectors = load_encoder_without_sanity_check(spec, FP32).embed(PROGRAMS)
    for source, vector in zip(PROGRAMS, vectors, strict=True):
        expected = apply_jina_layers(tensors, tokenize(folder, source)[0]).mean(dim=0)
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_jina_in_bf16_is_close_and_does_not_depend_on_other_programs(jina):
    spec = find_encoder_spec(str(jina[0]))
    exact = load_encoder_without_sanity_check(spec, FP32).embed(PROGRAMS)
    encoder = load_encoder_without_sanity_check(spec, BF16)
    vectors = encoder.embed(PROGRAMS)
    assert cosine(exact, vectors).min() >= 0.999
    np.testing.assert_array_equal(encoder.embed(PROGRAMS[::-1])[::-1], vectors)
    np.testing.assert_array_equal(encoder.embed(PROGRAMS[1:2]), vectors[1:2])


def test_alibi_slopes_of_twelve_heads():
    # As published for ALiBi: those of 8 heads, then every other one of 16.
    expected = [2.0**-k for k in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]
    np.testing.assert_allclose(list_alibi_slopes(12), expected)
    np.testing.assert_allclose(list_alibi_slopes(8), expected[:8])


def test_a_jina_checkpoint_that_lacks_a_tensor_is_an_error(jina, tmp_path):
    folder, tensors = jina
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = {name: value for name, value in tensors.items() if "layer_norm_q" not in name}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(EarshotError, match="it lacks.*layer_norm_q") as caught:
        load_encoder(find_encoder_spec(str(tmp_path)), FP32)
    assert str(tmp_path) in str(caught.value)


# -- CLAP's text tower -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    config = ClapConfig(
        text_config={
            "vocab_size": save_byte_tokenizer(folder, max_length=512),
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "max_position_embeddings": 130,
            "initializer_range": 0.3,
            "pad_token_id": PAD,
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
    # Random initial values of the projection are so small that the tower's vectors barely differ.
    for module in model.text_projection.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.5)
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder, model


def test_the_text_tower_of_clap_equals_the_model_s_text_features(clap):
    folder, model = clap
    spec = find_encoder_spec(f"{folder}#text")
    assert (spec.modality, spec.family, spec.dim) == ("code", "clap_text", 24)
    assert spec.shared_space == find_encoder_spec(str(folder)).id
    vectors = load_encoder_without_sanity_check(spec, FP32).embed(PROGRAMS)
    for source, vector in zip(PROGRAMS, vectors, strict=True):
        with torch.no_grad():
            expected = model.get_text_features(input_ids=tokenize(folder, source)).pooler_output[0]
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_a_program_longer_than_the_window_has_the_mean_of_its_windows(clap):
    folder, _ = clap
    encoder = load_encoder_without_sanity_check(find_encoder_spec(f"{folder}#text"), FP32)
    vector = encoder.embed(["\n".join(PROGRAMS) * 3])[0]
    assert np.isfinite(vector).all() and 0 < np.linalg.norm(vector) <= 1.0001


def test_only_a_model_of_text_and_audio_has_a_text_tower(jina):
    with pytest.raises(EarshotError, match="has no text tower"):
        find_encoder_spec(f"{jina[0]}#text")
    with pytest.raises(EarshotError, match="no encoder 'aisfx#text'"):
        find_encoder_spec("aisfx#text")


# -- EmbeddingGemma 2 ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gemma")
    torch.manual_seed(0)
    config = EmbeddingGemma2Config(
        text_config={
            "vocab_size": save_byte_tokenizer(folder, with_eos=False, max_length=8192) + 3,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "global_head_dim": 16,
            "hidden_size_per_layer_input": 8,
            "sliding_window": 16,
            "embedding_dim": 24,
            "initializer_range": 0.3,
            "pad_token_id": PAD,
            "bos_token_id": BOS,
            "eos_token_id": EOS,
        },
        vision_config=None,
        audio_config={
            "model_type": "gemma4_audio",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "output_proj_dims": 32,
            "subsampling_conv_channels": [128, 4],
            "initializer_range": 0.1,
        },
        boa_token_id=260,
        eoa_token_index=261,
        audio_token_id=262,
    )
    model = EmbeddingGemma2Model(config).eval()
    model.save_pretrained(folder)
    Gemma4AudioFeatureExtractor().save_pretrained(folder)
    return folder, model


def test_embedding_gemma_pools_a_program_with_its_prompt(gemma):
    folder, model = gemma
    spec = find_encoder_spec(f"{folder}#text")
    assert (spec.modality, spec.dim, spec.prompt) == ("code", 24, EMBEDDING_GEMMA_QUERY_PROMPT)
    vectors = load_encoder_without_sanity_check(spec, FP32).embed(PROGRAMS)
    for source, vector in zip(PROGRAMS, vectors, strict=True):
        ids = tokenize(folder, EMBEDDING_GEMMA_QUERY_PROMPT + source, after=())
        with torch.no_grad():
            expected = model(input_ids=ids).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_embedding_gemma_hears_a_clip_as_its_own_processor_writes_it(gemma):
    folder, model = gemma
    spec = find_encoder_spec(str(folder))
    assert (spec.modality, spec.dim, spec.sample_rate) == ("audio", 24, 16_000)
    waveform = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    vector = load_encoder_without_sanity_check(spec, FP32).embed([Clip(waveform[:, None], 16_000)])[
        0
    ]
    inputs = Gemma4AudioFeatureExtractor()([waveform], sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        token_count = int(model.get_audio_features(**inputs).attention_mask.sum())
        ids = torch.tensor([[BOS, 260, *[262] * token_count, 261]])
        expected = model(input_ids=ids, **inputs).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(vector, expected, atol=1e-4)


# -- MERT ------------------------------------------------------------------------------------------

MERT_SETTINGS = {
    "model_type": "mert_model",
    "architectures": ["MERTModel"],
    "auto_map": {"AutoModel": "modeling_MERT.MERTModel"},
    "feature_extractor_cqt": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "sample_rate": 24_000,
}


@pytest.fixture(scope="module")
def mert(tmp_path_factory):
    """Save a model like MERT-v1-95M: pickled tensors, old names of the weight norm, own type."""
    folder = tmp_path_factory.mktemp("mert")
    torch.manual_seed(0)
    config = HubertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        initializer_range=0.3,
    )
    model = HubertModel(config).eval()
    weights = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in model.state_dict().items()
    }
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), **MERT_SETTINGS}))
    Wav2Vec2FeatureExtractor(sampling_rate=24_000, do_normalize=True).save_pretrained(folder)
    return folder, model


def test_mert_equals_hubert_without_the_code_of_its_repository(mert):
    folder, model = mert
    spec = find_encoder_spec(str(folder))
    assert (spec.family, spec.sample_rate, spec.dim) == ("wav2vec2", 24_000, 32)
    waveform = np.random.default_rng(2).normal(0, 0.1, 24_000).astype(np.float32)
    vector = load_encoder(spec, FP32).embed([Clip(waveform[:, None], 24_000)])[0]
    normalized = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)
    with torch.no_grad():
        expected = model(torch.from_numpy(normalized)[None]).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_a_mert_that_hubert_does_not_cover_is_an_error(mert, tmp_path):
    for path in mert[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "attention_relax": 32.0}))
    with pytest.raises(EarshotError, match=r"attention_relax = 32.0.*import embeddings|attention"):
        load_encoder(find_encoder_spec(str(tmp_path)), FP32)


# -- licences --------------------------------------------------------------------------------------


def test_models_for_non_commercial_use_say_so_before_they_load(mert, caplog, monkeypatch):
    restricted = {spec.id for spec in list_encoder_specs() if spec.use_restriction}
    assert restricted == {spec.id for spec in list_encoder_specs() if "NC" in spec.licence}
    assert "m-a-p/MERT-v1-95M" in restricted
    spec = find_encoder_spec("m-a-p/MERT-v1-95M")
    assert (
        spec.usage_warning == "m-a-p/MERT-v1-95M: non-commercial use only (licence CC BY-NC 4.0)."
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with caplog.at_level(logging.WARNING), pytest.raises(EarshotError):
        load_encoder(spec, FP32)  # neither the hub nor the weights are here
    assert spec.usage_warning in caplog.text
    concatenated = find_encoder_spec("m-a-p/MERT-v1-95M+aisfx")
    assert concatenated.use_restriction == "non-commercial use only"
    assert not find_encoder_spec("aisfx").usage_warning


# -- MuQ -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def muq(tmp_path_factory):
    """Save a tiny MuQ as its publisher does: keys below "model.", and layers of its training."""
    folder = tmp_path_factory.mktemp("muq")
    torch.manual_seed(0)
    network = MuqNetwork(MUQ_CONFIG).eval()
    weights = {f"model.{key}": value for key, value in network.state_dict().items()}
    save_file({**weights, "model.cls_token": torch.zeros(32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(MUQ_CONFIG))
    return folder, network


def test_muq_is_the_mean_of_the_conformer_on_normalized_mel_levels(muq):
    folder, network = muq
    spec = find_encoder_spec(str(folder))
    assert (spec.family, spec.sample_rate, spec.dim) == ("muq", 24_000, 32)
    assert "non-commercial" in spec.usage_warning and spec.licence == "CC BY-NC 4.0"
    waveform = np.random.default_rng(3).normal(0, 0.1, 24_000).astype(np.float32)
    vector = load_encoder_without_sanity_check(spec, FP32).embed([Clip(waveform[:, None], 24_000)])[
        0
    ]
    padded = np.pad(waveform, 1024, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048)[::240][:-1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    filters = build_mel_filterbank(128, 2048, 24_000, 0.0, 12_000.0, normalize=False)
    levels = 10 * np.log10(np.maximum(power @ filters.T, 1e-10)).T
    assert levels.shape == (128, 100)
    with torch.no_grad():
        normalized = torch.from_numpy((levels - 6.8) / 18.4).float()[None]
        steps = network.conformer(network.conv(normalized)).last_hidden_state[0]
    assert steps.shape == (25, 32)  # 25 steps per second.
    np.testing.assert_allclose(vector, steps.mean(dim=0), atol=1e-3)


def test_incomplete_weights_of_muq_are_an_error(muq, tmp_path):
    (tmp_path / "config.json").write_bytes((muq[0] / "config.json").read_bytes())
    save_file({"model.cls_token": torch.zeros(32)}, tmp_path / "model.safetensors")
    with pytest.raises(EarshotError, match="it lacks"):
        load_encoder_without_sanity_check(find_encoder_spec(str(tmp_path)), FP32)
