"""Texts of pages with nothing to show yet: the next step, ready to copy."""

from collections.abc import Sequence
from html import escape
from shlex import quote

import streamlit as st

from alflow.domain.projects import ClassLabel, Project
from alflow.ui.door import password
from alflow.ui.door.prefix import below
from alflow.ui.parts import session
from alflow.workflow.projects import projects


def no_role() -> None:
    """The visitor has an account, and no role in any project."""
    st.title("Welcome to alflow")
    st.write("You have no role in any project yet. Ask an owner of a project for an invitation.")


def no_accounts() -> None:
    """The visitor signed in with the link of the terminal."""
    st.write(
        "There are no accounts yet: anyone with the link from the terminal can sign in, under any name, and may do "
        "everything. To work as a team, make yourself an owner; from then on people sign in with a password, and you "
        "invite them here."
    )
    name = escape(session.visitor().annotator.name)
    st.html(f'<p class="step"><a href="{below(password.PATH)}" target="_self">Make an account for {name}</a></p>')
    st.caption("Or in a terminal, for whom you want:")
    st.code("alflow people add NAME --role owner --all-projects", language=None, wrap_lines=True)


def require_classes(project: Project) -> Sequence[ClassLabel]:
    """The classes to answer with; where there is none, the page says how to add some and ends here."""
    classes = projects.project_classes(session.workspace(), project.id)
    if not classes:
        no_classes(project)
        st.stop()
    return classes


def no_classes(project: Project) -> None:
    """The project has no class to answer with."""
    st.header(session.escape(project.name), anchor=False)
    st.write("This project has no classes yet, so there is nothing to answer with.")
    st.code(f"alflow classes set cat dog frog --project {quote(project.name)}", language=None, wrap_lines=True)


def no_rounds(project: Project) -> None:
    """The project has never opened a round."""
    st.subheader("No round yet")
    st.write(
        "The first round opens by itself once there are images and classes, while `alflow up` runs. With a labelled "
        "test split the learning curve starts before the first label. To see what is missing:"
    )
    st.code(f"alflow status --project {quote(project.name)}", language=None, wrap_lines=True)


def no_known_classes(project: Project, split: str) -> None:
    """No image of the test split, or of the control slice, has a known class."""
    if split == "control":
        st.subheader("No control slice yet")
        st.write(
            "A share of every round is drawn at random. Once a round is closed, its random images show here how good "
            "the model was before it saw their labels."
        )
        st.code(f"alflow settings control_fraction=0.1 --project {quote(project.name)}", language=None, wrap_lines=True)
        return
    st.subheader("No test images with a known class")
    st.write(
        "Import labelled images into the test split, from folders named after the classes or with a manifest. They "
        "are never asked about and never fitted to. Without them, the control slice shows the same figures."
    )
    st.code(f"alflow import ./test --split test --project {quote(project.name)}", language=None, wrap_lines=True)


def no_images(project: Project) -> None:
    """The project has no image in any split."""
    st.write("This project has no images yet. Bring some under Images on the Project page, or in a terminal:")
    st.code(f"alflow import FOLDER --split pool --project {quote(project.name)}", language=None, wrap_lines=True)


def not_embedded(project: Project, why: str) -> None:
    """The page shows embedded images, and there is none, or they cannot be read."""
    st.write(f"There is nothing to show yet: {session.words(why)}.")
    st.code(f"alflow embed --project {quote(project.name)}", language=None, wrap_lines=True)
    st.caption("The schedule embeds what is imported by itself.")
