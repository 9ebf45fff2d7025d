"""RayExecutor: renders and embeds on the nodes of a Ray cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from core.cluster_status import ClusterStatus
from core.corpus import EmbeddingPairs, get_local_clip_file
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.pipeline.executors.background_batch_collection import collect_batches_in_background
from core.pipeline.executors.executor_interface import ClipSettings, EmbeddedItem, ProgramResult
from core.pipeline.executors.ray_cluster import RayCluster
from core.pipeline.executors.ray_result_validation import (
    parse_embedded_batch,
    parse_program_task_result,
    parse_render_result,
    parse_sweep_run,
)
from core.pipeline.executors.ray_task_runner import MAX_BATCH_BYTES, RayTaskRunner
from core.pipeline.executors.ray_task_sizing import ProgramTaskSource, measure_result_bytes
from core.pipeline.executors.ray_worker import ProgramWorker
from core.pipeline.executors.ray_worker_pool import RayWorkerPool, WorkerTask
from core.pipeline.sweep_run_training import SweepRun
from core.sonicpi import DEFAULT_SONIC_PI, RenderResult, compute_render_id
from core.sonicpi.render_limits import DEFAULT_LIMITS
from core.sonicpi.render_pool import MAX_RENDER_ATTEMPTS

# Small, so that the loss of a node costs little.
CODE_BATCH_SIZE = 16
CLIP_BATCH_SIZE = 1
# Of the result of a program, estimated: embeddings, warnings and objects.
BYTES_BESIDE_CLIP = 16 << 10
# Beyond the limits of a render: starting the renderer, loading an encoder and embedding.
TASK_GRACE_S = 300.0
EMBEDDING_TIMEOUT_S = 600.0
TRAINING_TIMEOUT_S = 6 * 3600.0


class RayExecutor:
    """Renders and embeds on the nodes of a Ray cluster, one worker per core.

    This process writes everything; workers write nothing. They use the sandbox as local renders
    do. Nodes may come and go, and may be killed: what they had is done again elsewhere.

    Parameters
    ----------
    address : str or None
        "auto", "HOST:PORT" or "ray://HOST:PORT"; None: a cluster on this machine alone, which
        `close` stops.
    workers : int or None
        Largest number of workers; None: one per core of the cluster.
    sample_folders : tuple of Path
        Folders of samples that the programs of `render_programs` may read, on every node.
    worker_class : type
        Class of the actors, for tests and benchmarks.
    task_timeout_s : float or None
        Longest time of one task; None: what the limits of a render allow.

    Raises
    ------
    EarshotError
        When Ray is not installed, or there is no cluster at the address.

    Examples
    --------
    >>> with RayExecutor() as executor:  # doctest: +SKIP
    ...     build_corpus("beeps", BuildOptions(["02_1_beeps"], 2), executor=executor)
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        sample_folders: tuple[Path, ...] = (),
        *,
        worker_class: type = ProgramWorker,
        task_timeout_s: float | None = None,
    ):
        self.sample_folders = sample_folders
        self._task_timeout_s = task_timeout_s
        self._cluster = RayCluster(address)
        self.pool = RayWorkerPool(self._cluster, workers, worker_class)

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and the connection."""
        self.pool.stop_workers()
        self._cluster.close()

    @contextmanager
    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        """Render programs, as `Executor.render_programs` documents it."""
        settings = ClipSettings(seconds, sonic_pi, sample_folders=self.sample_folders)

        def parse_result(task: WorkerTask, value: Any) -> RenderResult:
            return parse_render_result(task.key, value, settings)

        tasks = _make_render_tasks(sources, settings)
        with self._run_tasks(tasks, parse_result, self._get_render_timeout(seconds)) as batches:
            yield (result for batch in batches for result in batch)

    @contextmanager
    def render_programs_and_embed_clips(
        self, sources: Iterable[str], settings: ClipSettings
    ) -> Iterator[Iterator[list[tuple[int, ProgramResult]]]]:
        """Do what `Executor.render_programs_and_embed_clips` documents."""
        tasks = ProgramTaskSource(sources, settings, lambda: len(self.pool.workers))

        def parse_result(task: WorkerTask, value: Any) -> list[ProgramResult]:
            seconds, results = parse_program_task_result(
                task.key, value, task.arguments[0], settings
            )
            tasks.record_task_result(seconds, results)
            return results

        timeout_s = self._get_render_timeout(settings.seconds)
        runner = RayTaskRunner(self._cluster, self.pool, timeout_s)
        results = runner.run_tasks(iter(tasks), parse_result, measure_result_bytes)
        # The caller stores results, and waits for the disk, while others arrive and are checked.
        with collect_batches_in_background(
            results, runner.stop, lambda item: _measure_memory(item[1]), MAX_BATCH_BYTES
        ) as batches:
            yield (
                [
                    (first + place, result)
                    for first, results in batch
                    for place, result in enumerate(results)
                ]
                for batch in batches
            )

    @contextmanager
    def embed_batches(
        self, encoder_id: str, batches: Iterable[Sequence[str] | Sequence[Path]]
    ) -> Iterator[Iterator[tuple[int, list[EmbeddedItem]]]]:
        """Embed batches of items, as `Executor.embed_batches` documents it."""
        encoder_id = find_encoder_spec(encoder_id).id

        def parse_result(task: WorkerTask, value: Any) -> list[EmbeddedItem]:
            return parse_embedded_batch(task.key, value, encoder_id, len(task.arguments[1]))

        tasks = (
            WorkerTask(index, _hash_batch_content(encoder_id, items), "embed", (encoder_id, items))
            for index, items in enumerate(map(_read_items, batches))
        )
        timeout_s = self._task_timeout_s or EMBEDDING_TIMEOUT_S
        with self._run_tasks(tasks, parse_result, timeout_s) as results:
            yield (result for batch in results for result in batch)

    @contextmanager
    def train_sweep_runs(
        self, load_pairs: Callable[[str], EmbeddingPairs], runs: Sequence[SweepRun]
    ) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
        """Train configurations of a sweep on the workers, one at a time on each.

        Parameters
        ----------
        load_pairs : callable
            Returns the pairs of a code encoder. They are sent to each node once.
        runs : sequence of SweepRun

        Returns
        -------
        context manager of an iterator of (int, dict)
            Each run's index, once, with what `train_sweep_run` of
            `core.pipeline.sweep_run_training` returns for it.

        Raises
        ------
        EarshotError
            When a training diverges, or nothing can be trained at all.
        """
        # Every node trains as this machine would.
        fixed_runs = [run.fix_device_and_precision() for run in runs]
        references: dict[str, Any] = {}

        def make_tasks() -> Iterator[WorkerTask]:
            for index, run in enumerate(fixed_runs):
                if run.code_encoder not in references:
                    pairs = load_pairs(run.code_encoder)
                    references[run.code_encoder] = self._cluster.ray.put(pairs)
                arguments = (references[run.code_encoder], run)
                yield WorkerTask(index, run.compute_run_hash(), "train_sweep_run", arguments)

        def parse_result(task: WorkerTask, value: Any) -> dict[str, Any]:
            return parse_sweep_run(task.key, value, fixed_runs[task.index])

        timeout_s = self._task_timeout_s or TRAINING_TIMEOUT_S
        with self._run_tasks(make_tasks(), parse_result, timeout_s) as batches:
            yield (result for batch in batches for result in batch)

    def choose_batch_size(self, modality: str) -> int:
        """Return the number of programs or clips in one task."""
        return CODE_BATCH_SIZE if modality == "code" else CLIP_BATCH_SIZE

    def get_status(self) -> ClusterStatus:
        """Return the size of the cluster that takes tasks, and the failures so far."""
        return self.pool.get_status()

    def _get_render_timeout(self, seconds: float) -> float:
        if self._task_timeout_s is not None:
            return self._task_timeout_s
        wall_s = DEFAULT_LIMITS.scale_limits_to_clip_duration(seconds).wall_s
        return 2 * MAX_RENDER_ATTEMPTS * wall_s + TASK_GRACE_S

    @contextmanager
    def _run_tasks(
        self,
        tasks: Iterator[WorkerTask],
        parse_result: Callable[[WorkerTask, Any], Any],
        timeout_s: float,
    ) -> Iterator[Iterator[list[tuple[int, Any]]]]:
        runner = RayTaskRunner(self._cluster, self.pool, timeout_s)
        results = runner.run_tasks(tasks, parse_result)
        try:
            yield results
        finally:
            # `run_tasks` is a generator function; closing its generator stops the running tasks.
            results.close()  # type: ignore[attr-defined] # typed as the iterator that users need


def _measure_memory(results: list[ProgramResult]) -> int:
    return measure_result_bytes(results) + BYTES_BESIDE_CLIP * len(results)


def _make_render_tasks(sources: Iterable[str], settings: ClipSettings) -> Iterator[WorkerTask]:
    for index, source in enumerate(sources):
        key = compute_render_id(source, settings.seconds, sonic_pi=settings.sonic_pi)
        yield WorkerTask(index, key, "render", (source, settings))


def _read_items(batch: Sequence[str] | Sequence[Path]) -> list[str | bytes]:
    """Return sources as they are and clips as the content of their files.

    A file that cannot be read becomes empty content, which no worker can decode either.
    """
    return [item if isinstance(item, str) else _read_file(item) for item in batch]


def _read_file(path: Path) -> bytes:
    try:
        return get_local_clip_file(path).read_bytes()
    except (OSError, EarshotError):
        return b""


def _hash_batch_content(encoder_id: str, items: Sequence[str | bytes]) -> str:
    digest = hashlib.sha256(encoder_id.encode())
    for item in items:
        content = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
