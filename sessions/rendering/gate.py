"""The last gate before a page: whatever came before, only what is listed here gets through."""

import nh3
from django.utils.safestring import SafeString, mark_safe

from sessions.rendering.code import TOKEN_CLASSES

SCHEMES = ("http", "https", "mailto")

_TAGS = (
    "p br hr h3 h4 h5 h6 strong em s code pre blockquote ul ol li a span div figure figcaption "
    "table thead tbody tr th td"
)
_CLASSES = {
    "figure": {"code"},
    "div": {"table", "math"},
    "li": {"task"},
    "span": {*TOKEN_CLASSES, "math", "todo", "done"},
    "th": {"center", "right"},
    "td": {"center", "right"},
}
_cleaner = nh3.Cleaner(
    tags=set(_TAGS.split()),
    clean_content_tags={"script", "style"},
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    tag_attribute_values={"pre": {"tabindex": {"0"}}, "div": {"tabindex": {"0"}}},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes=_CLASSES,
    url_schemes=set(SCHEMES),
    url_relative="deny",
    generic_attribute_prefixes=set(),
    strip_comments=True,
    link_rel="noopener nofollow",
)


def clean(html: str) -> SafeString:
    """Return the HTML without any element, attribute, class or address that isn't on the lists above."""
    return mark_safe(_cleaner.clean(html))  # noqa: S308  (the allow-list has just been applied)
