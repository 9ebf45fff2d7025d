"""The data card of a corpus: its contents, how they were made, and their licences."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import core
from core import encoders, programs, sonicpi
from core.corpus import Corpus, count_corpus_contents
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.errors import EarshotError
from core.package_versions import collect_package_versions
from core.pipeline.encoder_names_without_local_paths import (
    is_local_path,
    name_encoders_for_publication,
)
from core.text_formatting import format_markdown_table

RECORDED_PACKAGES = ("torch", "transformers", "numpy", "soundfile")
SAMPLES_LICENCE = "Sonic Pi's samples: CC0, from Freesound"
"""Licence of the sounds from which every clip is made."""
TEMPLATES_LICENCE = "not stated; made from Earshot's templates, nobody's songs"
"""Licence of programs that were generated from templates."""


@dataclass(frozen=True)
class DataCard:
    """Facts about a corpus, for machines and for people.

    Attributes
    ----------
    facts : dict
        JSON types only: corpus, created, seconds, audio_format, sonic_pi, split_seed,
        schema_version, bytes, counts, split, templates, roles, sound_set, seeds, imports, failures,
        warnings, encoders, made_with, licence.
    """

    facts: dict[str, Any]

    @property
    def markdown_text(self) -> str:
        """The facts as a Markdown document."""
        return _format_data_card_markdown(self.facts)

    @property
    def json_text(self) -> str:
        """The facts as one JSON object."""
        return json.dumps(self.facts, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        return self.markdown_text


def make_data_card(corpus: Corpus) -> DataCard:
    """Make the data card of a corpus from its present contents."""
    rows, settings = corpus.load_programs(), corpus.settings
    imports = settings.get("imports", [])
    has_template_programs = bool((rows["template"] != "").any())
    return DataCard(
        {
            "corpus": corpus.name,
            "created": settings["created"],
            "seconds": settings["seconds"],
            "audio_format": settings["audio_format"],
            "sonic_pi": settings["sonic_pi"],
            "split_seed": settings["seed"],
            "schema_version": settings["schema_version"],
            "bytes": count_corpus_contents(corpus).size_bytes,
            "counts": corpus.count_programs_by_state(),
            "split": _count_value_occurrences(rows["split"]),
            "templates": _count_value_occurrences(rows["template"]),
            "roles": _count_value_occurrences(rows["role"]),
            "sound_set": settings.get("sound_set", programs.DEFAULT_SOUND_SET),
            "seeds": sorted({int(seed) for seed in rows["seed"].dropna()}),
            "imports": imports,
            "failures": corpus.count_failures_by_kind(),
            "warnings": _count_value_occurrences(
                warning["kind"] for warnings in rows["warnings"] for warning in warnings
            ),
            "encoders": _list_encoder_facts(corpus),
            "made_with": settings.get("made_with", []),
            "licence": _list_corpus_licences(imports, has_template_programs),
        }
    )


def collect_dependency_versions() -> dict[str, str]:
    """Return the versions of everything that a clip or an embedding depends on."""
    return {
        "earshot": core.__version__,
        "renderer": str(sonicpi.RENDERER_VERSION),
        "sonic_pi": sonicpi.get_sonic_pi_version(),
        "scsynth": sonicpi.get_scsynth_version(),
        **collect_package_versions(RECORDED_PACKAGES),
    }


def store_dependency_versions(corpus: Corpus) -> None:
    """Store today's versions in a corpus to which clips or embeddings are being added."""
    versions, recorded = collect_dependency_versions(), corpus.settings.get("made_with", [])
    if versions not in recorded:
        corpus.set_corpus_setting("made_with", [*recorded, versions])


