"""The documentation names what there is: settings, addresses, commands, targets, files."""

import re
from pathlib import Path

import pytest

from researchmind.env import PREFIX, SETTINGS
from sessions.api.api import api

PROJECT = Path(__file__).parent.parent
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(PROJECT)) for path in DOCUMENTS]


def read(name: str) -> str:
    return (PROJECT / name).read_text()


def rows_of_settings() -> dict[str, list[str]]:
    """The table's rows by the variable that they tell of."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.*)\|$", read("docs/settings.md"), re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in rows}


def test_every_setting_is_told_and_none_that_is_not_there():
    assert set(rows_of_settings()) == {PREFIX + setting.name for setting in SETTINGS} | {"DATABASE_URL", "QDRANT_URL"}


def test_defaults_are_the_real_ones():
    rows = rows_of_settings()
    for setting in SETTINGS:
        told = rows[PREFIX + setting.name][0]
        if setting.kind == "list":
            expected = ",".join(setting.default) or "empty"
        elif setting.kind == "bool":
            expected = str(setting.default).lower()
        elif setting.kind == "int" or setting.default:
            expected = Path(str(setting.default)).name
        else:
            continue  # made up when it is needed; the table says how
        assert expected in told, setting.name


def operations() -> list[tuple[str, str]]:
    """(method, path) of every route, its parameters nameless."""
    paths = api.get_openapi_schema()["paths"]
    return [
        (method.upper(), nameless(path.removeprefix("/api/v1")))
        for path, methods in paths.items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]


def nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def names(line: str, path: str) -> bool:
    """Whether a line names the whole path, not only the beginning of a longer one."""
    return bool(re.search(re.escape(path) + r"(?![\w{/-])", line))


def test_every_route_is_told():
    """One line of docs/api.md names the method and the path, whatever it calls the parameters."""
    lines = [nameless(line) for line in read("docs/api.md").splitlines()]
    missing = [
        f"{method} {path}"
        for method, path in operations()
        if not any(
            re.search(rf"\b{method}\b", line) and re.search(re.escape(path) + r"(?![\w{{/-])", line) for line in lines
        )
    ]
    assert not missing
    assert len(operations()) > 15, "routes were found"


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, heading = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{path}: {target}"
        assert found.is_relative_to(PROJECT), f"{path}: {target} leads out of the project"
        if heading:
            assert heading in {anchor(line) for line in found.read_text().splitlines() if line.startswith("#")}


def anchor(heading: str) -> str:
    """A heading's anchor, as forges make them."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_targets_and_commands_exist(path):
    text = path.read_text()
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets
    commands = {file.stem for file in (PROJECT / "sessions" / "management" / "commands").glob("[a-z]*.py")}
    django = {
        "migrate",
        "createsuperuser",
        "collectstatic",
        "check",
        "makemigrations",
        "dumpdata",
        "shell",
        "changepassword",
    }
    assert set(re.findall(r"manage\.py ([a-z_]+)", code)) <= commands | django


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_files_that_are_named_exist(path):
    """`docs/decisions/0004-databases.md`, `sessions/access.py` and the like."""
    folders = "docs|sessions|researchmind|tests|deploy|examples|benchmarks|requirements"
    for name in re.findall(rf"`((?:{folders})/[\w./-]+\.(?:py|md|txt|in|yaml|conf))`", path.read_text()):
        assert (PROJECT / name).exists(), f"{path}: {name}"


def test_files_that_the_code_names_exist():
    """Comments point to decisions; a decision that was renamed takes its pointers along."""
    for source in [
        *PROJECT.glob("*.toml"),
        *(PROJECT / "sessions").rglob("*.py"),
        *(PROJECT / "researchmind").rglob("*.py"),
    ]:
        for name in re.findall(r"docs/[\w./-]+\.md", source.read_text()):
            assert (PROJECT / name).exists(), f"{source}: {name}"


def test_nothing_of_the_machine_that_it_was_written_on():
    """Lock files name no place to download from, and nothing holds a path of the one who wrote it."""
    for path in (PROJECT / "requirements").iterdir():
        assert "://" not in path.read_text(), path
    for path in [*DOCUMENTS, *PROJECT.glob("*.toml"), PROJECT / "Makefile", *(PROJECT / "deploy").iterdir()]:
        for place in (str(PROJECT), str(Path.home())):
            assert len(place) < 2 or f"{place}/" not in path.read_text(), path
