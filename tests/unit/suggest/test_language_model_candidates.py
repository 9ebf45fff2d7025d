"""Candidates of a language model."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import main
from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.suggest.chat_client import ChatSettings
from core.suggest.language_model_candidates import (
    build_messages,
    extract_code_blocks,
    insert_code_at_line,
    write_candidates_by_language_model,
)
from tests.unit.suggest.chat_server import run_chat_server

SOURCE = "use_synth :saw\nplay 60\nsleep 1\nplay 64\n"
ANSWER = """\
Here are some ideas!
```ruby
use_synth :fm
play 60
sleep 1
play 64
```
and
~~~
play 60,,
~~~
```
puts 1
```
```ruby
use_synth :fm
play 60
sleep 1
play  64
```
```
use_synth :saw
play 60
sleep 1
play 64
```
"""


@pytest.mark.parametrize(
    "text, blocks",
    [
        ("play 60", ["play 60"]),
        ("```\nplay 60\n```", ["play 60\n"]),
        ("  ```rb\n  play 60\n  ```\nprose", ["  play 60\n"]),
        ("````\n```\nplay 60\n````", ["```\nplay 60\n"]),
        ("```\nplay 60", []),
        ("", []),
        ("```\n```", []),
    ],
)
def test_code_is_taken_out_of_prose(text: str, blocks: list[str]) -> None:
    assert extract_code_blocks(text) == blocks


def test_many_open_fences_take_no_time() -> None:
    text = "".join("`" * (3 + number % 50) + "\n" for number in range(20_000))
    assert len(extract_code_blocks(text)) >= 0


def test_code_is_inserted_before_a_line() -> None:
    assert insert_code_at_line("play 60", "sleep 1", 2) == "play 60\nsleep 1\n"
    assert insert_code_at_line("play 60", "sleep 1", 1) == "sleep 1\nplay 60"
    with pytest.raises(EarshotError, match="no line 3"):
        insert_code_at_line("play 60", "sleep 1", 3)


def test_the_prompt_lists_what_exists() -> None:
    system = build_messages(SOURCE, 3, None, "3.2")[0]["content"]
    for name in (":tb303", ":bd_haus", ":reverb", "room", "3 different programs"):
        assert name in system
    assert ":rodeo" not in system and ":rodeo" in build_messages(SOURCE, 3, None, "5")[0]["content"]
    assert build_messages(SOURCE, 3, 2, "3.2")[1]["content"].splitlines()[1] == "<HERE>"


def test_programs_are_distinct() -> None:
    with run_chat_server("stream", text=ANSWER) as server:
        written = write_candidates_by_language_model(ChatSettings(server.url, "m"), SOURCE)
    assert len(written.candidates) == 4 and written.repeated_count == 1
    assert written.candidates[0].change.before == "use_synth :saw"
    assert "1,500 tokens" in written.format_usage_and_cost()


def test_what_does_not_sound_or_repeats_is_left_out_and_counted(
    aligned_corpus: AlignedCorpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "p.rb"
    path.write_text(SOURCE)
    with run_chat_server("stream", text=ANSWER) as server:
        monkeypatch.setenv("EARSHOT_LLM_URL", server.url)
        monkeypatch.setenv("EARSHOT_LLM_MODEL", "m")
        arguments = ["suggest", str(path), "-n", "5", "-k", "6", "--language-model", "4"]
        assert main(arguments) == 0
    output = capsys.readouterr()
    assert "1 that do not parse, 1 without sound, 1 that sound like another" in output.err
    assert "by the language model" in output.out


def test_a_line_needs_a_language_model(aligned_corpus: AlignedCorpus, tmp_path: Path) -> None:
    path = tmp_path / "p.rb"
    path.write_text(SOURCE)
    assert main(["suggest", str(path), "--at-line", "2"]) == 1
