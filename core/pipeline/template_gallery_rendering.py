"""The gallery: the first variant of each template with its clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import programs, sonicpi, workspace
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus import find_clip_file, list_corpora
from core.corpus.encoded_render import MIN_AUDIBLE_PEAK
from core.errors import EarshotError
from core.programs import Program, Template
from core.progress_callback import Progress, ignore_progress

PROGRESS_STEP = "Rendering the gallery"


@dataclass(frozen=True)
class GalleryItem:
    """A template, its first variant and the variant's clip.

    Attributes
    ----------
    template : Template
    program : Program
        Variant 0 with seed 0.
    clip_path : Path or None
        None before it is rendered.
    """

    template: Template
    program: Program
    clip_path: Path | None


def get_gallery_folder() -> Path:
    """Return the folder of the gallery's clips."""
    return workspace.get_workspace_root() / "gallery"


def list_gallery_items(
    first_variants: Sequence[tuple[Template, Program, str]] | None = None,
) -> list[GalleryItem]:
    """Return every template with the clip of its first variant, from the gallery or a corpus.

    Parameters
    ----------
    first_variants : sequence of (Template, Program, str), optional
        The result of `list_first_template_variants`, where the caller has it.
    """
    if first_variants is None:
        first_variants = list_first_template_variants()
    corpus_names = list_corpora()
    return [
        GalleryItem(template, program, _find_variant_clip(render_id, corpus_names))
        for template, program, render_id in first_variants
    ]


def list_first_template_variants() -> list[tuple[Template, Program, str]]:
    """Return every template, its first variant, and the render id that names the clip.

    Raises
    ------
    EarshotError
        When Sonic Pi or scsynth is missing: the render id depends on their versions.
    """
    variants = [(template, template.render()) for template in programs.list_templates()]
    return [
        (template, program, sonicpi.compute_render_id(program.source, DEFAULT_CLIP_SECONDS))
        for template, program in variants
    ]


def _find_variant_clip(render_id: str, corpus_names: list[str]) -> Path | None:
    gallery_clip = get_gallery_folder() / f"{render_id}.flac"
    if gallery_clip.is_file():
        return gallery_clip
    for corpus_name in corpus_names:
        if corpus_clip := find_clip_file(corpus_name, render_id):
            return corpus_clip
    return None


def render_missing_gallery_clips(progress: Progress = ignore_progress) -> list[GalleryItem]:
    """Render the missing clips of the gallery; each is saved as soon as it is rendered.

    Raises
    ------
    EarshotError
        When a variant fails or is silent, after all others have been rendered; or when nothing
        can be rendered at all.
    """
    workspace.require_writable_workspace("Rendering the gallery")
    first_variants = list_first_template_variants()
    missing = [
        (program, render_id)
        for (_, program, render_id), item in zip(first_variants, list_gallery_items(first_variants))
        if item.clip_path is None
    ]
    failures = []
    progress(PROGRESS_STEP, 0, len(missing))
    sources = (program.source for program, _ in missing)
    for done, (index, result) in enumerate(
        sonicpi.render_programs_in_parallel(sources, DEFAULT_CLIP_SECONDS), 1
    ):
        program, render_id = missing[index]
        if result.clip is not None and result.clip.peak >= MIN_AUDIBLE_PEAK:
            result.clip.save(get_gallery_folder() / f"{render_id}.flac")
        else:
            failures.append(f"{program.name}: {result.error or 'it is silent'}")
        progress(PROGRESS_STEP, done, len(missing), program.name)
    if failures:
        raise EarshotError("; ".join(failures), remedy="The other clips are there.")
    return list_gallery_items(first_variants)
