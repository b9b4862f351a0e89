from alflow.workflow.people.annotators import sign_in
from alflow.workflow.people.erase import erase
from alflow.workflow.people.hints import Hint, is_due, put_away
from alflow.workspace import Workspace


def test_a_hint_is_due_until_its_person_puts_it_away(each_workspace: Workspace) -> None:
    ada, bo = sign_in(each_workspace, "Ada"), sign_in(each_workspace, "Bo")
    assert is_due(each_workspace, ada.id, Hint.WELCOME)
    for _ in range(2):
        put_away(each_workspace, ada.id, Hint.WELCOME)
        assert not is_due(each_workspace, ada.id, Hint.WELCOME)
    assert is_due(each_workspace, bo.id, Hint.WELCOME)


def test_who_put_a_hint_away_can_be_forgotten(each_workspace: Workspace) -> None:
    ada = sign_in(each_workspace, "Ada")
    put_away(each_workspace, ada.id, Hint.WELCOME)
    erase(each_workspace, ada.id)
    assert is_due(each_workspace, sign_in(each_workspace, "Ada").id, Hint.WELCOME)
