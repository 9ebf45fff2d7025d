"""Pairs of encoders that belong together, and the choice between them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from core.encoders.registry import find_encoder_spec
from core.errors import EarshotError

# Seconds that the hub is given in all, names looked up and client loaded included.
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
        # `./run sweep CORPUS --grid ablation`: what a program says that it plays brings more than
        # a sentence encoder, which adds nothing to it.
        "offline": EncoderPreset("offline", "sonicpi", "aisfx"),
    }
)


def choose_preset(preset_name: str | None = None) -> tuple[EncoderPreset, str]:
    """Return the preset to use and, in one sentence for the user, why.

    Parameters
    ----------
    preset_name : {"paper", "offline"}, optional
        Use this one. By default the paper's, if its weights are at hand or the
        model hub answers, and else the offline one. The hub is asked once a
        process and given `HUB_PATIENCE` seconds.

    Raises
    ------
    EarshotError
        When there is no preset of that name.
    """
    if preset_name is not None:
        if preset_name not in PRESETS:
            raise EarshotError(
                f"There is no preset {str(preset_name)[:80]!r}.", remedy=f"Use {' or '.join(PRESETS)}."
            )
        return PRESETS[preset_name], f"The {preset_name} preset is used because you chose it."
    paper = PRESETS["paper"]
    missing = [each for each in (paper.code_encoder, paper.audio_encoder) if not find_encoder_spec(each).is_available_offline()]
    if not missing:
        return paper, "The paper's encoders are used: their weights are on this machine."
    lacking = " and ".join(missing)
    trouble = _find_hub_problem(tuple(find_encoder_spec(each).weights.repo for each in missing))
    if trouble:
        why = f"the weights of {lacking} are not on this machine and {trouble}"
        return PRESETS["offline"], f"The offline preset is used: {why}."
    size = sum(find_encoder_spec(each).weights.megabytes for each in missing)
    return paper, f"The paper's encoders are used: the model hub has {lacking} ({size} MB to get)."


@cache
def _find_hub_problem(repos: tuple[str, ...]) -> str:
    """Why these repositories can't be had from the hub now, "" when they can."""
    answer: list[str] = []
    # Looking up a name knows no timeout, so the wait is bounded from outside.
    asking = threading.Thread(target=lambda: answer.append(_query_hub(repos)), daemon=True)
    asking.start()
    asking.join(HUB_PROBE_TIMEOUT_SECONDS)
    return answer[0] if answer else f"the model hub did not answer within {HUB_PROBE_TIMEOUT_SECONDS:.0f} s"


def _query_hub(repos: tuple[str, ...]) -> str:
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        for repo in repos:
            HfApi().model_info(repo, timeout=HUB_PROBE_TIMEOUT_SECONDS / len(repos))
    except Exception as error:  # the client raises its own, its transport's and the system's
        return f"the model hub cannot be reached ({type(error).__name__})"
    return ""
