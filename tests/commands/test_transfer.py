"""`manage.py import_sessions` and `export_sessions`."""

import io
import zipfile

import pytest
from django.core.management import CommandError, call_command

from sessions.models import Session
from sessions.operations.lifecycle import purge_session
from tests.factories import make_session
from tests.formats.samples import MOCHI, as_json, as_lines, as_zip, claude_line, simple_chatgpt

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """A folder with files of several systems, and some that are none."""
    found = tmp_path / "exports"
    (found / "deep").mkdir(parents=True)
    (found / "deep" / "mochi.json").write_bytes(as_json(MOCHI))
    (found / "claude.jsonl").write_bytes(as_lines(claude_line("user", "Q", 1)))
    (found / "chats.zip").write_bytes(as_zip({"conversations.json": as_json([simple_chatgpt(1), {"title": "No"}])}))
    (found / "notes.txt").write_text("not looked at")
    (found / "link.json").symlink_to("/etc/passwd")
    return found


def run(name, *arguments, **options) -> tuple[str, str]:
    """What a command says on its two outputs."""
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *map(str, arguments), **options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_folder(alice, folder):
    out, err = run("import_sessions", folder, "--owner", "alice", "--dry-run")
    assert out.startswith("3 sessions would be made, with 7 messages; 1 could not be imported.")
    assert not Session.objects.exists()
    out, err = run("import_sessions", folder, "--owner", "alice")
    assert out.startswith("3 sessions made, with 7 messages; 1 could not be imported.")
    assert "chats.zip conversations.json [1]: “No” has no messages" in err
    out, _ = run("import_sessions", folder, "--owner", "alice")
    assert "0 sessions made, with 0 messages; 3 were there already" in out
    assert {session.name for session in Session.objects.filter(owner=alice)} == {"Chat 1", "Hello", "Q"}


def test_out_and_in_again(alice, tmp_path):
    first, second = make_session(alice, "First", messages=2), make_session(alice, "Second")
    out, _ = run("export_sessions", "--owner", "alice", "--output", tmp_path)
    path = tmp_path / "researchmind-sessions.zip"
    assert out == f"{path}\n"
    assert len(zipfile.ZipFile(path).namelist()) == 2
    out, _ = run("export_sessions", first.short_id, "--owner", "alice", "--format", "markdown", "--output", tmp_path)
    assert (tmp_path / f"first-{first.short_id}.md").read_text().startswith("---\n")
    with pytest.raises(CommandError, match="there already"):
        run("export_sessions", "--owner", "alice", "--output", path)
    for session in (first, second):
        purge_session(actor=alice, session_id=session.pk)
    run("import_sessions", path, "--owner", "alice")
    assert Session.objects.count() == 2
    assert not list(tmp_path.glob(".*.part"))


def test_what_is_wrong_is_said_in_a_line(alice, tmp_path):
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for path, owner, words in (
        (tmp_path / "gone", "alice", "no file or folder"),
        (tmp_path, "nobody", "no user"),
        (empty, "alice", "no format that is known"),
    ):
        with pytest.raises(CommandError, match=words):
            run("import_sessions", path, "--owner", owner)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(CommandError, match="no files to import"):
        run("import_sessions", tmp_path / "nothing", "--owner", "alice")
    with pytest.raises(CommandError, match="no session with this id"):
        run("export_sessions", "0123456789", "--owner", "alice", "--output", tmp_path)
