"""Translation of study results that older versions of Earshot saved.

Part of `core.corpus.legacy_saved_names`: tables of former names of settings, tables, columns,
measures and methods, and functions that apply them while a result is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.corpus.legacy_saved_names import (
    CONFIDENCE_LEVELS,
    rename_mapping_keys,
    translate_legacy_alignment_fields,
    translate_legacy_grammar_name,
    translate_legacy_name,
    translate_legacy_study_options,
)

if TYPE_CHECKING:
    import pandas as pd

# Columns of any study's tables that hold names of programs or ids of templates.
_PROGRAM_NAME_COLUMNS = ("name", "template", "program", "first", "second")
_UNDECIDED = "could not be distinguished from"
_WITHIN_BOUND, _OUTSIDE_BOUND = "within the bound of", "outside the bound of"

# All tables below are by study, and each maps former to present names.
_SETTING_NAMES = {
    "completion": {"ears": "audio_encoders"},
    "retrieval": {"judges": "eval_encoders", "ways": "methods"},
}
_TABLE_NAMES = {
    "completion": {
        "gained": "alignment_gain",
        "from_prompt": "prompt_query",
        "cases": "neighbours",
        "fewer": "candidate_subsets",
        "heeded": "descriptor_correlations",
    },
    "correlation": {"choices": "resamples"},
    "retrieval": {"shares": "scores", "kinds": "scores_by_kind", "sureness": "confidence"},
    "umap": {"own_sound": "own_clip_rank"},
}
_DESCRIPTORS = {
    "register": "median frequency",
    "brightness": "spectral rolloff",
    "pace": "onset rate",
    "fullness": "sounding fraction",
    "noise": "spectral flatness",
}
_AUDIO_ENCODER_ROLES = {
    "trained ear": "training encoder",
    "unseen ear": "held-out encoder",
    "aligned sound": "aligned audio",
    "one ear and the other": "between encoders",
}
_COLUMNS = {
    "completion": {
        **_DESCRIPTORS,
        **_AUDIO_ENCODER_ROLES,
        "sound": "audio",
        "trait": "descriptor",
    },
    "correlation": {"choices": "resamples", "sound": "audio"},
    "perturbation": {"sound": "audio"},
    "retrieval": {
        "answer ms": "query ms",
        "foretold": "retrieved",
        "judge": "encoder",
        "of these foretold": "shared",
        "ours": "default method",
        "raw": "raw code",
        "right": "fraction correct",
        "said": "predicted probability",
        "share": "normalized similarity@5",
        "trained on": "is training encoder",
        "truly nearest": "true nearest",
        "way": "method",
        "why": "reason",
    },
}
# Columns of strings, by their present names.
_COLUMN_VALUES = {
    "completion": {
        "audio": _AUDIO_ENCODER_ROLES,
        "code": _AUDIO_ENCODER_ROLES,  # "aligned sound" of rows that compare audio with audio
        "descriptor": _DESCRIPTORS,
    },
    "correlation": {
        "kind": {
            "alike in text, unlike in sound": "similar code, different audio",
            "unlike in text, alike in sound": "different code, similar audio",
        },
    },
    "retrieval": {
        "kind": {"held-out styles": "held-out grammar styles"},
        "level": CONFIDENCE_LEVELS,
    },
}
_MEASURE_PATTERNS = {
    "completion": (
        (r"raw sound, unseen ear$", "raw audio, held-out encoder"),
        (r"(raw|aligned) sound$", r"\1 audio"),
    ),
    "correlation": ((r"raw sound$", "raw audio"),),
    "perturbation": (
        (r"^Mean similarity of sound:", "Mean similarity of audio:"),
        (
            r"^Rank correlation of movements of sound and (.*)$",
            r"Rank correlation of changes in audio and \1",
        ),
        (
            r"^Rank correlation after alignment, less that before$",
            "Gain in rank correlation by alignment",
        ),
    ),
    "sweep": ((r"^The same against raw sound, (\w+)$", r"Best \1 against raw audio"),),
    "umap": (
        (r"^Told apart (before|after), by ", r"Classifier accuracy \1, "),
        (
            r"^Median rank of a program's own sound, after$",
            "Median rank of a program's own clip, after",
        ),
        (r"^The same by chance$", "Median rank by chance"),
    ),
}
# Verdicts of the comparison with the paper, by study and pattern of the measure. "" withdraws a
# verdict: that of a number whose interval was over seeds alone, and the second verdict on a number
# that the paper has once.
_VERDICTS: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "completion": (
        (
            r".*(held-out encoder|aligned audio)$",
            {"above": "", "below": "", "level with": "", _UNDECIDED: ""},
        ),
    ),
    "perturbation": (
        (r".* of raw code:.*", {"above": _WITHIN_BOUND, "below": _OUTSIDE_BOUND}),
        (r".* of audio:.*", {"above": _OUTSIDE_BOUND, "below": _WITHIN_BOUND}),
    ),
    "sweep": ((r"(Baseline|Best) \w+(: .*)?", {"above": "", "below": "", "level with": ""}),),
}
_RETRIEVAL_METHODS = (
    (r"bag of identifiers", "bag of words"),
    (r"truly nearest by (.+)", r"true nearest by \1"),
    (r"the paper's method on (.+)", r"InfoNCE on \1"),
    (r"InfoNCE, the paper's, on (.+)", r"InfoNCE on \1, 15 epochs"),
    (r"ridge on (.+)", r"linear ridge on \1"),
    (r"ridge, nothing kept of the mean", "linear ridge, mean fraction 0"),
    (r"nothing kept of the mean", "kernel ridge, mean fraction 0"),
    (r"all of the mean kept", "kernel ridge, mean fraction 1"),
    (r"a tenth of the penalty", "kernel ridge, L2 × 0.1"),
    (r"ten times the penalty", "kernel ridge, L2 × 10"),
    (r"whitened to (\d+)", r"kernel ridge, whitened to \1"),
    (r"taught templates only", "kernel ridge, trained on templates only"),
    (r"taught composed programs only", "kernel ridge, trained on grammar programs only"),
    (r"without a view of each layer", "kernel ridge, without layer features"),
    (r"by the layers alone", "kernel ridge, layer features only"),
    (r"without the words", "kernel ridge, without text features"),
    (r"soft targets on (.+)", r"soft InfoNCE on \1"),
    (r"soft, without kernels aligned", "soft InfoNCE without CKA"),
    (r"soft, started from ridge", "soft InfoNCE after linear ridge"),
    (r"kernel ridge and soft targets together", "ensemble of kernel ridge and soft InfoNCE"),
    (r"each program also written otherwise", "kernel ridge, augmented code"),
    (r"and (\d+) programs changed a little, rendered", r"kernel ridge, \1 rendered perturbations"),
    (r"soft, each program also written otherwise", "soft InfoNCE, augmented code"),
    (r"soft, against each program changed", "soft InfoNCE, hard negatives"),
    (r"InfoNCE, against each program changed", "InfoNCE, hard negatives"),
    (r"network that foretells the embedding", "MLP regression"),
    (r"three of them", "MLP regression, 3 seeds"),
    (r"(.+) tuned end to end, soft targets", r"\1 finetuned, soft InfoNCE"),
)
_RETRIEVAL_METHOD_FIELDS = {
    "method": "algorithm",
    "code": "code_encoder",
    "config": "alignment_config",
    "breadth": "training_subset",
    "columns": "feature_subset",
    "rewritten": "augmentation_count",
    "against": "has_hard_negatives",
    "changed": "perturbed_count",
    "after": "first_stage_config",
    "seeds": "seed_count",
    "tuning": "finetuning",
    "parts": "members",
    "ours": "is_default",
}
_RETRIEVAL_METHOD_VALUES = {
    "algorithm": {
        "bag": "bag-of-words",
        "edits": "edit-distance",
        "raw": "raw-embeddings",
        "heads": "projection-heads",
        "tuned": "finetuned",
        "together": "ensemble",
    },
    "training_subset": {"composed": "grammar"},
    "feature_subset": {"whole": "no-layers", "layers": "layers-only", "sounds": "no-text"},
}


def translate_legacy_study_metadata(study_name: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a run's ``result.json`` under today's names.

    Titles, captions, notes and labels of clips stay as they were written.

    Parameters
    ----------
    study_name : str
        Today's name of the study.
    metadata : mapping
    """
    table_names = _TABLE_NAMES.get(study_name, {})
    translated = dict(metadata)
    translated["study"] = study_name
    translated["tables"] = [
        {**table, "name": table_names.get(table["name"], table["name"])}
        for table in metadata["tables"]
    ]
    translated["figures"] = []
    for figure in metadata["figures"]:
        clip_table = figure["clip_table"] if "clip_table" in figure else figure["hears"]
        translated["figures"].append(
            {
                "name": table_names.get(figure["name"], figure["name"]),
                "title": figure["title"],
                "caption": figure["caption"],
                "clip_table": table_names.get(clip_table, clip_table),
            }
        )
    translated["clips"] = [
        {**clip, "names": [translate_legacy_grammar_name(name) for name in clip["names"]]}
        for clip in metadata.get("clips", ())
    ]
    translated["settings"] = _translate_legacy_study_settings(study_name, metadata["settings"])
    return translated


