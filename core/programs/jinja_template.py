"""Templates of programs: loading, listing, rendering and parameter discovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from core import workspace
from core.errors import EarshotError, format_spelling_suggestions
from core.programs.jinja_sandbox import compile_template, read_template_text, render_template
from core.programs.program import Program
from core.programs.template_header_parsing import parse_sound_windows, parse_template_header
from core.programs.template_parameter_sampler import ParameterSampler
from core.programs.template_parameters import LIST_KINDS, ParameterSpec
from core.programs.template_vocabulary import (
    DEFAULT_SOUND_SET,
    SOUND_SETS,
    contains_name_of_newer_sound,
    validate_sound_set_name,
)

TEMPLATE_SUFFIX = ".rb.j2"
_DISCOVERY_RENDER_COUNT = 64  # random renderings before every choice is tried in turn
_CACHE_SIZE = 256


@dataclass(frozen=True)
class Template:
    """A Jinja template of programs, loaded from a file `ID.rb.j2`.

    Parameters
    ----------
    id : str
        Name of the file without its suffix.
    title : str
        Display title.
    section : str
        Section of Sonic Pi's tutorial that the template exercises: "2.1".
    role : str
        One of `PROGRAM_ROLES`.
    path : Path
        Path of the file.
    summary : str
        One sentence for users.
    sound_windows : tuple of (float, float)
        Windows in seconds; every variant, rendered for 18 s, sounds in each of them.
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
        self,
        parameter_values: Mapping[str, Any] | None = None,
        seed: int = 0,
        variant: int = 0,
        sound_set: str = DEFAULT_SOUND_SET,
    ) -> Program:
        """Render one program.

        Parameters
        ----------
        parameter_values : mapping of str to object, optional
            Value by parameter, or a `NumberRange` or `ChoiceSubset` to draw from. Parameters
            without an entry are drawn. `Program.parameters` of a program gives its source again.
        seed, variant : int
            Seed of the random stream, and the number of the variant.
        sound_set : {"3.2", "5"}
            Version of Sonic Pi whose sounds are drawn. A value that only "5" has selects that set.

        Returns
        -------
        Program
            With the name "TEMPLATE-VARIANT".

        Raises
        ------
        EarshotError
            If a parameter is unknown, a value is impossible or the template fails.

        Examples
        --------
        >>> from core.programs import NumberRange, get_template
        >>> template = get_template("02_1_beeps")
        >>> program = template.render({"synth": "piano", "release": NumberRange(0.2, 0.3)}, seed=3)
        >>> program.parameters["synth"]
        'piano'
        >>> template.render(program.parameters).source == program.source
        True
        """
        parameter_values = parameter_values or {}
        self._check_parameter_names(parameter_values)
        validate_sound_set_name(sound_set)
        if contains_name_of_newer_sound(parameter_values.values()):
            sound_set = SOUND_SETS[-1]
        source, sampler = self._render_template_with_parameter_sampler(
            parameter_values, seed, variant, sound_set
        )
        name = f"{self.id}-{variant:04d}"
        return Program(source, name, self.id, self.role, dict(sampler.drawn_values), seed)

    def list_template_parameters(self) -> list[ParameterSpec]:
        """Return the parameters of all branches, in the order of first appearance.

        Parameters are discovered by rendering: first with random values, then with every choice
        of every parameter.
        """
        return list(_discover_template_parameters(self).values())

    def _render_template_with_parameter_sampler(
        self,
        parameter_values: Mapping[str, Any],
        seed: int,
        variant: int,
        sound_set: str = DEFAULT_SOUND_SET,
    ) -> tuple[str, ParameterSampler]:
        sampler = ParameterSampler(f"{self.id}/{seed}/{variant}", parameter_values)
        return render_template(self._jinja_template, sampler, sound_set), sampler

    def _check_parameter_names(self, parameter_values: Mapping[str, Any]) -> None:
        specs = _discover_template_parameters(self) if parameter_values else {}
        for name in parameter_values:
            if name not in specs:
                raise EarshotError(
                    f"The template {self.id!r} has no parameter {str(name)[:60]!r}.",
                    remedy=format_spelling_suggestions(str(name), specs, "parameter"),
                )


