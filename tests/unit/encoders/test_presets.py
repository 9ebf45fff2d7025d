"""Which preset is used and why, against hubs on this machine that answer, refuse or hang."""

import http.server
import json
import socket
import threading

import pytest
from huggingface_hub import constants

from core.encoders import PRESETS, choose_preset, find_encoder_spec, presets
from core.errors import EarshotError


class Hub(http.server.BaseHTTPRequestHandler):
    """Knows every model."""

    def do_GET(self):
        body = json.dumps({"id": self.path.removeprefix("/api/models/"), "siblings": []}).encode()
        if self.path.startswith("/api/models/"):  # the client may ask for more of its own
            self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def empty_cache(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """No weights on this machine, and the hub's answer not asked for yet."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    presets._find_hub_problem.cache_clear()
    yield tmp_path
    presets._find_hub_problem.cache_clear()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def cache(folder, encoder_id):
    """Lay an encoder's files into the hub's cache as the hub's client does."""
    weights = find_encoder_spec(encoder_id).weights
    name = "models--" + weights.repo.replace("/", "--")
    snapshot = folder / name / "snapshots" / weights.revision
    snapshot.mkdir(parents=True)
    for file in ("config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"):
        (snapshot / file).write_text("{}")
    return snapshot


def test_a_preset_asked_for_is_the_one_used():
    for name, preset in PRESETS.items():
        chosen, why = choose_preset(name)
        assert chosen is preset and "you chose it" in why


def test_an_unknown_preset_names_the_known():
    with pytest.raises(EarshotError, match="paper or offline"):
        choose_preset("onlin")


def test_weights_at_hand_decide_without_a_hub(empty_cache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = cache(empty_cache, "facebook/wav2vec2-base")
    chosen, why = choose_preset()
    assert chosen.name == "offline"
    assert "distilroberta-base" in why and "wav2vec2" not in why and "HF_HUB_OFFLINE" in why
    cache(empty_cache, "distilroberta-base")
    chosen, why = choose_preset()
    assert chosen.name == "paper" and "on this machine" in why
    (snapshot / "model.safetensors").unlink()
    assert choose_preset()[0].name == "offline"


def test_a_cache_under_the_model_s_older_name_counts(empty_cache):
    snapshot = cache(empty_cache, "distilroberta-base")
    snapshot.parent.parent.rename(empty_cache / "models--distilroberta-base")
    assert find_encoder_spec("distilroberta-base").is_available_offline()


def test_a_hub_that_answers_gives_the_paper_s(empty_cache, hub):
    chosen, why = choose_preset()
    assert chosen.name == "paper"
    assert "the model hub has distilroberta-base and facebook/wav2vec2-base (710 MB" in why
    asked = list(hub.asked)
    assert len(asked) == 2
    assert choose_preset() == (chosen, why)
    assert hub.asked == asked, "the hub is asked once a process"


def test_only_what_is_missing_is_asked_for(empty_cache, hub):
    cache(empty_cache, "facebook/wav2vec2-base")
    assert "has distilroberta-base (330 MB" in choose_preset()[1]
    assert len(hub.asked) == 1


def test_a_hub_that_refuses_gives_the_offline_one(empty_cache, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    chosen, why = choose_preset()
    assert chosen.name == "offline"
    assert why.startswith("The offline preset is used: the weights of distilroberta-base and")
    assert "cannot be reached" in why


def test_a_hub_that_hangs_gives_the_offline_one(empty_cache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(presets, "HUB_PROBE_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:  # accepts, and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        chosen, why = choose_preset()
    assert chosen.name == "offline"
    assert "did not answer" in why or "cannot be reached" in why
