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

# Here, not in the studies' modules, so that a command can explain itself before it loads what
# they compute with.
OF: dict[str, tuple[Option, ...]] = {
    "correlation": (
        ALIGNMENT,
        CODE_ENCODER,
        AUDIO_ENCODER,
        SEED,
        Option("draws", "other choices of one program per template, for the interval", 200, int),
        Option("permutations", "of the Mantel test", 9999, int),
    ),
    "perturbation": (
        ALIGNMENT,
        CODE_ENCODER,
        AUDIO_ENCODER,
        SEED,
        Option("per_kind", "programs to change, of each kind of parameter", 6, int),
    ),
    "sweep": (
        Option("sweep", "the id of one to read; without it, the paper's is run, or gone on with"),
        Option("seeds", "runs of each configuration", 5, int),
    ),
    "completion": (
        ALIGNMENT,
        SEED,
        Option("other_ear", "a second audio encoder, that the alignment never saw"),
    ),
    "umap": (ALIGNMENT, SEED),
    "foretelling": (
        Option(
            "queries",
            "validation (held-out templates and styles), examples (Sonic Pi's own),"
            " or a folder of programs",
            "validation",
        ),
        Option(
            "ways",
            "told (from the simplest to ours), or what was tried: solved, trained,"
            " augmented, networks, tuned, or all of it",
            "told",
        ),
        Option("judge", "an audio encoder that is not trained on", "log-mel"),
        CODE_ENCODER,
        AUDIO_ENCODER,
        SEED,
    ),
}
