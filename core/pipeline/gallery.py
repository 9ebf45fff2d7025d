"""One variant of each template with its clip: what a template sounds like, before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core import programs, sonicpi, workspace
from core.corpus import clip_file, list_corpora
from core.corpus.clips import SILENT_PEAK
from core.errors import EarshotError
from core.programs import Program, Template
from core.progress import Progress, silent

SECONDS = 18.0
STEP = "Rendering the gallery"


@dataclass(frozen=True)
class Shown:
    """A template, its first variant and the clip of that.

    Attributes
    ----------
    template : Template
    program : Program
        Seed 0, variant 0.
    clip : Path or None
        None while it isn't rendered.
    """

    template: Template
    program: Program
    clip: Path | None


def folder() -> Path:
    """Where the gallery's clips are kept."""
    return workspace.root() / "gallery"


def gallery(made: Sequence[tuple[Template, Program, str]] | None = None) -> list[Shown]:
    """Every template with its clip: the gallery's own, or that of a corpus which holds it.

    Parameters
    ----------
    made : sequence of (Template, Program, str), optional
        As of `variants`, when it is known already.
    """
    names = list_corpora()
    return [
        Shown(template, program, _clip(render_id, names))
        for template, program, render_id in (variants() if made is None else made)
    ]


def variants() -> list[tuple[Template, Program, str]]:
    """Every template, its first variant, and the name of that one's clip.

    Raises
    ------
    EarshotError
        When Sonic Pi or scsynth, whose versions the name holds, is missing.
    """
    made = [(template, template.render()) for template in programs.templates()]
    return [
        (template, program, sonicpi.render_id(program.source, SECONDS))
        for template, program in made
    ]


def _clip(render_id: str, corpora: list[str]) -> Path | None:
    own = folder() / f"{render_id}.flac"
    if own.is_file():
        return own
    return next((path for name in corpora if (path := clip_file(name, render_id))), None)


def render_gallery(progress: Progress = silent) -> list[Shown]:
    """Render what the gallery lacks; each clip is kept as soon as it is there.

    Raises
    ------
    EarshotError
        When a template's variant fails or stays silent, once all the others are rendered; or
        when nothing can be rendered at all.
    """
    workspace.refuse_if_read_only("Rendering the gallery")
    made = variants()
    lacking = [
        (program, render_id)
        for (_, program, render_id), shown in zip(made, gallery(made), strict=True)
        if shown.clip is None
    ]
    failed = []
    progress(STEP, 0, len(lacking))
    sources = (program.source for program, _ in lacking)
    for done, (index, rendering) in enumerate(sonicpi.render_many(sources, SECONDS), 1):
        program, render_id = lacking[index]
        if rendering.ok and rendering.clip.peak >= SILENT_PEAK:
            rendering.clip.save(folder() / f"{render_id}.flac")
        else:
            failed.append(f"{program.name}: {rendering.error or 'it is silent'}")
        progress(STEP, done, len(lacking), program.name)
    if failed:
        raise EarshotError("; ".join(failed), remedy="The other clips are there.")
    return gallery(made)
