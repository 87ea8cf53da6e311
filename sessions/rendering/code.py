"""Highlighted code: a figure with its language, and spans of a dozen classes instead of inline styles."""

from collections.abc import Iterator
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, Operator, String, _TokenType

from sessions.rendering.deadline import Deadline, TooSlow

_CLASS_OF: dict[_TokenType, str] = {
    Comment: "c",
    Comment.Preproc: "k",
    Generic.Deleted: "gd",
    Generic.Inserted: "gi",
    Generic.Heading: "f",
    Generic.Subheading: "f",
    Generic.Prompt: "c",
    Generic.Error: "gd",
    Generic.Traceback: "gd",
    Keyword: "k",
    Literal: "s",
    Name.Attribute: "f",
    Name.Builtin: "b",
    Name.Class: "f",
    Name.Constant: "m",
    Name.Decorator: "b",
    Name.Exception: "b",
    Name.Function: "f",
    Name.Tag: "k",
    Number: "m",
    Operator.Word: "k",
    String: "s",
    String.Escape: "m",
    String.Interpol: "m",
}
TOKEN_CLASSES = frozenset(_CLASS_OF.values())

# Every lexer is a set of regular expressions that run over strangers' text: these have been timed
# against hostile input (tests/rendering/test_limits.py), others are not used.
_NAMES = (
    "bash c cpp csharp css diff docker go graphql haskell html ini java javascript json julia kotlin lua make "
    "matlab nginx perl php powershell protobuf python pycon pytb r ruby rust scala sql swift toml tsx typescript "
    "xml yaml zig"
)
LANGUAGES = frozenset(_NAMES.split())
_ALIASES = {
    "c#": "csharp", "c++": "cpp", "cc": "cpp", "conf": "ini", "console": "bash", "cs": "csharp", "dockerfile": "docker",
    "golang": "go", "h": "c", "hpp": "cpp", "hs": "haskell", "htm": "html", "jl": "julia", "js": "javascript",
    "jsonc": "json", "jsonl": "json", "jsx": "javascript", "kt": "kotlin", "makefile": "make", "mjs": "javascript",
    "node": "javascript", "patch": "diff", "pl": "perl", "proto": "protobuf", "ps1": "powershell", "py": "python",
    "py3": "python", "python3": "python", "rb": "ruby", "rs": "rust", "sh": "bash", "shell": "bash", "svg": "xml",
    "traceback": "pytb", "ts": "typescript", "yml": "yaml", "zsh": "bash",
}  # fmt: skip
_LONGEST_BLOCK = 30_000
_LONGEST_LINE = 1_000  # beyond it lies minified code, which colours don't help and backtracking loves
_LONGEST_LABEL = 60
_CAPTION_END = "</figcaption>"
_COPY = '<button type="button" class="copy script i i-copy" aria-label="Copy"></button>'
SECONDS = 0.25  # of processor time for one block; without colours it is as readable


def code_figure(code: str, info: str, deadline: Deadline) -> str:
    """Return a code block as `figure.code` with the language of its info string, highlighted if that is known."""
    label = _label(info)
    language = _ALIASES.get(label.lower(), label.lower())
    deadline.check()
    body = _highlighted(code, language) if _can_highlight(code, language) else escape(code)
    caption = f"<figcaption>{escape(label or 'text')}{_CAPTION_END}"
    return f'<figure class="code">{caption}<pre tabindex="0"><code>{body}</code></pre></figure>\n'


def with_copy_buttons(html: SafeString) -> SafeString:
    """Give each code block of checked HTML its button; the texts that people write can't hold one."""
    return mark_safe(html.replace(_CAPTION_END, _COPY + _CAPTION_END))  # noqa: S308  (a constant in checked HTML)


def _highlighted(code: str, language: str) -> str:
    try:
        return "".join(_spans(code, language, Deadline(SECONDS)))
    except TooSlow:
        return escape(code)


def _label(info: str) -> str:
    words = info.split(maxsplit=1)
    return words[0].strip("{}.")[:_LONGEST_LABEL] if words else ""


def _can_highlight(code: str, language: str) -> bool:
    return language in LANGUAGES and len(code) <= _LONGEST_BLOCK and max(map(len, code.split("\n"))) <= _LONGEST_LINE


@lru_cache(maxsize=len(LANGUAGES))
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def _spans(code: str, language: str, deadline: Deadline) -> Iterator[str]:
    """Escaped pieces of the code, neighbours of one class in one span."""
    pending, pending_class = "", ""
    for token, text in _lexer(language).get_tokens(code):
        deadline.check()
        token_class = _class_of(token)
        if token_class != pending_class and text.strip():  # white space has no colour: it never parts two spans
            yield _span(pending, pending_class)
            pending, pending_class = "", token_class
        pending += text
    yield _span(pending, pending_class)


def _span(text: str, token_class: str) -> str:
    return f'<span class="{token_class}">{escape(text)}</span>' if token_class and text else escape(text)


@lru_cache(maxsize=512)
def _class_of(token: _TokenType) -> str:
    while token not in _CLASS_OF:
        if token.parent is None:
            return ""
        token = token.parent
    return _CLASS_OF[token]
