"""What can be set for a study, for the command line and the page alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """One setting of a study.

    Attributes
    ----------
    name : str
        A word, or words joined by "_".
    help : str
    default : object
        What it is if not given; None where the study finds it.
    kind : type
        str, int or float.
    """

    name: str
    help: str
    default: Any = None
    kind: type = str

    @property
    def flag(self) -> str:
        """How the command line spells it: "--per-kind"."""
        return "--" + self.name.replace("_", "-")


ALIGNMENT = Option("alignment", "its id; without it, the best on the validation programs")
CODE_ENCODER = Option("code_encoder", "without an alignment: whose embeddings of code to take")
AUDIO_ENCODER = Option("audio_encoder", "without an alignment: whose embeddings of sound to take")
SEED = Option("seed", "of all that is drawn at random", 0, int)
