"""The pages before the gate: one small form each, plain HTML without a script."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alflow.errors import AlflowError, DeniedError, TryLaterError
from alflow.ui.door import onward
from alflow.ui.door.address import is_https
from alflow.ui.door.body import received
from alflow.ui.door.gate import Doorkeeper
from alflow.ui.door.prefix import below
from alflow.workflow.people import sign_in
from alflow.workflow.people.passwords import new_token
from alflow.workflow.people.tries import KNOWN_DAYS

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # the address may hold a token; the form's own POST needs its origin
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
PAGE = Template(Path(__file__).with_name("forms.html").read_text(encoding="utf-8"))
SECONDS_A_DAY = 86_400
LARGEST = 10_000


@dataclass(frozen=True)
class Field:
    """One input: its label, name, autocomplete hint for password managers, type and value; with choices a selection."""

    label: str
    name: str
    autocomplete: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()  # value, text


@dataclass(frozen=True)
class Entry:
    """One of a list of things, with what is said of it, and a button that sends a hidden field."""

    name: str
    details: str
    field: Field
    button: str


@dataclass(frozen=True)
class Form:
    """A form: its fields, target and texts; without a button there is nothing to send.

    `secret` is shown once, ready to copy; `entries` are listed below, each a form of its own with the same target.
    """

    title: str
    lead: str
    action: str = ""
    fields: Sequence[Field] = ()
    button: str = ""
    links: Sequence[tuple[str, str]] = ()  # text, address; the first as a button
    secret: str = ""
    entries: Sequence[Entry] = ()


def page(form: Form, problem: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The form, with the error of the last attempt."""
    body = PAGE.substitute(
        title=escape(form.title),
        lead=_words(form.lead),
        form=_secret(form.secret) + _form(form, problem) + "".join(_entry(form, each) for each in form.entries),
        links=_links(form.links),
    )
    return HTMLResponse(body, status, HEADERS | (headers or {}))


def refusal(form: Form, error: AlflowError) -> Response:
    """The form with the error, and the status that fits it."""
    if isinstance(error, TryLaterError):
        return page(form, str(error), 429, {"Retry-After": str(round(error.seconds) + 1)})
    return page(form, str(error), 403 if isinstance(error, DeniedError) else 422)


def enter(request: Request, token: str, where: str = onward.HOME) -> Response:
    """Redirect there, with the cookie of a new session; the browser's old session ends."""
    keeper = doorkeeper(request)
    if before := request.cookies.get(keeper.cookie):
        sign_in.sign_out(keeper.workspace, before)
    response = RedirectResponse(where, status_code=303)
    return keep(request, response, keeper.cookie, token, keeper.workspace.settings.session_days * SECONDS_A_DAY)


def device(request: Request) -> str:
    """The secret by which this browser is known; a new one if it has none."""
    return request.cookies.get(doorkeeper(request).device_cookie) or new_token()


def know(request: Request, response: Response, device: str) -> Response:
    """Set the cookie by which the browser is known from now on."""
    return keep(request, response, doorkeeper(request).device_cookie, device, KNOWN_DAYS * SECONDS_A_DAY)


def keep(request: Request, response: Response, cookie: str, value: str, seconds: float) -> Response:
    """Set a cookie that no script can read and no other site can send."""
    secure = is_https(request, doorkeeper(request).workspace.settings)
    response.set_cookie(cookie, value, max_age=round(seconds), httponly=True, samesite="lax", secure=secure)
    return response


def carried(name: str, value: str) -> list[Field]:
    """A hidden field of a form; empty if there is nothing to carry."""
    return [Field("", name, "off", "hidden", value)] if value else []


def doorkeeper(request: Request) -> Doorkeeper:
    """The doorkeeper of this server."""
    found = request.state.doorkeeper
    assert isinstance(found, Doorkeeper)
    return found


async def sent(request: Request) -> defaultdict[str, str]:
    """The fields of a form; anybody may send one.

    Raises:
        InvalidInputError: it is larger than any of ours.
    """
    body = await received(request, LARGEST, "This form")
    return defaultdict(str, parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _form(form: Form, problem: str) -> str:
    alert = f'<p role="alert">{_words(_sentence(problem))}</p>'
    if not form.button:
        return alert
    shown = [each for each in form.fields if each.kind != "hidden"]
    fields = [_field(each, first=each is next((one for one in shown if not one.value), None)) for each in form.fields]
    button = f"<button>{escape(form.button)}</button>"
    return f'<form method="post" action="{escape(below(form.action))}">{alert}{"".join(fields)}{button}</form>'


def _words(text: str) -> str:
    """With its commands shown as such."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _secret(secret: str) -> str:
    return f'<pre tabindex="0" aria-label="Shown once">{escape(secret)}</pre>' if secret else ""


def _entry(form: Form, entry: Entry) -> str:
    what = f"<div><b>{escape(entry.name)}</b><small>{escape(entry.details)}</small></div>"
    button = (
        f'<button class="plain" aria-label="{escape(f"{entry.button} {entry.name}")}">{escape(entry.button)}</button>'
    )
    sent = _field(entry.field, first=False)
    return f'<form class="entry" method="post" action="{escape(below(form.action))}">{what}{sent}{button}</form>'


def _sentence(problem: str) -> str:
    """An error's message, which begins in lower case, as a sentence of its own."""
    return f"{problem[:1].upper()}{problem[1:]}." if problem else ""


def _field(field: Field, *, first: bool) -> str:
    attributes = f'name="{escape(field.name)}" type="{field.kind}" value="{escape(field.value)}"'
    if field.kind == "hidden":
        return f"<input {attributes}>"
    hint = f"<small>{escape(field.hint)}</small>" if field.hint else ""
    if field.choices:
        options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in field.choices)
        return f'<label>{escape(field.label)}<select name="{escape(field.name)}">{options}</select>{hint}</label>'
    limit = 'maxlength="256"' if field.kind == "password" else 'maxlength="200"'
    more = f'required {limit} autocomplete="{field.autocomplete}" spellcheck="false"{" autofocus" if first else ""}'
    return f"<label>{escape(field.label)}<input {attributes} {more}>{hint}</label>"


def _links(links: Sequence[tuple[str, str]]) -> str:
    kinds = ['class="button" ', *[""] * len(links)]
    return "".join(
        f'<a {kind}href="{escape(below(to))}">{escape(words)}</a>'
        for (words, to), kind in zip(links, kinds, strict=False)
    )
