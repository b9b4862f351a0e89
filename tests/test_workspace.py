from alflow.workspace import Workspace


def test_the_last_few_things_that_were_asked_for_are_made_once(workspace: Workspace) -> None:
    made: list[str] = []

    def ask(names: str) -> None:
        for name in names:
            assert workspace.keep(name, lambda name=name: made.append(name) or name) == name

    ask("abcdabcd")
    assert "".join(made) == "abcd"
    ask("aeab")  # e takes the place of b, which was asked for longest ago
    assert "".join(made) == "abcdeb"
