"""Who may ask the API for what: tokens by role and scope, and what is no token (any more)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from alflow.accounts import OPERATOR, Role, Scope
from alflow.store import tables
from alflow.ui.door import access, allowances
from alflow.workflow.people import accounts as people
from alflow.workflow.people import sign_in, tokens
from alflow.workflow.people.erase import erase
from alflow.workflow.projects.projects import create_project
from tests.house import session_of
from tests.ui.routes.api.conftest import Api

MATRIX = {
    #                                    annotator           reviewer            engineer
    #                                    read  label         read  label         read label manage
    "GET ":                              [200, 200,          200, 200,           200, 200, 200],
    "GET /standing":                     [403, 403,          200, 200,           200, 200, 200],
    "GET /rounds":                       [403, 403,          200, 200,           200, 200, 200],
    "GET /rounds/1/candidates":          [403, 403,          200, 200,           200, 200, 200],
    "GET /rounds/9/candidates":          [403, 403,          404, 404,           404, 404, 404],
    "GET /images":                       [403, 403,          200, 200,           200, 200, 200],
    "GET /images/1":                     [403, 403,          200, 200,           200, 200, 200],
    "GET /images/1/rendition":           [200, 200,          200, 200,           200, 200, 200],
    "GET /images/1/original":            [422, 422,          422, 422,           422, 422, 422],
    "GET /images/999/rendition":         [404, 404,          404, 404,           404, 404, 404],
    "GET /labels":                       [403, 403,          200, 200,           200, 200, 200],
    "GET /labels?klass=1":               [403, 403,          422, 422,           422, 422, 422],
    "GET /changes":                      [403, 403,          200, 200,           200, 200, 200],
    "GET /predictions":                  [403, 403,          404, 404,           404, 404, 404],
    "POST /lease":                       [403, 200,          403, 200,           403, 200, 200],
    "POST /answers":                     [403, 422,          403, 422,           403, 422, 422],
    "POST /undo":                        [403, 422,          403, 422,           403, 422, 422],
    "POST /imports":                      [403, 403,          403, 403,           403, 403, 422],
    "POST /rounds":                      [403, 403,          405, 405,           405, 405, 405],
    "GET /nothing":                      [404, 404,          404, 404,           404, 404, 404],
    "GET /images/1234567890123456789012/rendition": [404, 404, 404, 404,         404, 404, 404],
}  # fmt: skip
WHO = [
    (Role.ANNOTATOR, Scope.READ),
    (Role.ANNOTATOR, Scope.LABEL),
    (Role.REVIEWER, Scope.READ),
    (Role.REVIEWER, Scope.LABEL),
    *((Role.ENGINEER, scope) for scope in Scope),
]


@pytest.mark.slow
def test_roles_and_scopes(on_sqlite: Api) -> None:
    for place, (role, scope) in enumerate(WHO):
        caller = on_sqlite.as_(on_sqlite.token(f"{role} {scope}", role, scope))
        found = {}
        for request in MATRIX:
            method, _, path = request.partition(" ")
            told = caller.get(path) if method == "GET" else caller.post(path, {})
            found[request] = told.status_code
            if told.status_code >= 400:
                assert set(told.json()) == {"error", "remedy"}, request
        assert found == {request: row[place] for request, row in MATRIX.items()}, (role, scope)


def test_every_route_of_the_api_is_in_this_matrix() -> None:
    asked = {request.partition(" ")[2].partition("?")[0] for request in MATRIX}
    for path in access.API:
        inside = path.removeprefix("/api/v1/projects/{project:int}")
        filled = inside.replace("{number:int}", "1").replace("{item:int}", "1").replace("{kind:str}", "rendition")
        assert filled in asked or path.startswith("/api/v1/label-studio/"), path


def test_a_token_of_another_project_opens_nothing_here(api: Api) -> None:
    other = create_project(api.workspace, "fish", "demo", "fp32")
    ada = api.person("Ada", Role.OWNER)
    people.set_role(api.workspace, other.id, ada, Role.OWNER, by=OPERATOR)
    _, secret = tokens.make_token(api.workspace, other.id, ada, "fish", Scope.MANAGE)
    told = api.as_(secret).get("")
    assert (told.status_code, told.json()["error"]) == (403, "this token is not for this project")
    mine = api.client.get("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"}).json()
    assert [each["name"] for each in mine] == ["fish"]
    # an image of birds by its number, through the project that the token is for
    path = f"/api/v1/projects/{other.id}/images/1"
    for what in ("", "/rendition"):
        assert api.client.get(path + what, headers={"Authorization": f"Bearer {secret}"}).status_code == 404


@pytest.mark.slow
def test_what_ends_a_token(api: Api) -> None:
    """Each of these at once, and a role that is given again does not bring it back."""

    def expire(_: int) -> None:
        with api.workspace.database.begin() as tx:
            past = datetime.now(UTC) - timedelta(seconds=1)
            tx.execute(update(tables.api_token).values(expires_at=past))

    def end(annotator: int) -> None:
        (mine,) = tokens.own_tokens(api.workspace, annotator)
        tokens.end_token(api.workspace, mine.id, by=OPERATOR)

    def lose_the_role(annotator: int) -> None:
        people.remove_member(api.workspace, api.project.id, annotator, by=OPERATOR)
        people.set_role(api.workspace, api.project.id, annotator, Role.REVIEWER, by=OPERATOR)

    def be_deactivated(annotator: int) -> None:
        people.set_active(api.workspace, annotator, active=False)
        people.set_active(api.workspace, annotator, active=True)

    for number, ending in enumerate([
        expire,
        end,
        lose_the_role,
        be_deactivated,
        lambda who: erase(api.workspace, who),
    ]):
        annotator = api.person(f"person {number}", Role.REVIEWER)
        _, secret = tokens.make_token(api.workspace, api.project.id, annotator, "tests", Scope.READ)
        before = api.as_(secret).get("")
        ending(annotator)
        after = api.as_(secret).get("")
        assert (before.status_code, after.status_code) == (200, 401), number
        assert after.headers["www-authenticate"] == 'Bearer realm="alflow"'


def test_a_lower_role_bounds_a_token_that_was_made_with_a_higher_one(api: Api) -> None:
    ada = api.person("Ada", Role.ENGINEER)
    _, secret = tokens.make_token(api.workspace, api.project.id, ada, "tests", Scope.MANAGE)
    people.set_role(api.workspace, api.project.id, ada, Role.ANNOTATOR, by=OPERATOR)
    asked = [api.as_(secret).get(path) for path in ("", "/rounds")]
    assert [each.status_code for each in asked] == [200, 403]


def test_what_is_no_token(on_sqlite: Api) -> None:
    secret = on_sqlite.token("Ada", Role.OWNER, Scope.READ)
    for shown in (
        "", "Bearer", "Bearer ", secret, f"Bearer {secret}x", f"Bearer {secret[:-1]}", f"Bearer {secret.upper()}",
        f"Token {secret}", "Bearer alflow_", f"Bearer {'x' * 5000}", "Basic", "Basic !!", "Basic Og==", "Bearer \xe4",
        f"Basic {base64.b64encode(secret.encode()).decode()}",
    ):  # fmt: skip
        told = on_sqlite.client.get(on_sqlite.path, headers={"Authorization": shown.encode("latin-1")})
        assert told.status_code == 401, shown
    for name in ("", "anything"):
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
        assert on_sqlite.client.get(on_sqlite.path, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert on_sqlite.client.get(f"{on_sqlite.path}?token={secret}").status_code == 401


@pytest.mark.slow
def test_the_api_knows_no_cookie_and_pages_know_no_token(on_sqlite: Api) -> None:
    ada = on_sqlite.person("Ada", Role.OWNER)
    cookie = {"Cookie": session_of(on_sqlite.workspace, ada)}
    _, secret = tokens.make_token(on_sqlite.workspace, on_sqlite.project.id, ada, "tests", Scope.MANAGE)
    token = {"Authorization": f"Bearer {secret}"}
    get = on_sqlite.client.get
    assert get(on_sqlite.path, headers=cookie).status_code == 401
    assert get("/tokens", headers=token).status_code == 401
    assert [get("/api/openapi.json", headers=one).status_code for one in (cookie, token, {})] == [200, 200, 401]


def test_a_page_of_another_site_is_refused_even_with_a_token(on_sqlite: Api) -> None:
    token = on_sqlite.token("Ada", Role.OWNER, Scope.READ)
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    told = on_sqlite.client.get(on_sqlite.path, headers=headers)
    assert (told.status_code, set(told.json())) == (403, {"error", "remedy"})
    assert "access-control-allow-origin" not in told.headers


def test_only_the_hash_is_kept_and_looked_up(api: Api) -> None:
    """What is compared is SHA-256 of what was shown, so that no time depends on how much of a guess is right."""
    secret = api.token("Ada", Role.OWNER, Scope.READ)
    with api.workspace.database.read() as tx:
        (row,) = tx.execute(text("SELECT * FROM api_token")).mappings()
    assert secret not in str(dict(row))
    assert row["token_hash"] == sign_in.token_hash(secret)
    assert len(row["token_hash"]) == 64


def test_use_is_noted_to_the_minute(api: Api) -> None:
    ada = api.person("Ada", Role.OWNER)
    _, secret = tokens.make_token(api.workspace, api.project.id, ada, "tests", Scope.READ)
    assert [each.used_at for each in tokens.own_tokens(api.workspace, ada)] == [None]
    api.as_(secret).get("")
    (first,) = tokens.own_tokens(api.workspace, ada)
    api.as_(secret).get("")
    assert first.used_at is not None
    assert tokens.own_tokens(api.workspace, ada) == [first]


def test_too_many_requests_of_one_person_are_refused(on_sqlite: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowances, "READS", allowances.Allowance(2, 0.001))
    caller = on_sqlite.as_(on_sqlite.token("Ada", Role.OWNER, Scope.READ))
    told = [caller.get("") for _ in range(3)]
    assert [each.status_code for each in told] == [200, 200, 429]
    assert int(told[-1].headers["retry-after"]) > 0
    other = on_sqlite.as_(on_sqlite.token("Bo", Role.ANNOTATOR, Scope.READ)).get("")
    assert other.status_code == 200
