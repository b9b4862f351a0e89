"""What is no picture is named, and what to do about it: by the real beginnings of such files."""

import gzip
import io
import struct
import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from alflow.errors import InvalidInputError
from alflow.vlm.images import read_image


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return buffer.getvalue()


def media(brand: bytes, *others: bytes) -> bytes:
    return struct.pack(">I", 16 + 4 * len(others)) + b"ftyp" + brand + bytes(4) + b"".join(others) + bytes(64)


def tiff(**tags: int) -> bytes:
    """A gray TIFF of 8 x 8, with more tags, by number with a leading underscore."""
    every = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    every |= {int(name[1:]): value for name, value in tags.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(every.items()))
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + struct.pack("<H", len(every)) + entries + bytes(4)


FOREIGN = {
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS.*git lfs pull"),
    "annex": (b"/annex/objects/SHA256E-s1--abc.jpg\n", "git-annex.*git annex get"),
    "HTML": (b"<!DOCTYPE html><html><head><title>Sign in</title>", "an HTML page.*sign-in"),
    "HTML after a comment": (b"\xef\xbb\xbf\r\n<!-- made --><HTML><body>403", "an HTML page.*sign-in"),
    "XHTML": (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C"><html>', "an HTML page"),
    "HTML in UTF-16": ("\ufeff<html><body>no</body></html>".encode("utf-16-le"), "an HTML page"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>', r"\(SVG\).*convert it to PNG"),
    "SVG in XML": (b'<?xml version="1.0"?>\n<!-- x --><svg width="9"/>', r"\(SVG\)"),
    "SVG with a script": (b"<svg><script>1</script></svg>", r"\(SVG\)"),
    "XML": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML.*refuse"),
    "JSON": (b'{"error": "not found"}', "JSON"),
    "text": ("Zugriff verweigert: ä".encode(), "text"),
    "base64": (
        b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "base64",
    ),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "PDF after rubbish": (b"\0\1\2\3%PDF-1.4\n", "PDF"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n", r"\(EPS\)"),
    "EPS with a preview": (b"\xc5\xd0\xd3\xc6" + bytes(30), r"\(EPS\)"),
    "PSD": (b"8BPS\0\1" + bytes(40), r"\(PSD\)"),
    "JPEG XL": (b"\xff\x0a\xfa\x1f", "JPEG XL"),
    "JPEG XL in a box": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
    "ICO": (b"\0\0\1\0\1\0\x10\x10" + bytes(20), r"\(ICO\)"),
    "WMF": (b"\xd7\xcd\xc6\x9a" + bytes(20), r"\(WMF\)"),
    "EMF": (b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(20), r"\(EMF\)"),
    "DICOM": (bytes(128) + b"DICM" + bytes(20), "DICOM"),
    "EXR": (b"v/1\x01" + bytes(20), "OpenEXR"),
    "MP4": (media(b"isom", b"iso2", b"avc1"), "video.*frames"),
    "MOV": (media(b"qt  "), "video.*frames"),
    "old MOV": (b"\0\0\0\x08wide\0\0\0\x20mdat", "video"),
    "WebM": (b"\x1a\x45\xdf\xa3\x9fB\x86", "video"),
    "AVI": (b"RIFF\x24\0\0\0AVI LIST", "video"),
    "ZIP": (zipped(), "ZIP.*unpack"),
    "gzip": (gzip.compress(b"x"), "gzip.*unpack"),
    "CR2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(40), r"raw file \(CR2\).*develop"),
    "CR3": (media(b"crx ", b"isom"), r"raw file \(CR3\)"),
    "NEF": (tiff(_254=1, _330=8), "raw file.*develop"),
    "DNG": (tiff(_50706=1), r"raw file \(DNG\)"),
    "mosaic": (tiff(_262=32803), "raw data"),
    "cut TIFF": (tiff()[:30], "TIFF.*damaged"),
    "RAF": (b"FUJIFILMCCD-RAW 0201", r"raw file \(RAF\)"),
    "cut HEIC": (media(b"heic", b"mif1"), "HEIC"),
    "cut AVIF": (media(b"avif", b"mif1"), "AVIF"),
    "macOS": (b"\0\x05\x16\x07\0\2\0\0Mac OS X", "macOS"),
    "zeros": (bytes(5000), "zeros only.*again"),
    "cut JPEG": (b"\xff\xd8\xff\xe0", "JPEG.*12 bits.*damaged"),
    "LFS after a mark": (b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "annex in a link": (b"../.git/annex/objects/xx/yy/SHA256E-s1--abc.jpg", "git annex get"),
    "TGA": (b"\0\0\2\0" + bytes(40), r"\(TGA\)"),
    "CUR": (b"\0\0\2\0\1\0\x20\x20" + bytes(40), r"\(CUR\)"),
    "PCX": (b"\x0a\5\1\x08" + bytes(40), "PCX"),
    "RTF": (rb"{\rtf1 hello}", "but text"),
    "NIfTI": (bytes(344) + b"n+1\0", "NIfTI"),
    "cut PNG": (b"\x89PNG\r\n\x1a\n\0\0", "incomplete PNG.*again"),
    "noise": (bytes(range(7, 256)), "not an image in a known format"),
    "half a character at the end": (("ä" * 2048)[:2047].encode() + b"\xc3\xa4\xc3", "text"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_it_is_named_with_what_to_do(name: str) -> None:
    data, reason = FOREIGN[name]
    with pytest.raises(InvalidInputError, match=reason) as caught:
        read_image(data)
    assert str(caught.value).startswith("not an image")
    assert "\n" not in str(caught.value)


def test_a_plain_tiff_is_no_raw_file() -> None:
    assert read_image(tiff()).image.size == (8, 8)
    assert read_image(tiff(_254=0, _330=8)).image.size == (8, 8)


HEIF = """
import io, sys
from PIL import Image
pillow_heif = __import__("pillow_heif")
pillow_heif.register_heif_opener()
buffer = io.BytesIO()
Image.new("RGB", (64, 32), (255, 0, 0)).save(buffer, "HEIF", quality=90)
Image.OPEN.pop("HEIF")
sys.modules["pillow_heif"] = None
from alflow.errors import InvalidInputError
from alflow.vlm.images import read_image
try:
    read_image(buffer.getvalue())
except InvalidInputError as error:
    print(error)
"""


def test_heic_without_its_extra_is_named_with_the_remedy() -> None:
    pytest.importorskip("pillow_heif")
    done = subprocess.run([sys.executable, "-c", HEIF], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "not an image in a known format, but HEIC (HEIF): `pip install 'alflow[heif]'`, or convert it to JPEG\n"
    )


def heic(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "HEIF", **options)
    return buffer.getvalue()


def test_heic_is_read_with_its_extra() -> None:
    pytest.importorskip("pillow_heif")
    image = Image.new("RGB", (64, 32), (255, 0, 0))
    image.paste((0, 0, 255), (32, 0, 64, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    for options, size in (({}, (64, 32)), ({"exif": exif.tobytes()}, (32, 64))):
        picture = read_image(heic(image, quality=95, **options))
        assert (picture.width, picture.height) == picture.image.size == size
        red, _, blue = picture.image.getpixel((4, 4))
        assert red > 240
        assert blue < 15
    assert read_image(heic(image), longest=16).image.size == (16, 8)
    with pytest.raises(InvalidInputError, match="several"):
        read_image(heic(image, save_all=True, append_images=[image]))
    with pytest.raises(InvalidInputError, match=r"HEIC|truncated|decoded"):
        read_image(heic(Image.effect_noise((300, 300), 80).convert("RGB"))[:3000])
