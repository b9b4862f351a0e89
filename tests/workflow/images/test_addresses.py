"""What a text means as an address, and what a manifest may name."""

from pathlib import Path

import pytest

from alflow.errors import InvalidInputError
from alflow.workflow.images.addresses import Address, parse, within


@pytest.fixture
def folder(tmp_path: Path) -> Address:
    """A folder on disk with `a.png` in it, and `secret.png` beside it."""
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.png").touch()
    (tmp_path / "secret.png").touch()
    return Address("file", str(tmp_path / "in"))


@pytest.mark.parametrize(
    "name",
    [
        "a b.png",
        "a%20b.png",
        "zip::b.png",
        "a::b.png",
        "100%.png",
        " a.png",
        "a.png ",
        "~",
        "\\b.png",
        "#1?.png",
        "http:a",
        "é.png",
        "a\u2028b.png",
    ],
)
def test_a_local_file_is_found_by_the_name_it_has(folder: Address, name: str) -> None:
    (Path(folder.path) / name).parent.mkdir(exist_ok=True, parents=True)
    (Path(folder.path) / name).touch()
    address = parse(name, folder)
    assert address.path == f"{folder.path}/{name}"
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.png", "a.png"),
        (" a.png ", "a.png"),
        ("./deep/../a.png", "deep/../a.png"),
        ("file://{folder}/a%2Epng", "a.png"),
        ("FILE://localhost{folder}/a.png", "a.png"),
        ("file:{folder}//a.png", "a.png"),
        ("/{folder}/a.png", "a.png"),
    ],
)
def test_texts_that_mean_a_file_of_the_folder(folder: Address, text: str, name: str) -> None:
    address = parse(text.format(folder=folder.path), folder)
    assert (address.path, within(address, folder)) == (f"{folder.path}/{name}", True)


def test_file_urls_are_percent_encoded_unless_a_file_is_called_so(folder: Address) -> None:
    url = f"file://{folder.path}/x%20y.png"
    assert parse(url).path == f"{folder.path}/x y.png"
    (Path(folder.path) / "x%20y.png").touch()
    assert parse(url).path == f"{folder.path}/x%20y.png"
    (Path(folder.path) / "x y.png").touch()
    assert parse(url).path == f"{folder.path}/x y.png"


@pytest.mark.parametrize(
    "text",
    [
        "../secret.png",
        "deep/../../secret.png",
        "{folder}/../secret.png",
        "file://{folder}/%2e%2e/secret.png",
        "/etc/passwd",
        "//etc/passwd",
        "link.png",
        "linked/secret.png",
        "~/secret.png",
        "zip://a.png::../all.zip",
        "tar://a.png::zip://x.tar::/data/all.zip",
        "https://host/a.png",
        "s3://bucket/a.png",
        "{folder}nextdoor/a.png",
    ],
)
def test_a_manifest_on_disk_is_confined_to_its_folder(folder: Address, text: str) -> None:
    (Path(folder.path) / "link.png").symlink_to("../secret.png")
    (Path(folder.path) / "linked").symlink_to("..", target_is_directory=True)
    assert not within(parse(text.format(folder=folder.path), folder), folder)


