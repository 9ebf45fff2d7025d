"""Browser tests of page Suggest: picks, auditioning on the bar line, taking and going back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard, serve

pytestmark = pytest.mark.timeout(300)
# A drone: silence in it would be a gap.
DRONE = "use_bpm 240\nuse_synth :saw\nplay 45, sustain: 60, amp: 0.5\n"
FRAME_S = 1 / 44100
# The version, besides the first, whose quietest 10 ms after its attack are the loudest.
_FIND_STEADY_VERSION = """
(root) => {
  let best = [0, 0];
  for (const card of root.querySelectorAll(".card:not([data-number='0'])")) {
    const number = Number(card.dataset.number);
    const { clip } = root.audition.data.versions[number];
    const entry = root.audition.engine.buffers.get(clip);
    if (!entry?.buffer) continue;
    const samples = entry.buffer.getChannelData(0);
    let lowest = Infinity;
    for (let start = 4410; start + 441 <= samples.length - 441; start += 441) {
      let sum = 0;
      for (let i = start; i < start + 441; i += 1) sum += samples[i] ** 2;
      lowest = Math.min(lowest, Math.sqrt(sum / 441) * entry.gain);
    }
    if (lowest > best[1]) best = [number, lowest];
  }
  return best;
}
"""
# Records what the engine plays: the level of each 5 ms by the time of the audio clock.
_RECORD = """
(root) => {
  const { context, output } = root.audition.engine;
  const recorder = context.createScriptProcessor(1024, 1, 1);
  root.levels = [];
  recorder.onaudioprocess = ({ inputBuffer, playbackTime }) => {
    const samples = inputBuffer.getChannelData(0);
    for (let start = 0; start + 220 <= samples.length; start += 220) {
      let sum = 0;
      for (let i = start; i < start + 220; i += 1) sum += samples[i] ** 2;
      root.levels.push(Math.sqrt(sum / 220));
    }
  };
  output.connect(recorder);
  recorder.connect(context.destination);
  root.recorder = recorder;
}
"""


def open_suggest(page: Page, dashboard: Dashboard, code: str) -> Locator:
    """Open the page, and suggest from a program."""
    page.goto(f"{dashboard.url}suggest?corpus=starter")
    page_steps.wait_until_settled(page)
    page.get_by_label("Sonic Pi code").fill(code)
    audition = page.locator(".audition")
    # Before the first choice, the page follows the code in the editor.
    page.get_by_label("Sonic Pi code").blur()
    page_steps.wait_until_settled(page)
    return audition


def wait_until_playable(audition: Locator) -> None:
    """Wait until every card has its clip."""
    for number in range(7):
        card = audition.locator(f".card[data-number='{number}']")
        expect(card).to_have_attribute("data-status", "ready")


def list_switches(audition: Locator) -> list[dict[str, Any]]:
    """Return the switches that the engine has scheduled."""
    switches: list[dict[str, Any]] = audition.evaluate("root => root.audition.engine.switches")
    return switches


def test_versions_switch_on_the_bar_line_without_a_gap_and_one_is_taken(
    stocked: Dashboard, page: Page
) -> None:
    audition = open_suggest(page, stocked, DRONE)
    wait_until_playable(audition)
    expect(audition.locator("svg .pick")).to_have_count(7)
    number, level = audition.evaluate(_FIND_STEADY_VERSION)
    assert level > 0.005, "no version sounds all the time"
    page.get_by_role("heading", name="Suggest").click()

    page.keyboard.press("0")
    expect(audition).to_have_attribute("data-playing", "0")
    audition.evaluate(_RECORD)
    page.wait_for_timeout(700)
    page.keyboard.press(str(number))
    expect(audition).to_have_attribute("data-playing", str(number))
    expect(audition.locator(f".card[data-number='{number}']")).to_have_class(re.compile("playing"))
    page.wait_for_timeout(300)
    first, second = list_switches(audition)
    bar_seconds = 1.0  # Four beats at 240 bpm.
    bars = (second["time"] - first["time"]) / bar_seconds
    assert bars == pytest.approx(round(bars), abs=FRAME_S)
    assert second["time"] - second["requestedAt"] <= bar_seconds + 0.05
    assert second["bar"] == round(bars) % 4
    levels = audition.evaluate("root => root.levels")
    assert len(levels) > 100
    sounding = levels[20:]  # The recorder starts with silence.
    assert min(sounding) > 0.001, "there is a gap in the sound"

    # With Shift, the switch is at once, at the same place in the loop.
    page.keyboard.press("Shift+Digit0")
    third = list_switches(audition)[-1]
    assert third["number"] == 0 and third["time"] - third["requestedAt"] < 0.05
    # Arrow keys walk the cards, also after a click on a button.
    page.get_by_role("radio", name="Diverse").click()
    for key, walked_to in (("ArrowDown", "1"), ("ArrowUp", "0")):
        page.keyboard.press(key)
        expect(audition).to_have_attribute("data-playing", walked_to)

    # A second key before the bar line replaces the first one.
    expect(audition).to_have_attribute("data-playing", "0")
    before = len(list_switches(audition))
    other = 1 if number != 1 else 2
    audition.evaluate(
        "(root, [a, b]) => { for (const number of [a, b])"
        " root.querySelector(`.card[data-number='${number}'] .head`).click(); }",
        [other, number],
    )
    expect(audition).to_have_attribute("data-playing", str(number))
    assert [item["number"] for item in list_switches(audition)[before:]] in (
        [number],
        [other, number],
    )

    title = audition.locator(f".card[data-number='{number}'] .title").inner_text()
    page.keyboard.press("Enter")
    expect(audition.locator(".tree .current")).to_have_text(title)
    # The taken version goes on playing, as the new current one.
    expect(audition).to_have_attribute("data-playing", "0")
    page_steps.wait_until_settled(page)
    page.keyboard.press("u")
    page_steps.expect_editor_code(page, DRONE)


def test_a_program_that_fails_is_explained_on_its_card_and_broken_code_above(
    stocked: Dashboard, page: Page
) -> None:
    # The interpreter hears the note, but the program ends with an error before it.
    audition = open_suggest(page, stocked, "play 60\nsleep 1\nplay 64\n[1, 2].fetch(9)\n")
    current = audition.locator(".card[data-number='0']")
    expect(current).to_have_attribute("data-status", re.compile("ready|failed"))
    page.get_by_label("Sonic Pi code").fill("play 60\nplay (\n")
    page.get_by_label("Sonic Pi code").blur()
    expect(audition.locator("[data-action='render']")).to_have_class(re.compile("urgent"))
    audition.locator("[data-action='render']").click()
    expect(page.get_by_test_id("stAlert").first).to_contain_text("line 2")
    expect(audition.locator(".card")).to_have_count(0)
    audition.locator("[data-action='undo']").click()
    expect(audition.locator(".card").nth(1)).to_be_visible()


def test_a_slider_is_followed_and_a_card_marks_its_change(stocked: Dashboard, page: Page) -> None:
    audition = open_suggest(page, stocked, "use_bpm 240\nuse_synth :saw\nplay 60, cutoff: 90\n")
    page.get_by_test_id("stCheckbox").filter(has_text="Sensitivity").locator("label").click()
    literal = page.locator(".code-literal", has_text=re.compile("^90$"))
    expect(literal).to_have_attribute("title", re.compile("cutoff 90: moves"))
    strengths = page.locator(".code-literal").evaluate_all(
        "items => items.map(item => Number(item.style.getPropertyValue('--strength')))"
    )
    assert len(strengths) == 4 and max(strengths) == 1

    # While the slider moves, the prediction and the star follow, and nothing is rendered.
    expect(audition.locator(".card")).to_have_count(7)
    clips = audition.evaluate("root => root.audition.data.versions.map(({ clip }) => clip)")
    literal.click()
    panel = page.locator(".slider-panel")
    expect(panel.locator(".slider-prediction")).to_contain_text("Distance from the program")
    star = audition.locator("svg .star")
    expect(star).to_have_count(1)
    expect(star).to_have_attribute("x", "50")  # The program itself is in the middle.
    box = panel.locator("input").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 90 / 130, middle)
    page.mouse.down()
    for share in (0.6, 0.5, 0.4, 0.3):
        page.mouse.move(box["x"] + box["width"] * share, middle)
    expect(panel.locator("output")).not_to_have_text("90")
    value = panel.locator("output").inner_text()
    expect(literal).to_have_count(0)
    expect(page.locator(".cm-line").nth(2)).to_have_text(f"play 60, cutoff: {value}")
    expect(star).not_to_have_attribute("x", "50")
    assert clips == audition.evaluate("root => root.audition.data.versions.map(({ clip }) => clip)")

    # Let go, it is the current version and is rendered.
    page.mouse.up()
    current = audition.locator(".tree .current")
    expect(current).to_have_text(f"cutoff 90 → {value}")
    expect(audition.locator(".card[data-number='0']")).to_have_attribute("data-status", "ready")

    # A card marks its change in the code, while the pointer is on it or it is selected.
    expect(audition.locator(".card")).to_have_count(7)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    changed = page.locator(".code-removed, .code-added")
    expect(changed).to_have_count(0)
    audition.locator(".card[data-number='1']").hover()
    expect(changed.first).to_be_visible()
    page.get_by_role("heading", name="Suggest").click()
    expect(changed).to_have_count(0)
    page.keyboard.press("1")
    expect(changed.first).to_be_visible()

    # Undo goes back to the program before the slider.
    page.keyboard.press("u")
    page_steps.expect_editor_code(page, "use_bpm 240\nuse_synth :saw\nplay 60, cutoff: 90\n")


def test_suggest_starts_from_the_program_of_a_card(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    page.locator('[class*="st-key-more-"] button:visible').nth(1).click()
    source = page.get_by_test_id("stCode").filter(visible=True).locator("code").first.inner_text()
    page.locator('[class*="st-key-suggest-from-"] button').filter(visible=True).click()
    expect(page.get_by_role("heading", name="Suggest")).to_be_visible()
    page_steps.wait_until_settled(page)
    expect(page.locator(".cm-line").first).to_have_text(source.split("\n")[0])
    expect(page.locator(".audition .card").nth(1)).to_be_visible()


def test_cards_compare_their_true_sound_with_a_target_clip_and_nothing_moves(
    stocked: Dashboard, page: Page
) -> None:
    answer = page.request.post(
        f"{stocked.url}api/v1/predict",
        data={"programs": ["sample :loop_amen"], "neighbour_count": 1},
    )
    target = answer.json()["predictions"][0]["neighbours"][0]["program"]
    audition = open_suggest(page, stocked, "use_bpm 240\nuse_synth :saw\nplay 60, cutoff: 90\n")
    expect(audition.locator(".verdict")).to_have_count(0)  # There is no target.
    held: list[Route] = []
    page.route("**/sound/comparison/**", lambda route: held.append(route))
    page.get_by_role("radio", name="Toward").click()
    page_steps.choose_option(
        page, page.get_by_role("combobox", name="Target"), "Clip of the corpus"
    )
    page.get_by_label("Name or id of a program").fill(target)
    page.get_by_label("Name or id of a program").press("Enter")
    expect(audition.locator(".verdict")).to_have_count(7)
    wait_until_playable(audition)
    expect(audition.locator(".verdict").first).to_have_text("")
    while len(held) < 7:
        page.wait_for_timeout(50)
    places = [card.bounding_box() for card in audition.locator(".card").all()]
    for route in held:
        route.continue_()

    # One card is nearest: a pick, or the current version when no pick is nearer.
    expect(audition.locator(".card.nearest .verdict")).to_have_text("nearest")
    texts = audition.locator(".verdict").all_inner_texts()
    assert set(texts[1:]) <= {"nearer", "not nearer", "nearest"} and texts.count("nearest") == 1
    gains = audition.evaluate(
        "({ audition }) => audition.data.versions.map("
        "({ comparisonUrl }) => audition.comparisons.get(comparisonUrl).gain)"
    )
    assert gains[0] == 0 and gains.index(max(gains)) == texts.index("nearest")
    assert [text == "not nearer" for text in texts[1:]] == [gain <= 0 for gain in gains[1:]]
    assert [card.bounding_box() for card in audition.locator(".card").all()] == places


def test_a_read_only_dashboard_suggests_without_rendering(stocked: Dashboard, page: Page) -> None:
    with serve(stocked.workspace, owns_workspace=False, EARSHOT_READ_ONLY="1") as dashboard:
        page.goto(f"{dashboard.url}suggest?corpus=starter")
        audition = page.locator(".audition")
        expect(audition.locator(".card").nth(1)).to_have_attribute("data-status", "off")
        expect(page.get_by_text("nothing is rendered")).to_be_visible()
