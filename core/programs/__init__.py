"""From templates, and from a grammar, to programs."""

from core.programs.grammar import MUSIC_STYLES, compose_programs
from core.programs.generation import generate
from core.programs.template_header import PROGRAM_ROLES
from core.programs.jinja_template import Template, load_template, get_template, list_templates
from core.programs.parameters import ChoiceSubset, ParameterSpec, NumberRange
from core.programs.program import Program
from core.programs.display_names import get_template_titles

__all__ = [
    "PROGRAM_ROLES",
    "MUSIC_STYLES",
    "ChoiceSubset",
    "ParameterSpec",
    "Program",
    "NumberRange",
    "Template",
    "compose_programs",
    "generate",
    "load_template",
    "get_template",
    "list_templates",
    "get_template_titles",
]
