"""From templates to programs."""

from core.programs.generation import generate
from core.programs.header import ROLES
from core.programs.library import Template, load, template, templates
from core.programs.parameters import OneOf, ParameterSpec, Range
from core.programs.program import Program

__all__ = [
    "ROLES",
    "OneOf",
    "ParameterSpec",
    "Program",
    "Range",
    "Template",
    "generate",
    "load",
    "template",
    "templates",
]
