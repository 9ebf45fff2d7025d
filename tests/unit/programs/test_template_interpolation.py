"""Paths between two variants of a template."""

from __future__ import annotations

import pytest

from core.errors import EarshotError
from core.programs import Template, generate, get_template, list_templates
from core.programs.template_interpolation import interpolate_variants
from core.programs.template_parameters import NUMBER_KINDS


@pytest.mark.parametrize("template", list_templates(), ids=lambda template: template.id)
def test_a_path_leads_from_one_variant_of_any_template_to_the_other(
    template: Template,
) -> None:
    first, last = generate(template, 2, seed=11)
    path = interpolate_variants(template, first.parameters, last.parameters, 5)
    assert (path[0].source, path[-1].source) == (first.source, last.source)
    assert 2 <= len(path) <= 5
    assert all(a.source != b.source for a, b in zip(path, path[1:]))


def test_numbers_move_evenly_and_choices_change_one_after_the_other() -> None:
    template = get_template("02_1_beeps")
    kinds = {spec.name: spec.kind for spec in template.list_template_parameters()}
    first, last = generate(template, 2, seed=0)
    path = interpolate_variants(template, first.parameters, last.parameters, 9)
    common = first.parameters.keys() & last.parameters.keys()
    changes: dict[str, list[str]] = {name: [] for name in common if kinds[name] not in NUMBER_KINDS}
    for before, after in zip(path, path[1:]):
        for name in common:
            low, high = sorted([first.parameters[name], last.parameters[name]], key=str)
            if kinds[name] in NUMBER_KINDS:
                low, high = sorted([first.parameters[name], last.parameters[name]])
                assert low <= after.parameters[name] <= high
            else:
                assert after.parameters[name] in (low, high)
                if after.parameters[name] != before.parameters[name]:
                    changes[name].append(after.name)
    assert all(len(steps) <= 1 for steps in changes.values())


@pytest.mark.parametrize("step_count", [1, 34])
def test_a_path_has_two_to_thirty_three_steps(step_count: int) -> None:
    with pytest.raises(EarshotError, match="cannot have"):
        interpolate_variants(get_template("02_1_beeps"), {}, {}, step_count)
