"""Rebuilding of a published dataset bit for bit: generate, render, and compare checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd
import soundfile

from core.corpus import Corpus
from core.pipeline.corpus_data_card import store_dependency_versions
from core.pipeline.dataset_recipe import DatasetRecipe, GroupDigest
from core.pipeline.executors import Executor
from core.pipeline.export_parquet import open_clip_file
from core.pipeline.generate_and_add_missing_programs import (
    add_missing_programs,
    choose_and_record_sound_set,
    select_build_templates,
)
from core.pipeline.generate_render_and_embed_corpus import open_or_create_corpus
from core.pipeline.render_missing_clips import render_missing_clips
from core.progress_callback import Progress, ignore_progress

CHECK_STEP = "Computing checksums"


def reproduce_published_dataset(
    recipe: DatasetRecipe,
    corpus_name: str | None = None,
    executor: Executor | None = None,
    progress: Progress = ignore_progress,
) -> Corpus:
    """Generate and render the programs of a recipe; what is there already is kept.

    Parameters
    ----------
    recipe : DatasetRecipe
    corpus_name : str, optional
        Default: the recipe's name.
    executor : Executor, optional
        Default: processes on this machine, one per core.
    progress : Progress

    Returns
    -------
    Corpus
        Without embeddings.

    Raises
    ------
    EarshotError
        As `core.pipeline.generate_render_and_embed_corpus.build_corpus`.

    Examples
    --------
    >>> from core.pipeline.dataset_recipe import DatasetRecipe
    >>> recipe = DatasetRecipe("beeps", 2, templates=["02_1_beeps"], seconds=1.0)
    >>> reproduce_published_dataset(recipe).count_programs_by_state()["ok"]
    2
    """
    options = recipe.make_build_options
    templates = select_build_templates(options)
    corpus = open_or_create_corpus(corpus_name or recipe.name, recipe.clip_format)
    with corpus.lock_for_writing(f"dataset {recipe.name}"):
        options = replace(options, sound_set=choose_and_record_sound_set(corpus, recipe.sounds))
        add_missing_programs(corpus, templates, options, progress)
        if corpus.list_programs_to_render():
            store_dependency_versions(corpus)
        render_missing_clips(corpus, (), executor, progress)
    return corpus


def compute_group_digests(
    corpus: Corpus, progress: Progress = ignore_progress
) -> dict[str, GroupDigest]:
    """Compute the checksums of a corpus by template and grammar style.

    Clips are decoded, so the checksum is that of the samples and not of the file, whose bytes
    depend on the version of the FLAC encoder.

    Parameters
    ----------
    corpus : Corpus
    progress : Progress

    Returns
    -------
    dict of str to GroupDigest
        Sorted by group.

    Raises
    ------
    EarshotError
        If a clip cannot be read.
    """
    programs = corpus.load_programs().sort_values("program")
    digests = {}
    done = 0
    for group, rows in sorted(programs.groupby("template"), key=lambda item: str(item[0])):
        sources = hashlib.sha256("\n".join(rows["program"]).encode())
        clips = hashlib.sha256()
        for line in _iterate_clip_digest_lines(rows):
            clips.update(line.encode())
            done += 1
            progress(CHECK_STEP, done, len(programs))
        digests[str(group)] = GroupDigest(len(rows), sources.hexdigest(), clips.hexdigest())
    return digests


def _iterate_clip_digest_lines(rows: pd.DataFrame) -> Iterator[str]:
    for program_id, clip_path, state, error_kind in zip(
        rows["program"], rows["audio"], rows["state"], rows["error_kind"]
    ):
        if state != "ok":
            yield f"{program_id} {state} {error_kind or ''}\n"
            continue
        with open_clip_file(clip_path) as file:
            samples, sample_rate = soundfile.read(file, dtype="int32", always_2d=True)
        digest = hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest()
        yield f"{program_id} {sample_rate} {digest}\n"


def find_dataset_differences(
    expected: Mapping[str, GroupDigest], found: Mapping[str, GroupDigest]
) -> list[str]:
    """Return how a corpus differs from the recorded checksums, one sentence per group.

    Parameters
    ----------
    expected : mapping of str to GroupDigest
        Of a recipe. A clip checksum that was not recorded is not compared.
    found : mapping of str to GroupDigest
        Of a corpus.

    Returns
    -------
    list of str
        Empty if they are the same.

    Examples
    --------
    >>> find_dataset_differences({"beeps": GroupDigest(2, "a", "b")}, {})
    ['beeps: 0 of 2 programs.']
    """
    differences = []
    for group in sorted({*expected, *found}):
        wanted = expected.get(group, GroupDigest(0, ""))
        actual = found.get(group, GroupDigest(0, ""))
        if wanted.programs != actual.programs:
            differences.append(f"{group}: {actual.programs} of {wanted.programs} programs.")
        elif wanted.sources_sha256 != actual.sources_sha256:
            differences.append(f"{group}: other programs, by another version of the template.")
        elif wanted.clips_sha256 and wanted.clips_sha256 != actual.clips_sha256:
            differences.append(f"{group}: the same programs, but other samples in their clips.")
    return differences
