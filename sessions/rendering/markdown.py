"""Markdown as people and models write it: CommonMark, tables, task lists, math left readable."""

from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from sessions.rendering import links, math, rules
from sessions.rendering.code import code_figure, with_copy_buttons
from sessions.rendering.deadline import Deadline, TooSlow
from sessions.rendering.gate import clean

VERSION = "2"  # raise it when the same text renders to other HTML
LONGEST = 100_000
_NESTING = 20
_SECONDS = 1.0


def render(text: str, *, breaks: bool = False, seconds: float = _SECONDS) -> SafeString | None:
    """Return the text as safe HTML; with `breaks` a line break stays one.

    None, for a text that is better shown as it is: longer than LONGEST characters or taking more
    than `seconds` of processor time.
    """
    if len(text) > LONGEST:
        return None
    parser = _WITH_BREAKS if breaks else _PLAIN
    try:
        return with_copy_buttons(clean(parser.render(text, {"deadline": Deadline(seconds)})))
    except TooSlow:
        return None


class _Renderer(RendererHTML):
    """Code as figures, tables that scroll by themselves, math as it was written."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        """A fenced code block."""
        return code_figure(tokens[idx].content, tokens[idx].info, env["deadline"])

    code_block = fence

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        """A table in a box that scrolls sideways, so that the page needn't."""
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        """The end of both."""
        return "</table></div>\n"


def _parser(breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": breaks, "maxNesting": _NESTING}, renderer_cls=_Renderer)
    parser.disable(["html_block", "html_inline"])
    parser.enable(["table", "strikethrough"])
    math.install(parser)
    rules.install(parser)
    links.install(parser)
    return parser


_PLAIN = _parser(breaks=False)
_WITH_BREAKS = _parser(breaks=True)
