"""The table of faults in docs/reliability.md is the one that these tests print."""

from tests.faults import fault_table
from core.workspace import PROJECT_FOLDER


def test_readme_shows_every_fault_that_is_tried_and_no_other():
    assert fault_table.markdown(fault_table.all_survived()) in (PROJECT_FOLDER / "docs/reliability.md").read_text()
