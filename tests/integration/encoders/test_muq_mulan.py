"""MuQ-MuLan with tiny random weights against a plain forward pass, written from its tensors."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from core.encoders import find_encoder_spec
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_loading import load_encoder_without_sanity_check
from core.encoders.muq import MuqNetwork
from core.encoders.muq_mulan import (
    MuqMulanAudioTower,
    MuqMulanTextTower,
    split_waveform_and_fill_last_window,
)
from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip
from tests.integration.encoders.tiny_models import MUQ_CONFIG, save_byte_tokenizer

FP32 = ComputeConfig("cpu", use_bf16=False)
SAMPLE_RATE, WINDOW_SECONDS = 24_000, 1
TRANSFORMER = {"dim": 24, "tf_depth": 2, "heads": 2, "dim_head": 8, "ff_mult": 4}
CONFIG = {
    "mulan": {"sr": SAMPLE_RATE, "clip_secs": WINDOW_SECONDS, "dim_latent": 16},
    "audio_model": {"name": "OpenMuQ/tiny-muq", "model_dim": 32, "use_layer_idx": -1},
    "text_model": {"name": "tiny-roberta", "model_dim": 32},
    "audio_transformer": TRANSFORMER,
    "text_transformer": {**TRANSFORMER, "max_seq_len": 1024},
}
PROGRAMS = ["play 60", "sample :ambi_lunar_land, rate: 0.5\nsleep 2"]
MAX_TOKENS = 48


@pytest.fixture(scope="module")
def mulan(tmp_path_factory):
    """Save a tiny MuQ-MuLan as its publisher does: one pickle of tensors, and two other models."""
    folder = tmp_path_factory.mktemp("mulan")
    (folder / "tiny-muq").mkdir()
    (folder / "tiny-muq" / "config.json").write_text(json.dumps(MUQ_CONFIG))
    vocabulary_size = save_byte_tokenizer(folder / "tiny-roberta")
    torch.manual_seed(0)
    roberta_config = XLMRobertaConfig(
        vocab_size=vocabulary_size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_TOKENS + 1,
        pad_token_id=0,
    )
    roberta_config.save_pretrained(folder / "tiny-roberta")
    tensors = {}
    for tower in (
        MuqMulanAudioTower(CONFIG, MUQ_CONFIG),
        MuqMulanTextTower(CONFIG, roberta_config),
    ):
        for name, value in tower.state_dict().items():
            has_random_scale = name.endswith(("learned_gamma", "q_scale", "k_scale"))
            tensors[f"mulan.{name}"] = torch.rand_like(value) + 0.5 if has_random_scale else value
    tensors["mulan.audio.aggregator.weight"] = torch.zeros(1, 25, 1)  # Only training needs it.
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder, tensors


def run_transformer(tensors, prefix, steps):
    """Apply the layers to one sequence, float [steps, dim], head by head."""
    for layer in range(TRANSFORMER["tf_depth"]):
        names = f"{prefix}.layers.{layer}."
        attention = {
            name: tensors[f"{names}0.{name}"]
            for name in ("norm.learned_gamma", "to_q.weight", "to_kv.weight", "to_out.0.weight")
        }
        normalized = functional.layer_norm(steps, (24,), attention["norm.learned_gamma"])
        heads = []
        for head in range(2):
            columns = slice(8 * head, 8 * head + 8)
            query = normalized @ attention["to_q.weight"][columns].T
            key = normalized @ attention["to_kv.weight"][:16][columns].T
            value = normalized @ attention["to_kv.weight"][16:][columns].T
            query = query / query.norm(dim=1, keepdim=True) * tensors[f"{names}0.q_scale"]
            key = key / key.norm(dim=1, keepdim=True) * tensors[f"{names}0.k_scale"]
            heads.append((8 * query @ key.T).softmax(dim=1) @ value)
        steps = steps + torch.cat(heads, dim=1) @ attention["to_out.0.weight"].T
        normalized = functional.layer_norm(steps, (24,), tensors[f"{names}1.0.learned_gamma"])
        values, gates = (normalized @ tensors[f"{names}1.1.weight"].T).split(64, dim=1)
        steps = steps + (values * functional.gelu(gates)) @ tensors[f"{names}1.4.weight"].T
    return steps


def project_to_unit_vector(tensors, name, steps):
    vector = steps.mean(dim=0) @ tensors[f"mulan.{name}.weight"].T + tensors[f"mulan.{name}.bias"]
    return vector / vector.norm()


@torch.no_grad()
def test_audio_is_the_mean_direction_of_windows_filled_up_from_the_beginning(mulan):
    folder, tensors = mulan
    spec = find_encoder_spec(str(folder))
    assert (spec.family, spec.sample_rate, spec.dim) == ("muq_mulan_audio", SAMPLE_RATE, 16)
    assert "non-commercial" in spec.usage_warning and spec.licence == "CC BY-NC 4.0"
    waveform = np.random.default_rng(1).normal(0, 0.1, 30_000).astype(np.float32)
    clip = Clip(waveform[:, None], SAMPLE_RATE)
    vector = load_encoder_without_sanity_check(spec, FP32).embed([clip])[0]

    muq = MuqNetwork(MUQ_CONFIG).eval()
    prefix = "mulan.audio.model.model."
    muq.load_state_dict(
        {name.removeprefix(prefix): value for name, value in tensors.items() if prefix in name}
    )
    filled = np.concatenate([waveform[24_000:], waveform[:18_000]])
    expected = []
    for window in (waveform[:24_000], filled):
        steps = muq(torch.from_numpy(window)[None])[0]
        steps = steps @ tensors["mulan.audio.proj.weight"].T + tensors["mulan.audio.proj.bias"]
        steps = run_transformer(tensors, "mulan.audio.transformer", steps)
        expected.append(project_to_unit_vector(tensors, "audio_to_latents", steps))
    np.testing.assert_allclose(vector, torch.stack(expected).mean(dim=0), atol=1e-5)


@torch.no_grad()
def test_text_is_what_the_tower_gives_without_padding(mulan):
    folder, tensors = mulan
    spec = find_encoder_spec(f"{folder}#text")
    assert (spec.modality, spec.dim, spec.shared_space) == ("code", 16, str(folder))
    vectors = load_encoder_without_sanity_check(spec, FP32).embed(PROGRAMS)

    roberta = XLMRobertaModel(XLMRobertaConfig.from_pretrained(folder / "tiny-roberta")).eval()
    prefix = "mulan.text.model."
    roberta.load_state_dict(
        {name.removeprefix(prefix): value for name, value in tensors.items() if prefix in name}
    )
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "tiny-roberta")
    for program, vector in zip(PROGRAMS, vectors):
        ids = torch.tensor([tokenizer(program)["input_ids"]])
        assert ids.shape[1] % 16  # So that the encoder pads.
        steps = roberta(input_ids=ids).last_hidden_state[0]
        steps = steps @ tensors["mulan.text.proj.weight"].T + tensors["mulan.text.proj.bias"]
        steps = run_transformer(tensors, "mulan.text.transformer", steps)
        expected = project_to_unit_vector(tensors, "text_to_latents", steps)
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_a_folder_without_the_other_models_names_what_is_missing(mulan, tmp_path):
    for name in ("config.json", "pytorch_model.bin"):
        shutil.copy(mulan[0] / name, tmp_path)
    for encoder_id, model in ((str(tmp_path), "tiny-muq"), (f"{tmp_path}#text", "tiny-roberta")):
        with pytest.raises(EarshotError, match=f"{model}, whose configuration is missing"):
            load_encoder_without_sanity_check(find_encoder_spec(encoder_id), FP32)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (3, [[0, 1, 2, 0, 1]]),
        (2, [[0, 1, 0, 1]]),  # A short waveform is repeated once, as in the model's own code.
        (5, [[0, 1, 2, 3, 4]]),
        (7, [[0, 1, 2, 3, 4], [5, 6, 0, 1, 2]]),
    ],
)
def test_the_last_window_is_filled_up_from_the_beginning(length, expected):
    windows = split_waveform_and_fill_last_window(np.arange(length, dtype=np.float32), 5)
    assert [window.tolist() for window in windows] == expected
