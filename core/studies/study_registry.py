"""Registry of studies: names, titles, questions, options and modules.

A study is a module of this package with a function ``compute_study_result(corpus, options,
progress)`` that returns a `StudyResult`, and an entry in `STUDIES`.
`core.studies.study_runner.run_study` runs one and saves its result.

The registry imports no study, so that the command line and the page Studies can show titles and
options without loading torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from core.errors import EarshotError


@dataclass(frozen=True)
class StudyOption:
    """One option of a study.

    Attributes
    ----------
    name : str
        A word, or words joined by "_".
    help : str
        Its meaning, in a few words.
    default : object
        Its value where none is given; None where the study chooses.
    value_type : type
        str, int or float.
    """

    name: str
    help: str
    default: Any = None
    value_type: type = str

    @property
    def cli_flag(self) -> str:
        """The option's flag on the command line: "--samples-per-type"."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Study:
    """A study as commands, pages and reports show it.

    Attributes
    ----------
    title, question : str
        What the study is called and what it asks.
    module_name : str
        The module with its function ``compute_study_result``.
    options : tuple of StudyOption
        What can be set besides the corpus.
    """

    title: str
    question: str
    module_name: str
    options: tuple[StudyOption, ...]

    def import_study_module(self) -> ModuleType:
        """Import the study's module, which may load torch."""
        return importlib.import_module(self.module_name)


_ALIGNMENT = StudyOption("alignment", "alignment id; default: the best on the validation programs")
_CODE_ENCODER = StudyOption("code_encoder", "code encoder to use without an alignment")
_AUDIO_ENCODER = StudyOption("audio_encoder", "audio encoder to use without an alignment")
_SEED = StudyOption("seed", "random seed", 0, int)

# In the order of a report.
STUDIES: dict[str, Study] = {
    "correlation": Study(
        "Code distances and audio distances",
        "Do programs with similar code sound similar before any training?",
        "core.studies.distance_correlation_study",
        (
            _ALIGNMENT,
            _CODE_ENCODER,
            _AUDIO_ENCODER,
            _SEED,
            StudyOption(
                "resamples", "resamples of one program per template, for the spread", 200, int
            ),
            StudyOption("permutations", "permutations of the Mantel test", 9999, int),
        ),
    ),
    "perturbation": Study(
        "Small changes of one parameter",
        "When one parameter changes, do code and audio embeddings move equally far?",
        "core.studies.perturbation_study",
        (
            _ALIGNMENT,
            _CODE_ENCODER,
            _AUDIO_ENCODER,
            _SEED,
            StudyOption("samples_per_type", "programs to change per parameter type", 6, int),
        ),
    ),
    "sweep": Study(
        "24 configurations of InfoNCE",
        "How high do CKA and CCA get, and with which settings?",
        "core.studies.sweep_study",
        (
            StudyOption("sweep", "id of a sweep to read; default: run or resume the paper's grid"),
            StudyOption("seeds", "runs per configuration", 5, int),
        ),
    ),
    "completion": Study(
        "Three scenarios of code completion",
        "Among continuations of a prompt, does similar code mean similar sound?",
        "core.studies.completion_candidate_similarity_study",
        (
            _ALIGNMENT,
            _SEED,
            StudyOption(
                "holdout_audio_encoder", "audio encoder that the alignment was not trained on"
            ),
        ),
    ),
    "agreement": Study(
        "Agreement beyond chance",
        "How much of the agreement of code and audio is left beside permuted pairs, with more"
        " programs, and on unseen templates?",
        "core.studies.code_audio_agreement_study",
        (
            _ALIGNMENT,
            _SEED,
            StudyOption("permutations", "permutations of pairs", 200, int),
            StudyOption("template_draws", "draws of unseen templates; each trains once", 3, int),
        ),
    ),
    "umap": Study(
        "Code and audio before and after alignment",
        "Do the two modalities mix, and does a program's code retrieve its own clip?",
        "core.studies.umap_modality_mixing_study",
        (_ALIGNMENT, _SEED),
    ),
    "encoders": Study(
        "Audio encoders compared",
        "Which audio encoders agree, and does each follow rhythm, melody or timbre?",
        "core.studies.audio_encoder_agreement_study",
        (
            StudyOption(
                "compared_encoders",
                "audio encoders, joined by commas; default: all that have embedded the corpus and"
                " those whose weights come with Earshot",
            ),
            StudyOption("programs", "number of programs whose clips are compared", 200, int),
            _SEED,
        ),
    ),
    "retrieval": Study(
        "Snippet retrieval",
        "Do clips retrieved by code alone resemble the sound of unseen programs?",
        "core.studies.snippet_retrieval_study",
        (
            StudyOption(
                "queries",
                "validation (held-out templates and grammar styles), examples (Sonic Pi's own),"
                " or a folder of programs",
                "validation",
            ),
            StudyOption(
                "methods",
                "baselines (up to the default method), an ablation (ridge, consensus, trained,"
                " augmented, mlp, finetuned), or all",
                "baselines",
            ),
            StudyOption(
                "eval_encoder",
                "audio encoders that only measure, never trained on, joined by commas",
                "log-mel,musicnn",
            ),
            StudyOption(
                "zero_shot",
                "text tower to retrieve with untrained, such as laion/clap-htsat-unfused#text;"
                " default: all whose audio tower has embedded the corpus",
            ),
            _CODE_ENCODER,
            _AUDIO_ENCODER,
            _SEED,
        ),
    ),
    "forecast": Study(
        "Forecast of measured properties",
        "How well are loudness, onset rate, brightness and more predicted from code alone?",
        "core.studies.sound_property_forecast_study",
        (
            StudyOption(
                "queries",
                "validation (held-out templates and grammar styles), examples (Sonic Pi's own),"
                " or a folder of programs",
                "validation",
            ),
        ),
    ),
    "suggestion": Study(
        "Suggestions picked by predicted sound",
        "Do picks by predicted sound differ, reach a target and move as the true sound does?",
        "core.studies.suggestion_study",
        (
            _ALIGNMENT,
            StudyOption("programs", "programs per kind besides the three scenarios", 8, int),
            StudyOption("candidates", "candidates per program, each of which is rendered", 30, int),
            StudyOption(
                "eval_encoder", "audio encoders that only measure, joined by commas", "log-mel"
            ),
            _SEED,
        ),
    ),
    "coverage": Study(
        "Coverage of the static reader",
        "Does the reader find the sounds that a program plays, without running it?",
        "core.studies.static_reader_coverage_study",
        (StudyOption("max_programs", "programs to compare, at even distances", 100, int),),
    ),
}


def get_study(study_name: str) -> Study:
    """Return a study by its name.

    Raises
    ------
    EarshotError
        When there is no study of that name.
    """
    if study_name not in STUDIES:
        raise EarshotError(
            f"There is no study {str(study_name)[:60]!r}.",
            remedy=f"The studies are: {', '.join(STUDIES)}.",
        )
    return STUDIES[study_name]


def fill_default_study_options(
    study_name: str, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a value for each of a study's options: the override, else the default.

    Raises
    ------
    EarshotError
        When there is no such study, or it has no such option.
    """
    defaults = {option.name: option.default for option in get_study(study_name).options}
    overrides = {name: value for name, value in (overrides or {}).items() if value is not None}
    for name in overrides:
        if name not in defaults:
            raise EarshotError(
                f"Study {study_name} has no option {name!r}.",
                remedy=f"Its options are: {', '.join(defaults)}.",
            )
    return {**defaults, **overrides}
