"""Every page opens other pages by `switch_to_page`, from any address."""

from __future__ import annotations

from core.workspace import PROJECT_FOLDER


def test_no_page_switches_without_it() -> None:
    callers = [
        path.name
        for path in (PROJECT_FOLDER / "pages").rglob("*.py")
        if "st.switch_page(" in path.read_text(encoding="utf-8")
    ]
    assert callers == ["page_switch.py"]
