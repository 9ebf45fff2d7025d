"""A template: a header that says what it promises, and Jinja that makes programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from core import workspace
from core.errors import EarshotError, suggest_matches
from core.programs.jinja_sandbox import compile_template, render_template
from core.programs.parameters import LIST_KINDS, ParameterSpec
from core.programs.program import Program
from core.programs.sampling import ParameterSampler
from core.programs.template_header import parse_sound_windows, parse_template_header

TEMPLATE_SUFFIX = ".rb.j2"
_DISCOVERY_RENDER_COUNT = 64  # renderings that discover parameters, before every choice is tried


@dataclass(frozen=True)
class Template:
    """A file `ID.rb.j2` that makes programs.

    Parameters
    ----------
    id : str
        The file's name without its suffix.
    title, summary : str
        For people.
    section : str
        Of Sonic Pi's tutorial, whose subject the template takes up: "2.1".
    role : str
        One of `ROLES`.
    path : Path
        Its file.
    sound_windows : tuple of (float, float)
        Windows in seconds, each of which holds sound in every variant rendered
        for 18 s.
    """

    id: str
    title: str
    section: str
    role: str
    path: Path
    summary: str
    sound_windows: tuple[tuple[float, float], ...]
    _jinja_template: jinja2.Template = field(repr=False)

    def render(
        self, parameter_values: Mapping[str, Any] | None = None, seed: int = 0, variant: int = 0
    ) -> Program:
        """Make one program.

        Parameters
        ----------
        parameter_values : mapping of str to object, optional
            By parameter: the value to use, or a `Range` or `OneOf` to draw from.
            Parameters that aren't named are drawn. A `Program.parameters` makes
            its program again.
        seed, variant : int
            Name the random stream.

        Raises
        ------
        EarshotError
            When a value isn't possible or the template fails.
        """
        parameter_values = parameter_values or {}
        self._check_parameter_names(parameter_values)
        source, draws = self._render_with_sampler(parameter_values, seed, variant)
        name = f"{self.id}-{variant:04d}"
        return Program(source, name, self.id, self.role, dict(draws.drawn_values), seed)

    def list_parameters(self) -> list[ParameterSpec]:
        """Return what can be drawn in any branch, in the order of first appearance.

        Found by drawing: many variants, then every choice of every parameter among
        values that lead to it.
        """
        return list(_discover_parameters(self).values())

    def _render_with_sampler(self, parameter_values: Mapping[str, Any], seed: int, variant: int) -> tuple[str, ParameterSampler]:
        draws = ParameterSampler(f"{self.id}/{seed}/{variant}", parameter_values)
        return render_template(self._jinja_template, draws), draws

    def _check_parameter_names(self, parameter_values: Mapping[str, Any]) -> None:
        known = _discover_parameters(self) if parameter_values else {}
        for name in parameter_values:
            if name not in known:
                raise EarshotError(
                    f"The template {self.id!r} has no parameter {str(name)[:60]!r}.",
                    remedy=suggest_matches(str(name), known, "parameter"),
                )


@lru_cache(maxsize=256)
def _discover_parameters(template: Template) -> dict[str, ParameterSpec]:
    found: dict[str, ParameterSpec] = {}
    untried: list[tuple[ParameterSpec, dict[str, Any]]] = []

    def record_parameters(parameter_values: Mapping[str, Any], variant: int = 0) -> None:
        draws = template._render_with_sampler(parameter_values, 0, variant)[1]
        singles = {n: v for n, v in draws.drawn_values.items() if draws.specs[n].kind not in LIST_KINDS}
        for name, spec in draws.specs.items():
            if name not in found:
                found[name] = spec
                untried.append((spec, singles))
            elif found[name].drop_list_size() != spec.drop_list_size():
                raise EarshotError(
                    f"The parameter {name!r} has other options elsewhere in the template.",
                    where=str(template.path),
                    remedy="Give the two different names.",
                )

    for variant in range(_DISCOVERY_RENDER_COUNT):
        record_parameters({}, variant)
    while untried:
        spec, around = untried.pop()
        for choice in spec.choices if spec.kind in ("pick", "chance") else ():
            record_parameters({**around, spec.name: choice})
    return found


def load_template(path: Path) -> Template:
    """Read a template from a file, a user's own included.

    Raises
    ------
    EarshotError
        With file and line, when the header or the template isn't right.
    """
    path = Path(path)
    if not path.name.endswith(TEMPLATE_SUFFIX):
        raise EarshotError(f"A template's name ends in {TEMPLATE_SUFFIX!r}.", where=str(path))
    template_id = workspace.validate_name(path.name.removesuffix(TEMPLATE_SUFFIX), "template")
    text, code = compile_template(path)
    header = parse_template_header(text, path)
    sound = parse_sound_windows(header.pop("sound"), path)
    return Template(id=template_id, path=path, sound_windows=sound, _jinja_template=code, **header)


def list_templates(folder: Path | None = None) -> list[Template]:
    """Return all templates, sorted by tutorial section, then by id.

    A file that has changed since is read again.
    """
    found = [_load_fresh_template(path) for path in _list_template_files(folder)]
    return sorted(found, key=lambda t: ([int(part) for part in t.section.split(".")], t.id))


def get_template(template_id: str, folder: Path | None = None) -> Template:
    """Return one template by its id.

    Raises
    ------
    EarshotError
        Naming near matches, when there is none.
    """
    paths = {path.name.removesuffix(TEMPLATE_SUFFIX): path for path in _list_template_files(folder)}
    if template_id not in paths:
        raise EarshotError(
            f"There is no template {str(template_id)[:80]!r}.",
            remedy=suggest_matches(str(template_id), sorted(paths), "template"),
        )
    return _load_fresh_template(paths[template_id])


def _list_template_files(folder: Path | None) -> list[Path]:
    return sorted((folder or workspace.TEMPLATES_FOLDER).glob(f"*{TEMPLATE_SUFFIX}"))


def _load_fresh_template(path: Path) -> Template:
    state = path.stat()
    return _load_cached_template(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _load_cached_template(path: Path, _modified_ns: int, _size_bytes: int) -> Template:
    return load_template(path)
