"""What phones and browsers need to install the pages as an app: a manifest, and icons of the sizes they ask for.

Every address in the manifest is relative to it, so that it holds in whatever folder the pages are. It tells nothing of
the projects, so it is for everybody: browsers ask for it without a cookie.
"""

from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH: Final = "/manifest.webmanifest"
ICONS: Final = {"/icon-192.png": "192x192", "/icon-512.png": "512x512", "/icon-maskable.png": "512x512"}
TOUCH: Final = "/icon-touch.png"
"""For the home screen of an iPhone or iPad, which reads no manifest for it."""
_A_DAY: Final = {"Cache-Control": "private, max-age=86400"}
_FOLDER: Final = Path(__file__).with_name("icons")


def manifest(_: Request) -> Response:
    """The manifest of the app."""
    icons = [
        {"src": f".{path}", "sizes": sizes, "type": "image/png", "purpose": _purpose(path)}
        for path, sizes in ICONS.items()
    ]
    pages = (("Label", "./"), ("Grid", "./grid"))
    about = {
        "name": "alflow",
        "short_name": "alflow",
        "description": "Label images, those first that teach the model most.",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": "#0b6e63",
        "icons": icons,
        "shortcuts": [{"name": name, "url": url} for name, url in pages],
    }
    return JSONResponse(about, media_type="application/manifest+json", headers=_A_DAY)


def icon(request: Request) -> Response:
    """One of the icons."""
    return Response(_bytes(request.scope["path"][1:]), media_type="image/png", headers=_A_DAY)


_ANSWERS: Final = {PATH: manifest} | dict.fromkeys((*ICONS, TOUCH), icon)
ROUTES: Final = [Route(path, answer, methods=["GET"]) for path, answer in _ANSWERS.items()]


def _purpose(path: str) -> str:
    return "maskable" if "maskable" in path else "any"


@cache
def _bytes(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