@lru_cache(maxsize=_CACHE_SIZE)
def _discover_template_parameters(template: Template) -> dict[str, ParameterSpec]:
    specs: dict[str, ParameterSpec] = {}
    untried: list[tuple[ParameterSpec, dict[str, Any]]] = []

    def record_parameters_of_variant(parameter_values: Mapping[str, Any], variant: int = 0) -> None:
        sampler = template._render_template_with_parameter_sampler(parameter_values, 0, variant)[1]
        scalar_values = {
            name: value
            for name, value in sampler.drawn_values.items()
            if sampler.specs[name].kind not in LIST_KINDS
        }
        for name, spec in sampler.specs.items():
            if name not in specs:
                specs[name] = spec
                untried.append((spec, scalar_values))
            elif specs[name].copy_without_list_size() != spec.copy_without_list_size():
                raise EarshotError(
                    f"The parameter {name!r} has other options elsewhere in the template.",
                    where=str(template.path),
                    remedy="Give the two different names.",
                )

    for variant in range(_DISCOVERY_RENDER_COUNT):
        record_parameters_of_variant({}, variant)
    while untried:
        spec, scalar_values = untried.pop()
        for choice in spec.choices if spec.kind in ("pick", "chance") else ():
            record_parameters_of_variant({**scalar_values, spec.name: choice})
    return specs


def load_template(path: Path) -> Template:
    """Load a template from a file, which may be a user's own.

    Parameters
    ----------
    path : Path
        A file whose name ends in ".rb.j2".

    Returns
    -------
    Template
        The compiled template.

    Raises
    ------
    EarshotError
        If the name, the header or the template is invalid; the message names file and line.
    """
    path = Path(path)
    if not path.name.endswith(TEMPLATE_SUFFIX):
        raise EarshotError(f"A template's name ends in {TEMPLATE_SUFFIX!r}.", where=str(path))
    template_id = workspace.validate_folder_name(
        path.name.removesuffix(TEMPLATE_SUFFIX), "template"
    )
    text, jinja_template = compile_template(path)
    header = parse_template_header(text, path)
    return Template(
        id=template_id,
        title=header["title"],
        section=header["section"],
        role=header["role"],
        path=path,
        summary=header["summary"],
        sound_windows=parse_sound_windows(header["sound"], path),
        _jinja_template=jinja_template,
    )


def list_templates(folder: Path | None = None) -> list[Template]:
    """Return all templates, sorted by tutorial section, then by id.

    Parameters
    ----------
    folder : Path, optional
        Folder of the template files. Default: the workspace's.

    Returns
    -------
    list of Template
        Files that have changed since the last call are loaded again.
    """
    templates = [_reload_template_if_file_changed(path) for path in _list_template_files(folder)]
    return sorted(
        templates, key=lambda template: _make_template_sort_key(template.section, template.id)
    )


def read_template_titles(folder: Path | None = None) -> dict[str, str]:
    """Return the title of every template by its id, in the order of `list_templates`.

    Only the headers are read: compiling all templates takes a new server a second.

    Parameters
    ----------
    folder : Path, optional
        Folder of the template files. Default: the workspace's.
    """
    headers = {
        path.name.removesuffix(TEMPLATE_SUFFIX): parse_template_header(
            read_template_text(path), path
        )
        for path in _list_template_files(folder)
    }
    ids = sorted(headers, key=lambda name: _make_template_sort_key(headers[name]["section"], name))
    return {template_id: headers[template_id]["title"] for template_id in ids}


def _make_template_sort_key(section: str, template_id: str) -> tuple[list[int], str]:
    return [int(part) for part in section.split(".")], template_id


def get_template(template_id: str, folder: Path | None = None) -> Template:
    """Return the template with an id.

    Parameters
    ----------
    template_id : str
        For example "02_1_beeps".
    folder : Path, optional
        Folder of the template files. Default: the workspace's.

    Returns
    -------
    Template
        Loaded again if its file has changed since the last call.

    Raises
    ------
    EarshotError
        If there is no such template; the message suggests similar ids.
    """
    paths = {path.name.removesuffix(TEMPLATE_SUFFIX): path for path in _list_template_files(folder)}
    if template_id not in paths:
        raise EarshotError(
            f"There is no template {str(template_id)[:80]!r}.",
            remedy=format_spelling_suggestions(str(template_id), paths, "template"),
        )
    return _reload_template_if_file_changed(paths[template_id])


def _list_template_files(folder: Path | None) -> list[Path]:
    return sorted((folder or workspace.TEMPLATES_FOLDER).glob(f"*{TEMPLATE_SUFFIX}"))


def _reload_template_if_file_changed(path: Path) -> Template:
    status = path.stat()
    return _load_cached_template(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=_CACHE_SIZE)
def _load_cached_template(path: Path, _modified_ns: int, _size_bytes: int) -> Template:
    return load_template(path)
