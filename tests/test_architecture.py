"""Imports only go down (docs/architecture.md), files stay small, and pages hold nothing that the CSP forbids."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
BELOW_OPERATIONS = {"access", "search", "storage", "formats", "rendering", "models", "exceptions"}
OPERATIONS = {"operations"} | BELOW_OPERATIONS

# What each part may import of the others. What is missing here must not exist.
MAY_IMPORT = {
    "exceptions": set(),
    "models": {"exceptions"},
    "access": {"models", "exceptions"},
    "search": {"models", "exceptions"},
    "storage": {"exceptions"},
    "formats": {"exceptions"},
    "rendering": {"exceptions"},
    "operations": BELOW_OPERATIONS - {"rendering"},
    # the front doors
    "api": OPERATIONS,
    "admin": OPERATIONS,
    "mcp": OPERATIONS,
    "management": OPERATIONS | {"mcp"},  # `manage.py mcp` opens that door
    "jobs": OPERATIONS,
    "views": OPERATIONS | {"forms", "htmx"},
    # what belongs to the pages
    "forms": OPERATIONS,
    "htmx": OPERATIONS,
    "templatetags": {"views", "rendering", "exceptions"},
    "urls": {"views", "api", "admin"},
    # wiring
    "apps": OPERATIONS | {"checks"},
    "checks": {"storage"},
}
MAY_IMPORT_THE_PROJECT = {"management", "api", "admin", "apps"}
WITHOUT_THE_WEB = {"exceptions", "models", "access", "search", "storage", "formats", "rendering", "operations"}
THE_WEB = ("django.http", "django.shortcuts", "django.views", "django.template", "django.forms", "ninja", "requests")
WITHOUT_MODELS = {"storage", "formats", "rendering"}
FRONT_DOORS = {"views", "api", "mcp", "admin", "management", "jobs", "templatetags", "forms", "htmx"}
WRITES = re.compile(
    r"\.objects\.(create|bulk_create|get_or_create|update_or_create|update|bulk_update)\b"
    r"|\.(save|delete|bulk_create|bulk_update|update_or_create)\("
)
LONGEST_FILE = 400
IN_ONE_FILE = {PROJECT / "researchmind" / "client.py"}  # agents copy it
LONGEST_FUNCTION = 45


def modules() -> Iterator[tuple[str, Path]]:
    """Each part of `sessions` with its modules; migrations are history and left out."""
    for path in sorted((PROJECT / "sessions").rglob("*.py")):
        part = path.relative_to(PROJECT / "sessions").parts[0].removesuffix(".py")
        if part not in ("__init__", "migrations"):
            yield part, path


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


ALL = list(modules())


def assert_none(problems: list[str]) -> None:
    """Show all that is wrong at once."""
    assert not problems, "\n" + "\n".join(problems)


def test_imports_go_down():
    problems = []
    for part, path in ALL:
        allowed = MAY_IMPORT.get(part)
        if allowed is None:
            problems.append(f"{path}: {part} has no place in the architecture yet")
            continue
        for line, name in imports(path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            upwards = top == "sessions" and other not in allowed | {part, ""}
            if upwards or top == "tests" or (top == "researchmind" and part not in MAY_IMPORT_THE_PROJECT):
                problems.append(f"{path}:{line}: {part} must not import {name}")
    assert_none(problems)
    assert {part for part, _ in ALL} >= {"models", "operations", "views", "api", "admin"}, "something was looked at"


def test_the_core_knows_no_requests_and_storage_no_models():
    problems = []
    for part, path in ALL:
        forbidden = THE_WEB if part in WITHOUT_THE_WEB else ()
        forbidden += ("django.db.models", "django.contrib.auth") if part in WITHOUT_MODELS else ()
        problems += [
            f"{path}:{line}: {part} must not import {name}"
            for line, name in imports(path)
            if forbidden and name.startswith(forbidden)
        ]
    assert_none(problems)


def test_front_doors_write_through_operations_alone():
    assert_none(
        [
            f"{path}:{number}: {line.strip()}"
            for part, path in ALL
            if part in FRONT_DOORS
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if WRITES.search(line) and not line.startswith("@")
        ]
    )


PYTHON = [
    path
    for folder in ("sessions", "researchmind", "tests", "benchmarks", "examples")
    for path in sorted((PROJECT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]


def test_files_stay_small():
    assert_none(
        [str(path) for path in PYTHON if path not in IN_ONE_FILE and len(path.read_text().splitlines()) > LONGEST_FILE]
    )


def test_functions_stay_small():
    assert_none(
        [
            f"{path}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
            for path in PYTHON
            if not path.is_relative_to(PROJECT / "tests")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno >= LONGEST_FUNCTION
        ]
    )


def test_exceptions_from_the_rules_give_their_reason():
    problems = []
    for path in PYTHON:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            mark = re.search(
                r"#\s*(noqa|type: ignore)(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*|\[[^\]]*\])?(?P<reason>.*)", line
            )
            if mark and not re.search("[a-z]{2}", mark["reason"]):
                problems.append(f"{path}:{number}: why?")
    assert_none(problems)


TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
COMMENTS = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", re.DOTALL)
FORBIDDEN = {
    "an inline style": r"\sstyle\s*=|<style\b",
    "an inline script": r"<script\b(?![^>]*\ssrc\s*=)",
    "a handler": r"\s(on[a-z]+|hx-on[:a-z-]*|data-hx-on[:a-z-]*)\s*=",
    "an address elsewhere": r"(src|srcset|action|poster|data|hx-[a-z]+)\s*=\s*[\"']?\s*(https?:)?//",
    "a resource elsewhere": r"<link\b[^>]*href\s*=\s*[\"']?(https?:)?//",
    "a script in an address": r"javascript:",
    "text marked safe": r"\|\s*safe\b|\{%\s*autoescape\s+off",
}


def test_templates_hold_nothing_that_the_csp_forbids():
    problems = []
    for path in TEMPLATES:
        text = COMMENTS.sub("", path.read_text())
        for what, pattern in FORBIDDEN.items():
            problems += [f"{path}: {what}: {found.group()}" for found in re.finditer(pattern, text, re.IGNORECASE)]
    assert_none(problems)


def test_own_scripts_and_styles_need_nobody_else():
    problems = []
    for path in sorted((PROJECT / "static").rglob("*.js")) + sorted((PROJECT / "static").rglob("*.css")):
        if "vendor" in path.parts or path.name.startswith("htmx"):
            continue
        text = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
        text = text.replace("http://www.w3.org/2000/svg", "")
        for pattern in (r"\beval\s*\(", r"new Function\b", r"document\.write", r"//[a-z0-9-]+\.[a-z]"):
            problems += [f"{path}: {found.group()}" for found in re.finditer(pattern, text)]
    assert_none(problems)
