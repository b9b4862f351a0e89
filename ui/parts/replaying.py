"""On the Rounds page: plan a past round once more from what was kept with it, and see whether it asks the same."""

import streamlit as st

from alflow.domain.projects import Project
from alflow.domain.rounds import Round
from alflow.ui.door import access
from alflow.ui.parts import beside, session


def replaying(project: Project, round_: Round) -> None:
    """The button, and what became of the last replay of this round."""
    if not session.may(access.RUN_PROJECT, project):
        return
    number, kind = round_.number, f"replay {round_.id}"  # a round that is dropped leaves its number to another one
    arguments = ["replay", str(number), f"--project={project.name}"]
    title, opened = f"Is round {number} what its inputs give?", beside.is_fresh(project, kind)
    with st.expander(title, icon=":material/replay:", expanded=opened):
        st.caption(
            "The round is planned once more from what was kept with it. Its picks, their order and the scores are "
            "compared with what it asked about: identical, or what differs and why. Nothing is stored."
        )
        given = (project, kind, arguments, access.RUN_PROJECT)
        st.button(f"Replay round {number}", on_click=beside.start, args=given, key=f"replay-{project.id}-{number}")
        done = beside.ended(project, kind, "It is planned once more; that goes on when this page is left.")
        if done is None:
            return
        if not done.said:
            st.warning(session.sentence(done.fault))
            return
        first, *more = done.said.splitlines()
        (st.warning if done.fault else st.success)(session.sentence(first))
        st.markdown("\n".join(f"- {session.sentence(line.strip())}" for line in more))
