r"""Math stays as it was written: Markdown must not read `a_1 * b_2` in TeX as emphasis, nor eat its backslashes."""

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_CLOSING = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_DISPLAYED = ("$$", "\\[")
_INTERRUPTS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}


def install(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.inline.ruler.before("escape", "math", _inline)
    parser.block.ruler.before("fence", "math_block", _block, _INTERRUPTS)
    parser.add_render_rule("math", _render)
    parser.add_render_rule("math_block", _render)


def _inline(state: StateInline, silent: bool) -> bool:
    r"""`$…$`, `$$…$$`, `\(…\)` and `\[…\]` in running text; `$5 and $6` are prices."""
    opening = next((mark for mark in _CLOSING if state.src.startswith(mark, state.pos)), "")
    if not opening or state.env.get(f"no more {opening}") is state.src:
        return False
    start = state.pos + len(opening)
    end = _closing(state.src, _CLOSING[opening], start)
    if end < 0:
        state.env[f"no more {opening}"] = state.src  # looked for once, not once for each opening
        return False
    if not state.src[start:end].strip() or (opening == "$" and not _is_tight(state.src, start, end)):
        return False
    if not silent:
        state.push("math", "", 0).content = state.src[state.pos : end + len(opening)]
    state.pos = end + len(opening)
    return True


def _closing(source: str, mark: str, start: int) -> int:
    end = source.find(mark, start)
    while end > 0 and mark[0] == "$" and source[end - 1] == "\\":
        end = source.find(mark, end + 1)
    return end


def _is_tight(source: str, start: int, end: int) -> bool:
    """Whether single dollars enclose: nothing but text beside them inside, nothing like a word outside."""
    before, after = source[start - 2 : start - 1] if start > 1 else "", source[end + 1 : end + 2]
    return not (source[start].isspace() or source[end - 1].isspace() or before.isalnum() or after.isalnum())


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""Lines from one that starts with `$$` or `\[` to one that ends with its counterpart, none of them blank."""
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].rstrip()
    opening = next((mark for mark in _DISPLAYED if first.startswith(mark)), "")
    if not opening or state.is_code_block(start) or start < state.env.get(f"{opening} open until", 0):
        return False
    last = _last_line(state, start, end, first, opening)
    if last is None:
        return False
    if not silent:
        token = state.push("math_block", "", 0)
        token.content = state.getLines(start, last + 1, state.blkIndent, False).strip()
        token.map = [start, last + 1]
        state.line = last + 1
    return True


def _last_line(state: StateBlock, start: int, end: int, first: str, opening: str) -> int | None:
    closing = _CLOSING[opening]
    if closing in first[2:]:
        return start if first.endswith(closing) and len(first) > 4 else None
    for line in range(start + 1, end):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            end = line
            break
        if state.src[state.bMarks[line] : state.eMarks[line]].rstrip().endswith(closing):
            return line
    state.env[f"{opening} open until"] = end  # every start before it would look at the same lines in vain
    return None


def _render(self: RendererProtocol, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
    token = tokens[idx]
    source = escape(token.content)
    return f'<div class="math">{source}</div>\n' if token.block else f'<span class="math">{source}</span>'
