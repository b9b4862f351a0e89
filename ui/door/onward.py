"""The page that somebody wanted before they had to sign in: kept in the address, and always a page of this server."""

from typing import Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import HTTPConnection

SIGN_IN: Final = "/sign-in"
FIELD: Final = "next"
HOME: Final = "/"
LONGEST: Final = 2_000
_DOORS: Final = (SIGN_IN, "/sign-out", "/auth", "/oauth2callback")


def to_sign_in(connection: HTTPConnection) -> str:
    """The sign-in form's address, with the page that this request asks for."""
    if connection.scope.get("method") not in {"GET", "HEAD"}:
        return SIGN_IN
    query = connection.scope["query_string"].decode("latin-1")
    return with_place(SIGN_IN, quote(connection.scope["path"]) + (f"?{query}" if query else ""))


def with_place(address: str, place: str, **more: str) -> str:
    """The address with the page it carries; the first page and foreign addresses are left out."""
    fields = {name: value for name, value in more.items() if value}
    if safe(place) != HOME:
        fields[FIELD] = place
    return f"{address}?{urlencode(fields)}" if fields else address


def safe(place: str) -> str:
    r"""The place, where it is a page of this server; else the first page.

    A browser reads `//host`, `/\host` and `/<tab>/host` as another site's address, so whatever comes near is refused,
    also written in percents once or twice. The doors themselves are no place to go to either.
    """
    path = place.partition("#")[0].partition("?")[0]
    written = {path, once := unquote(path), unquote(once)}
    if len(place) > LONGEST or not place.isprintable() or " " in place or any(map(_leads_away, written)):
        return HOME
    return HOME if any(each == door or each.startswith(f"{door}/") for door in _DOORS for each in written) else place


def _leads_away(path: str) -> bool:
    return not path.startswith("/") or "//" in path or "\\" in path or not path.isprintable()
