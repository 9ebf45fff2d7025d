"""Which process runs which test when pytest-xdist shares a run between processes."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# What these tests share takes minutes to make: real corpora, the studies on them, a fork server.
# The first process takes the first folder, the second process the second one.
GROUPS = {
    "tests/e2e/": "browser",
    "tests/integration/pipeline/test_newcomer_snippets.py": "browser",
    "tests/integration/studies/test_studies.py": "browser",
    "tests/faults/": "faults",
}


def get_group(node_id: str) -> str:
    """Return the name of the tests that one process runs together: a group above, or a module."""
    for path, group in GROUPS.items():
        if node_id.startswith(path):
            return group
    return node_id.split("::", 1)[0]


class GroupScheduling(LoadScopeScheduling):
    """Give each process one group of tests after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return get_group(nodeid)
