"""Sign in with an organisation's identity: Streamlit's own login, turned into a session like all others.

Streamlit's routes speak OpenID Connect with the provider (by Authlib) and leave what it verified in a signed cookie.
The sign-in page exchanges that for a session of alflow at once and deletes it, so that there is one kind of session,
which ends when it should. Who may come in is decided by the e-mail address, which the provider must have verified.
"""

import json
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import TOKENS_COOKIE_NAME, USER_COOKIE_NAME

from alflow.errors import DeniedError, InvalidInputError, UnavailableError
from alflow.settings import Settings
from alflow.ui.door import forms as door
from alflow.ui.door import onward
from alflow.workflow.people import sign_in
from alflow.workspace import Workspace

PATH: Final = "/sign-in/identity"
OFFER: Final = "Sign in with your organisation"
_SECONDS: Final = 600  # from here to the provider and back
_UNVERIFIED: Final = (
    "your organisation does not confirm that it has verified your e-mail address: ask whoever runs alflow"
)


def streamlit_secrets(settings: Settings) -> dict[str, Any]:
    """The settings of Streamlit's login; empty if no provider is set.

    Raises:
        InvalidInputError: a setting is missing.
        UnavailableError: Authlib is not installed.
    """
    if not settings.oidc_client_id:
        return {}
    if not (settings.oidc_client_secret and settings.oidc_metadata_url):
        raise InvalidInputError(
            "ALFLOW_OIDC_CLIENT_ID needs ALFLOW_OIDC_CLIENT_SECRET and ALFLOW_OIDC_METADATA_URL "
            "(the provider's address that ends in /.well-known/openid-configuration)"
        )
    if not settings.is_local and not settings.public_url:
        raise InvalidInputError("an identity provider sends people back to alflow: set ALFLOW_PUBLIC_URL")
    if find_spec("authlib") is None:
        raise UnavailableError("signing in with an identity needs Authlib: pip install 'alflow[oidc]'")
    return {
        "auth": {
            "redirect_uri": f"{settings.address}/oauth2callback",
            "cookie_secret": secrets.token_urlsafe(32),  # of this process: the cookie lives from one request to another
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret,
            "server_metadata_url": settings.oidc_metadata_url,
        }
    }


def start(request: Request) -> Response:
    """Redirect to the provider; the link that Streamlit's login needs is valid for two minutes, so it is made here."""
    response = RedirectResponse(f"/auth/login?provider={encode_provider_token('default')}", status_code=303)
    place = quote(onward.safe(request.query_params.get(onward.FIELD, "")))
    return door.keep(request, response, _cookie(request), place, _SECONDS)


ROUTES = [Route(PATH, start, methods=["GET"])]


def is_brought(request: Request) -> bool:
    """Whether the browser comes from Streamlit's login."""
    return USER_COOKIE_NAME in request.cookies


def enter(workspace: Workspace, request: Request) -> str:
    """Exchange the identity for a session; returns the token of its cookie.

    Raises:
        DeniedError: the identity is not fresh, its address is not verified, or nobody invited it.
        InvalidInputError: the address is not valid.
    """
    claims = _claims(request)
    email, verified, name = (claims.get(each) for each in ("email", "email_verified", "name"))
    if not isinstance(email, str) or not (verified is True or verified == "true"):  # some providers send the word
        raise DeniedError(_UNVERIFIED)
    return sign_in.sign_in_identity(workspace, email, name if isinstance(name, str) else "")


def place(request: Request) -> str:
    """Where the browser was going before it went to the provider."""
    return onward.safe(unquote(request.cookies.get(_cookie(request), "")))


def forget(request: Request, response: Response) -> Response:
    """Delete what Streamlit's login left, whose session is not ours, and what was kept on the way."""
    for name in request.cookies:
        if name.startswith((USER_COOKIE_NAME, TOKENS_COOKIE_NAME)) or name == _cookie(request):
            response.delete_cookie(name, httponly=True, samesite="lax")
    return response


def _cookie(request: Request) -> str:
    return f"{door.doorkeeper(request).cookie}_{onward.FIELD}"


def _claims(request: Request) -> Mapping[str, Any]:
    """What the provider said.

    Raises:
        DeniedError: the cookie was not made by this process a moment ago.
    """

    def signed(name: str) -> bytes | None:
        return decode_signed_value(
            get_cookie_secret(), name, request.cookies.get(name, ""), _SECONDS / door.SECONDS_A_DAY
        )

    found = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    if found is None:
        raise DeniedError("the sign-in took too long: try again")
    claims: Mapping[str, Any] = json.loads(found)
    return claims
