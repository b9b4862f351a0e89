"""What bytes are that are no picture alflow reads, by how they begin: said with what to do about it."""

import re
from collections.abc import Callable
from typing import Final

from PIL import Image, TiffImagePlugin

_CONVERT: Final = "convert it to PNG or JPEG"
_AN_ADDRESS: Final = "look at what its address or its download really gave"
_DAMAGED: Final = "copy or download it again"
_RAW: Final = "develop it to JPEG, PNG or TIFF"
_A_FRAME: Final = "save the wanted frames as pictures"
_PAGES: Final = "save its pages as PNG or JPEG"
_PULL: Final = "run `git lfs pull` where it came from"
_HEIF: Final = "`pip install 'alflow[heif]'`, or convert it to JPEG"

# Beginnings, longer ones first where one is part of another.
_BEGINNINGS: Final = (
    (b"%PDF", "a PDF document", _PAGES),
    (b"%!PS", "PostScript (EPS)", _CONVERT),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)", _CONVERT),
    (b"8BPS", "a Photoshop document (PSD)", _CONVERT),
    (b"gimp xcf", "a GIMP document (XCF)", _CONVERT),
    (b"\xff\x0a", "JPEG XL", _CONVERT),
    (b"\0\0\0\x0cJXL ", "JPEG XL", _CONVERT),
    (b"II\xbc\x01", "JPEG XR", _CONVERT),
    (b"\0\0\x01\0", "an icon (ICO)", _CONVERT),
    (b"\0\0\x02\0\0\0\0\0", "Targa (TGA)", _CONVERT),
    (b"\0\0\x03\0\0\0\0\0", "Targa (TGA)", _CONVERT),
    (b"\0\0\x0a\0\0\0\0\0", "Targa (TGA)", _CONVERT),
    (b"\0\x01\x01\0\0", "Targa (TGA)", _CONVERT),
    (b"\0\0\x02\0", "a cursor (CUR)", _CONVERT),
    (b"\x0a\x05\x01", "PCX", _CONVERT),
    (b"\x28\0\0\0", "a bitmap without its header (DIB)", _CONVERT),
    (b"P7\n", "PAM", _CONVERT),
    (b"icns", "an icon (ICNS)", _CONVERT),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)", _CONVERT),
    (b"\x01\0\x09\0\0\x03", "a Windows metafile (WMF)", _CONVERT),
    (b"#?RADIANCE", "Radiance HDR", _CONVERT),
    (b"#?RGBE", "Radiance HDR", _CONVERT),
    (b"v/1\x01", "OpenEXR", _CONVERT),
    (b"DDS ", "a DDS texture", _CONVERT),
    (b"\xabKTX", "a KTX texture", _CONVERT),
    (b"qoif", "QOI", _CONVERT),
    (b"BPG\xfb", "BPG", _CONVERT),
    (b"FLIF", "FLIF", _CONVERT),
    (b"AT&TFORM", "DjVu", _CONVERT),
    (b"\x01\xda", "SGI", _CONVERT),
    (b"\x59\xa6\x6a\x95", "a Sun raster", _CONVERT),
    (b"SIMPLE  =", "FITS", _CONVERT),
    (b"\x89HDF", "HDF5", "save its pictures as PNG or TIFF"),
    (b"\x93NUMPY", "a NumPy array", "save its pictures as PNG or TIFF"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)", _RAW),
    (b"IIRO", "a camera's raw file (ORF)", _RAW),
    (b"IIRS", "a camera's raw file (ORF)", _RAW),
    (b"MMOR", "a camera's raw file (ORF)", _RAW),
    (b"IIU\0", "a camera's raw file (RW2)", _RAW),
    (b"FOVb", "a camera's raw file (X3F)", _RAW),
    (b"\0MRM", "a camera's raw file (MRW)", _RAW),
    (b"\x1a\x45\xdf\xa3", "a video (WebM or Matroska)", _A_FRAME),
    (b"FLV\x01", "a video (FLV)", _A_FRAME),
    (b"\0\0\x01\xba", "a video (MPEG)", _A_FRAME),
    (b"\0\0\x01\xb3", "a video (MPEG)", _A_FRAME),
    (b"\x30\x26\xb2\x75", "a video (WMV)", _A_FRAME),
    (b"OggS", "an Ogg recording", _A_FRAME),
    (b"ID3", "a sound (MP3)", "leave it out"),
    (b"\xff\xfb", "a sound (MP3)", "leave it out"),
    (b"fLaC", "a sound (FLAC)", "leave it out"),
    (b"PK\x03\x04", "a ZIP archive or an office document", "unpack it"),
    (b"PK\x05\x06", "an empty ZIP archive", "leave it out"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it"),
    (b"BZh", "compressed by bzip2", "unpack it"),
    (b"\xfd7zXZ", "compressed by xz", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\xd0\xcf\x11\xe0", "an office document or Thumbs.db", "leave it out"),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file (._name)", "leave it out"),
    (b"\0\0\0\x01Bud1", "what macOS keeps of a folder (.DS_Store)", "leave it out"),
    (b"SQLite format 3", "a database", "leave it out"),
    (b"PAR1", "a Parquet table", "name it as a manifest, if it is one"),
    (b"\x7fELF", "a program", "leave it out"),
    (b"MZ", "a program", "leave it out"),
)
_LATER_MARKS: Final = (
    (8, b"CR\x02", "a camera's raw file (CR2)", _RAW),
    (128, b"DICM", "DICOM", "export its pictures as PNG"),
    (257, b"ustar", "a tar archive", "unpack it, or name it as `tar://`"),
    (40, b" EMF", "a Windows metafile (EMF)", _CONVERT),
    (344, b"n+1\0", "NIfTI", "export its slices as PNG"),
)
_UNUSUAL: Final = "of a camera's raw data, of unusual channels or compression, or damaged"
_PICTURES: Final = (
    (b"\xff\xd8", "a JPEG of another kind (12 bits, lossless, JPEG-LS), or damaged; save it as a usual JPEG"),
    (b"\x89PNG", f"a damaged or incomplete PNG; {_DAMAGED}"),
    (b"GIF8", f"a damaged or incomplete GIF; {_DAMAGED}"),
    (b"BM", f"a BMP of another kind, or damaged; {_CONVERT}"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 of unusual channels, or damaged; save it as RGB or gray"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 of unusual channels, or damaged; save it as RGB or gray"),
    (b"II*\0", f"a TIFF {_UNUSUAL}; save it with 8 bits a channel, as RGB or gray"),
    (b"MM\0*", f"a TIFF {_UNUSUAL}; save it with 8 bits a channel, as RGB or gray"),
    (b"II+\0", f"a TIFF {_UNUSUAL}; save it with 8 bits a channel, as RGB or gray"),
    (b"MM\0+", f"a TIFF {_UNUSUAL}; save it with 8 bits a channel, as RGB or gray"),
)
_BRANDS: Final = (
    (("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "mif2"), "HEIC (HEIF)", _HEIF),
    (("avif", "avis"), "AVIF", f"damaged, or this Pillow was built without AVIF: {_CONVERT}"),
    (("crx ",), "a camera's raw file (CR3)", _RAW),
    (("qt  ", "isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "M4A ", "dash", "3gp4", "3gp5"),
     "a video (MP4 or MOV)", _A_FRAME),
)  # fmt: skip
_MOV_ATOMS: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def what_it_is(data: bytes) -> str:
    """The reason why these bytes are no picture, with the remedy; for what no reader of pictures recognised."""
    for find in (_by_beginning, _by_container, _as_text):
        if found := find(data):
            what, remedy = found
            return f"not an image in a known format, but {what}: {remedy}"
    for beginning, what in _PICTURES:
        if data.startswith(beginning):
            return f"not an image that can be read: {what}"
    if not data.strip(b"\0"):
        return f"not an image: the file holds zeros only; {_DAMAGED}"
    return f"not an image in a known format, or damaged; {_CONVERT}, or {_DAMAGED}"


def raw_of_a_camera(image: Image.Image) -> str | None:
    """Why a TIFF is not what it seems: cameras keep their raw data in TIFF, with a thumbnail as its first picture."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    tags = image.tag_v2
    is_thumbnail = bool(_number(tags.get(254)) & 1) and 330 in tags  # a reduced picture, and others below it
    if 50706 in tags or is_thumbnail or _number(tags.get(262)) in {32803, 34892}:
        kind = "DNG" if 50706 in tags else "NEF, ARW, CR2 or the like"
        return f"not an image in a known format, but a camera's raw file ({kind}): {_RAW}"
    return None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _by_beginning(data: bytes) -> tuple[str, str] | None:
    for beginning, what, remedy in _BEGINNINGS:
        if data.startswith(beginning):
            return what, remedy
    for place, mark, what, remedy in _LATER_MARKS:
        if data.startswith(mark, place):
            return what, remedy
    return ("a PDF document", _PAGES) if b"%PDF-" in data[:1024] else None


def _by_container(data: bytes) -> tuple[str, str] | None:
    """RIFF and the boxes of ISO media files, which hold pictures, videos and sounds alike."""
    if data[:4] == b"RIFF":
        kind = {b"AVI ": ("a video (AVI)", _A_FRAME), b"WAVE": ("a sound (WAV)", "leave it out")}
        return kind.get(data[8:12], ("a damaged or incomplete WebP", _DAMAGED))
    if data[4:8] == b"ftyp":
        size = min(max(int.from_bytes(data[:4], "big"), 16), 256)
        brands = [data[at : at + 4].decode("latin-1") for at in (8, *range(16, size, 4))]
        for known, what, remedy in _BRANDS:  # the first brand says most: an AVIF is compatible with mif1
            if brands[0] in known:
                return _unless_it_is_read(what, remedy)
        for known, what, remedy in _BRANDS:
            if any(brand in known for brand in brands):
                return _unless_it_is_read(what, remedy)
        return f"a media file of the kind {brands[0].strip()!r}", _A_FRAME
    return ("a video (MOV)", _A_FRAME) if data[4:8] in _MOV_ATOMS else None


def _unless_it_is_read(what: str, remedy: str) -> tuple[str, str]:
    return ("a damaged or incomplete HEIC", _DAMAGED) if remedy == _HEIF and "HEIF" in Image.OPEN else (what, remedy)


def _as_text(data: bytes) -> tuple[str, str] | None:
    text = _text(data[:4096])
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    low = start.lower()
    for looks_so, what, remedy in _TEXTS:
        if looks_so(low):
            return what, remedy
    return "text", _AN_ADDRESS


_HTML: Final = re.compile(r"<(!doctype html|html|head|body|title|script)\b")
_SVG: Final = re.compile(r"<(svg|!doctype svg)\b")
_TEXTS: Final[tuple[tuple[Callable[[str], object], str, str], ...]] = (
    (_HTML.match, "an HTML page", "does its address ask for a sign-in, or show the picture on a page?"),
    (lambda low: low.startswith("<") and _SVG.search(low), "a drawing (SVG)", _CONVERT),
    (
        lambda low: low.startswith("<") and _HTML.search(low),
        "an HTML page",
        "does its address ask for a sign-in, or show the picture on a page?",
    ),
    (lambda low: low.startswith("<"), "XML", f"{_AN_ADDRESS}; object stores answer so when they refuse"),
    (re.compile(r"[\[{]\s*([\"\[{\]}\d-]|true|false|null|$)").match, "JSON", _AN_ADDRESS),
    (lambda low: low.startswith("version https://git-lfs"), "a pointer of Git LFS", _PULL),
    (lambda low: "annex/objects/" in low[:400], "a pointer of git-annex", "run `git annex get` where it came from"),
    (lambda low: low.startswith("#define "), "a bitmap in C (XBM)", _CONVERT),
    (
        lambda low: low.startswith("data:image/") or re.match(r"[a-z0-9+/=\s]{64,}$", low),
        "a picture written as text (base64)",
        "decode it",
    ),
)


def _text(data: bytes) -> str | None:
    """The beginning of a text in one of the usual encodings, or nothing."""
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    text = data[: len(data) // 2 * 2 if encoding == "utf-16" else None].decode(encoding, "ignore")
    lost = len(data) - len(text.encode(encoding)) if encoding == "utf-8" else 0
    odd = sum(not character.isprintable() and character not in "\t\r\n\f\ufeff" for character in text)
    return text if text and not odd and lost <= 3 else None  # a character may be cut at the end
