"""Archives as sources: read as folders, one member at a time, and never further than an image may be large."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from alflow.errors import InvalidInputError
from alflow.vlm.images import MAX_BYTES
from alflow.workflow.images import archives
from alflow.workflow.images.sources import entries, read_file

NAMES = ("cat/a.png", "cat/deep/b.png", "c d.png", "é.png")


def write_archive(path: Path, names: tuple[str, ...] = NAMES) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir("empty")
            for name in names:
                archive.writestr(name, name.encode())
        return path
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name in names:
            about = tarfile.TarInfo(name)
            about.size = len(name.encode())
            archive.addfile(about, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "ZIP", "Tar.GZ"])
def test_a_plain_archive_is_a_folder(tmp_path: Path, ending: str) -> None:
    path = write_archive(tmp_path / f"all.{ending.lower()}").rename(tmp_path / f"x::all.{ending}")
    source = entries(str(path))
    assert [(one.label, read_file(one.uri).decode()) for one in source.entries] == [
        ("cat", "cat/a.png"),
        ("cat", "cat/deep/b.png"),
        ("", "c d.png"),
        ("", "é.png"),
    ]
    assert (source.rejected, source.left_out) == ((), {})


def test_a_folder_and_a_file_of_an_archive(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "all.zip")
    assert [(one.uri, one.label) for one in entries(f"zip://cat::{path}").entries] == [
        (f"zip://cat/a.png::{path}", ""),
        (f"zip://cat/deep/b.png::{path}", "deep"),
    ]
    assert [one.uri for one in entries(f"zip://c d.png::{path}").entries] == [f"zip://c d.png::{path}"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("tree/cat/a.png", "tree/dog/b.png", "tree/c.png", ".DS_Store"), ["cat", "dog", ""]),
        (("cat/a.png", "cat/b.png"), ["cat", "cat"]),
        (("cat/a.png", "dog/deep/b.png"), ["cat", "dog"]),
        (("tree/cat/a.png", "b.png"), ["tree", ""]),
        (("tree\\cat\\a.png", "tree\\dog\\b.png", "tree\\empty\\"), ["cat", "dog"]),
        (("/cat/a.png", "/dog/b.png"), ["cat", "dog"]),
    ],
)
def test_labels_are_the_folders_of_what_was_packed(tmp_path: Path, names: tuple[str, ...], labels: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    assert [one.label for one in entries(str(tmp_path / "all.zip")).entries] == labels


@pytest.mark.parametrize(
    ("stored", "flag", "label"),
    [
        ("caf\u00e9".encode(), 0, "caf\u00e9"),  # by `zip`
        ("cafe\u0301".encode(), 0, "cafe\u0301"),  # by a Mac
        ("\u72ac".encode(), 0, "\u72ac"),
        ("caf\u00e9".encode(), 0x800, "caf\u00e9"),  # by Python, and by what says which text it is
        (b"caf\x82", 0, "caf\u00e9"),  # by old Windows tools
    ],
)
def test_names_are_read_as_they_were_packed(tmp_path: Path, stored: bytes, flag: int, label: str) -> None:
    path, held = tmp_path / "all.zip", "x" * len(stored)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{held}/a.png", b"picture")
        archive.writestr("wren/b.png", b"")
    packed = path.read_bytes().replace(held.encode(), stored)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = packed.index(mark) + place
        packed = packed[:at] + struct.pack("<H", flag) + packed[at + 2 :]
    path.write_bytes(packed)
    first, _ = entries(str(path)).entries
    assert (first.label, read_file(first.uri)) == (label, b"picture")


def test_a_name_that_no_address_can_hold_is_rejected(tmp_path: Path) -> None:
    source = entries(str(write_archive(tmp_path / "all.zip", ("a::b.png", "c.png"))))
    assert [one.uri for one in source.entries] == [f"zip://c.png::{tmp_path}/all.zip"]
    assert "rename it" in source.rejected[0].reason


def test_an_archive_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "all.zip")
    assert len(entries(str(path)).entries) == 4
    path.unlink()
    write_archive(path, ("new.png",))
    assert read_file(f"zip://new.png::{path}") == b"new.png"


def test_what_a_mac_and_others_add_is_left_out_by_count(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "all.zip", ("a.png", "__MACOSX/._a.png", ".DS_Store", "cat/.hidden/b.png"))
    source = entries(str(path))
    assert [one.uri for one in source.entries] == [f"zip://a.png::{path}"]
    assert source.left_out == {"files of __MACOSX": 1, "hidden files": 2}


def test_a_manifest_in_an_archive_names_its_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("lists/m.csv", "path\n../a.png\n/etc/passwd\nfile:///etc/passwd\n")
        archive.writestr("a.png", b"bytes")
    source = entries(f"zip://lists/m.csv::{tmp_path}/all.zip")
    assert [one.uri for one in source.entries] == [
        f"zip://a.png::{tmp_path}/all.zip",
        f"zip://etc/passwd::{tmp_path}/all.zip",
    ]
    assert [one.uri for one in source.rejected] == [f"zip://lists/m.csv::{tmp_path}/all.zip, row 4"]
    with pytest.raises(InvalidInputError, match="holds no file 'etc/passwd'"):
        read_file(source.entries[1].uri)


def test_a_tar_may_hold_links_and_things_that_are_no_files(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        about = tarfile.TarInfo("./a.png")
        about.size = 5
        archive.addfile(about, io.BytesIO(b"bytes"))
        for kind, name, target in (
            (tarfile.SYMTYPE, "link.png", "a.png"),
            (tarfile.SYMTYPE, "out.png", "/etc/passwd"),
            (tarfile.SYMTYPE, "self.png", "self.png"),
            (tarfile.FIFOTYPE, "pipe.png", ""),
            (tarfile.CHRTYPE, "device.png", ""),
        ):
            about = tarfile.TarInfo(name)
            about.type, about.linkname = kind, target
            archive.addfile(about)
    source = entries(str(tmp_path / "all.tar"))
    assert source.left_out == {"not files (pipes, sockets, devices)": 2}
    outcomes = {}
    for one in source.entries:
        try:
            outcomes[one.uri.partition("::")[0]] = read_file(one.uri)
        except InvalidInputError:
            outcomes[one.uri.partition("::")[0]] = b"refused"
    assert outcomes == {
        "tar://a.png": b"bytes",
        "tar://link.png": b"bytes",
        "tar://out.png": b"refused",
        "tar://self.png": b"refused",
    }


def test_one_member_that_cannot_be_read_spoils_no_other(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "all.zip", ("a.png", "locked.png", "torn.png", "b.png"))
    data = bytearray(path.read_bytes())
    for name, at, value in ((b"locked.png", 8, 1), (b"torn.png", 16, 77)):  # flag "encrypted"; another checksum
        central = data.index(b"PK\x01\x02", data.rindex(name) - 46)
        struct.pack_into("<H", data, central + at, value)
    path.write_bytes(data)
    good, bad = [], {}
    for one in entries(str(path)).entries:
        try:
            good.append(read_file(one.uri))
        except InvalidInputError as error:
            bad[one.uri.partition("::")[0]] = str(error)
    assert good == [b"a.png", b"b.png"]
    assert "encrypted: unpack the archive" in bad["zip://locked.png"]
    assert "CRC" in bad["zip://torn.png"]


@pytest.mark.parametrize("name", ["all.zip", "all.tar", "all.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, b"PK\x03\x04 cut", b"\x1f\x8b cut", b"<html>Sign in</html>"])
def test_what_is_no_archive_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    expected = "a web page" if b"html" in data else "archive, or damaged"
    with pytest.raises(InvalidInputError, match=f"^the archive [^ ]*{name} is .*{expected}"):
        entries(str(tmp_path / name))


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_cut_archive_is_damaged(tmp_path: Path, cut: float) -> None:
    for name in ("all.zip", "all.tar.gz"):
        path = write_archive(tmp_path / name)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
        with pytest.raises(InvalidInputError, match="damaged"):
            entries(str(path))


@pytest.mark.slow
def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(MAX_BYTES + 2**20))
    assert len(read_file(f"zip://a.png::{tmp_path}/bomb.zip")) == MAX_BYTES + 1
    monkeypatch.setattr(archives, "_SMALL", 2**20)
    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as tar:
        about = tarfile.TarInfo("a.png")
        about.size = 2**23
        tar.addfile(about, io.BytesIO(bytes(2**23)))
    with pytest.raises(InvalidInputError, match="unpacks to more than 200 times its size"):
        entries(str(tmp_path / "bomb.tar.gz"))


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = write_archive(tmp_path / "inner.tar.gz")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(inner, "inner.tar.gz")
    uri = f"tar://cat/a.png::zip://inner.tar.gz::{tmp_path}/outer.zip"
    assert read_file(uri) == b"cat/a.png"
    assert len(entries(f"zip://inner.tar.gz::{tmp_path}/outer.zip").entries) == 4


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("tar://x::{tmp}/notatar", "notatar: the file does not exist"),
        ("tar://x::{tmp}/text", "no tar archive, or damaged"),
        ("zip://x::{tmp}/text", "no zip archive, or damaged"),
        ("zip://x::{tmp}", "it is not a file"),
        ("zip://a.jpg::{tmp}/missing.zip", "missing.zip: the file does not exist"),
        ("zip://nowhere.png::{tmp}/all.zip", "holds no file 'nowhere.png'"),
        ("zip://cat::{tmp}/all.zip", "holds no file 'cat'"),
        ("zip://::{tmp}/all.zip", "holds no file ''"),
    ],
)
def test_addresses_that_name_nothing_are_a_reason(tmp_path: Path, uri: str, reason: str) -> None:
    write_archive(tmp_path / "all.zip")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(InvalidInputError, match=reason):
        read_file(uri.format(tmp=tmp_path))
