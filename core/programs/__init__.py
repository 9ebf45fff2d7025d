"""Generation of Sonic Pi programs from Jinja templates and from a grammar."""

from core.programs.grammar import MUSIC_STYLES, compose_balanced_programs, compose_programs
from core.programs.jinja_template import Template, get_template, list_templates, load_template
from core.programs.program import Program
from core.programs.template_header_parsing import PROGRAM_ROLES
from core.programs.template_parameters import ChoiceSubset, NumberRange, ParameterSpec
from core.programs.template_variants import generate
from core.programs.template_vocabulary import DEFAULT_SOUND_SET, SOUND_SETS
from core.programs.title_by_template_and_style_id import get_title_by_template_id

__all__ = [
    "DEFAULT_SOUND_SET",
    "MUSIC_STYLES",
    "PROGRAM_ROLES",
    "SOUND_SETS",
    "ChoiceSubset",
    "NumberRange",
    "ParameterSpec",
    "Program",
    "Template",
    "compose_balanced_programs",
    "compose_programs",
    "generate",
    "get_template",
    "get_title_by_template_id",
    "list_templates",
    "load_template",
]
