from alflow.workflow.operating.notice import FILE, LONGEST, notice
from alflow.workspace import Workspace


def test_the_first_line_of_the_file_is_told_and_nothing_without_it(workspace: Workspace) -> None:
    assert notice(workspace) == ""
    file = workspace.settings.home / FILE
    file.write_text("  Down at \x1b[1m18:00\n and this is not told\n", encoding="utf-8")
    assert notice(workspace) == r"Down at \x1b[1m18:00"
    file.write_bytes(b"\xff" + b"x" * 10_000)
    assert len(notice(workspace)) == LONGEST
    file.unlink()
    file.mkdir()
    assert notice(workspace) == ""
