"""The programs that a build adds to a corpus: from templates and from the grammar."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.corpus import Corpus
from core.errors import EarshotError
from core.programs import (
    DEFAULT_SOUND_SET,
    Program,
    Template,
    compose_balanced_programs,
    compose_programs,
    generate,
    get_template,
)
from core.programs import list_templates as list_all_templates
from core.programs.template_vocabulary import validate_sound_set_name
from core.progress_callback import Progress

GENERATION_STEP = "Generating programs"
SOUND_SET_SETTING = "sound_set"
ALL_STYLES = "all"
"""Stands for every style in `BuildOptions.grammar_styles`."""


@dataclass(frozen=True)
class BuildOptions:
    """The programs that a build adds.

    Attributes
    ----------
    templates : sequence of Template or str, or None
        Templates or their ids; None for all.
    programs_per_template : int
        Programs generated from each template with `seed`. 0 adds none; the programs that the
        corpus has are still rendered and embedded.
    seed : int
        Seed of the programs. Programs with other seeds stay in the corpus.
    parameter_values : mapping of template id to mapping of parameter to value
        Parameters to fix or narrow, as in `core.programs.generate`. Of such a template, programs
        with exactly these values are added.
    grammar_program_count : int
        Programs composed by the grammar with `seed`.
    grammar_styles : sequence of str or None
        Styles of the grammar programs, in equal shares and with evenly spread tempos and synths;
        `ALL_STYLES` alone for every style. None: each program draws its own style, and nothing is
        balanced.
    sound_set : {"3.2", "5"} or None
        Version of Sonic Pi whose synths and samples programs are made of. None: that of the
        corpus, or "3.2" in a new corpus.
    is_strict : bool or None
        Whether an error that ends one thread fails a program; None for the corpus's own setting,
        which is false in a new corpus. A change renders the affected programs again.
    """

    templates: Sequence[Template | str] | None = None
    programs_per_template: int = 8
    seed: int = 0
    parameter_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    grammar_program_count: int = 0
    grammar_styles: Sequence[str] | None = None
    sound_set: str | None = None
    is_strict: bool | None = None


DEFAULT_BUILD_OPTIONS = BuildOptions()


def select_build_templates(options: BuildOptions) -> list[Template]:
    """Return the templates of a build, each once.

    Raises
    ------
    EarshotError
        If there is no such template, or an option fits none of them.
    """
    if options.programs_per_template < 0:
        raise EarshotError(
            f"{options.programs_per_template} programs per template cannot be generated."
        )
    _compose_grammar_programs(replace(options, grammar_program_count=0))  # Checks the styles.
    if options.templates is None:
        templates = list_all_templates()
    else:
        named = [t if isinstance(t, Template) else get_template(t) for t in options.templates]
        templates = list({template.id: template for template in named}.values())
    unknown = set(options.parameter_values) - {template.id for template in templates}
    if unknown:
        raise EarshotError(
            f"Values are given for {sorted(unknown)[0]!r}, of which no programs are made.",
            remedy="Name that template, too.",
        )
    return templates


def choose_and_record_sound_set(corpus: Corpus, requested: str | None) -> str:
    """Return the sound set of a corpus, and record it in a corpus without generated programs.

    Raises
    ------
    EarshotError
        If the corpus was made with another set: its seeds would not give its programs again.
    """
    recorded = corpus.settings.get(SOUND_SET_SETTING)
    is_new = not corpus.load_programs()["seed"].notna().any()
    current = recorded or (requested if is_new else None) or DEFAULT_SOUND_SET
    if requested not in (None, current):
        raise EarshotError(
            f"Corpus '{corpus.name}' was made with the sounds of Sonic Pi {current}, not"
            f" {requested}.",
            remedy="Leave out --sounds, or build a corpus of another name.",
        )
    if recorded is None and is_new:
        corpus.set_corpus_setting(SOUND_SET_SETTING, validate_sound_set_name(current))
    return current


def add_missing_programs(
    corpus: Corpus, templates: list[Template], options: BuildOptions, progress: Progress
) -> tuple[int, float]:
    """Add the missing programs; return their number and the seconds that it took."""
    start = time.monotonic()
    template_count = _add_missing_template_programs(corpus, templates, options, progress)
    grammar_count = _add_missing_grammar_programs(corpus, options, progress)
    if template_count is None and grammar_count is None:
        return 0, 0.0
    return (template_count or 0) + (grammar_count or 0), time.monotonic() - start


def _add_missing_template_programs(
    corpus: Corpus, templates: list[Template], options: BuildOptions, progress: Progress
) -> int | None:
    """Add what each template lacks of its programs with this seed; None if nothing is lacking."""
    existing = corpus.load_programs()
    existing_ids = set(existing["program"])
    count_by_template = Counter(existing.loc[existing["seed"] == options.seed, "template"])
    missing_by_template = {}
    for template in templates:
        # Existing programs with this seed may have been generated with other parameter values.
        has_values = template.id in options.parameter_values
        existing_count = 0 if has_values else count_by_template[template.id]
        if existing_count < options.programs_per_template:
            missing_by_template[template.id] = options.programs_per_template - existing_count
    if not missing_by_template:
        return None
    added, done, total = 0, 0, sum(missing_by_template.values())
    progress(GENERATION_STEP, 0, total)
    for template in templates:
        missing_count = missing_by_template.get(template.id, 0)
        if not missing_count:
            continue
        new_programs = [
            program
            for program in _generate_template_programs(template, options)
            if program.id not in existing_ids
        ]
        added += corpus.add_programs(new_programs[:missing_count])
        done += missing_count
        progress(GENERATION_STEP, done, total, template.title)
    return added


def _generate_template_programs(template: Template, options: BuildOptions) -> list[Program]:
    values = options.parameter_values.get(template.id)
    return generate(
        template,
        options.programs_per_template,
        options.seed,
        values,
        sound_set=options.sound_set or DEFAULT_SOUND_SET,
    )


def _add_missing_grammar_programs(
    corpus: Corpus, options: BuildOptions, progress: Progress
) -> int | None:
    """Add what is missing of the first grammar programs with this seed; None if nothing is."""
    count = options.grammar_program_count
    existing_ids = set(corpus.load_programs()["program"]) if count else set()
    new_programs = [
        program for program in _compose_grammar_programs(options) if program.id not in existing_ids
    ]
    if not new_programs:
        return None
    progress(GENERATION_STEP, 0, len(new_programs))
    added = corpus.add_programs(new_programs)
    progress(GENERATION_STEP, len(new_programs), len(new_programs), "grammar")
    return added


def _compose_grammar_programs(options: BuildOptions) -> list[Program]:
    count, seed = options.grammar_program_count, options.seed
    sound_set = options.sound_set or DEFAULT_SOUND_SET
    if options.grammar_styles is None:
        return compose_programs(count, seed, sound_set=sound_set)
    styles = [style for style in options.grammar_styles if style != ALL_STYLES]
    if len(styles) < len(options.grammar_styles):
        styles = []
    return compose_balanced_programs(count, seed, styles, sound_set=sound_set)
