"""Downloads from a local model hub that serves a tiny model."""

import dataclasses
import hashlib
import http.server
import json
import threading

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from core.encoders.__main__ import load_and_download_encoders
from core.encoders.encoder_loading import load_encoder
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.hub_weights import HubWeights, locate_companion_folder
from core.encoders.model_weight_sources import find_missing_model_file, list_weight_shard_files
from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip

COMMIT = "0123456789" * 4
REPO = "someone/tiny"


class HubHandler(http.server.BaseHTTPRequestHandler):
    """Serves the list of a repository's files, and the files."""

    def do_HEAD(self):
        self.send_answer(with_body=False)

    def do_GET(self):
        self.send_answer(with_body=True)

    def send_answer(self, with_body):
        files = self.server.files
        prefix, _, name = self.path.partition(f"/{REPO}/resolve/{COMMIT}/")
        if self.path == f"/api/models/{REPO}/revision/{COMMIT}":
            siblings = [{"rfilename": file} for file in files]
            body = json.dumps({"id": REPO, "sha": COMMIT, "siblings": siblings}).encode()
        elif prefix == "" and name in files:
            body = files[name]
            self.server.served_files.append(name)
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "model"
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        initializer_range=0.3,
    )
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    server.files = {file.name: file.read_bytes() for file in folder.iterdir()}
    server.files |= {"pytorch_model.bin": b"not wanted", "tf_model.h5": b"not wanted"}
    server.served_files = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def tiny_spec():
    return EncoderSpec(
        id="tiny",
        modality="audio",
        family="wav2vec2",
        dim=32,
        title="tiny",
        licence="none",
        weights=HubWeights(REPO, COMMIT, megabytes=1),
        sample_rate=16_000,
    )


def test_weights_are_downloaded_once_and_only_what_is_needed(hub, tiny_spec):
    assert not tiny_spec.is_available_offline()
    clip = Clip(np.random.default_rng(0).normal(size=(44_100, 2)).astype(np.float32) * 0.1)
    first = load_encoder(tiny_spec).embed([clip])
    assert tiny_spec.is_available_offline()
    served = set(hub.served_files)
    assert {"config.json", "preprocessor_config.json", "model.safetensors"} <= served
    assert not served & {"pytorch_model.bin", "tf_model.h5"}
    hub.served_files.clear()
    np.testing.assert_array_equal(load_encoder(tiny_spec).embed([clip]), first)
    assert hub.served_files == []


def test_an_interrupted_download_is_resumed(hub, tiny_spec):
    weights = hub.files.pop("model.safetensors")
    del hub.files["pytorch_model.bin"]
    with pytest.raises(EarshotError, match="model.safetensors"):
        load_encoder(tiny_spec)
    assert not tiny_spec.is_available_offline()
    hub.files["model.safetensors"] = weights
    assert load_encoder(tiny_spec).spec is tiny_spec


def test_a_commit_that_the_hub_lacks_is_an_error(hub, tiny_spec):
    missing_commit = HubWeights(REPO, "f" * 40, megabytes=1)
    with pytest.raises(EarshotError, match="The weights of tiny are not on this machine"):
        load_encoder(dataclasses.replace(tiny_spec, weights=missing_commit))


def test_the_command_in_error_messages_works(capsys):
    assert load_and_download_encoders(["aisfx"]) == 0
    assert "aisfx is available and passes its sanity check" in capsys.readouterr().out
    assert load_and_download_encoders(["no-such-encoder"]) == 1
    assert "There is no encoder" in capsys.readouterr().err
    assert load_and_download_encoders(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = next(line for line in lines if line.startswith("OpenMuQ/MuQ-large-msd-iter"))
    assert listed.endswith(
        "; model hub, OpenMuQ/MuQ-large-msd-iter, 1334 MB; 24 kHz; licence: CC BY-NC 4.0;"
        " non-commercial use only"
    )
    assert any(line.startswith("facebook/wav2vec2-base") for line in lines)


def test_weights_in_several_files_are_downloaded_whole(hub, tmp_path, monkeypatch):
    """Large models come in shards with an index; a shard that is missing is downloaded later."""
    model = Wav2Vec2Model.from_pretrained(tmp_path / "model")
    sharded = tmp_path / "sharded"
    model.save_pretrained(sharded, max_shard_size="20KB")
    shards = {path.name: path.read_bytes() for path in sharded.glob("model-*.safetensors")}
    assert len(shards) > 1
    del hub.files["model.safetensors"], hub.files["pytorch_model.bin"]
    index = "model.safetensors.index.json"
    hub.files |= {index: (sharded / index).read_bytes()}
    weights = HubWeights(REPO, COMMIT, megabytes=1)
    with pytest.raises(EarshotError, match="could not be downloaded"):
        weights.locate_or_download_weights("tiny")
    assert not weights.is_available_offline()
    hub.files |= shards
    folder = weights.locate_or_download_weights("tiny")
    assert weights.is_available_offline()
    assert {path.name for path in folder.iterdir()} >= {*shards, index}
    (folder / max(shards)).unlink()
    assert not weights.is_available_offline()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"weight_map": {"a": "../../etc/passwd"}}', '{"weight_map": {"a": []}}'],
)
def test_a_damaged_index_of_weights_is_as_good_as_missing(tmp_path, content):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    index_path = tmp_path / "model.safetensors.index.json"
    index_path.write_text(content)
    assert find_missing_model_file(tmp_path) == index_path.name
    with pytest.raises(EarshotError, match="JSON|settings|list files"):
        list_weight_shard_files(index_path)


def test_of_a_companion_only_the_configuration_is_downloaded(hub, tiny_spec):
    companion = HubWeights(REPO, COMMIT, megabytes=1, is_config_only=True)
    weights = dataclasses.replace(tiny_spec.weights, companions=(companion,))
    folder = companion.locate_or_download_weights("tiny")
    assert companion.is_available_offline() and not weights.is_available_offline()
    assert {"config.json", "preprocessor_config.json"} <= set(hub.served_files)
    assert "model.safetensors" not in hub.served_files
    found = locate_companion_folder(weights, weights.locate_or_download_weights("x"), REPO, "x")
    assert found == folder and weights.is_available_offline()
    with pytest.raises(EarshotError, match="x is built from a/b, whose configuration is missing"):
        locate_companion_folder(weights, folder, "a/b", "x")
