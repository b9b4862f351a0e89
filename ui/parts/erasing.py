"""On the People page: forget a person for good."""

from functools import partial

import streamlit as st

from alflow.domain.answers import Annotator
from alflow.domain.projects import Project
from alflow.errors import AlflowError, InvalidInputError
from alflow.text import plural
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.people.erase import erase, known_of, people_of


def erasing(project: Project) -> None:
    """Whom, what goes and what stays; it is done once the name is typed."""
    st.subheader("Forget somebody for good")
    told.tell(project)
    people = people_of(session.workspace(), project.id)
    who = st.selectbox(
        "Who", people, index=None, format_func=lambda one: one.name, key=f"erase-{project.id}", placeholder="Nobody"
    )
    if who is None:
        return
    try:
        known = known_of(session.workspace(), who.id, session.visitor())
    except AlflowError as error:
        st.info(session.sentence(error))
        return
    st.warning(
        "What goes for good, in all projects: name, login, e-mail address, password, sessions, API tokens, roles and "
        f"invitations. What stays, under a pseudonym: {plural(known.answers, 'answer')} in "
        f"{plural(known.projects, 'project')}."
    )
    written, typed = (f"erase-{what}-{who.id}" for what in ("remarks", "name"))
    if known.remarks:
        st.checkbox(f"Empty also what they wrote (comments, notes, reasons): {known.remarks:,}", key=written)
    with st.form(f"erase-{project.id}-{who.id}", border=False):
        st.text_input("Type the name of the person to forget them", autocomplete="off", key=typed)
        given = (project, partial(_forget, who), access.ERASE_PEOPLE)
        icon = ":material/person_off:"
        st.form_submit_button("Forget for good", icon=icon, type="primary", on_click=told.act, args=given)


def _forget(who: Annotator) -> str:
    """What became of it, in words.

    Raises:
        InvalidInputError: another name was typed.
    """
    kept = st.session_state
    if kept[f"erase-name-{who.id}"].strip() != who.name:
        raise InvalidInputError("this is not the name of the person: nothing was changed")
    comments = bool(kept.get(f"erase-remarks-{who.id}"))
    done = erase(session.workspace(), who.id, comments=comments, by=session.visitor())
    later = f"; later let somebody run `alflow people erase {done.name} --yes`, for the database is in use and still "
    return (
        f"{who.name} is forgotten; {plural(done.answers, 'answer')} of {done.name} stay"
        + ("" if done.rewritten else f"{later}holds deleted bytes")
        + ". Not erased: exported files, backups, logs, guidelines and other people's comments; look there yourself"
    )
