"""Archives made to do harm: each is refused, by name, before anything is unpacked."""

import io
import stat
import struct
import tracemalloc
import zipfile

import pytest

from sessions.exceptions import Invalid, TooLarge, UnsafeArchive
from sessions.formats import archive
from sessions.formats.archive import Limits, opened


def zip_of(*names: str, data: bytes = b"x", **options) -> bytes:
    """A zip with an entry of each name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as made:
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.compress_type = options.get("compression", zipfile.ZIP_STORED)
            made.writestr(info, data)
    return buffer.getvalue()


def read(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    """Everything that is in an archive, if it is harmless."""
    with opened(io.BytesIO(data), limits) as found:
        return {info.filename: b"".join(archive.blocks(found, info)) for info in found.infolist()}


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """The archive with a field of its first central record set."""
    start = data.index(b"PK\x01\x02") + at
    return data[:start] + struct.pack(form, value) + data[start + struct.calcsize(form) :]


def test_a_harmless_one_is_read():
    assert read(zip_of("a/b.txt", "ä.txt", "empty/")) == {"a/b.txt": b"x", "ä.txt": b"x", "empty/": b"x"}
    assert read(zip_of()) == {}


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a\\..\\x",
        "C:/x",
        "a//b",
        "./x",
        "x" * 300,
        "/".join("a" * 200),
        "a/..",
        "..",
    ],
)
def test_names_that_lead_elsewhere(name):
    with pytest.raises(UnsafeArchive) as caught:
        read(zip_of("fine.txt", name))
    assert caught.value.errors[0][0].startswith(name.encode("unicode_escape").decode()[:50])


def test_a_nul_in_a_name():
    with pytest.raises(UnsafeArchive):
        read(zip_of("ab.txt").replace(b"ab.txt", b"a\x00.txt"))


@pytest.mark.parametrize("names", [("A.txt", "a.TXT"), ("a/b", "a/b"), ("straße", "STRASSE"), ("x", "x/")])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_collide(names):
    with pytest.raises(UnsafeArchive, match="same name"):
        read(zip_of(*names))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices(kind):
    data = patched(zip_of("link", data=b"/etc/passwd"), 38, "<L", (kind | 0o777) << 16)
    with pytest.raises(UnsafeArchive, match="“link”"):
        read(data)


def test_encrypted_and_oddly_compressed_entries():
    with pytest.raises(UnsafeArchive, match="encrypted"):
        read(patched(zip_of("a"), 8, "<H", 1))
    with pytest.raises(UnsafeArchive, match="compressed in a way"):
        read(zip_of("a", compression=zipfile.ZIP_LZMA))


def test_a_bomb_is_refused_unread():
    data = zip_of("fine", "bomb", data=bytes(30 * 2**20), compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(TooLarge, match="“fine”"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    tracemalloc.stop()


def test_too_much_altogether():
    data = zip_of(*"abcdef", data=bytes(range(256)) * 400)
    assert len(read(data)) == 6
    with pytest.raises(TooLarge, match="“f”"):
        read(data, Limits(bytes=102_400 * 5 + 1))


def test_too_many_entries_are_refused_before_they_are_listed():
    data = zip_of(*(str(number) for number in range(2_001)))
    tracemalloc.start()
    with pytest.raises(TooLarge, match="2,000 entries"):
        read(data, Limits(entries=2_000))
    assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    tracemalloc.stop()
    end = data.rindex(b"PK\x05\x06")
    lying = data[: end + 8] + struct.pack("<2H", 1, 1) + data[end + 12 :]
    with pytest.raises(TooLarge):
        read(lying, Limits(entries=2_000))


@pytest.mark.parametrize("at", [20, 24], ids=["packed", "unpacked"])
@pytest.mark.parametrize("size", [0, 1, 5, 4_000_000_000])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_false_sizes(at, size, compression):
    data = patched(zip_of("a", data=b"hello, hello, hello", compression=compression), at, "<L", size)
    with pytest.raises((UnsafeArchive, TooLarge)):
        read(data)


def test_entries_that_overlap():
    """Two entries of the list that stand at the same place (a bomb's trick)."""
    data = zip_of("a", "b", data=b"hello")
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    place = data[first + 42 : first + 46]
    with pytest.raises(UnsafeArchive):
        read(data[: second + 42] + place + data[second + 46 :])
    inside = data[: second + 42] + struct.pack("<L", 5) + data[second + 46 :]
    with pytest.raises(UnsafeArchive):
        read(inside)


@pytest.mark.parametrize("keep", [0, 3, 21, 40, -1, -21, -30])
def test_what_is_cut_off(keep):
    data = zip_of("a", "b", data=b"hello" * 20)
    with pytest.raises(Invalid):
        read(data[:keep])


def test_a_byte_that_has_turned():
    """Wherever it is, the archive is read as it was written or refused with one of our own errors."""
    data = zip_of("a.txt", "b.txt", data=b"hello world " * 5, compression=zipfile.ZIP_DEFLATED)
    whole = read(data)
    for place in range(len(data)):
        turned = bytearray(data)
        turned[place] ^= 0xFF
        try:
            found = read(bytes(turned))
        except (Invalid, TooLarge):
            continue
        assert set(found.values()) <= set(whole.values()), place
