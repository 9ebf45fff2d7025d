"""Older words, options and values of commands, and older keys of their --json output.

Part of `core.corpus.legacy_saved_names`, for the command line and the saved command lines of jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.corpus.legacy_saved_names import (
    ALIGNMENT_FIELDS,
    GRIDS,
    OBJECTIVES,
    PRESETS,
    STUDY_NAMES,
    STUDY_OPTION_VALUES,
    STUDY_OPTIONS,
)


def _make_command_line_option(field_name: str) -> str:
    return "--" + field_name.replace("_", "-")


def _make_legacy_option_names(field_names: Mapping[str, str]) -> dict[str, str]:
    return {
        _make_command_line_option(old): _make_command_line_option(new)
        for old, new in field_names.items()
    }


def _hyphenate_option_values(values: Mapping[str, str]) -> dict[str, str]:
    return {old: new.replace("_", "-") for old, new in values.items()}


# The first argument of a command.
COMMAND_WORDS = {"study": STUDY_NAMES, "jobs": {"again": "restart"}}
COMMAND_OPTIONS = {
    "build": {"--finish": "--resume", "--composed": "--grammar-programs"},
    "generate": {"--composed": "--grammar-programs"},
    "import": {"--as": "--name"},
    "train": _make_legacy_option_names(ALIGNMENT_FIELDS),
    "study": _make_legacy_option_names(STUDY_OPTIONS),
}
# By today's option. The command line spells values with hyphens.
COMMAND_OPTION_VALUES = {
    "train": {
        "--method": _hyphenate_option_values(PRESETS),
        "--objective": _hyphenate_option_values(OBJECTIVES),
    },
    "sweep": {"--grid": GRIDS},
    "study": {
        _make_command_line_option(name): values for name, values in STUDY_OPTION_VALUES.items()
    },
}
# The keys of --json output: today's key and its older name. Scripts read either.
_BUILD_JSON_KEYS = {
    "corpus_name": "corpus",
    "programs_added": "added",
    "clips_rendered": "rendered",
    "clips_reused": "adopted",
    "code_embeddings_added": "embedded_code",
    "audio_embeddings_added": "embedded_audio",
    "embedding_errors": "not_embedded",
    "encoder_choice_reason": "why",
    "step_seconds": "seconds",
}
OLDER_JSON_KEYS = {
    "build": _BUILD_JSON_KEYS,
    "embed": {
        "code_embeddings_added": "code",
        "audio_embeddings_added": "audio",
        "embedding_errors": "failed",
        "step_seconds": "seconds",
    },
    "check": {
        "corpus_name": "corpus",
        "repaired_faults": "repaired",
        "program_id": "program",
        "encoder_id": "encoder",
    },
    "import": {
        **_BUILD_JSON_KEYS,
        "programs_read": "found",
        "detected_encodings": "recoded",
        "encoder_id": "encoder",
        "vectors_read": "found",
        "vectors_added": "added",
        "unknown_programs": "strangers",
        "programs_without_vector": "without",
    },
    "doctor": {"name": "what", "is_ok": "ok", "is_required": "needed"},
    "jobs": {"queue_position": "place"},
    "bench": {"measure": "what"},
}


def translate_legacy_command(argv: Sequence[str]) -> list[str]:
    """Return a command line with today's words, options and values.

    Parameters
    ----------
    argv : sequence of str
        The command and its arguments, as in ``./run *argv``.

    Examples
    --------
    >>> translate_legacy_command(["train", "beats", "--method", "foretell", "--penalty=0.1"])
    ['train', 'beats', '--method', 'kernel-ridge', '--l2=0.1']
    >>> translate_legacy_command(["study", "foretelling", "beats"])
    ['study', 'retrieval', 'beats']
    """
    if not argv:
        return []
    command, *arguments = argv
    words = COMMAND_WORDS.get(command, {})
    options = COMMAND_OPTIONS.get(command, {})
    option_values = COMMAND_OPTION_VALUES.get(command, {})
    translated = [command]
    previous_option = ""
    is_first_word = True
    for position, argument in enumerate(arguments):
        if argument == "--":  # Only positional arguments follow.
            return translated + arguments[position:]
        if argument.startswith("--"):
            old_option, equals_sign, value = argument.partition("=")
            previous_option = _translate_legacy_option(old_option, options)
            value = option_values.get(previous_option, {}).get(value, value)
            translated.append(previous_option + equals_sign + value)
            continue
        if is_first_word and argument in words:
            argument = words[argument]
            is_first_word = False
        elif not previous_option:  # Otherwise it may be the value of an option.
            is_first_word = False
        translated.append(option_values.get(previous_option, {}).get(argument, argument))
        previous_option = ""
    return translated


def add_older_json_keys(command: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a command's --json output with each renamed value under its older key too.

    Parameters
    ----------
    command : str
    row : mapping of str to object
        Mappings in lists, such as the faults of a check, get the older keys too.

    Examples
    --------
    >>> add_older_json_keys("jobs", {"id": "00001-train", "queue_position": 2})
    {'id': '00001-train', 'queue_position': 2, 'place': 2}
    """
    older_keys = OLDER_JSON_KEYS.get(command, {})
    extended = {
        key: [
            add_older_json_keys(command, item) if isinstance(item, Mapping) else item
            for item in value
        ]
        if isinstance(value, list)
        else value
        for key, value in row.items()
    }
    older = {older_keys[key]: value for key, value in extended.items() if key in older_keys}
    return {**extended, **older}


def _translate_legacy_option(option: str, options: Mapping[str, str]) -> str:
    # argparse.BooleanOptionalAction declares --no-X beside --X.
    if option.startswith("--no-"):
        positive = "--" + option.removeprefix("--no-")
        if positive in options:
            return "--no-" + options[positive].removeprefix("--")
    return options.get(option, option)
