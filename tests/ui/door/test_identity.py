"""Signing in with an identity, against an OpenID Connect provider on loopback: the whole way, over plain HTTP."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from oidc_provider_mock import User, run_server_in_thread

from alflow.accounts import OPERATOR, Role
from alflow.errors import InvalidInputError
from alflow.settings import Settings
from alflow.ui.door.identity import streamlit_secrets
from alflow.workflow.people import accounts as people
from alflow.workflow.people import invitations
from alflow.workflow.projects.projects import create_project
from alflow.workspace import Workspace
from tests.web import free_port, served

PEOPLE = {
    "ada": {"email": "Ada@Example.org", "email_verified": True, "name": "Ada Lovelace"},
    "bo": {"email": "ada@example.org", "email_verified": False, "name": "Bo"},
    "cy": {"email": "ada@example.org", "name": "Cy"},
    "dee": {"email": "dee@example.org", "email_verified": True, "name": "<b>Dee</b>"},
}


@dataclass(frozen=True)
class House:
    """A UI that knows the provider."""

    workspace: Workspace
    url: str


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home, port = tmp_path_factory.mktemp("identity"), free_port()
    workspace = Workspace.open(Settings(home=home, port=port))
    birds = create_project(workspace, "birds", "demo", "fp32")
    invitations.invite(workspace, birds.id, Role.REVIEWER, email="ada@example.org", by=OPERATOR)
    users = [User(sub=name, claims=dict(claims)) for name, claims in PEOPLE.items()]
    with run_server_in_thread(user_claims=users) as provider:
        metadata = f"http://localhost:{provider.server_port}/.well-known/openid-configuration"
        known = {"OIDC_CLIENT_ID": "alflow", "OIDC_CLIENT_SECRET": "secret", "OIDC_METADATA_URL": metadata}
        public = f"http://127.0.0.1:{port}{getattr(request, 'param', '')}"
        with served(home, port, **known, PUBLIC_URL=public):
            yield House(workspace, public)
    workspace.database.close()


class Browser:
    """Follows redirects and keeps cookies, as a browser does."""

    def __init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, address: str, **fields: str) -> tuple[int, str, str]:
        """Status, where it ended, and the page."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        request = urllib.request.Request(address, data, {"Accept": "text/html"})
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.url or "", error.read().decode()

    def sign_in(self, house: House, who: str, place: str = "") -> tuple[int, str, str]:
        """From our form to the provider's, and back."""
        _, provider, page = self.open(f"{house.url}/sign-in/identity?{urllib.parse.urlencode({'next': place})}")
        assert "Authorize" in page
        return self.open(provider, sub=who)


@pytest.mark.slow
@pytest.mark.parametrize("house", ["", "/alflow"], indirect=True)
def test_an_invited_identity_comes_in_with_the_invitations_role(house: House) -> None:
    browser = Browser()
    status, where, _ = browser.sign_in(house, "ada", "/rounds?project=birds")
    assert (status, where) == (200, f"{house.url}/rounds?project=birds")
    assert [cookie.name for cookie in browser.jar if cookie.name.startswith("_streamlit_user")] == []
    ((account, roles),) = people.list_accounts(house.workspace)
    assert (account.name, account.email, roles) == ("Ada Lovelace", "ada@example.org", {"birds": "reviewer"})
    assert browser.open(f"{house.url}/sign-out", pressed="yes")[1] == f"{house.url}/sign-in"
    assert browser.open(house.url)[1] == f"{house.url}/sign-in"  # nobody is signed in again behind one's back
    people.set_active(house.workspace, account.annotator_id, active=False)
    assert "deactivated" in browser.sign_in(house, "ada")[2]
    people.set_active(house.workspace, account.annotator_id, active=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "why"), [("bo", "has verified"), ("cy", "has verified"), ("dee", "Nobody has invited dee@example.org")]
)
def test_any_other_identity_stays_outside(house: House, who: str, why: str) -> None:
    browser = Browser()
    status, where, page = browser.sign_in(house, who)
    assert (status, where) == (403, f"{house.url}/sign-in")
    assert why in page
    assert [cookie.name for cookie in browser.jar if not cookie.name.startswith("_streamlit_session")] == []


@pytest.mark.slow
def test_a_cookie_of_ones_own_making_is_no_identity(house: House) -> None:
    request = urllib.request.Request(f"{house.url}/sign-in", headers={"Cookie": "_streamlit_user=ImFkYSI.x.y"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    whole = {"oidc_client_id": "a", "oidc_client_secret": "b", "oidc_metadata_url": "c"}
    assert streamlit_secrets(Settings(home=tmp_path)) == {}
    for name in ("oidc_client_secret", "oidc_metadata_url"):
        with pytest.raises(InvalidInputError, match=name.upper()):
            streamlit_secrets(Settings(home=tmp_path, **whole | {name: ""}))
    with pytest.raises(InvalidInputError, match="ALFLOW_PUBLIC_URL"):
        streamlit_secrets(Settings(home=tmp_path, host="0.0.0.0", **whole))
    public = Settings(home=tmp_path, host="0.0.0.0", public_url="https://label.example.org/", **whole)
    assert streamlit_secrets(public)["auth"]["redirect_uri"] == "https://label.example.org/oauth2callback"
