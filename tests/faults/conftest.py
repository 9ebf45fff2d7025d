"""Fixtures of the fault tests: a fork server, a reference run without faults, a clean workspace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core import jobs
from core.jobs import process_liveness_and_killing
from tests.faults.corpus_state import digest_stage_result
from tests.faults.fault_injection import VARIABLE
from tests.faults.fork_server_client import ForkServer, start_fork_server
from tests.faults.job_control import kill
from tests.faults.stages import STAGES, build_stage_command, write_songs


@dataclass(frozen=True)
class ReferenceRun:
    """Workspaces before and after every stage of a run without faults.

    Attributes
    ----------
    folder : Path
        Numbered workspaces: 0 is before the first stage, 1 after it.
    digests : dict of str to dict
        Result of `digest_stage_result` by stage.
    change_counts : dict of str to int
        Number of changes on disk by stage, as `fault_injection.count_changes` counts them.
    """

    folder: Path
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    change_counts: dict[str, int] = field(default_factory=dict)

    def get_workspace_before(self, stage: str) -> Path:
        """Return the workspace in which a stage was run, as it was before."""
        return self.folder / str(list(STAGES).index(stage))

    def get_workspace_after(self, stage: str) -> Path:
        """Return the workspace in which a stage was run, as it was afterwards."""
        return self.folder / str(list(STAGES).index(stage) + 1)

    def assert_same_result(self, stage: str, workspace: Path) -> None:
        """Assert that a workspace holds what this run's stage made, and no incomplete files."""
        assert digest_stage_result(stage, workspace) == self.digests[stage]
        files = [path for path in workspace.rglob("*") if workspace / "jobs" not in path.parents]
        assert not [path for path in files if ".partial" in path.name], "incomplete files were left"


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with start_fork_server(tmp_path_factory.mktemp("fork-server")) as server:
        yield server


@pytest.fixture(scope="session")
def reference_run(fork_server: ForkServer) -> ReferenceRun:
    run = ReferenceRun(fork_server.reference_folder)
    write_songs(run.folder / "0")
    for stage in STAGES:
        workspace = run.get_workspace_after(stage)
        shutil.copytree(run.get_workspace_before(stage), workspace)
        count_file = run.folder.with_name(f"changes-{stage}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EARSHOT_WORKSPACE", str(workspace))
            argv = build_stage_command(stage, workspace)
            fork_server.run_successfully(argv, **{VARIABLE: f"count-changes {count_file}"})
            run.digests[stage] = digest_stage_result(stage, workspace)
        shutil.rmtree(workspace / "jobs", ignore_errors=True)
        run.change_counts[stage] = int(count_file.read_text())
    return run


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty workspace whose jobs are killed after the test."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield folder
    for job in jobs.list_jobs():
        if job.is_active:
            kill(job.pid)
        process_liveness_and_killing.kill_job_processes(job.folder)
