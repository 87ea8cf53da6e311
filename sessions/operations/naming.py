"""What a session is called and how it previews, as long as nobody says otherwise."""

UNTITLED = "Untitled session"
_NAME_LENGTH = 80
_PREVIEW_LENGTH = 100


def name_from(content: str) -> str:
    """A name from the first user message: its first line that isn't blank, cut after 80 characters."""
    line = next((" ".join(line.split()) for line in content.splitlines() if line.strip()), UNTITLED)
    return line if len(line) <= _NAME_LENGTH else line[: _NAME_LENGTH - 1].rstrip() + "…"


def preview_of(content: str) -> str:
    """The first user message: whole up to 100 characters, else its first 97 and `...`."""
    return content if len(content) <= _PREVIEW_LENGTH else content[: _PREVIEW_LENGTH - 3] + "..."
