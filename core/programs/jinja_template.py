"""A template: a header that says what it promises, and Jinja that makes programs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from core import workspace
from core.errors import EarshotError
from core.programs.sampling import Draws
from core.programs.template_header import promised_windows, read_header
from core.programs.parameters import LISTS, ParameterSpec
from core.programs.program import Program
from core.programs.jinja_sandbox import compiled, rendered

SUFFIX = ".rb.j2"
_LOOKS = 64  # renderings that discover parameters, before every choice is tried


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
    sound : tuple of (float, float)
        Windows in seconds, each of which holds sound in every variant rendered
        for 18 s.
    """

    id: str
    title: str
    section: str
    role: str
    path: Path
    summary: str
    sound: tuple[tuple[float, float], ...]
    _compiled: jinja2.Template = field(repr=False)

    def render(
        self, values: Mapping[str, Any] | None = None, seed: int = 0, variant: int = 0
    ) -> Program:
        """Make one program.

        Parameters
        ----------
        values : mapping of str to object, optional
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
        values = values or {}
        self._check_names(values)
        source, draws = self._rendered(values, seed, variant)
        name = f"{self.id}-{variant:04d}"
        return Program(source, name, self.id, self.role, dict(draws.recorded), seed)

    def parameters(self) -> list[ParameterSpec]:
        """Return what can be drawn in any branch, in the order of first appearance.

        Found by drawing: many variants, then every choice of every parameter among
        values that lead to it.
        """
        return list(_parameters(self).values())

    def _rendered(self, values: Mapping[str, Any], seed: int, variant: int) -> tuple[str, Draws]:
        draws = Draws(f"{self.id}/{seed}/{variant}", values)
        return rendered(self._compiled, draws), draws

    def _check_names(self, values: Mapping[str, Any]) -> None:
        known = _parameters(self) if values else {}
        for name in values:
            if name not in known:
                raise EarshotError(
                    f"The template {self.id!r} has no parameter {str(name)[:60]!r}.",
                    remedy=_near(str(name), list(known)),
                )


@lru_cache(maxsize=256)
def _parameters(template: Template) -> dict[str, ParameterSpec]:
    found: dict[str, ParameterSpec] = {}
    untried: list[tuple[ParameterSpec, dict[str, Any]]] = []

    def look(values: Mapping[str, Any], variant: int = 0) -> None:
        draws = template._rendered(values, 0, variant)[1]
        singles = {n: v for n, v in draws.recorded.items() if draws.specs[n].kind not in LISTS}
        for name, spec in draws.specs.items():
            if name not in found:
                found[name] = spec
                untried.append((spec, singles))
            elif found[name].meaning() != spec.meaning():
                raise EarshotError(
                    f"The parameter {name!r} has other options elsewhere in the template.",
                    where=str(template.path),
                    remedy="Give the two different names.",
                )

    for variant in range(_LOOKS):
        look({}, variant)
    while untried:
        spec, around = untried.pop()
        for choice in spec.choices if spec.kind in ("pick", "chance") else ():
            look({**around, spec.name: choice})
    return found


def load(path: Path) -> Template:
    """Read a template from a file, a user's own included.

    Raises
    ------
    EarshotError
        With file and line, when the header or the template isn't right.
    """
    path = Path(path)
    if not path.name.endswith(SUFFIX):
        raise EarshotError(f"A template's name ends in {SUFFIX!r}.", where=str(path))
    template_id = workspace.checked_name(path.name.removesuffix(SUFFIX), "template")
    text, code = compiled(path)
    header = read_header(text, path)
    sound = promised_windows(header.pop("sound"), path)
    return Template(id=template_id, path=path, sound=sound, _compiled=code, **header)


def templates(folder: Path | None = None) -> list[Template]:
    """Return all templates, sorted by tutorial section, then by id.

    A file that has changed since is read again.
    """
    found = [_loaded(path) for path in _files(folder)]
    return sorted(found, key=lambda t: ([int(part) for part in t.section.split(".")], t.id))


def template(template_id: str, folder: Path | None = None) -> Template:
    """Return one template by its id.

    Raises
    ------
    EarshotError
        Naming near matches, when there is none.
    """
    paths = {path.name.removesuffix(SUFFIX): path for path in _files(folder)}
    if template_id not in paths:
        raise EarshotError(
            f"There is no template {str(template_id)[:80]!r}.",
            remedy=_near(str(template_id), sorted(paths)),
        )
    return _loaded(paths[template_id])


def _files(folder: Path | None) -> list[Path]:
    return sorted((folder or workspace.TEMPLATES).glob(f"*{SUFFIX}"))


def _loaded(path: Path) -> Template:
    state = path.stat()
    return _load_once(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _load_once(path: Path, _changed: int, _size: int) -> Template:
    return load(path)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    near += [other for other in known if name and name in other and other not in near][:3]
    return f"{'Did you mean' if near else 'There are'} {', '.join(near or known)}?"
