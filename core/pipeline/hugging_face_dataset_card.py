"""The dataset card of an exported corpus: licence tag, data card, columns, and how to load it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import EarshotError
from core.pipeline.corpus_data_card import DataCard
from core.pipeline.exported_program_table import describe_columns, format_column_dictionary

LICENCE_PATTERN = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}\Z")
OTHER_LICENCE, MIXED_LICENCE_NAME = "other", "mixed-see-the-section-licence"
LOADING_SECTION = """
## Loading

```python
from pathlib import Path

import soundfile
from datasets import load_dataset  # pip install datasets soundfile

folder = Path("this folder")
tables = {path.parent.name: str(path) for path in sorted(folder.glob("*/metadata.jsonl"))}
corpus = load_dataset("json", data_files=tables)
split, rows = next(iter(corpus.items()))
samples, sample_rate = soundfile.read(folder / split / rows[0]["file_name"])  # float [n, 2]
```

With the package torchcodec, which needs FFmpeg, `load_dataset("audiofolder", data_dir=folder)`
also decodes the clips. `SHA256SUMS` has the checksums of the files.
"""
USE_SECTION = """
## Use

Pairs of a Sonic Pi program and the clip that it renders to, for studies of how code relates to
sound: contrastive alignment of code and audio embeddings, retrieval of clips by code, and
prediction of a clip's properties from its code. Variants of one template are not independent: hold
out whole templates to measure how a method generalizes.

## Limitations

The programs are generated, not written by musicians. Clips are rendered offline on a virtual clock,
so timing has no jitter, and they begin with the program and are cut at their length.

## How to make it again

`seed` and `variant` give each generated program again, and the same versions render the same
samples. `./run dataset RECIPE --check` of Earshot compares a corpus with the checksums of a recipe.

## Citation

Please cite the paper that the alignment follows: *Embedding Alignment in Code Generation for
Audio*, arXiv 2508.05473. The file `CITATION.cff` of Earshot has the entry for Earshot.
"""


def format_dataset_card(
    card: DataCard,
    columns: Iterable[str],
    licence: str | None = None,
    loading_section: str = LOADING_SECTION,
) -> str:
    """Return the README of a published folder, with the YAML header of the Hugging Face hub.

    Parameters
    ----------
    card : DataCard
    columns : iterable of str
        Columns of the tables beside the clips.
    licence : str, optional
        Tag of the hub, as `choose_licence_tag` takes it.
    loading_section : str
        How to load the folder, in Markdown. Default: for an audio folder.
    """
    return (
        format_dataset_card_header(card.facts, licence)
        + card.markdown_text
        + format_stated_licence(licence)
        + format_column_dictionary(describe_columns(columns))
        + loading_section
        + USE_SECTION
    )


def format_dataset_card_header(facts: Mapping[str, Any], licence: str | None = None) -> str:
    """Return the YAML header of a dataset card.

    Parameters
    ----------
    facts : mapping
        Of a data card.
    licence : str, optional
        Tag of the hub, as `choose_licence_tag` takes it.
    """
    tag = choose_licence_tag(facts, licence)
    licence_lines = f"license: {tag}\n"
    if tag == OTHER_LICENCE:
        licence_lines += f"license_name: {MIXED_LICENCE_NAME}\nlicense_link: README.md\n"
    return (
        f"---\npretty_name: {json.dumps(facts['corpus'])}\n{licence_lines}"
        "language:\n- code\ntask_categories:\n- text-to-audio\n- feature-extraction\n"
        "tags:\n- audio\n- code\n- music\n- sonic-pi\n"
        f"size_categories:\n- {_choose_size_category(sum(facts['split'].values()))}\n---\n\n"
    )


def format_stated_licence(licence: str | None) -> str:
    """Return the sentence for a licence that the publisher states; "" if none is stated."""
    return f"\nThe publisher states for the whole dataset: {licence}.\n" if licence else ""


def choose_licence_tag(facts: Mapping[str, Any], licence: str | None = None) -> str:
    """Return the licence tag of a dataset card.

    Parameters
    ----------
    facts : mapping
        Of a data card.
    licence : str, optional
        Tag that the publisher states, such as "cc-by-4.0". Default: the licence of the imported
        programs if they all have the same and nothing else is in the corpus, "unknown" if one of
        theirs is not stated, else "other" (the card lists each part's licence).

    Raises
    ------
    EarshotError
        If `licence` has not the form of a tag.

    Examples
    --------
    >>> choose_licence_tag({"imports": [], "templates": {"beeps": 2}})
    'other'
    >>> choose_licence_tag({"imports": [{"licence": "CC0-1.0"}], "templates": {"": 2}})
    'cc0-1.0'
    """
    if licence is not None:
        if not LICENCE_PATTERN.match(licence):
            raise EarshotError(
                f"{licence[:60]!r} is not a licence tag.",
                remedy="Use one of the Hugging Face hub, such as cc0-1.0, cc-by-4.0, mit or other.",
            )
        return licence
    stated = {origin["licence"] or "unknown" for origin in facts["imports"]}
    if "unknown" in stated:
        return "unknown"
    tags = {text.strip().lower().replace(" ", "-") for text in stated}
    has_only_imports = set(facts["templates"]) == {""}
    if has_only_imports and len(tags) == 1 and LICENCE_PATTERN.match(tag := tags.pop()):
        return tag
    return OTHER_LICENCE


def _choose_size_category(program_count: int) -> str:
    for limit, category in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if program_count < limit:
            return category
    return "100K<n<1M"
