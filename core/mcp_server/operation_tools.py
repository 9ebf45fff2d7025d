"""Tools of the Model Context Protocol made of operations: one argument per field of a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import AudioContent, CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError

from core.errors import convert_system_error
from core.operations.operation_requests import describe_invalid_fields

RequestType = TypeVar("RequestType", bound=BaseModel)


class OperationMetadata(FuncMetadata):
    """Arguments and result of a tool; a string stays a string where the field accepts one."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Parse lists and objects that a client sent as JSON strings.

        A program may be valid JSON by chance, so that fields of strings are left alone. The SDK
        does so only for fields that cannot be null.
        """
        properties = self.arg_model.model_json_schema()["properties"]
        strings = {
            name: value
            for name, value in data.items()
            if isinstance(value, str) and _accepts_string_value(properties.get(name, {}))
        }
        rest = {name: value for name, value in data.items() if name not in strings}
        return super().pre_parse_json(rest) | strings


def _accepts_string_value(schema: dict[str, Any]) -> bool:
    return any(part.get("type") == "string" for part in schema.get("anyOf", [schema]))


class PlainErrorTool(Tool):
    """A tool that refuses invalid arguments in one line, without the validator's links."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Run the tool as the SDK does; raise a ToolError that names the invalid arguments."""
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                text = describe_invalid_fields(error.__cause__.errors(include_url=False))
                raise ToolError(f"Error executing tool {self.name}: {text}") from error
            raise


class OperationTool(Generic[RequestType]):
    """A tool that runs one operation.

    Parameters
    ----------
    name, title, description : str
        What the assistant reads.
    request_type : type of pydantic model
        Its fields are the arguments of the tool.
    result_type : type of pydantic model
        Its schema is the output schema of the tool.
    operation : callable
        Returns a result for a request. It blocks, and one operation runs at a time.
    writes_files : bool
        Whether the tool stores something in the workspace.
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        *,
        request_type: type[RequestType],
        result_type: type[BaseModel],
        operation: Callable[[RequestType], BaseModel],
        writes_files: bool = False,
    ):
        self.name = name
        self.title = title
        self.description = description
        self.request_type = request_type
        self.result_type = result_type
        self.operation = operation
        self.writes_files = writes_files

    def build_sdk_tool(
        self,
        lock: anyio.Lock,
        read_audio: Callable[[BaseModel], AudioContent] | None = None,
        render_lock: anyio.Lock | None = None,
    ) -> Tool:
        """Return the tool for the SDK's server.

        Parameters
        ----------
        lock : anyio.Lock
            Held while an operation runs: corpora and encoders are shared.
        read_audio : callable, optional
            Returns the audio content that is added to a result.
        render_lock : anyio.Lock, optional
            Held instead of `lock` by a request that renders, which takes seconds.
        """
        name = f"{self.request_type.__name__}Arguments"
        arguments_type = cast(
            "type[ArgModelBase]", type(name, (self.request_type, ArgModelBase), {})
        )

        async def call_operation(**arguments: Any) -> CallToolResult:
            request = self.request_type.model_validate(arguments)
            is_rendering = getattr(request, "render", False)
            async with (render_lock if is_rendering else None) or lock:
                result = await to_thread.run_sync(run_operation, self.operation, request)
            content: list[Any] = [TextContent(type="text", text=result.model_dump_json())]
            if read_audio is not None:
                content.append(read_audio(result))
            structured = json.loads(result.model_dump_json())
            return CallToolResult(content=content, structured_content=structured)

        return PlainErrorTool(
            fn=call_operation,
            name=self.name,
            title=self.title,
            description=self.description,
            parameters=arguments_type.model_json_schema(),
            fn_metadata=OperationMetadata(arg_model=arguments_type, output_model=self.result_type),
            is_async=True,
            context_kwarg=None,
            annotations=ToolAnnotations(
                read_only_hint=not self.writes_files,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )


def run_operation(operation: Callable[[Any], Any], request: Any) -> Any:
    """Run an operation, and turn errors that a user can fix into answers with their remedy.

    Raises
    ------
    ToolError
        With message, place and remedy of an `EarshotError` or a failure of the machine.
    """
    try:
        return operation(request)
    except Exception as error:
        user_error = convert_system_error(error)
        if user_error is None:  # A defect; the SDK logs its traceback and hides its text.
            raise
        raise ToolError(str(user_error)) from error
