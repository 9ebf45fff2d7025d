"""The list of encoders, and folders as encoders: nothing here loads a model."""

import json
import os
import subprocess
import sys
import types

import pytest

import core.encoders
from core.encoders import PRESETS, list_encoder_specs, find_encoder_spec
from core.encoders.loading import ENCODER_CLASS_BY_FAMILY
from core.encoders.registry import FAMILY_BY_MODEL_TYPE as FAMILY_OF_TYPE
from core.encoders.registry import MODALITIES
from core.encoders.weights import HubWeights
from core.errors import EarshotError

IDS = [
    "sentence-transformers/all-MiniLM-L6-v2",
    "distilroberta-base",
    "microsoft/codebert-base",
    "microsoft/unixcoder-base",
    "sonicpi",
    "score",
    "aisfx",
    "facebook/wav2vec2-base",
    "laion/clap-htsat-unfused",
    "laion/larger_clap_music",
    "log-mel",
]


def save_model(folder, config, preprocessor=None, weights=b"weights"):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights)
    name = "tokenizer.json" if preprocessor is None else "preprocessor_config.json"
    (folder / name).write_text(json.dumps(preprocessor or {}))
    return folder


def test_all_encoders_are_listed_once_and_whole():
    assert [each.id for each in list_encoder_specs()] == IDS
    for each in list_encoder_specs():
        assert each.modality in MODALITIES and each.family in ENCODER_CLASS_BY_FAMILY
        assert each.dim > 0 and each.title and each.licence and each.source and each.revision
        assert (each.sample_rate is None) == (each.modality == "code")
        assert each.install_instructions
        assert find_encoder_spec(each.id) is each


def test_no_module_takes_the_place_of_a_function():
    for each in core.encoders.list_encoder_specs():
        core.encoders.find_encoder_spec(each.id)
    for name in core.encoders.__all__:
        assert not isinstance(getattr(core.encoders, name), types.ModuleType), name


def test_entries_by_modality():
    code, audio = list_encoder_specs("code"), list_encoder_specs("audio")
    assert code + audio == list_encoder_specs()
    assert {each.modality for each in audio} == {"audio"}
    with pytest.raises(EarshotError, match="no modality"):
        list_encoder_specs("smell")


def test_models_on_the_hub_are_pinned_to_a_commit():
    pinned = [each.weights for each in list_encoder_specs() if isinstance(each.weights, HubWeights)]
    assert len(pinned) == 6
    for weights in pinned:
        assert len(weights.revision) == 40 and set(weights.revision) <= set("0123456789abcdef")


def test_presets_name_encoders_of_the_right_modality():
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert find_encoder_spec(preset.code_encoder).modality == "code"
        assert find_encoder_spec(preset.audio_encoder).modality == "audio"


def test_importing_the_registry_loads_no_framework():
    program = (
        "import sys, core.encoders as e; [each.revision for each in e.entries()];"
        "print(*sorted({'torch', 'transformers', 'scipy', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == ""


def test_an_unknown_id_names_the_near_ones():
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
def test_a_folder_is_an_encoder(tmp_path, config, preprocessor, modality, dim, rate):
    folder = save_model(tmp_path / "model", config, preprocessor)
    found = find_encoder_spec(str(folder))
    assert (found.id, found.modality, found.dim) == (str(folder), modality, dim)
    assert found.sample_rate == rate
    assert found.is_available_offline()
    (folder / "model.safetensors").unlink()
    assert not found.is_available_offline()
    with pytest.raises(EarshotError, match="model.safetensors or pytorch_model.bin"):
        found.weights.resolve_weights_path(found.id)


def test_a_folder_may_be_given_relative_and_keeps_one_id(tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = save_model(tmp_path / "model", {"model_type": "bert"})
    monkeypatch.chdir(tmp_path)
    assert find_encoder_spec("model") == find_encoder_spec("./model/") == find_encoder_spec(str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_encoder_spec("~/model").id == str(folder)


def test_the_revision_of_a_folder_is_that_of_its_content(tmp_path):
    one = save_model(tmp_path / "one", {"model_type": "bert"})
    two = save_model(tmp_path / "two", {"model_type": "bert"})
    assert find_encoder_spec(str(one)).revision == find_encoder_spec(str(two)).revision
    save_model(two, {"model_type": "bert"}, weights=b"others!")
    assert find_encoder_spec(str(one)).revision != find_encoder_spec(str(two)).revision


def test_a_folder_that_cannot_be_run_says_why(tmp_path):
    folder = save_model(tmp_path / "model", {"model_type": "gpt2"})
    with pytest.raises(EarshotError, match="'gpt2'.*roberta") as caught:
        find_encoder_spec(str(folder))
    assert all(known in str(caught.value) for known in FAMILY_OF_TYPE)
    (folder / "config.json").write_text("{")
    with pytest.raises(EarshotError, match="JSON"):
        find_encoder_spec(str(folder))
    (folder / "config.json").write_text("[]")
    with pytest.raises(EarshotError, match="no settings"):
        find_encoder_spec(str(folder))