@pytest.mark.parametrize(
    ("folder", "text", "expected"),
    [
        ("https://host/dir", "a b#1.png", "https://host/dir/a b%231.png"),
        ("https://host/dir", "deep/../a.png?sig=x%2By", "https://host/dir/a.png?sig=x%2By"),
        ("https://host/dir", "img:1.png", "https://host/dir/img:1.png"),
        ("https://host/dir", "/dir/a.png", "https://host/dir/a.png"),
        ("https://Host/dir", "HTTPS://host:443/dir/a.png", "https://host:443/dir/a.png"),
        ("https://host", "a.png", "https://host/a.png"),
        ("s3://bucket/lists", "../images/a.png", "s3://bucket/images/a.png"),
        ("s3://bucket/lists", "/images/a.png", "s3://bucket/images/a.png"),
        ("gs://bucket", "a.png", "gs://bucket/a.png"),
        ("hf://datasets/me/cats@main/data", "../a.png", "hf://datasets/me/cats@main/a.png"),
        ("zip://lists::/data/all.zip", "../a.png", "zip://a.png::/data/all.zip"),
        ("zip://::https://host/all.zip?sig=x", "a.png", "zip://a.png::https://host/all.zip?sig=x"),
    ],
)
def test_rows_of_a_manifest_at_an_address(folder: str, text: str, expected: str) -> None:
    base = parse(folder)
    address = parse(text, base)
    assert (str(address), within(address, base)) == (expected, True)


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("https://host/dir", "../a.png"),
        ("https://host/dir", "/a.png"),
        ("https://host/dir", "/etc/passwd"),
        ("https://host/dir", "%2e%2e/a.png"),
        ("https://host/dir", "..%2fa.png"),
        ("https://host/dir", "..\\a.png"),
        ("https://host/dir", "//evil/dir/a.png"),
        ("https://host/dir", "https://evil/dir/a.png"),
        ("https://host/dir", "https://host@evil/dir/a.png"),
        ("https://host/dir", "https://host:8080/dir/a.png"),
        ("https://host/dir", "http://host/dir/a.png"),
        ("https://host/dir", "https://host.evil/dir/a.png"),
        ("https://host/dir", "https://host/director/a.png"),
        ("https://host/dir", "http://169.254.169.254/latest/meta-data"),
        ("https://host/dir", "file:///etc/passwd"),
        ("https://host/dir", "zip://a.png::/data/all.zip"),
        ("s3://bucket/lists", "s3://other/a.png"),
        ("s3://bucket/lists", "file:///etc/passwd"),
        ("hf://datasets/me/cats", "hf://datasets/me/dogs/a.png"),
        ("zip://::/data/all.zip", "file:///data/a.png"),
        ("zip://::/data/all.zip", "zip://a.png::/data/other.zip"),
    ],
)
def test_a_manifest_at_an_address_is_confined(folder: str, text: str) -> None:
    base = parse(folder)
    assert not within(parse(text, base), base)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no file"),
        (" \t", "names no file"),
        ("a\0b.png", "NUL"),
        ("file:///a%00b.png", "NUL"),
        ("x" * 256, "longer than 255 bytes"),
        ("é/" * 2000, "longer than 2600 bytes"),
        ("https://host/?" + "x" * 2600, "longer than 2600 bytes"),
        ("a\ud800.png", "not valid text"),
        ("file://server/share/a.png", "names another machine"),
        ("file://a.png", "names another machine"),
        ("https://", "names no file"),
        ("s3:///", "names no file"),
        ("s3://bucket/../other/a.png", "leads out of its bucket"),
        ("../../a.png", "leads out of its bucket"),
        ("https://ho st/a.png", "not the name of a machine"),
        ("zip://a.png", "needs an archive"),
        ("zip://a::" * 4 + "/data/all.zip", "more than 3 archives"),
        ("zip://a::" * 5000 + "/data/all.zip", "more than 3 archives"),
        ("~\ud800", "not a valid address"),
        ("tar://a.png::", "needs an archive"),
    ],
)
def test_what_is_no_address_is_said(text: str, message: str) -> None:
    base = Address("s3", "bucket/lists") if text.startswith("..") else None
    with pytest.raises(InvalidInputError, match=message):
        parse(text, base)


@pytest.mark.parametrize("text", ["//[", "//[a]/b.png", "//[::1"])
def test_rows_that_the_web_knows_no_machine_for(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a valid address"):
        parse(text, Address("https", "host/dir"))


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("github://owner:repo@main/a.png", "github"),
        ("ssh://host/a.png", "ssh"),
        ("sftp://host/a.png", "sftp"),
        ("ftp://host/a.png", "ftp"),
        ("smb://host/a.png", "smb"),
        ("memory://a.png", "memory"),
        ("local:///etc/passwd", "local"),
        ("gopher://x", "gopher"),
        ("reference://a::refs.json", "reference"),
        ("simplecache::https://host/a.png", "simplecache"),
        ("filecache://::https://host/a.png", "filecache"),
        ("zip://a.png::blockcache::https://host/a.zip", "blockcache"),
        ("zip://a.png::ftp://host/a.zip", "ftp"),
        ("data:image/png;base64,iVBORw0KGgo=", "data"),
        ("DATA:image/png;base64," + "A" * 9000, "DATA"),
        ("javascript://x", "javascript"),
    ],
)
def test_other_schemes_are_refused_by_name(text: str, scheme: str) -> None:
    with pytest.raises(InvalidInputError, match=f"does not read {scheme}://; it reads file, http, https, s3, .*tar"):
        parse(text)
