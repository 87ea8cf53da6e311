"""Export, purge and import of a large session, and a large file of ChatGPT's: seconds, and memory beyond rest."""

import argparse
import json
import os
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.report import table
from benchmarks.sites import ROOT, Site, arguments, describe, site

FILES = 64
WORDS = ["recall", "index", "moss", "fern", "query", "vector", "latency", "batch", "answer", "question", "measured"]


def main() -> None:
    """Run each step in a process of its own, so that its memory is its own."""
    parser = arguments(__doc__, rounds=1, seconds=0)
    parser.add_argument("--messages", type=int, default=100_000, help="in the large session")
    parser.add_argument("--megabytes", type=int, default=1024, help="of files in its workspace")
    parser.add_argument("--conversations", type=int, default=1000, help="in the file of ChatGPT's, 50 kB each")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _step(*options.step)
        return
    describe(options)
    with site(options) as place:
        (session,) = place.fill(f"--transcript={options.messages}")["sessions"]
        _fill_workspace(place, session, options.megabytes)
        archive = place.directory / "session.zip"
        rows = [("export", _run(place, "export", session, str(archive)))]
        before = _run(place, "state", session)
        _run(place, "purge", session)
        done = _run(place, "import", str(archive))
        rows.append(("import", done))
        after = _run(place, "state", done["session"])
        if before["state"] != after["state"]:
            sys.exit("What came back is not what went out.")
        chats = place.directory / "conversations.json"
        _write_chatgpt(chats, options.conversations)
        rows.append(
            (
                f"{options.conversations:,} of ChatGPT's, {chats.stat().st_size / 1e6:.0f} MB",
                _run(place, "import", str(chats)),
            )
        )
        rows.append(("the same again", _run(place, "import", str(chats))))
    told = [[name, f"{row['seconds']:.1f}", f"{row['rest']:.0f}", f"{row['more']:.0f}"] for name, row in rows]
    table(["what", "seconds", "MiB at rest", "MiB more at the most"], told)


def _run(place: Site, *step: str) -> Any:
    """Run a step on the site; return what it measured."""
    return json.loads(place.run("benchmarks.transfer", "--step", *step).splitlines()[-1])


def _fill_workspace(place: Site, session: str, megabytes: int) -> None:
    folder = place.directory / "workspaces" / session / "content"
    folder.mkdir(parents=True, exist_ok=True)
    block = os.urandom(2**20)
    for number in range(FILES):
        with (folder / f"part-{number:03}.bin").open("wb") as file:
            for _ in range(megabytes // FILES):
                file.write(block)


def _write_chatgpt(path: Path, conversations: int) -> None:
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("[")
        for number in range(conversations):
            file.write(("," if number else "") + json.dumps(_conversation(number, chance)))
        file.write("]")


def _conversation(number: int, chance: random.Random, messages: int = 40) -> dict[str, Any]:
    mapping: dict[str, Any] = {"0": {"id": "0", "parent": None, "children": ["1"], "message": None}}
    for index in range(1, messages + 1):
        mapping[str(index)] = {
            "id": str(index),
            "parent": str(index - 1),
            "children": [str(index + 1)],
            "message": {
                "author": {"role": ("assistant", "user")[index % 2]},
                "create_time": 1_700_000_000 + 1000 * number + index,
                "content": {"content_type": "text", "parts": [" ".join(chance.choices(WORDS, k=150))]},
                "metadata": {"model_slug": "gpt-5"},
            },
        }
    return {
        "title": f"Conversation {number}",
        "conversation_id": f"c-{number}",
        "create_time": 1_700_000_000 + 1000 * number,
        "update_time": 1_700_000_900 + 1000 * number,
        "mapping": mapping,
        "current_node": str(messages),
    }


def _step(name: str, *values: str) -> None:
    """One step, in a process of its own: print its seconds and its memory as JSON."""
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.contrib.auth.models import User

    owner = User.objects.get()
    rest = _peak()
    started = time.monotonic()
    found = {"export": _export, "import": _import, "purge": _purge, "state": _state}[name](owner, *values)
    seconds = time.monotonic() - started
    print(json.dumps({"seconds": seconds, "rest": rest, "more": _peak() - rest} | found))


def _peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _export(owner: Any, session: str, path: str) -> dict[str, Any]:
    from sessions.operations.transfer.exporting import export_session

    with open(path, "wb") as file:
        for chunk in export_session(actor=owner, session_id=session).chunks:
            file.write(chunk)
    return {}


def _import(owner: Any, path: str) -> dict[str, Any]:
    from sessions.operations.transfer.importing import SourceFile, import_sessions

    with open(path, "rb") as file:
        report = import_sessions(actor=owner, files=[SourceFile(Path(path).name, file)])
    return {"session": report.sessions[0].session_id if report.sessions else ""}


def _purge(owner: Any, session: str) -> dict[str, Any]:
    from sessions.operations.lifecycle import purge_session

    purge_session(actor=owner, session_id=session)
    return {}


def _state(owner: Any, session: str) -> dict[str, Any]:
    """A digest of the transcript and of every file."""
    import hashlib

    from sessions.models import Message
    from sessions.storage.workspaces import workspace_path

    digest = hashlib.sha256()
    columns = ("index", "role", "content", "created_at", "model", "thinking", "tool_name", "tool_calls", "metadata")
    for row in Message.objects.of(session).values_list(*columns).iterator(2_000):
        digest.update(repr(row).encode())
    for path in sorted(workspace_path(session).rglob("*")):
        digest.update(path.relative_to(workspace_path(session)).as_posix().encode())
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return {"state": digest.hexdigest()}


if __name__ == "__main__":
    main()
