"""Browser test: a newcomer's first snippets find clips of the same role and synth family."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core.programs.synth_families import list_synth_families
from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard, serve
from tests.integration.pipeline.test_newcomer_snippets import ACID, DRUMS, PAD

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def newcomer(starter_workspace: Path) -> Iterator[Dashboard]:
    """A dashboard on a small starter corpus, built and trained as by the buttons on Home."""
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(starter_workspace, owns_workspace=False) as running,
    ):
        patch.setenv("EARSHOT_WORKSPACE", str(starter_workspace))
        yield running


def test_the_first_three_clips_match_the_role_and_synth_family_of_a_first_snippet(
    newcomer: Dashboard, page: Page
) -> None:
    from core.corpus import Corpus

    programs = Corpus.open("starter").load_programs().set_index("program")
    page.goto(f"{newcomer.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    for snippet, roles, family in (
        (ACID, ("bass",), "acid"),
        (DRUMS, ("drums",), None),
        (PAD, ("ambience", "chords"), "pad"),
    ):
        first_three = find_first_three_programs(page, snippet, programs)
        matches = [
            program["name"]
            for _, program in first_three.iterrows()
            if program["role"] in roles and has_synth_family(program["source"], family)
        ]
        assert matches, (family, first_three[["name", "role"]])


def has_synth_family(source: str, family: str | None) -> bool:
    """Return whether a program plays a synth of the family; with None, whether it plays none."""
    families = list_synth_families(source)
    return family in families if family is not None else not families


def find_first_three_programs(page: Page, snippet: str, programs: pd.DataFrame) -> pd.DataFrame:
    """Type a snippet on Listen; return the programs of the first three clips it shows."""
    cards = page.locator('[class*="st-key-neighbour-"]')
    page.get_by_role("textbox", name="Sonic Pi code").fill(snippet)
    page.wait_for_timeout(1500)  # The clips update once the user stops typing.
    page_steps.wait_until_settled(page)
    expect(cards).to_have_count(6)
    classes = [cards.nth(number).get_attribute("class") or "" for number in range(3)]
    program_ids = [
        name.rsplit("-", 1)[1]
        for text in classes
        for name in text.split()
        if name.startswith("st-key-neighbour-")
    ]
    return programs.loc[program_ids]
