"""Numbers of things in words."""


def counted(number: int, noun: str) -> str:
    """`a message`, `3 messages`, `1,204 messages`: in a sentence."""
    return f"a {noun}" if number == 1 else amount(number, noun)


def amount(number: int, noun: str) -> str:
    """`1 line`, `38 lines`: as a figure beside something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
