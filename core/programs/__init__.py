"""From templates, and from a grammar, to programs."""

from core.programs.grammar import STYLES, compose
from core.programs.generation import generate
from core.programs.template_header import ROLES
from core.programs.jinja_template import Template, load, template, templates
from core.programs.parameters import OneOf, ParameterSpec, Range
from core.programs.program import Program
from core.programs.display_names import titles

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