def translate_legacy_study_table(study_name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of a run with today's columns and values.

    Parameters
    ----------
    study_name : str
        Today's name of the study.
    table : DataFrame
    """
    table = table.rename(columns=lambda name: _translate_legacy_column_name(study_name, name))
    for column, values in _COLUMN_VALUES.get(study_name, {}).items():
        if column in table:
            table[column] = [translate_legacy_name(value, values) for value in table[column]]
    for column in _PROGRAM_NAME_COLUMNS:
        if column in table:
            table[column] = [
                translate_legacy_grammar_name(name) if isinstance(name, str) else name
                for name in table[column]
            ]
    if study_name == "retrieval" and "method" in table:
        table["method"] = table["method"].map(translate_legacy_method_name)
    if "measure" in table:
        table["measure"] = table["measure"].map(
            lambda measure: _translate_legacy_measure_name(study_name, measure)
        )
    if {"measure", "verdict"} <= set(table):
        table["verdict"] = [
            _translate_legacy_verdict(study_name, str(measure), verdict)
            for measure, verdict in zip(table["measure"], table["verdict"])
        ]
    return table


def _translate_legacy_verdict(study_name: str, measure: str, verdict: Any) -> Any:
    for pattern, verdicts in _VERDICTS.get(study_name, ()):
        if re.fullmatch(pattern, measure):
            verdict = translate_legacy_name(verdict, verdicts)
    return translate_legacy_name(verdict, {"level with": _UNDECIDED})


def get_former_table_name(study_name: str, name: str) -> str | None:
    """Return the name under which older runs saved a table or figure; None if it is the same."""
    return next((old for old, new in _TABLE_NAMES.get(study_name, {}).items() if new == name), None)


def translate_legacy_method_name(name: str) -> str:
    """Return today's name of a method of the snippet-retrieval study.

    Examples
    --------
    >>> translate_legacy_method_name("the paper's method on MiniLM")
    'InfoNCE on MiniLM'
    """
    name = name.strip()  # Leading blanks marked the rows of an ablation.
    for pattern, replacement in _RETRIEVAL_METHODS:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(replacement)
    return name


def _translate_legacy_study_settings(
    study_name: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    translated = rename_mapping_keys(settings, _SETTING_NAMES.get(study_name, {}))
    if "options" in translated:
        translated["options"] = translate_legacy_study_options(translated["options"])
    if isinstance(translated.get("alignment"), Mapping):
        alignment = rename_mapping_keys(translated["alignment"], {"chosen": "selected_by"})
        alignment["config"] = translate_legacy_alignment_fields(alignment["config"])
        alignment["selected_by"] = re.sub(
            r"^best on validation of those with ",
            "best on validation with ",
            translate_legacy_name(alignment["selected_by"], {"as asked": "request"}),
        )
        translated["alignment"] = alignment
    if study_name == "completion":
        translated["audio_encoders"] = rename_mapping_keys(
            translated["audio_encoders"], _AUDIO_ENCODER_ROLES
        )
    if study_name == "retrieval":
        translated["methods"] = {
            translate_legacy_method_name(name): _translate_legacy_method_settings(method)
            for name, method in translated["methods"].items()
        }
    return translated


def _translate_legacy_method_settings(method: Mapping[str, Any]) -> dict[str, Any]:
    translated = rename_mapping_keys(method, _RETRIEVAL_METHOD_FIELDS)
    for field, values in _RETRIEVAL_METHOD_VALUES.items():
        if field in translated:
            translated[field] = translate_legacy_name(translated[field], values)
    for field in ("alignment_config", "first_stage_config"):
        if isinstance(translated.get(field), Mapping):
            translated[field] = translate_legacy_alignment_fields(translated[field])
    if "members" in translated:
        translated["members"] = [
            translate_legacy_method_name(name) for name in translated["members"]
        ]
    return translated


def _translate_legacy_column_name(study_name: str, name: str) -> str:
    if study_name == "sweep":
        return name.replace(", raw sound", ", raw audio")
    return _COLUMNS.get(study_name, {}).get(name, name)


def _translate_legacy_measure_name(study_name: str, measure: str) -> str:
    if study_name == "retrieval":
        match = re.fullmatch(r"Foretold share, (.*), judged by (.*)", measure)
        if match:
            method = translate_legacy_method_name(match[1])
            return f"normalized similarity@5, {method}, measured by {match[2]}"
    for pattern, replacement in _MEASURE_PATTERNS.get(study_name, ()):
        measure = re.sub(pattern, replacement, measure)
    return measure
