"""Reading rendered HTML as a browser would, to ask what is in it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    """One start tag: its name and its attributes."""

    name: str
    attributes: dict[str, str]

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())


@dataclass
class Document(HTMLParser):
    """All elements in their order, the text, and how deep elements lie."""

    elements: list[Element] = field(default_factory=list)
    text: str = ""
    comments: int = 0

    def __init__(self, html: str) -> None:
        HTMLParser.__init__(self)
        self.elements, self.text, self.comments = [], "", 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1

    def all(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]


ELEMENTS = frozenset(
    {
        "p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li",
        "a", "span", "div", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td",
    }
)  # fmt: skip
COPY_BUTTON = Element(
    "button", {"type": "button", "class": "copy script i i-copy", "aria-label": "Copy"}
)  # ours, in each code block
ATTRIBUTES = frozenset({"class", "href", "rel", "target", "start", "tabindex"})


def assert_harmless(html: str) -> None:
    """Nothing that runs, loads, sends or is read by htmx: only these elements, attributes and addresses."""
    document = Document(html)
    assert document.comments == 0, html
    for element in document.elements:
        if element == COPY_BUTTON:
            continue
        assert element.name in ELEMENTS, f"<{element.name}> in {html}"
        assert element.attributes.keys() <= ATTRIBUTES, f"{element} in {html}"
        if element.name == "a":
            assert element.attributes.get("href", "https:").startswith(("http:", "https:", "mailto:")), element
            assert set(element.attributes["rel"].split()) == {"noopener", "nofollow"}
        assert element.attributes.get("tabindex", "0") == "0"
        assert not any("hx" in name or "htmx" in name for name in element.classes), element
