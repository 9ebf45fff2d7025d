"""The choice of a preset, with local hubs that answer, refuse or hang."""

import http.server
import json
import socket
import threading

import pytest
from huggingface_hub import constants

from core.encoders import PRESETS, choose_encoder_preset, encoder_presets, find_encoder_spec
from core.errors import EarshotError


class HubHandler(http.server.BaseHTTPRequestHandler):
    """A hub that has every model."""

    def do_GET(self):
        body = json.dumps({"id": self.path.removeprefix("/api/models/"), "siblings": []}).encode()
        if self.path.startswith("/api/models/"):  # the client also makes other requests
            self.server.requested_paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def empty_cache(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """No weights on this machine, and no cached answer of the hub."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    encoder_presets._find_hub_problem.cache_clear()
    yield tmp_path
    encoder_presets._find_hub_problem.cache_clear()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    server.requested_paths = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def fill_cache(folder, encoder_id):
    """Put an encoder's files into the hub's cache as the hub's client does."""
    weights = find_encoder_spec(encoder_id).weights
    name = "models--" + weights.repo.replace("/", "--")
    snapshot = folder / name / "snapshots" / weights.revision
    snapshot.mkdir(parents=True)
    for file in ("config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"):
        (snapshot / file).write_text("{}")
    return snapshot


def test_an_explicit_preset_is_used():
    for name, preset in PRESETS.items():
        chosen_preset, reason = choose_encoder_preset(name)
        assert chosen_preset is preset and "you chose it" in reason


def test_the_error_of_an_unknown_preset_lists_the_presets():
    with pytest.raises(EarshotError, match="paper or offline"):
        choose_encoder_preset("onlin")


def test_available_weights_decide_without_a_hub(empty_cache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = fill_cache(empty_cache, "facebook/wav2vec2-base")
    preset, reason = choose_encoder_preset()
    assert preset.name == "offline"
    assert (
        "distilroberta-base" in reason and "wav2vec2" not in reason and "HF_HUB_OFFLINE" in reason
    )
    fill_cache(empty_cache, "distilroberta-base")
    preset, reason = choose_encoder_preset()
    assert preset.name == "paper" and "on this machine" in reason
    (snapshot / "model.safetensors").unlink()
    assert choose_encoder_preset()[0].name == "offline"


def test_a_cache_under_the_model_s_former_name_counts(empty_cache):
    snapshot = fill_cache(empty_cache, "distilroberta-base")
    snapshot.parent.parent.rename(empty_cache / "models--distilroberta-base")
    assert find_encoder_spec("distilroberta-base").is_available_offline()


def test_the_paper_preset_is_used_if_the_hub_answers(empty_cache, hub):
    preset, reason = choose_encoder_preset()
    assert preset.name == "paper"
    assert "the model hub has distilroberta-base and facebook/wav2vec2-base (710 MB" in reason
    requests = list(hub.requested_paths)
    assert len(requests) == 2
    assert choose_encoder_preset() == (preset, reason)
    assert hub.requested_paths == requests, "the hub is probed once per process"


def test_only_missing_weights_are_looked_up(empty_cache, hub):
    fill_cache(empty_cache, "facebook/wav2vec2-base")
    assert "has distilroberta-base (330 MB" in choose_encoder_preset()[1]
    assert len(hub.requested_paths) == 1


def test_the_offline_preset_is_used_if_the_hub_refuses(
    empty_cache, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    preset, reason = choose_encoder_preset()
    assert preset.name == "offline"
    assert reason.startswith("The offline preset is used: the weights of distilroberta-base and")
    assert "cannot be reached" in reason


def test_the_offline_preset_is_used_if_the_hub_hangs(empty_cache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoder_presets, "HUB_PROBE_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:  # accepts connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        preset, reason = choose_encoder_preset()
    assert preset.name == "offline"
    assert "did not answer" in reason or "cannot be reached" in reason
