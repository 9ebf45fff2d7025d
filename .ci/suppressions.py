"""Report lint suppressions in Python files that name no rule or give no reason.

Accepted forms::

    import x  # noqa: E402 - why this import cannot be at the top
    f(x)  # type: ignore[arg-type]  # why the declared type is wrong

``# fmt: skip`` and ``# fmt: off`` need a reason in the same way.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|fmt:\s*(?:skip|off))\b")
REASON = r"\s*[-#(:]*\s*\w+\W+\w+.*"
JUSTIFIED = re.compile(
    rf"#\s*(?:noqa: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\]|fmt: (?:skip|off)){REASON}"
)


def list_python_files() -> list[Path]:
    """Return the Python files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    try:
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        folders = ("core", "pages", "tests", ".ci")
        return [
            *Path().glob("*.py"),
            *(file for folder in folders for file in Path(folder).rglob("*.py")),
        ]
    return [path for path in map(Path, names.splitlines()) if path.exists()]


def find_unjustified(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each suppression without a rule or a reason."""
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type != tokenize.COMMENT:
                continue
            match = SUPPRESSION.search(token.string)
            if match and not JUSTIFIED.match(token.string, match.start()):
                yield token.start[0], token.string


def main() -> int:
    """Print every unjustified suppression; return 1 if there are any."""
    problems = [
        f"{path}:{line}: {text} (name the rule and give a reason)"
        for path in list_python_files()
        for line, text in find_unjustified(path)
    ]
    for problem in problems:
        print(problem)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
