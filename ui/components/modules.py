"""Components from their files; their scripts are ES modules, which pages import as they are: there is no build step.

The address of a module names the version of all of them, so that browsers keep it for good. Streamlit gets a few lines
that import the module of a component and hand on what it exports (loader.js).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.components.v2.types import ComponentRenderer

HERE: Final = Path(__file__).parent
PATH: Final = "/components/{version:str}/{module:path}"
FOREVER: Final = "private, max-age=31536000, immutable"
"""The Cache-Control of what never changes under its address."""
SHARED: Final = "shared"
FOLDERS: Final = ("deck", "finder", "gallery", "grid", "map", "saver", "uploader", SHARED)
KINDS: Final = frozenset({".html", ".css", ".js"})

FILES: Final[Mapping[str, bytes]] = {
    path.relative_to(HERE).as_posix(): path.read_bytes()
    for folder in FOLDERS
    for path in sorted((HERE / folder).iterdir())
    if path.suffix in KINDS
}
"""The files of all components, read once; requests are looked up here and open no file."""


def module(request: Request) -> Response:
    """A module of this version; there is no other."""
    name, version = request.path_params["module"], request.path_params["version"]
    if not name.endswith(".js") or name not in FILES or version != VERSION:
        return PlainTextResponse("There is no such module in this version: reload the page.", 404)
    return Response(FILES[name], media_type="text/javascript", headers={"Cache-Control": FOREVER})


ROUTES: Final = [Route(PATH, module, methods=["GET"])]


@cache
def component(folder: str, entry: str) -> ComponentRenderer:
    """The component of a folder, whose module `entry` exports how it is mounted.

    Registered at its first use, because Streamlit's runtime must exist then.
    """
    html = FILES[f"{folder}/{folder}.html"].decode()
    css = "".join(FILES[name].decode() for name in FILES if name.startswith(f"{folder}/") and name.endswith(".css"))
    return st.components.v2.component(f"alflow_{folder}", html=html, css=css, js=_loader(f"{folder}/{entry}"))


@cache
def version(folder: str) -> str:
    """Changes with every file that the component of this folder is made of."""
    return _hash(name for name in FILES if name.startswith((f"{folder}/", f"{SHARED}/")))


def _loader(module: str) -> str:
    address = f"./components/{VERSION}/{module}"
    return f"const ADDRESS = {json.dumps(address)};\n{(HERE / 'loader.js').read_text(encoding='utf-8')}"


def _hash(names: Iterable[str]) -> str:
    parts = (part for name in names for part in (name.encode(), FILES[name]))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


VERSION: Final = _hash(FILES)
