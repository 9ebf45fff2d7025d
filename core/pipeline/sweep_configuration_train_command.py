"""The command that trains one configuration of a sweep as an alignment of the corpus."""

from __future__ import annotations

from core.alignment.config import PRESETS, AlignmentConfig
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline import sweep_results

DEFAULT_PRESET = "infonce"


def build_training_command(corpus: Corpus, sweep_id: str, number: int) -> list[str]:
    """Return the arguments of ``./run`` that train a configuration of a sweep.

    Parameters
    ----------
    corpus : Corpus
    sweep_id : str
    number : int
        Number of the configuration, from 0.

    Returns
    -------
    list of str
        As "train", "starter", "--method", "infonce", "--layers", "2".

    Raises
    ------
    EarshotError
        When there is no such sweep or configuration.
    """
    settings = sweep_results.load_sweep_settings(corpus, sweep_id)
    if not 0 <= number < len(settings["trials"]):
        raise EarshotError(f"The sweep {sweep_id} has no configuration {number}.")
    config = AlignmentConfig.from_dict(settings["trials"][number][1])
    method = config.objective if config.objective in PRESETS else DEFAULT_PRESET
    defaults = AlignmentConfig.from_preset(method).to_dict()
    command = ["train", corpus.name, "--method", method.replace("_", "-")]
    code_encoder = settings["codes"][number]
    if code_encoder != (corpus.settings.get("encoders") or {}).get("code"):
        command += ["--code-encoder", code_encoder]
    for name, value in config.to_dict().items():
        if value == defaults[name]:
            continue
        option = name.replace("_", "-")
        if isinstance(value, bool):
            command.append(f"--{option}" if value else f"--no-{option}")
        else:
            command += [f"--{option}", str(value)]
    return command
