"""From templates, and from a grammar, to programs."""

from core.programs.composed import STYLES, compose
from core.programs.generation import generate
from core.programs.header import ROLES
from core.programs.library import Template, load, template, templates
from core.programs.parameters import OneOf, ParameterSpec, Range
from core.programs.program import Program
from core.programs.titles import titles

__all__ = [
    "ROLES",
    "STYLES",
    "OneOf",
    "ParameterSpec",
    "Program",
    "Range",
    "Template",
    "compose",
    "generate",
    "load",
    "template",
    "templates",
    "titles",
]
