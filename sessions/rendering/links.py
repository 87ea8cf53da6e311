"""Links lead to absolute addresses elsewhere, and pictures from elsewhere are links: reading a page calls nobody."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from sessions.rendering.gate import SCHEMES

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ABSOLUTE = re.compile(rf"(?:{'|'.join(SCHEMES)}):", re.IGNORECASE)
_ADDRESS = re.compile(r"://[^\s<>\"`\\|{}^]+")
_TRAILING = ".,:;!?*_~'’”…"


def install(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.validateLink = _is_harmless  # type: ignore[method-assign]  # markdown-it's documented way to set it
    parser.inline.ruler.before("escape", "bare_address", _bare_address)
    parser.core.ruler.push("targets", _targets)


def _is_harmless(url: str) -> bool:
    """Whether Markdown may read this as a link at all; what isn't stays the text that it was."""
    url = url.strip()
    return bool(_ABSOLUTE.match(url)) or not (_SCHEME.match(url) or url.startswith("//"))


def _bare_address(state: StateInline, silent: bool) -> bool:
    """`https://…` in running text. The parser stops at the colon; the scheme lies before it."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = next((scheme for scheme in ("https", "http") if state.pending.endswith(scheme)), "")
    found = _ADDRESS.match(state.src, state.pos) if scheme else None
    if found is None or state.pending[: -len(scheme)][-1:].isalnum():
        return False
    rest = _without_trailing(found[0])
    if len(rest) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme)]
        url = state.md.normalizeLink(scheme + rest)
        state.push("link_open", "a", 1).attrs = {"href": url}
        state.push("text", "", 0).content = scheme + rest
        state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def _without_trailing(address: str) -> str:
    """The address without the punctuation of the sentence around it; brackets stay if they are a pair."""
    surplus = address.count(")") - address.count("(")
    end = len(address)
    while end:
        last = address[end - 1]
        if last == ")" and surplus > 0:
            surplus -= 1
        elif last == "]" or last not in _TRAILING:
            break
        end -= 1
    return address[:end]


def _targets(state: StateCore) -> None:
    """Turn pictures into links, and links that lead nowhere from here into words with their target."""
    for token in state.tokens:
        if token.children:
            token.children = _rewritten(token.children)


def _rewritten(children: list[Token]) -> list[Token]:
    result: list[Token] = []
    targets: list[str] = []
    inside_link = 0
    for token in children:
        if token.type == "image":
            result += _picture(token, linked=not inside_link)
        elif token.type == "link_open" and not _ABSOLUTE.match(str(token.attrs["href"])):
            targets.append(str(token.attrs["href"]))
        elif token.type == "link_close" and targets and not inside_link:
            result += _target(targets.pop())
        else:
            inside_link += token.nesting if token.type in ("link_open", "link_close") else 0
            result.append(token)
    return result


def _picture(token: Token, *, linked: bool) -> list[Token]:
    """The picture as words; as a link to it where it lies elsewhere and no link is around it already."""
    address = str(token.attrs.get("src", ""))
    label = Token("text", "", 0)
    label.content = f"Image: {token.content}" if token.content else "Image"
    if not linked or not address:
        return [label]
    if not _ABSOLUTE.match(address):
        return [label, *_target(address)]
    opening = Token("link_open", "a", 1)
    opening.attrs = {"href": address}
    return [opening, label, Token("link_close", "a", -1)]


def _target(address: str) -> list[Token]:
    space, code = Token("text", "", 0), Token("code_inline", "code", 0)
    space.content, code.content = " ", address
    return [space, code]
