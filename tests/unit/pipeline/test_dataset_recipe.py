"""Recipes of datasets: read, refused when damaged, and written with their checksums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.pipeline.dataset_recipe import (
    DatasetRecipe,
    GroupDigest,
    find_recipe_path,
    list_recipe_names,
    load_recipe,
    save_recipe,
)
from core.programs import list_templates


def test_the_paper_size_recipe_has_checksums_of_500_programs_of_each_template() -> None:
    recipe = load_recipe(find_recipe_path("paper-size"))
    assert set(recipe.digests) == {template.id for template in list_templates()}
    assert {digest.programs for digest in recipe.digests.values()} == {500}
    assert all(len(digest.sources_sha256) == 64 for digest in recipe.digests.values())
    assert "paper-size" in list_recipe_names()


def test_a_saved_recipe_is_read_again(tmp_path: Path) -> None:
    recipe = DatasetRecipe("tiny", 2, templates=["02_1_beeps"], digests={"a": GroupDigest(2, "x")})
    save_recipe(recipe, tmp_path / "tiny.json")
    assert load_recipe(find_recipe_path(str(tmp_path / "tiny.json"))) == recipe


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"name": "x", "programs_per_template": "9"}', '{"nom": 1}', "\x00"]
)
def test_a_damaged_recipe_is_an_error_with_its_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(EarshotError, match="not a recipe") as raised:
        load_recipe(path)
    assert raised.value.where == str(path)


def test_an_unknown_recipe_is_an_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    for name in ("nothing", str(tmp_path / "missing.json"), "../paper-size"):
        with pytest.raises(EarshotError) as raised:
            find_recipe_path(name)
        assert "paper-size" in str(raised.value.remedy)
    assert json.loads(find_recipe_path("paper-size").read_text(encoding="utf-8"))["seed"] == 0
