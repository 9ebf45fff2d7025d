"""Reference page of the HTTP API, made from its OpenAPI schema; it loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}pre{background:#8882;padding:.8rem;overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8884;"
    "padding:.3rem .6rem;text-align:left;vertical-align:top}"
)


def build_api_reference_page(schema: dict[str, Any]) -> str:
    """Return an HTML page that lists every route with its fields and an example.

    Parameters
    ----------
    schema : dict
        OpenAPI schema of the application.
    """
    title = escape(f"{schema['info']['title']} {schema['info']['version']}: HTTP API")
    sections = "".join(
        _format_route_as_html(schema, method, path, route)
        for path, methods in schema["paths"].items()
        for method, route in methods.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(schema['info']['description'])}"
        ' The schema is <a href="openapi.json">openapi.json</a>. Errors are problem details'
        f" (RFC 9457) with detail, where and remedy.</p>{sections}</html>"
    )


def _format_route_as_html(
    schema: dict[str, Any], method: str, path: str, route: dict[str, Any]
) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>"]
    parts.append(f"<p>{escape(route.get('description', ''))}</p>")
    fields = list(_list_route_parameters(route))
    content = route.get("requestBody", {}).get("content", {})
    request = _resolve_schema_reference(
        schema, content.get("application/json", {}).get("schema", {})
    )
    fields += list(_list_schema_properties(schema, request))
    if fields:
        parts.append(_format_table("request", fields))
    for example in request.get("examples", []):
        text = json.dumps(example, indent=2, ensure_ascii=False)
        parts.append(f"<pre>{escape(text)}</pre>")
    response = route["responses"].get("200", {}).get("content", {}).get("application/json", {})
    result = _resolve_schema_reference(schema, response.get("schema", {}))
    result = _resolve_schema_reference(schema, result.get("items", result))
    if rows := list(_list_schema_properties(schema, result)):
        parts.append(_format_table("response", rows))
    return "".join(parts)


def _resolve_schema_reference(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return the definition that a reference names; anything else as it is."""
    name = str(part.get("$ref", "")).rpartition("/")[2]
    definition: dict[str, Any] = schema["components"]["schemas"][name] if name else part
    return definition


def _list_route_parameters(route: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for parameter in route.get("parameters", []):
        kind = parameter["schema"].get("type", "")
        yield parameter["name"], kind, parameter.get("description", "")


def _list_schema_properties(
    schema: dict[str, Any], definition: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for name, field in definition.get("properties", {}).items():
        options = [
            _resolve_schema_reference(schema, option) for option in field.get("anyOf", [field])
        ]
        kinds = [str(option.get("type", option.get("title", ""))) for option in options]
        yield name, " or ".join(filter(None, kinds)), field.get("description", "")


def _format_table(heading: str, rows: list[tuple[str, str, str]]) -> str:
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(kind)}<td>{escape(words)}"
        for name, kind, words in rows
    )
    return f"<table><tr><th>{heading}<th>type<th>meaning{cells}</table>"
