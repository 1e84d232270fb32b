"""The page in a real browser: nothing complains, nothing is fetched, players play, keys and themes work, it fits.

Chromium is looked for on the path. Screenshots go to $EMOTALK_SCREENSHOTS, where CI keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Page, needs_chromium, open_page

pytestmark = [needs_chromium, pytest.mark.slow]

PHONE, DESKTOP = (360, 740), (1280, 800)
CORPORA = ("emotalk", "m3ed")
LEAST_CONTRAST = 4.5  # WCAG 2, AA, for text of usual size

# Every element with text of its own, and its contrast with the nearest background behind it.
_CONTRASTS = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3)
    .map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest(".sr, .skip, option, svg") || !element.checkVisibility()) continue;
    const text = rgba(getComputedStyle(element).color), ground = behind(element);
    const [low, high] = [light(text), light(ground)].sort((a, b) => a - b);
    const name = `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`;
    found.push([(high + 0.05) / (low + 0.05), name]);
  }
  return found.sort((a, b) => a[0] - b[0]);
})()"""

# Text inside SVG stands on the mark before it.
_MARK_CONTRASTS = """[...document.querySelectorAll(".stack g, .mark")]
  .filter((mark) => mark.querySelector("text"))
  .map((mark) => ["text", ".fill"].map((part) => getComputedStyle(mark.querySelector(part)).fill))"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_page(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="module")
def files(emotalk_page: str, m3ed_page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {"emotalk": emotalk_page, "m3ed": m3ed_page}
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture(params=CORPORA)
def page(request: pytest.FixtureRequest, chromium: Page, files: dict[str, Path]) -> Iterator[Page]:
    """Open a page; at the end nothing may have complained, and nothing may have been asked for."""
    chromium.messages.clear()
    chromium.requests.clear()
    chromium.show_as(*DESKTOP)
    chromium.open(files[request.param])
    chromium.evaluate("try { localStorage.clear() } catch { }")
    yield chromium
    assert chromium.messages == []
    outside = [url for url in chromium.requests if not url.startswith(("data:", "about:", "blob:"))]
    assert set(outside) <= {files[request.param].as_uri()}


def contrast(one: list[int], other: list[int]) -> float:
    def luminance(rgb: list[int]) -> float:
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in rgb)]
        return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_screenshots_of_the_page(page: Page, screenshots: Path) -> None:
    name = page.evaluate("document.title").lower()
    for kind, size, scheme in (
        ("light", DESKTOP, "light"),
        ("dark", DESKTOP, "dark"),
        ("phone", PHONE, "light"),
    ):
        page.show_as(*size, scheme=scheme)
        path = screenshots / f"report-{name}-{kind}.png"
        page.screenshot(path)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_every_player_plays(page: Page) -> None:
    played = page.evaluate(
        """(async () => {
          const told = [];
          for (const player of document.querySelectorAll("audio")) {
            await player.play();
            const start = performance.now();
            while (player.currentTime === 0 && performance.now() - start < 20000)
              await new Promise((done) => setTimeout(done, 10));
            told.push([player.currentTime > 0, player.duration]);
            player.pause();
          }
          return told;
        })()"""
    )
    assert len(played) >= 5
    assert all(moved and 0.3 < seconds < 13 for moved, seconds in played)


def test_one_player_plays_at_a_time(page: Page) -> None:
    paused = page.evaluate(
        """(async () => {
          const [first, second] = document.querySelectorAll("audio");
          await first.play(); await second.play();
          await new Promise((done) => setTimeout(done, 0));
          const told = [first.paused, second.paused];
          second.pause();
          return told;
        })()"""
    )
    assert paused == [True, False]


def test_every_picture_shows(page: Page) -> None:
    widths = page.evaluate(
        "Promise.all([...document.images].map((one) => one.decode().then(() => one.naturalWidth)))"
    )
    assert len(widths) >= 30
    assert min(widths) >= 100


def test_nothing_sticks_out_on_a_phone_or_anywhere(page: Page) -> None:
    for width in (320, 360, 414, 768, 1024, 1280):
        page.show_as(width, 740)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    page.show_as(*PHONE)
    for number in range(page.evaluate("document.querySelectorAll('details').length")):
        page.evaluate(f"document.querySelectorAll('details')[{number}].open = true")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(page: Page, scheme: str) -> None:
    page.show_as(*DESKTOP, scheme=scheme)
    found = page.evaluate(_CONTRASTS)
    assert len(found) > 100
    assert [one for one in found if one[0] < LEAST_CONTRAST] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(json.loads(background.replace("rgb(", "[").replace(")", "]"))) < 200) == (scheme == "dark")
    for pair in page.evaluate(_MARK_CONTRASTS):
        ink, ground = (json.loads(one.replace("rgb(", "[").replace(")", "]")) for one in pair)
        assert contrast(ink, ground) >= LEAST_CONTRAST


def test_paper_is_light_and_keeps_the_colours_of_marks(page: Page) -> None:
    page.show_as(*DESKTOP, scheme="dark")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    dark_screen = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.chip .dot')).printColorAdjust")
            == "exact"
        )
        assert not page.evaluate("document.querySelector('.top').checkVisibility()")
    finally:
        page.call("Emulation.setEmulatedMedia", media="")
        page.evaluate("delete document.documentElement.dataset.theme")
    assert min(json.loads(paper.replace("rgb(", "[").replace(")", "]"))) > 240
    assert dark_screen != paper


def test_the_theme_is_turned_by_keyboard_and_kept(page: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    for _ in range(40):
        page.press("Tab", 9)
        if page.evaluate("document.activeElement.id") == "theme":
            break
    assert page.evaluate("document.activeElement.id") == "theme"
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    page.press("Enter", 13)
    assert page.evaluate("document.getElementById('theme').getAttribute('aria-pressed')") == "true"
    dark = page.evaluate(paper)
    assert dark != light
    page.call("Page.reload")
    page.wait_until("document.readyState === 'complete' && document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate(paper) == dark
    page.evaluate("document.getElementById('theme').focus()")
    page.press(" ", 32)
    assert page.evaluate(paper) == light


def test_the_first_stop_of_the_tab_key_skips_to_the_content(page: Page) -> None:
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.className") == "skip"
    page.press("Enter", 13)
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_split_is_chosen_by_keyboard(page: Page) -> None:
    shown = "[...document.querySelectorAll('[data-pane=labels]')].map((one) => one.checkVisibility())"
    num = page.evaluate(f"{shown}.length")
    assert page.evaluate(shown) == [True] + [False] * (num - 1)
    page.evaluate("document.querySelector('[data-group=labels] input').focus()")
    page.press("ArrowRight", 39)
    assert page.evaluate(shown) == [False, True] + [False] * (num - 2)


def test_a_dialogue_is_chosen_and_walked_through_by_keyboard(page: Page) -> None:
    page.evaluate("document.getElementById('dialogues-pick').focus()")
    page.press("ArrowDown", 40)
    assert page.evaluate("document.getElementById('dialogues-pick').value") == "1"
    shown = "[...document.querySelectorAll('.dialogue')].findIndex((one) => one.checkVisibility())"
    assert page.evaluate(shown) == 1
    page.press("Tab", 9)
    told = [page.evaluate("document.activeElement.getAttribute('aria-label')")]
    line = "[...document.querySelectorAll('.dialogue.shown li.on')].map((one) => one.dataset.line)"
    assert page.evaluate(line) == ["0"]
    for number in (1, 2):
        page.press("ArrowRight", 39)
        told.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert page.evaluate(line) == [str(number)]
    assert [one.split(".")[0] for one in told] == ["1", "2", "3"]
    page.press("End", 35)
    last = page.evaluate("document.querySelectorAll('.dialogue.shown li').length") - 1
    assert page.evaluate(line) == [str(last)]
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.className") == "transcript"


def test_pointing_at_an_utterance_shows_it_in_the_transcript(page: Page) -> None:
    page.evaluate("document.getElementById('dialogues').scrollIntoView()")
    mark = ".dialogue.shown .mark[data-line='3'] rect"
    box = page.evaluate(
        f'(() => {{ const b = document.querySelector("{mark}").getBoundingClientRect();'
        " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    line = "[...document.querySelectorAll('.dialogue.shown li.on')].map((one) => one.dataset.line)"
    page.wait_until(f"{line}.join() === '3'")
    inside = page.evaluate(
        """(() => {
          const list = document.querySelector(".dialogue.shown .transcript").getBoundingClientRect();
          const item = document.querySelector(".dialogue.shown li.on").getBoundingClientRect();
          return item.top >= list.top && item.bottom <= list.bottom;
        })()"""
    )
    assert inside


def test_two_modalities_are_compared(chromium: Page, files: dict[str, Path]) -> None:
    chromium.show_as(*DESKTOP)
    chromium.open(files["emotalk"])
    chromium.evaluate("document.getElementById('pairs-pick').focus()")
    chromium.press("ArrowDown", 40)
    title = "document.querySelector('[data-pane=pairs].shown caption').textContent"
    assert "Rows: audio. Columns: multimodal." in chromium.evaluate(title)


def test_all_of_it_is_shown_where_scripts_are_off(chromium: Page, files: dict[str, Path]) -> None:
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.show_as(*PHONE)
        chromium.open(files["m3ed"])
        panes = chromium.evaluate(
            "[...document.querySelectorAll('.pane')].map((one) => one.checkVisibility())"
        )
        assert len(panes) == 4 + 6
        assert all(panes)
        assert chromium.evaluate("document.getElementById('theme').hidden")
        assert chromium.evaluate("document.scrollingElement.scrollWidth") <= PHONE[0]
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)


def test_chinese_text_has_glyphs(page: Page) -> None:
    page.evaluate("document.querySelector('blockquote').scrollIntoView()")
    page.call("DOM.enable")
    page.call("CSS.enable")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="blockquote")["nodeId"]
    fonts = page.call("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]
    if not any("CJK" in one["familyName"] or "Han" in one["familyName"] for one in fonts):
        pytest.skip(f"no Chinese font is installed here, only {[one['familyName'] for one in fonts]}")
    assert (
        sum(one["glyphCount"] for one in fonts if "CJK" in one["familyName"] or "Han" in one["familyName"])
        >= 5
    )
