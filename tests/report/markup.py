"""A page taken apart: its elements, what it asks for, and the text that a reader sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "Markup", "read_markup"]

_VOID = {"meta", "link", "img", "input", "br"}
_RAW = {"style", "script"}


@dataclass
class Element:
    """One element: its name, attributes, and the text right inside it."""

    tag: str
    attributes: dict[str, str]
    inside: tuple[str, ...]
    text: str = ""


@dataclass
class Markup:
    """What is on a page.

    Attributes:
        elements: in their order.
        text: all that is not style or script.
    """

    elements: list[Element] = field(default_factory=list)
    text: str = ""

    def named(self, tag: str) -> list[Element]:
        return [one for one in self.elements if one.tag == tag]

    def with_class(self, name: str) -> list[Element]:
        return [one for one in self.elements if name in one.attributes.get("class", "").split()]

    def section(self, anchor: str) -> str:
        """Return the text of a section."""
        return " ".join(" ".join(one.text for one in self.elements if f"#{anchor}" in one.inside).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.markup = Markup()
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        inside = tuple(f"#{one.attributes['id']}" for one in self._open if "id" in one.attributes)
        if "id" in attributes:
            inside = (*inside, f"#{attributes['id']}")
        element = Element(tag, attributes, inside)
        self.markup.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing, at {self.getpos()}"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>, at {self.getpos()}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data
            if self._open[-1].tag not in _RAW:
                self.markup.text += data

    def finish(self) -> Markup:
        assert not self._open, f"never closed: {[one.tag for one in self._open]}"
        return self.markup


def read_markup(page: str) -> Markup:
    """Take a page apart. Every element has to be closed, in its place."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.finish()
