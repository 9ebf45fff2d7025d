"""One variant of each template with its clip: what a template sounds like, before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import programs, sonicpi, workspace
from core.corpus import find_clip_file, list_corpora
from core.corpus.clips import MIN_AUDIBLE_PEAK
from core.errors import EarshotError
from core.programs import Program, Template
from core.progress import Progress, ignore_progress

CLIP_SECONDS = 18.0
PROGRESS_STEP = "Rendering the gallery"


@dataclass(frozen=True)
class GalleryItem:
    """A template, its first variant and the clip of that.

    Attributes
    ----------
    template : Template
    program : Program
        Seed 0, variant 0.
    clip_path : Path or None
        None while it isn't rendered.
    """

    template: Template
    program: Program
    clip_path: Path | None


def get_gallery_folder() -> Path:
    """Where the gallery's clips are kept."""
    return workspace.get_workspace_root() / "gallery"


def list_gallery_items(first_variants: Sequence[tuple[Template, Program, str]] | None = None) -> list[GalleryItem]:
    """Every template with its clip: the gallery's own, or that of a corpus which holds it.

    Parameters
    ----------
    first_variants : sequence of (Template, Program, str), optional
        As of `variants`, when it is known already.
    """
    names = list_corpora()
    return [
        GalleryItem(template, program, _find_clip(render_id, names))
        for template, program, render_id in (list_first_variants() if first_variants is None else first_variants)
    ]


def list_first_variants() -> list[tuple[Template, Program, str]]:
    """Every template, its first variant, and the name of that one's clip.

    Raises
    ------
    EarshotError
        When Sonic Pi or scsynth, whose versions the name holds, is missing.
    """
    made = [(template, template.render()) for template in programs.list_templates()]
    return [
        (template, program, sonicpi.compute_render_id(program.source, CLIP_SECONDS))
        for template, program in made
    ]


def _find_clip(render_id: str, corpus_names: list[str]) -> Path | None:
    own = get_gallery_folder() / f"{render_id}.flac"
    if own.is_file():
        return own
    return next((path for name in corpus_names if (path := find_clip_file(name, render_id))), None)


def render_gallery(progress: Progress = ignore_progress) -> list[GalleryItem]:
    """Render what the gallery lacks; each clip is kept as soon as it is there.

    Raises
    ------
    EarshotError
        When a template's variant fails or stays silent, once all the others are rendered; or
        when nothing can be rendered at all.
    """
    workspace.refuse_if_read_only("Rendering the gallery")
    made = list_first_variants()
    lacking = [
        (program, render_id)
        for (_, program, render_id), shown in zip(made, list_gallery_items(made), strict=True)
        if shown.clip_path is None
    ]
    failed = []
    progress(PROGRESS_STEP, 0, len(lacking))
    sources = (program.source for program, _ in lacking)
    for done, (index, rendering) in enumerate(sonicpi.render_many(sources, CLIP_SECONDS), 1):
        program, render_id = lacking[index]
        if rendering.has_clip and rendering.clip.peak >= MIN_AUDIBLE_PEAK:
            rendering.clip.save(get_gallery_folder() / f"{render_id}.flac")
        else:
            failed.append(f"{program.name}: {rendering.error or 'it is silent'}")
        progress(PROGRESS_STEP, done, len(lacking), program.name)
    if failed:
        raise EarshotError("; ".join(failed), remedy="The other clips are there.")
    return list_gallery_items(made)
