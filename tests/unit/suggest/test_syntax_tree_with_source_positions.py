"""Positions of the nodes of a program."""

from __future__ import annotations

import pytest

from core.suggest.syntax_tree_with_source_positions import (
    get_block_body,
    list_statement_nodes,
    parse_source_tree,
    split_call_into_parts,
)


def list_literal_texts(source: str) -> list[str]:
    tree = parse_source_tree(source)
    assert tree is not None
    kinds = ("INTEGER", "FLOAT", "SYMBOL", "STR")
    return [
        source[node.start : node.end] for node in tree.iterate_descendants() if node.kind in kinds
    ]


@pytest.mark.parametrize(
    "source, texts",
    [
        ("play 60", ["60"]),
        ("play -5, pan: -0.5", ["-5", "pan:", "-0.5"]),
        ("play - 5", ["5"]),
        ("# é ü\nplay 'é'; play :c4", ["'é'", ":c4"]),
        ("play (ring 60, 62,).tick", ["60", "62"]),
        ("play (ring   60,\n  62).tick", ["60", "62"]),
        ('sample "bd_haus", :rate => 1_000', ['"bd_haus"', ":rate", "1_000"]),
        ("\ufeffplay 60\r\nplay 61\r\n", ["60", "61"]),
        ("play 60\n__END__\nplay 61", ["60"]),
    ],
)
def test_literals_have_exact_positions(source: str, texts: list[str]) -> None:
    assert list_literal_texts(source) == texts


@pytest.mark.parametrize("source", ["play )", "live_loop :a do", "\x01play 60", "'"])
def test_a_program_with_a_syntax_error_has_no_tree(source: str) -> None:
    assert parse_source_tree(source) is None


def test_a_block_call_has_its_parts_and_statements() -> None:
    source = "with_fx :echo, mix: 0.3 do\n  play 60\n  sleep 1\nend"
    tree = parse_source_tree(source)
    assert tree is not None
    (block,) = list_statement_nodes(tree)
    parts = split_call_into_parts(block)
    assert parts is not None and parts.name == "with_fx"
    assert [argument.children[0] for argument in parts.arguments] == ["echo"]
    assert {name: value.children[0] for name, value in parts.options.items()} == {"mix": 0.3}
    statements = list_statement_nodes(get_block_body(block))
    assert [source[node.start : node.end] for node in statements] == ["play 60", "sleep 1"]


def test_a_deeply_nested_program_has_a_tree() -> None:
    source = "play " + "[" * 200 + "60" + "]" * 200
    assert parse_source_tree(source) is not None
