"""Names that older versions of Earshot saved, and functions that translate them to today's names.

Files written before the redesign hold older names of config fields, metrics and studies. Each
reader of such a file calls one function of this module right after it has parsed the file, so all
other code works with today's names only. New files hold today's names. Tables and settings of study
results are in `core.corpus.legacy_study_results`, words of commands in
`core.corpus.legacy_command_names`.

Every function returns a new object, leaves today's names as they are, and can be applied twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import EarshotError

# -- alignments: config.json, metrics.json, a user's --config file -----------------------------

ALIGNMENT_FIELDS = {
    "penalty": "l2",
    "kept_mean": "mean_fraction",
    "kernel_weight": "cka_weight",
    "soft_weight": "soft_target_weight",
    "soft_temperature": "soft_target_temperature",
    "whiten": "whitening_components",
    "warmup": "warmup_fraction",
}
OBJECTIVES = {"soft": "soft_infonce", "weighted": "weighted_infonce", "kernel": "kernel_ridge"}
PRESETS = {"earshot": "soft_infonce", "paper": "infonce", "foretell": "kernel_ridge"}
STOP_REASONS = {"asked": "cancelled"}

METRICS_KEYS = {"sureness": "confidence"}  # of metrics.json
CALIBRATION_FIELDS = {"programs": "program_count", "right": "correct_fraction"}
CONFIDENCE_LEVELS = {"sure": "high", "likely": "medium", "guess": "low"}
_METRIC_PREFIXES = {"foretold@": "normalized_similarity@"}  # followed by the number of neighbours
# Means over all pairs of directions, whose number differs between raw and aligned spaces.
_METRIC_NAMES = {"cca": "cca_all_directions", "cca_in_sample": "cca_in_sample_all_directions"}
_READING_INFIXES = {", heard by ": ", audio encoder "}  # followed by the encoder's id

# -- sweeps: sweep.json ------------------------------------------------------------------------

GRIDS = {"trade": "tradeoff"}

# -- studies: result.json, report.json, tables -------------------------------------------------

STUDY_NAMES = {"foretelling": "retrieval"}
STUDY_OPTIONS = {
    "draws": "resamples",
    "ways": "methods",
    "judge": "eval_encoder",
    "other_ear": "holdout_audio_encoder",
    "per_kind": "samples_per_type",
}
STUDY_OPTION_VALUES = {
    "methods": {
        "told": "baselines",
        "solved": "ridge",
        "networks": "mlp",
        "tuned": "finetuned",
    }
}

# -- programs of the grammar: their names, and the ids of their templates ----------------------

# The ids keep the older prefix on disk, because the split of a corpus depends on them.
LEGACY_GRAMMAR_PREFIX, GRAMMAR_PREFIX = "composed-", "grammar-"
_GRAMMAR_NAME_PATTERN = re.compile(LEGACY_GRAMMAR_PREFIX + r"[a-z0-9_]+(-\d{5,}(\.\d+)?)?\Z")

# -- favourites.json, heard/heard.json ---------------------------------------------------------

FAVOURITE_FIELDS = {"corpus": "corpus_name", "program": "program_id"}
PLAYED_CLIP_FIELDS = {"when": "played_at"}


def translate_legacy_alignment_fields(
    fields: Mapping[str, Any], where: str = "config"
) -> dict[str, Any]:
    """Return the fields of an `AlignmentConfig` under today's names.

    Parameters
    ----------
    fields : mapping of str to object
        Some or all fields, under today's or older names. Values of ``objective`` are translated
        too. Unknown fields stay as they are.
    where : str, optional
        The place to name in an error message.

    Raises
    ------
    EarshotError
        If `fields` has a field under both its older and today's name.

    Examples
    --------
    >>> translate_legacy_alignment_fields({"penalty": 0.3, "objective": "kernel"})
    {'l2': 0.3, 'objective': 'kernel_ridge'}
    """
    for old, new in ALIGNMENT_FIELDS.items():
        if old in fields and new in fields:
            raise EarshotError(
                f"The field {new!r} is set twice: {old!r} is its older name.",
                where=where,
                remedy=f"Remove {old!r}.",
            )
    translated = rename_mapping_keys(fields, ALIGNMENT_FIELDS)
    if "objective" in translated:
        translated["objective"] = translate_legacy_name(translated["objective"], OBJECTIVES)
    return translated


def translate_legacy_alignment_config(
    config: Mapping[str, Any], where: str = "config"
) -> dict[str, Any]:
    """Return the content of an alignment's ``config.json`` under today's names.

    Raises
    ------
    EarshotError
        As `translate_legacy_alignment_fields`.
    """
    translated = dict(config)
    if isinstance(translated.get("alignment"), Mapping):
        translated["alignment"] = translate_legacy_alignment_fields(translated["alignment"], where)
    return translated


def translate_legacy_preset_name(name: str) -> str:
    """Return today's name of a preset of `AlignmentConfig`.

    Examples
    --------
    >>> translate_legacy_preset_name("foretell")
    'kernel_ridge'
    """
    return PRESETS.get(name, name)


def translate_legacy_metric_name(name: str) -> str:
    """Return today's name of a metric.

    Examples
    --------
    >>> translate_legacy_metric_name("foretold@5")
    'normalized_similarity@5'
    >>> translate_legacy_metric_name("cka")
    'cka'
    """
    for old, new in _METRIC_PREFIXES.items():
        if re.fullmatch(re.escape(old) + r"\d+", name):
            return new + name.removeprefix(old)
    return _METRIC_NAMES.get(name, name)


def translate_legacy_reading_name(name: str) -> str:
    """Return today's name of a reading.

    Examples
    --------
    >>> translate_legacy_reading_name("before, heard by log-mel")
    'before, audio encoder log-mel'
    """
    for old, new in _READING_INFIXES.items():
        name = name.replace(old, new)
    return name


def translate_legacy_metric_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of a table of metrics with today's names in ``metric`` and ``reading``."""
    translators = {"metric": translate_legacy_metric_name, "reading": translate_legacy_reading_name}
    return [
        {
            key: translators[key](value) if key in translators and isinstance(value, str) else value
            for key, value in row.items()
        }
        for row in rows
    ]


