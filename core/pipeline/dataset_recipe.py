"""Recipes of published datasets: the programs, the clips, and checksums of both.

A recipe is a JSON file. `paper-size` is one of `RECIPES_FOLDER`; a path names any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write
from core.pipeline.generate_and_add_missing_programs import BuildOptions
from core.pipeline.generate_render_and_embed_corpus import ClipFormat

RECIPES_FOLDER = Path(__file__).with_name("dataset_recipes")
RECIPE_SUFFIX = ".json"
AUDIO_FORMAT = "flac"
"""Lossless, so that a clip decodes to the samples that were rendered."""


@dataclass(frozen=True)
class GroupDigest:
    """Checksums of the programs of one template or grammar style.

    Attributes
    ----------
    programs : int
        Number of programs.
    sources_sha256 : str
        SHA-256 of the sorted ids of the programs, each of which is a checksum of its source.
    clips_sha256 : str
        SHA-256 of the samples of all clips, in the order of the ids; "" before it is recorded.
    """

    programs: int
    sources_sha256: str
    clips_sha256: str = ""


@dataclass(frozen=True)
class DatasetRecipe:
    """What a dataset consists of.

    Attributes
    ----------
    name : str
        Name of the corpus that it is built as.
    programs_per_template, grammar_programs : int
    styles : list of str or None
        Grammar styles, as
        `core.pipeline.generate_and_add_missing_programs.BuildOptions` takes them.
    templates : list of str or None
        Ids; None for all.
    seed : int
    seconds : float
        Length of the clips.
    sounds, sonic_pi : str
        Versions of Sonic Pi whose synths programs name, and whose sound clips have.
    digests : dict of str to GroupDigest
        By template or style. Empty before they are recorded.
    """

    name: str
    programs_per_template: int
    grammar_programs: int = 0
    styles: list[str] | None = None
    templates: list[str] | None = None
    seed: int = 0
    seconds: float = 18.0
    sounds: str = "3.2"
    sonic_pi: str = "3.2"
    digests: Mapping[str, GroupDigest] = field(default_factory=dict)

    @property
    def make_build_options(self) -> BuildOptions:
        """Return the programs as a build takes them."""
        return BuildOptions(
            templates=self.templates,
            programs_per_template=self.programs_per_template,
            seed=self.seed,
            grammar_program_count=self.grammar_programs,
            grammar_styles=self.styles,
            sound_set=self.sounds,
        )

    @property
    def clip_format(self) -> ClipFormat:
        """Return the clips as a build takes them."""
        return ClipFormat(self.seconds, AUDIO_FORMAT, self.sonic_pi)


def list_recipe_names() -> list[str]:
    """Return the names of the recipes that come with Earshot, sorted."""
    return sorted(path.stem for path in RECIPES_FOLDER.glob(f"*{RECIPE_SUFFIX}"))


def find_recipe_path(name_or_path: str) -> Path:
    """Return the file of a recipe.

    Parameters
    ----------
    name_or_path : str
        A name of `list_recipe_names`, or the path of a JSON file.

    Raises
    ------
    EarshotError
        If there is no such recipe.
    """
    if name_or_path in list_recipe_names():
        return RECIPES_FOLDER / f"{name_or_path}{RECIPE_SUFFIX}"
    path = Path(name_or_path).expanduser()
    if path.suffix == RECIPE_SUFFIX and path.is_file():
        return path
    raise EarshotError(
        f"There is no recipe {name_or_path[:80]!r}.",
        remedy=f"Use {' or '.join(list_recipe_names())}, or the path of a JSON file.",
    )


def load_recipe(path: Path) -> DatasetRecipe:
    """Load a recipe.

    Raises
    ------
    EarshotError
        If the file cannot be read or is no recipe.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        digests = {
            str(group): GroupDigest(**digest)
            for group, digest in content.pop("digests", {}).items()
        }
        recipe = DatasetRecipe(**content, digests=digests)
        _check_field_types(recipe)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EarshotError(
            f"This is not a recipe of a dataset ({error}).",
            where=str(path),
            remedy=f"Copy one: {RECIPES_FOLDER / list_recipe_names()[0]}{RECIPE_SUFFIX}",
        ) from error
    return recipe


def _check_field_types(recipe: DatasetRecipe) -> None:
    expected_types: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "programs_per_template": int,
        "grammar_programs": int,
        "seed": int,
        "seconds": (int, float),
        "styles": (list, type(None)),
        "templates": (list, type(None)),
    }
    for name, expected in expected_types.items():
        if not isinstance(getattr(recipe, name), expected):
            raise ValueError(f"{name} is {getattr(recipe, name)!r}")


def save_recipe(recipe: DatasetRecipe, path: Path) -> None:
    """Write a recipe, its checksums included."""
    content = json.dumps(asdict(recipe), indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as handle:
        handle.write(content.encode("utf-8"))
