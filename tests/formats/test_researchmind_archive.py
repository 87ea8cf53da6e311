"""Our own archive: one that is damaged is refused with the entry that is wrong, one of a later version is read."""

import hashlib
import io
import json
import zipfile
from base64 import b64encode

import pytest

from sessions.exceptions import TooLarge, UnsafeArchive
from sessions.formats import researchmind
from sessions.formats.archive import Limits
from sessions.formats.document import Document, Message, WorkspaceFile


def made(**fields) -> dict[str, bytes]:
    """The entries of an archive with a message and a file."""
    fields = {"messages": [Message("user", "Q")], "files": [_file(b"content/a.txt", b"file")]} | fields
    document = Document("researchmind", "0" * 32, name="N", **fields)
    data = b"".join(researchmind.write(document))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _file(path: bytes, data: bytes) -> WorkspaceFile:
    return WorkspaceFile(path, len(data), lambda: io.BytesIO(data))


def packed(entries: dict[str, bytes]) -> io.BytesIO:
    """The entries as an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer


def listed(entries: dict[str, bytes], **more) -> dict[str, bytes]:
    """The entries with a manifest that tells the truth about them; `more` is said of single ones."""
    told = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} | more.get(name, {})
        for name, data in entries.items()
        if name != "manifest.json"
    }
    manifest = {"format": "researchmind", "format_version": 1, "entries": told}
    return entries | {"manifest.json": json.dumps(manifest).encode()}


def read(entries: dict[str, bytes], limits: Limits | None = None) -> Document:
    """The document, with everything read."""
    (document,) = _documents(packed(entries), limits)
    return document


def _documents(file, limits):
    for document in researchmind.read(file, limits):
        document.messages, document.events = list(document.messages), list(document.events)
        document.metadata["files"] = {
            found.path: found.open().read() if found.open else None for found in document.files
        }
        yield document


def test_it_comes_back():
    found = read(made())
    assert [message.content for message in found.messages] == ["Q"]
    assert found.metadata["files"] == {b"content/a.txt": b"file"}
    assert found.name == "N"


@pytest.mark.parametrize(
    "name", ["session.json", "messages.jsonl", "revisions.jsonl", "events.jsonl", "workspace/content/a.txt"]
)
@pytest.mark.parametrize("damage", ["changed", "longer", "missing"])
def test_a_damaged_one_is_refused_with_the_entry(name, damage):
    entries = made()
    if damage == "missing":
        del entries[name]
    else:
        entries[name] = entries[name][:-1] + b"?" if damage == "changed" and entries[name] else entries[name] + b" "
    with pytest.raises(UnsafeArchive) as caught:
        read(entries)
    assert caught.value.errors[0][0] == name


def test_what_the_manifest_does_not_list_is_refused():
    with pytest.raises(UnsafeArchive, match=r"workspace/content/extra.*not in the manifest"):
        read(made() | {"workspace/content/extra": b"x"})


def test_entries_of_later_versions_are_checked_and_left_out():
    entries = made() | {"points.json": b"{}", "thoughts.jsonl": b"{}\n", "more/x": b"x"}
    found = read(listed(entries))
    assert found.tally.dropped == {"points.json": 1, "thoughts.jsonl": 1, "more": 1}
    with pytest.raises(UnsafeArchive, match=r"thoughts\.jsonl"):
        read(listed(entries) | {"thoughts.jsonl": b"other"})


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[]", b"{}", b'{"format": "researchmind", "format_version": 2, "entries": {}}',
     b'{"format": "researchmind", "format_version": 1, "entries": {"session.json": 1}}'],
)  # fmt: skip
def test_a_manifest_that_says_nothing(manifest):
    with pytest.raises(UnsafeArchive, match=r"manifest\.json"):
        read(made() | {"manifest.json": manifest})


@pytest.mark.parametrize("path", [b"../x", b"/x", b"a/../../x", b"a\x00b", b"a//b", b".", b"x" * 300, None])
def test_paths_in_the_manifest_lead_nowhere_else(path):
    name = "workspace-renamed/1"
    told = "%%%" if path is None else b64encode(path).decode()
    with pytest.raises(UnsafeArchive) as caught:
        read(listed(made() | {name: b"x"}, **{name: {"path": told}}))
    assert caught.value.errors[0][0] == name


def test_a_line_that_is_no_message():
    with pytest.raises(UnsafeArchive, match=r"Line 2 of messages\.jsonl"):
        read(listed(made() | {"messages.jsonl": b'{"role": "user"}\nnonsense\n'}))


def test_limits_are_those_of_the_server():
    with pytest.raises(TooLarge):
        read(made(files=[_file(b"content/a", bytes(range(256)) * 40)]), Limits(bytes=10_000))


def test_what_is_written_is_never_taken_for_a_bomb():
    """A transcript that compresses a thousandfold, and files of zeros, come back all the same."""
    messages = [Message("user", "a" * 5_000_000), Message("assistant", "a" * 5_000_000)]
    files = [_file(b"content/zeros", bytes(5_000_000)), WorkspaceFile(b"content/empty", 0, None)]
    data = b"".join(researchmind.write(Document("researchmind", "x", messages=messages, files=files)))
    (found,) = _documents(io.BytesIO(data), None)
    assert [len(message.content) for message in found.messages] == [5_000_000, 5_000_000]
    assert found.metadata["files"] == {b"content/zeros": bytes(5_000_000), b"content/empty": None}
    small = b"".join(researchmind.write(Document("researchmind", "x", messages=[Message("user", "word " * 9)] * 5_000)))
    assert len(small) < 100_000
