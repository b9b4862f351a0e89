import json
from pathlib import Path

import pytest

from alflow.commands import keeper
from alflow.commands.keeper import Log, is_mark, secrets_of


def test_a_log_is_bounded_and_every_piece_of_it_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_LOG_BYTES", 1000)
    log = Log(tmp_path / "part.log", frozenset())
    for number in range(200):
        log.write(f"line {number:040}")
    pieces = sorted(tmp_path.iterdir())
    assert [piece.name for piece in pieces] == ["part.log", *(f"part.log.{number}" for number in range(1, 5))]
    assert all(piece.stat().st_size <= 1000 for piece in pieces)
    assert {piece.stat().st_mode & 0o777 for piece in pieces} == {0o600}
    assert "199" in pieces[0].read_text()


def test_a_log_that_cannot_be_written_for_a_while_costs_lines_only(tmp_path: Path) -> None:
    log = Log(tmp_path / "folder" / "part.log", frozenset())
    log.write("lost")
    (tmp_path / "folder").mkdir()
    log.write("kept")
    log.stream.close()  # as after a write that failed on a full disk
    log.write("lost too")
    log.write("kept again")
    assert (tmp_path / "folder" / "part.log").read_text() == "kept\nkept again\n"


def test_where_lines_are_json_each_is(tmp_path: Path) -> None:
    log = Log(tmp_path / "part.log", frozenset({"sesame"}), as_json=True)
    log.mark("the web server: started")
    for line in ("", '{"message": "as it is"}', "  open sesame"):
        log.write(line)
    lines = (tmp_path / "part.log").read_text().splitlines()
    assert [json.loads(line)["message"].strip()[-15:] for line in lines] == ["server: started", "as it is", "open ***"]
    assert [is_mark(line) for line in lines] == [True, False, False]


@pytest.mark.parametrize(
    ("variables", "hidden"),
    [
        ({"ALFLOW_SIGN_IN_TOKEN": "abcdef"}, {"abcdef"}),
        ({"PREFECT_API_AUTH_STRING": "alflow:xyzxyz"}, {"alflow:xyzxyz", "alflow%3Axyzxyz", "xyzxyz"}),
        ({"PREFECT_API_KEY": "pnu_123456"}, {"pnu_123456"}),
        ({"ALFLOW_OIDC_CLIENT_SECRET": "o i"}, {"o%20i"}),
        ({"ALFLOW_DATABASE_URL": "postgresql+psycopg://ada:pa%40ss@h/db"}, {"pa%40ss", "pa@ss"}),
        ({"PREFECT_API_DATABASE_CONNECTION_URL": "postgresql://u:secret@h:5432/db"}, {"secret"}),
        ({"ALFLOW_PUBLIC_URL": "https://label.example.org:8443/a@b", "ALFLOW_HOME": "/data"}, set()),
        ({"ALFLOW_SIGN_IN_TOKEN": ""}, set()),
    ],
)
def test_secrets_are_known_by_the_names_of_variables_and_in_addresses(
    variables: dict[str, str], hidden: set[str]
) -> None:
    assert hidden <= secrets_of(variables)
    assert bool(secrets_of(variables)) == bool(hidden)
