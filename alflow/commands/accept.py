"""`alflow accept ...`: images accepted as the model says, with a bound on how many of them are wrong."""

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alflow.commands.console import fail, new_app, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alflow.domain.certificates import Certificate
    from alflow.ids import ClassId
    from alflow.workflow.answers.certify import Audit, Proposal

_Bound = Annotated[float, typer.Option("--bound", help="Share of the accepted images that may be wrong.")]
_Delta = Annotated[float, typer.Option("--delta", help="The chance that more of them are.")]
_PerClass = Annotated[bool, typer.Option("--per-class", help="Let the bound hold for each class by itself.")]
_By = Annotated[str | None, typer.Option("--by", help="Who does it; by default the name you are logged in with.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = new_app("Accept images as the model says, with a bound on how many are wrong.")
    group.command("propose")(propose)
    group.command("confirm")(confirm)
    group.command("list")(list_certificates)
    group.command("withdraw")(withdraw)
    group.command("numbers")(numbers)
    app.add_typer(group, name="accept")


def propose(
    bound: _Bound = 0.02,
    delta: _Delta = 0.05,
    per_class: _PerClass = False,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Show what could be accepted, or how many further random labels that would need; nothing is changed.

    The threshold comes from the random control slice alone. The guarantee holds for a bound that is chosen before
    looking.
    """
    from alflow.workflow.answers.certify import propose as look

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    found = look(workspace, chosen.id, bound, delta, per_class=per_class)
    if as_json:
        show_json(_plain(found))
        return
    if found.refusal is not None:
        fail(found.refusal)
    count = plural(len(found.item_ids), "image")
    say(f"{count} could be accepted: at most {bound:.1%} of them wrong, with {1 - delta:.0%} confidence")
    from alflow.workflow.projects.projects import project_classes

    names = {one.id: one.name for one in project_classes(workspace, chosen.id)}
    _show_parts(found, names)
    say("accept them with `alflow accept confirm` and the same options")


def confirm(
    bound: _Bound = 0.02,
    delta: _Delta = 0.05,
    per_class: _PerClass = False,
    by: _By = None,
    project: ProjectName = None,
) -> None:
    """Accept what `alflow accept propose` shows; the certificate that stood until now is withdrawn.

    Accepted images have the model's class until a person gives another. Strategies leave them alone, the control slice
    of every round draws some of them, and no fit uses them unless the setting fit_accepted says so.
    """
    from alflow.workflow.answers.certify import accept
    from alflow.workflow.people.annotators import sign_in

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    made = accept(
        workspace, chosen.id, sign_in(workspace, by or getpass.getuser()).id, bound, delta, per_class=per_class
    )
    say(f"{plural(made.n_accepted, 'image')} accepted with certificate {made.id}")


def list_certificates(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List the certificates, the newest first, each with its audit."""
    from alflow.workflow.answers.certify import all_certificates, audit_of

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    every = [(one, audit_of(workspace, chosen.id, one)) for one in all_certificates(workspace, chosen.id)]
    if as_json:
        show_json([{"certificate": one, "audit": audit} for one, audit in every])
        return
    if not every:
        say("no certificate yet: see `alflow accept propose`")
        return
    show_table(
        ["certificate", "images", "bound", "confidence", "slice", "audited", "wrong", "at", "state"],
        [_row(one, audit) for one, audit in every],
    )


def withdraw(
    why: Annotated[str, typer.Option("--why", help="The reason, which stays with the certificate.")],
    by: _By = None,
    project: ProjectName = None,
) -> None:
    """Withdraw the certificate that stands, and with it everything that was accepted."""
    from alflow.workflow.answers.certify import withdraw as take_back
    from alflow.workflow.people.annotators import sign_in

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    gone = take_back(workspace, chosen.id, sign_in(workspace, by or getpass.getuser()).id, why)
    say(f"certificate {gone.id} is withdrawn: its {plural(gone.n_accepted, 'image')} wait for people again")


def numbers(
    width: Annotated[
        float, typer.Option("--width", help="Half the width of the interval that is wanted for the accuracy.")
    ] = 0.03,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Show accuracy, calibration and class shares of the whole pool, unbiased by what the strategy chose."""
    from alflow.workflow.answers.unbiased import unbiased
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    found, names = (
        unbiased(workspace, chosen.id),
        {one.id: one.name for one in project_classes(workspace, chosen.id)},
    )
    wanted = found.wanted(width)
    if as_json:
        shares = {names[one]: asdict(share) for one, share in found.shares.items()}
        show_json(asdict(found) | {"shares": shares, "wanted": wanted})
        return
    if not found.n_slice:
        say("no random image of the pool is answered yet, so nothing can be said of all of them")
    else:
        rows = [("accuracy", found.accuracy), ("overconfidence", found.overconfidence)]
        rows += [(f"share of {names[one]}", share) for one, share in found.shares.items()]
        rows.append(("without a class", found.without_class))
        show_table(["of the pool", "estimate", "from", "to"], [(name, *_ends(share)) for name, share in rows])
    drawn = plural(found.n_slice, "random label")
    say(f"{drawn}, {found.n_weighted} weighted; ±{width:.1%} for the accuracy takes {wanted}")


def _ends(share: Any) -> tuple[float, float, float]:
    """Of an estimate."""
    return share.value, share.low, share.high


def _plain(found: "Proposal") -> dict[str, Any]:
    images = [
        {"item_id": item, "class_id": class_id, "probability": probability}
        for item, (class_id, probability) in found.labels().items()
    ]
    drift = {"confidence": found.drift.confidence, "embeddings": found.drift.embeddings}
    return {
        "bound": found.bound,
        "delta": found.delta,
        "per_class": found.per_class,
        "refusal": found.refusal,
        "needed": found.needed,
        "drift": drift,
        "parts": found.parts,
        "images": images,
    }


def _show_parts(found: "Proposal", names: "Mapping[ClassId, str]") -> None:
    show_table(
        ["class", "threshold", "images", "of the slice", "wrong", "p-value"],
        [
            (
                "all" if part.class_id is None else names.get(part.class_id, "?"),
                part.threshold,
                part.accepted,
                part.seen,
                part.wrong,
                part.p_value,
            )
            for part in found.parts
        ],
    )


def _row(one: "Certificate", audit: "Audit") -> tuple[object, ...]:
    state = "stands" if one.withdrawn_at is None else f"withdrawn: {one.withdrawn_why}"
    if one.withdrawn_at is None and audit.alarm:
        state = "stands, but its audit refutes the bound"
    share = f"{1 - one.delta:.0%}"
    return one.id, one.n_accepted, f"{one.bound:.1%}", share, one.n_slice, audit.seen, audit.wrong, one.at, state
