"""The names of people, and signing in under one."""

from alflow import text
from alflow.domain.answers import Annotator
from alflow.errors import InvalidInputError
from alflow.store.people import annotators, people
from alflow.workspace import Workspace


def sign_in(workspace: Workspace, name: str) -> Annotator:
    """The annotator of that name, made when new.

    Raises:
        InvalidInputError: the name is empty, longer than 200 characters, or holds characters one cannot see.
    """
    name = clean_name(name)
    with workspace.database.begin() as tx:
        return annotators.get_or_create(tx, name)


def clean_name(name: str) -> str:
    """The name as it is kept: single spaces.

    Raises:
        InvalidInputError: it is empty, longer than 200 characters, or holds characters one cannot see.
    """
    name = text.clean_name("a person's name", " ".join(name.split()))
    if len(people.login_of(name)) > text.LONGEST_NAME:  # some single characters stand for a whole sentence
        raise InvalidInputError(
            f"a person's name may have {text.LONGEST_NAME} visible characters; spelt out, {text.quoted(name)} has more"
        )
    return name
