"""What can be set for a study, for the command line and the page alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StudyOption:
    """One setting of a study.

    Attributes
    ----------
    name : str
        A word, or words joined by "_".
    help : str
    default : object
        What it is if not given; None where the study finds it.
    value_type : type
        str, int or float.
    """

    name: str
    help: str
    default: Any = None
    value_type: type = str

    @property
    def cli_flag(self) -> str:
        """How the command line spells it: "--per-kind"."""
        return "--" + self.name.replace("_", "-")


ALIGNMENT_OPTION = StudyOption("alignment", "its id; without it, the best on the validation programs")
CODE_ENCODER_OPTION = StudyOption("code_encoder", "without an alignment: whose embeddings of code to take")
AUDIO_ENCODER_OPTION = StudyOption("audio_encoder", "without an alignment: whose embeddings of sound to take")
SEED_OPTION = StudyOption("seed", "of all that is drawn at random", 0, int)

# Here, not in the studies' modules, so that a command can explain itself before it loads what
# they compute with.
STUDY_OPTIONS: dict[str, tuple[StudyOption, ...]] = {
    "correlation": (
        ALIGNMENT_OPTION,
        CODE_ENCODER_OPTION,
        AUDIO_ENCODER_OPTION,
        SEED_OPTION,
        StudyOption("draws", "other choices of one program per template, for the interval", 200, int),
        StudyOption("permutations", "of the Mantel test", 9999, int),
    ),
    "perturbation": (
        ALIGNMENT_OPTION,
        CODE_ENCODER_OPTION,
        AUDIO_ENCODER_OPTION,
        SEED_OPTION,
        StudyOption("per_kind", "programs to change, of each kind of parameter", 6, int),
    ),
    "sweep": (
        StudyOption("sweep", "the id of one to read; without it, the paper's is run, or gone on with"),
        StudyOption("seeds", "runs of each configuration", 5, int),
    ),
    "completion": (
        ALIGNMENT_OPTION,
        SEED_OPTION,
        StudyOption("other_ear", "a second audio encoder, that the alignment never saw"),
    ),
    "umap": (ALIGNMENT_OPTION, SEED_OPTION),
    "foretelling": (
        StudyOption(
            "queries",
            "validation (held-out templates and styles), examples (Sonic Pi's own),"
            " or a folder of programs",
            "validation",
        ),
        StudyOption(
            "ways",
            "told (from the simplest to ours), or what was tried: solved, trained,"
            " augmented, networks, tuned, or all of it",
            "told",
        ),
        StudyOption("judge", "an audio encoder that is not trained on", "log-mel"),
        CODE_ENCODER_OPTION,
        AUDIO_ENCODER_OPTION,
        SEED_OPTION,
    ),
}
