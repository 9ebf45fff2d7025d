"""Presets: pairs of a code encoder and an audio encoder, and the choice between them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from core.encoders.encoder_spec_lookup import find_encoder_spec
from core.encoders.hub_weights import HubWeights
from core.errors import EarshotError

# Total time to probe the model hub, including name resolution and loading its client.
HUB_PROBE_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class EncoderPreset:
    """A code encoder and an audio encoder, by id."""

    name: str
    code_encoder: str
    audio_encoder: str


PRESETS = MappingProxyType(
    {
        "paper": EncoderPreset("paper", "distilroberta-base", "facebook/wav2vec2-base"),
        # In `./run sweep CORPUS --grid ablation` the symbolic encoder scores higher than a sentence
        # encoder, and adding a sentence encoder to it does not raise its score. The audio encoder
        # is a consensus: a prediction is to hold by each of three encoders, not by one alone.
        "offline": EncoderPreset("offline", "sonicpi", "aisfx+log-mel+musicnn-short"),
    }
)


def find_encoder_preset_name(code_encoder: str, audio_encoder: str) -> str | None:
    """Return the name of the preset with these encoders; None if there is none.

    Examples
    --------
    >>> find_encoder_preset_name("sonicpi", "aisfx+log-mel+musicnn-short")
    'offline'
    """
    for preset in PRESETS.values():
        if (preset.code_encoder, preset.audio_encoder) == (code_encoder, audio_encoder):
            return preset.name
    return None


def choose_encoder_preset(preset_name: str | None = None) -> tuple[EncoderPreset, str]:
    """Return the preset to use and a sentence that gives the reason.

    Parameters
    ----------
    preset_name : {"paper", "offline"}, optional
        Use this preset. By default "paper" if its weights are available or the model hub answers,
        otherwise "offline". A process probes the hub at most once per set of missing weights, for
        at most `HUB_PROBE_TIMEOUT_SECONDS`.

    Returns
    -------
    preset : EncoderPreset
    reason : str

    Raises
    ------
    EarshotError
        If there is no preset of that name.

    Examples
    --------
    >>> preset, reason = choose_encoder_preset("offline")
    >>> preset.audio_encoder
    'aisfx+log-mel+musicnn-short'
    """
    if preset_name is not None:
        if preset_name not in PRESETS:
            raise EarshotError(
                f"There is no preset {str(preset_name)[:80]!r}.",
                remedy=f"Use {' or '.join(PRESETS)}.",
            )
        return PRESETS[preset_name], f"The {preset_name} preset is used because you chose it."
    paper = PRESETS["paper"]
    missing = _find_missing_weights(paper)
    if not missing:
        return paper, "The paper's encoders are used: their weights are on this machine."
    missing_ids = " and ".join(missing)
    hub_problem = _find_hub_problem(tuple(weights.repo for weights in missing.values()))
    if hub_problem:
        return (
            PRESETS["offline"],
            f"The offline preset is used: the weights of {missing_ids} are not on this machine and"
            f" {hub_problem}.",
        )
    megabytes = sum(weights.megabytes for weights in missing.values())
    return (
        paper,
        f"The paper's encoders are used: the model hub has {missing_ids}"
        f" ({megabytes} MB to download).",
    )


def _find_missing_weights(preset: EncoderPreset) -> dict[str, HubWeights]:
    """Return the weights of a preset that are on the model hub but not here, by encoder id."""
    specs = [find_encoder_spec(preset.code_encoder), find_encoder_spec(preset.audio_encoder)]
    return {
        spec.id: spec.weights
        for spec in specs
        if isinstance(spec.weights, HubWeights) and not spec.is_available_offline()
    }


@cache
def _find_hub_problem(repos: tuple[str, ...]) -> str:
    """Return why these repositories cannot be downloaded now, or "" if they can."""
    answers: list[str] = []
    # Name resolution has no timeout of its own, so a thread bounds the wait.
    query = threading.Thread(
        target=lambda: answers.append(_check_hub_repositories(repos)), daemon=True
    )
    query.start()
    query.join(HUB_PROBE_TIMEOUT_SECONDS)
    if answers:
        return answers[0]
    return f"the model hub did not answer within {HUB_PROBE_TIMEOUT_SECONDS:.0f} s"


def _check_hub_repositories(repos: tuple[str, ...]) -> str:
    """Ask the hub for each repository; return the problem, or ""."""
    # Loading the hub's client takes long, and most commands do not need it.
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        for repo in repos:
            HfApi().model_info(repo, timeout=HUB_PROBE_TIMEOUT_SECONDS / len(repos))
    except Exception as error:  # the client, its transport and the system each raise their own
        return f"the model hub cannot be reached ({type(error).__name__})"
    return ""
