from alflow.accounts import OPERATOR, Role, Visitor
from alflow.domain.answers import Annotator
from alflow.domain.projects import Project
from alflow.workflow.people import accounts as people
from alflow.workspace import Workspace


def member(workspace: Workspace, project: Project, name: str, role: Role) -> Visitor:
    account = people.add_account(workspace, name, email=f"{name}@example.org")
    people.set_role(workspace, project.id, account.annotator_id, role, by=OPERATOR)
    return Visitor(Annotator(account.annotator_id, name), "", {project.id: role})
