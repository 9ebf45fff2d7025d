"""Which alignment is used where nobody names one, and the reason given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.search.default_alignment_choice import (
    build_choice_of_requested_alignment,
    choose_default_alignment,
)

ENCODERS = {"code": "sonicpi", "audio": "log-mel"}
JOINT_ENCODERS = {"code": "sonicpi+simulation"}


def save_alignment(
    corpus: Corpus,
    objective: str,
    *,
    encoders: Mapping[str, str] | None = None,
    unseen_templates: tuple[str, ...] = (),
    stopped: str = "epochs",
) -> str:
    """Save an alignment without usable heads, for what reads only its record."""
    encoder_ids = ENCODERS | dict(encoders or {})
    config: dict[str, Any] = {
        "alignment": {"objective": objective},
        "encoders": {
            modality: {"id": name, "revision": find_encoder_spec(name).revision, "dim": 2}
            for modality, name in encoder_ids.items()
        },
        "split": {"programs": {}, "unseen_templates": list(unseen_templates)},
    }
    heads = {"weight": torch.zeros(1)}
    return corpus.save_alignment(config, heads, {"stopped": stopped}, pd.DataFrame({"epoch": [1]}))


def choose(corpus: Corpus, purpose: Any) -> tuple[str, str]:
    choice = choose_default_alignment(corpus, purpose)
    assert choice is not None
    return choice.alignment_id, choice.reason


def test_a_corpus_without_an_alignment_has_no_choice(corpus: Corpus) -> None:
    assert choose_default_alignment(corpus, "prediction") is None


def test_a_single_alignment_is_used_for_everything(corpus: Corpus) -> None:
    only = save_alignment(corpus, "soft_infonce")
    for purpose in ("prediction", "map"):
        assert choose(corpus, purpose) == (only, "the only alignment of this corpus")
    assert choose(corpus, "any") == (only, "the newest alignment")


def test_each_purpose_takes_the_newest_alignment_made_for_it(corpus: Corpus) -> None:
    save_alignment(corpus, "kernel_ridge")
    ridge = save_alignment(corpus, "kernel_ridge")
    infonce = save_alignment(corpus, "infonce")
    assert choose(corpus, "prediction") == (ridge, "made for prediction")
    assert choose(corpus, "map") == (infonce, "made for the map")
    assert choose(corpus, "any")[0] == infonce
    newer_ridge = save_alignment(corpus, "ridge")  # The choice follows the corpus.
    assert choose(corpus, "prediction")[0] == newer_ridge


def store_simulations(corpus: Corpus, program_ids: list[str], revision_suffix: str = "") -> None:
    spec = find_encoder_spec("simulation")
    vectors = np.ones((len(program_ids), spec.dim), np.float32)
    corpus.store_embeddings(spec.id, spec.revision + revision_suffix, program_ids, vectors)


def list_programs(corpus: Corpus) -> list[str]:
    return [str(program_id) for program_id in corpus.load_programs()["program"]]


def test_the_simulation_that_a_joint_method_adds_is_no_other_encoder(corpus: Corpus) -> None:
    corpus.set_corpus_setting("encoders", ENCODERS)
    store_simulations(corpus, list_programs(corpus))
    save_alignment(corpus, "kernel_ridge")
    joint = save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS)
    save_alignment(corpus, "joint_kernel_ridge", encoders={"code": "score+simulation"})
    # It finds variants, and predicts similar clips worse.
    save_alignment(corpus, "whitened_joint_kernel_ridge", encoders=JOINT_ENCODERS)
    assert choose(corpus, "prediction")[0] == joint


def test_joint_kernel_ridge_predicts_snippets_and_kernel_ridge_the_variants_of_suggest(
    corpus: Corpus,
) -> None:
    store_simulations(corpus, list_programs(corpus))
    joint = save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS)
    ridge = save_alignment(corpus, "kernel_ridge")
    infonce = save_alignment(corpus, "infonce")
    assert choose(corpus, "prediction") == (joint, "made for prediction")
    assert choose(corpus, "suggestion") == (ridge, "made for suggestions")
    assert choose(corpus, "map") == (infonce, "made for the map")
    # A joint alignment that was stopped or held out templates is second to a complete one.
    save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS, stopped="cancelled")
    alignment_id, reason = choose(corpus, "prediction")
    assert alignment_id == joint and "; newer ones have other encoders" in reason


def test_without_kernel_ridge_the_joint_alignment_suggests(corpus: Corpus) -> None:
    store_simulations(corpus, list_programs(corpus))
    joint = save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS)
    save_alignment(corpus, "infonce")
    reason = "made for prediction; none is made for suggestions"
    assert choose(corpus, "suggestion") == (joint, reason)


def test_clips_without_a_simulation_are_predicted_by_kernel_ridge(corpus: Corpus) -> None:
    ridge = save_alignment(corpus, "kernel_ridge")
    joint = save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS)
    *simulated_ids, last_id = list_programs(corpus)
    store_simulations(corpus, simulated_ids)
    left_out = "made for prediction; joint kernel ridge is left out: "
    assert choose(corpus, "prediction") == (ridge, f"{left_out}1 clip has no simulation")
    store_simulations(corpus, [last_id])  # The choice follows the corpus.
    assert choose(corpus, "prediction") == (joint, "made for prediction")


def test_a_joint_alignment_of_another_simulation_is_left_out(corpus: Corpus) -> None:
    store_simulations(corpus, list_programs(corpus))
    ridge = save_alignment(corpus, "kernel_ridge")
    config = save_alignment(corpus, "joint_kernel_ridge", encoders=JOINT_ENCODERS)
    path = corpus.load_alignment(config).path / "config.json"
    path.write_text(path.read_text().replace(find_encoder_spec("sonicpi+simulation").revision, "1"))
    alignment_id, reason = choose(corpus, "prediction")
    assert alignment_id == ridge and "trained on another revision of the simulation" in reason


def test_without_a_suitable_objective_the_newest_is_used_and_the_reason_says_so(
    corpus: Corpus,
) -> None:
    save_alignment(corpus, "infonce")
    newest = save_alignment(corpus, "soft_infonce")
    reason = "the newest alignment; none is made for prediction"
    assert choose(corpus, "prediction") == (newest, reason)


def test_stopped_and_partial_trainings_and_other_encoders_come_last(corpus: Corpus) -> None:
    complete = save_alignment(corpus, "kernel_ridge")
    save_alignment(corpus, "kernel_ridge", unseen_templates=("t",))
    save_alignment(corpus, "kernel_ridge", stopped="cancelled")
    save_alignment(corpus, "kernel_ridge", encoders={"audio": "aisfx"})
    alignment_id, reason = choose(corpus, "prediction")
    assert alignment_id == complete
    assert reason.startswith("made for prediction; newer ones have other encoders")


def test_a_damaged_alignment_is_not_chosen(corpus: Corpus) -> None:
    intact = save_alignment(corpus, "kernel_ridge")
    damaged = save_alignment(corpus, "kernel_ridge")
    (corpus.load_alignment(damaged).path / "config.json").write_text("{")
    assert choose(corpus, "prediction")[0] == intact


def test_the_choice_reads_as_one_line(corpus: Corpus) -> None:
    alignment_id = save_alignment(corpus, "kernel_ridge")
    line = str(choose_default_alignment(corpus, "prediction"))
    assert line.startswith(f"alignment {alignment_id} (kernel-ridge of ")
    assert line.endswith("): the only alignment of this corpus")
    requested = build_choice_of_requested_alignment(corpus.load_alignment(alignment_id))
    assert requested.reason == "the one you chose"
