"""A corpus's data card: what is in it, how it was made, and what may be done with it."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import core
from core import encoders, programs, sonicpi
from core.corpus import Corpus, measure_corpus_contents
from core.errors import EarshotError

RECORDED_PACKAGES = ("torch", "transformers", "numpy", "soundfile")
# What every clip is made of, besides the program.
SAMPLES_LICENCE = "Sonic Pi's samples: CC0, from Freesound"
# For programs that templates made, unless the corpus says otherwise.
TEMPLATES_LICENCE = "not stated; made from Earshot's templates, nobody's songs"


@dataclass(frozen=True)
class DataCard:
    """Facts about a corpus, for machines and for people.

    Attributes
    ----------
    facts : dict
        JSON types only: corpus, created, seconds, audio_format, split_seed,
        schema_version, bytes, counts, split, templates, roles, seeds, imports,
        failures, warnings, encoders, made_with, licence.
    """

    facts: dict[str, Any]

    @property
    def markdown(self) -> str:
        """The same as text."""
        return _format_markdown(self.facts)

    @property
    def json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(self.facts, ensure_ascii=False, indent=2)

    def __str__(self) -> str:
        return self.markdown


def make_data_card(corpus: Corpus) -> DataCard:
    """Make the data card of a corpus from what it holds now."""
    rows, settings = corpus.load_programs(), corpus.settings
    imports = settings.get("imports", [])
    return DataCard(
        {
            "corpus": corpus.name,
            "created": settings["created"],
            "seconds": settings["seconds"],
            "audio_format": settings["audio_format"],
            "split_seed": settings["seed"],
            "schema_version": settings["schema_version"],
            "bytes": measure_corpus_contents(corpus.name).size_bytes,
            "counts": corpus.count_programs_by_state(),
            "split": _count_values(rows["split"]),
            "templates": _count_values(rows["template"]),
            "roles": _count_values(rows["role"]),
            "seeds": sorted({int(seed) for seed in rows["seed"].dropna()}),
            "imports": imports,
            "failures": corpus.count_failures_by_kind(),
            "warnings": _count_values(warning["kind"] for each in rows["warnings"] for warning in each),
            "encoders": [_describe_encoder(corpus, *each) for each in corpus.list_encoders()],
            "made_with": settings.get("made_with", []),
            "licence": _list_licences(imports, bool((rows["template"] != "").any())),
        }
    )


def collect_versions() -> dict[str, str]:
    """Versions of all that a clip or an embedding made here and now rests on."""
    found = {
        "earshot": core.__version__,
        "renderer": str(sonicpi.RENDERER_VERSION),
        "sonic_pi": sonicpi.get_sonic_pi_version(),
        "scsynth": sonicpi.get_scsynth_version(),
        "python": platform.python_version(),
    }
    return {**found, **{name: metadata.version(name) for name in RECORDED_PACKAGES}}


def record_versions(corpus: Corpus) -> None:
    """Keep, in a corpus that is being written, with which versions that is done."""
    now, before = collect_versions(), corpus.settings.get("made_with", [])
    if now not in before:
        corpus.set_setting("made_with", [*before, now])


def _count_values(values: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items()))


def _describe_encoder(corpus: Corpus, encoder_id: str, modality: str, embedding_count: int) -> dict[str, Any]:
    row = {
        "id": encoder_id,
        "modality": modality,
        "embeddings": embedding_count,
        "revision": corpus.get_encoder_revision(encoder_id),
    }
    try:
        known = encoders.find_encoder_spec(encoder_id)
    except EarshotError:  # a folder that is not there any more
        return row
    return {**row, "licence": known.licence, "credit": known.credit, "source": known.source}


def _list_licences(imports: list[dict[str, Any]], has_template_programs: bool) -> list[dict[str, str]]:
    rows = [{"of": "sounds in the clips", "licence": SAMPLES_LICENCE}]
    if has_template_programs:
        rows.append({"of": "programs made from templates", "licence": TEMPLATES_LICENCE})
    return rows + [
        {
            "of": f"{each['programs']} programs imported from {each['from']}",
            "licence": each["licence"] or "not stated: their authors'",
        }
        for each in imports
    ]


def _format_markdown(facts: dict[str, Any]) -> str:
    counts = facts["counts"]
    titles = programs.get_template_titles()
    templates = [
        (titles.get(name, "") if name else "no template", name, number)
        for name, number in facts["templates"].items()
    ]
    sections = [
        f"# {facts['corpus']}",
        f"{counts['programs']:,} Sonic Pi programs, {counts['ok']:,} of them with a clip of"
        f" {facts['seconds']:g} s ({facts['audio_format']}), {counts['failed']:,} failed,"
        f" {counts['pending']:,} not rendered yet. Made with Earshot, begun {facts['created']},"
        f" {facts['bytes'] / 1e6:,.1f} MB.",
        "## Split\n\nBy program, stratified by template, seed"
        f" {facts['split_seed']}: {_format_counts(facts['split'])}.",
        "## Programs\n\nSeeds of the templates: "
        + (", ".join(map(str, facts["seeds"])) or "none")
        + f". Roles: {_format_counts(facts['roles'])}.\n\n"
        + _format_table(("template", "id", "programs"), templates),
    ]
    if facts["imports"]:
        keys = ("from", "programs", "licence", "when")
        rows = [[each[key] for key in keys] for each in facts["imports"]]
        sections.append("### Imported\n\n" + _format_table(keys, rows))
    sections += [
        f"## Failures and warnings\n\nFailed programs stay in the corpus and out of training:"
        f" {_format_counts(facts['failures'])}. Warnings: {_format_counts(facts['warnings'])}.",
        "## Encoders\n\n" + _format_encoders_table(facts["encoders"]),
        "## Made with\n\n" + "\n".join(f"- {_format_counts(each)}" for each in facts["made_with"])
        if facts["made_with"]
        else "## Made with\n\nNot recorded.",
        "## Licence\n\n"
        + "\n".join(f"- {each['of']}: {each['licence']}" for each in facts["licence"]),
    ]
    return "\n\n".join(sections) + "\n"


def _format_encoders_table(rows: list[dict[str, Any]]) -> str:
    keys = ("id", "modality", "embeddings", "revision", "licence", "credit")
    return _format_table(keys, [[row.get(key, "") for key in keys] for row in rows])


def _format_counts(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name or 'none'} {value}" for name, value in counts.items()) or "none"


def _format_table(headers: tuple[str, ...], rows: list) -> str:
    if not rows:
        return "none"
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
