"""The table of faults in docs/reliability.md is the one that these tests print."""

from core.workspace import PROJECT_FOLDER
from tests.faults import fault_table


def test_reliability_page_shows_every_fault_that_is_tried_and_no_other() -> None:
    page = (PROJECT_FOLDER / "docs/reliability.md").read_text(encoding="utf-8")
    assert fault_table.format_fault_table(fault_table.list_expected_rows()) in page