def translate_legacy_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of an alignment's ``metrics.json`` under today's names.

    Examples
    --------
    >>> translate_legacy_metrics({"stopped": "asked", "sureness": {"programs": 33, "right": 0.5}})
    {'stopped': 'cancelled', 'confidence': {'program_count': 33, 'correct_fraction': 0.5}}
    """
    translated = rename_mapping_keys(metrics, METRICS_KEYS)
    if "stopped" in translated:
        translated["stopped"] = translate_legacy_name(translated["stopped"], STOP_REASONS)
    if isinstance(translated.get("confidence"), Mapping):
        translated["confidence"] = rename_mapping_keys(translated["confidence"], CALIBRATION_FIELDS)
    if isinstance(translated.get("readings"), list):
        translated["readings"] = translate_legacy_metric_rows(translated["readings"])
    return translated


def translate_legacy_sweep_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a sweep's ``sweep.json`` under today's names."""
    translated = dict(settings)
    if "grid" in translated:
        translated["grid"] = translate_legacy_name(translated["grid"], GRIDS)
    if isinstance(translated.get("trials"), list):
        translated["trials"] = [
            [name, translate_legacy_alignment_fields(fields, "sweep.json")]
            for name, fields in translated["trials"]
        ]
    return translated


def translate_legacy_study_name(name: str) -> str:
    """Return today's name of a study.

    Examples
    --------
    >>> translate_legacy_study_name("foretelling")
    'retrieval'
    """
    return STUDY_NAMES.get(name, name)


def translate_legacy_study_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a study under today's names."""
    translated = rename_mapping_keys(options, STUDY_OPTIONS)
    return {
        name: translate_legacy_name(value, STUDY_OPTION_VALUES.get(name, {}))
        for name, value in translated.items()
    }


def translate_legacy_favourite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``favourites.json`` under today's names."""
    return _translate_grammar_name_field(rename_mapping_keys(row, FAVOURITE_FIELDS))


def translate_legacy_played_clip(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of the play history under today's names."""
    return _translate_grammar_name_field(rename_mapping_keys(row, PLAYED_CLIP_FIELDS))


def _translate_grammar_name_field(row: dict[str, Any]) -> dict[str, Any]:
    if isinstance(row.get("name"), str):
        row["name"] = translate_legacy_grammar_name(row["name"])
    return row


def translate_legacy_grammar_name(name: str) -> str:
    """Return the name of a grammar program, or the id of its template, as users see it.

    Examples
    --------
    >>> translate_legacy_grammar_name("composed-acid-00012")
    'grammar-acid-00012'
    >>> translate_legacy_grammar_name("composed-acid")
    'grammar-acid'
    >>> translate_legacy_grammar_name("composed by me")
    'composed by me'
    """
    # Checked first: corpora have tens of thousands of names, most of them others.
    if name.startswith(LEGACY_GRAMMAR_PREFIX) and _GRAMMAR_NAME_PATTERN.match(name):
        return GRAMMAR_PREFIX + name.removeprefix(LEGACY_GRAMMAR_PREFIX)
    return name


def rename_mapping_keys(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the mapping with new keys; where both names of a key exist, the new one wins."""
    return {
        names.get(key, key): value
        for key, value in values.items()
        if key not in names or names[key] not in values
    }


def translate_legacy_name(word: Any, words: Mapping[str, str]) -> Any:
    """Return today's name of a word; anything else than a known older name stays as it is."""
    return words.get(word, word) if isinstance(word, str) else word
