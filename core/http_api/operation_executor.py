"""Execution of operations in a few threads, with limits on waiting requests and on time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

from core.errors import EarshotError, convert_system_error
from core.http_api.problem_details import OperationUnavailableError

MAX_RUNNING_OPERATIONS = 4
MAX_ACCEPTED_OPERATIONS = 20
"""Running and waiting together."""
MAX_OPERATION_SECONDS = 180.0

Result = TypeVar("Result")


class OperationExecutor:
    """Runs functions in threads, so that a slow one does not stop the server.

    Parameters
    ----------
    max_running : int
    max_accepted : int
        Running and waiting together; more are refused.
    max_seconds : float
        How long a caller waits. A thread cannot be stopped: it keeps its place until it ends.
    """

    def __init__(
        self,
        max_running: int = MAX_RUNNING_OPERATIONS,
        max_accepted: int = MAX_ACCEPTED_OPERATIONS,
        max_seconds: float = MAX_OPERATION_SECONDS,
    ):
        self._pool = ThreadPoolExecutor(max_running, thread_name_prefix="operation")
        self._max_accepted = max_accepted
        self._max_seconds = max_seconds
        self._accepted: set[Future[Any]] = set()

    async def run_operation(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function in a thread and return its result.

        Raises
        ------
        OperationUnavailableError
            When too many operations are waiting, or this one takes too long.
        EarshotError
            As the function raises it, or for a failure of the machine.
        """
        if len(self._accepted) >= self._max_accepted:
            raise OperationUnavailableError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._max_accepted} requests are being answered.",
                "Wait a little, then try again. One request may hold 200 programs.",
            )
        future = self._pool.submit(function, *arguments)
        self._accepted.add(future)
        future.add_done_callback(self._accepted.discard)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._max_seconds)
        except TimeoutError:
            raise OperationUnavailableError(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"The answer took more than {self._max_seconds:g} s.",
                "Ask for fewer programs, fewer candidates or a shorter clip.",
            ) from None
        except EarshotError:
            raise
        except Exception as error:
            user_error = convert_system_error(error)
            if user_error is None:  # A defect shows its traceback.
                raise
            raise OperationUnavailableError(
                HTTPStatus.SERVICE_UNAVAILABLE, user_error.message, user_error.remedy or ""
            ) from error
