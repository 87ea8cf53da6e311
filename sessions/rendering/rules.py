"""What CommonMark leaves open: headings that fit into a page, task lists, table alignment, a time limit."""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_HIGHEST_HEADING = 3  # h1 is the session's name, h2 the message's author


def install(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.inline.ruler.before("text", "deadline", _inline_deadline)
    parser.block.ruler.before("table", "deadline", _block_deadline)
    parser.core.ruler.before("inline", "task_items", _task_items)
    parser.core.ruler.push("outline", _outline)
    parser.core.ruler.push("alignment", _alignment)
    parser.add_render_rule("task_check", _render_check)


def _inline_deadline(state: StateInline, silent: bool) -> bool:
    state.env["deadline"].check()
    return False


def _block_deadline(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    state.env["deadline"].check()
    return False


def _task_items(state: StateCore) -> None:
    """`- [x] done`: the mark becomes a check mark before the rest is read."""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open":
            continue
        mark = _TASK.match(inline.content)
        if mark:
            item.attrSet("class", "task")
            inline.content = inline.content[mark.end() :]
            inline.meta["task"] = mark[1] != " "


def _outline(state: StateCore) -> None:
    """Put the checks into task items, and give headings levels without a gap below the page's own."""
    open_levels: list[int] = []
    for number, token in enumerate(state.tokens):
        if "task" in token.meta and token.children is not None:
            check = Token("task_check", "", 0)
            check.meta["checked"] = token.meta["task"]
            token.children.insert(0, check)
        elif token.type == "heading_open":
            level = int(token.tag[1:])
            while open_levels and open_levels[-1] >= level:
                open_levels.pop()
            open_levels.append(level)
            tag = f"h{min(_HIGHEST_HEADING + len(open_levels) - 1, 6)}"
            token.tag = state.tokens[number + 2].tag = tag


def _render_check(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
    return '<span class="done">☑</span> ' if tokens[idx].meta["checked"] else '<span class="todo">☐</span> '


def _alignment(state: StateCore) -> None:
    """Table cells are aligned by a class: the policy on styles allows no attribute."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open"):
            style = str(token.attrs.pop("style", ""))
            side = style.removeprefix("text-align:")
            if side in ("center", "right"):
                token.attrSet("class", side)