def _count_value_occurrences(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _list_encoder_facts(corpus: Corpus) -> list[dict[str, Any]]:
    counts = corpus.count_embeddings_by_encoder()
    names = name_encoders_for_publication([encoder_id for encoder_id, _, _ in counts])
    return [
        {
            "id": names[encoder_id],
            "modality": modality,
            "embeddings": embedding_count,
            "revision": corpus.get_encoder_revision(encoder_id),
            **_collect_encoder_origin(encoder_id),
        }
        for encoder_id, modality, embedding_count in counts
    ]


def _collect_encoder_origin(encoder_id: str) -> dict[str, str]:
    if is_local_path(encoder_id):  # Its origin would show the folders of this machine.
        return {"licence": "see its folder", "credit": "", "source": "a local folder"}
    try:
        spec = encoders.find_encoder_spec(encoder_id)
    except EarshotError:  # An encoder that is not installed any more.
        return {}
    return {"licence": spec.licence, "credit": spec.credit, "source": spec.weights_origin}


def _list_corpus_licences(
    imports: Sequence[dict[str, Any]], has_template_programs: bool
) -> list[dict[str, str]]:
    licences = [{"of": "sounds in the clips", "licence": SAMPLES_LICENCE}]
    if has_template_programs:
        licences.append({"of": "programs made from templates", "licence": TEMPLATES_LICENCE})
    for origin in imports:
        licences.append(
            {
                "of": f"{origin['programs']} programs imported from {origin['from']}",
                "licence": origin["licence"] or "not stated: their authors'",
            }
        )
    return licences


def _format_data_card_markdown(facts: dict[str, Any]) -> str:
    counts = facts["counts"]
    seeds = ", ".join(map(str, facts["seeds"])) or "none"
    sections = [
        f"# {facts['corpus']}",
        f"{counts['programs']:,} Sonic Pi programs, {counts['ok']:,} of them with a clip of"
        f" {facts['seconds']:g} s ({facts['audio_format']}, with the sound of Sonic Pi"
        f" {facts['sonic_pi']}), {counts['failed']:,} failed,"
        f" {counts['pending']:,} not rendered yet. Created with Earshot on {facts['created']},"
        f" {facts['bytes'] / 1e6:,.1f} MB.",
        "## Split\n\nBy program, stratified by template, seed"
        f" {facts['split_seed']}: {_format_named_counts(facts['split'])}.",
        f"## Programs\n\nSounds of Sonic Pi {facts['sound_set']}. Seeds of the templates: {seeds}."
        f" Roles: {_format_named_counts(facts['roles'])}."
        f"\n\n{_format_template_counts_table(facts['templates'])}",
    ]
    if facts["imports"]:
        columns = ("from", "programs", "licence", "when")
        rows = [[origin[column] for column in columns] for origin in facts["imports"]]
        sections.append("### Imported\n\n" + _format_markdown_table_or_none(columns, rows))
    versions = "\n".join(f"- {_format_named_counts(versions)}" for versions in facts["made_with"])
    licences = "\n".join(f"- {row['of']}: {row['licence']}" for row in facts["licence"])
    sections += [
        "## Failures and warnings\n\nFailed programs stay in the corpus and out of training:"
        f" {_format_named_counts(facts['failures'])}."
        f" Warnings: {_format_named_counts(facts['warnings'])}.",
        f"## Encoders\n\n{_format_encoders_table(facts['encoders'])}",
        f"## Made with\n\n{versions or 'Not recorded.'}",
        f"## Licence\n\n{licences}",
    ]
    return "\n\n".join(sections) + "\n"


def _format_template_counts_table(count_by_template: dict[str, int]) -> str:
    titles = programs.get_title_by_template_id()
    rows = [
        (
            titles.get(template, "") if template else "no template",
            translate_legacy_grammar_name(template),
            count,
        )
        for template, count in count_by_template.items()
    ]
    return _format_markdown_table_or_none(("template", "id", "programs"), rows)


def _format_encoders_table(encoder_facts: Sequence[dict[str, Any]]) -> str:
    columns = ("id", "modality", "embeddings", "revision", "licence", "credit")
    rows = [[facts.get(column, "") for column in columns] for facts in encoder_facts]
    return _format_markdown_table_or_none(columns, rows)


def _format_named_counts(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name or 'none'} {value}" for name, value in counts.items()) or "none"


def _format_markdown_table_or_none(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return format_markdown_table(headers, rows) if rows else "none"
