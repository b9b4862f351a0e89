"""The Accept page: which images the model's word may stand for, on what evidence, and what the audit says of those."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from alflow.domain.certificates import Certificate
from alflow.domain.projects import Project
from alflow.errors import AlflowError
from alflow.ids import CertificateId, ClassId, ItemId
from alflow.text import plural
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.ui.parts.empty import require_classes
from alflow.ui.parts.figure import figure
from alflow.ui.parts.strips import strip
from alflow.ui.parts.tables import table
from alflow.ui.parts.unbiased import unbiased
from alflow.workflow.answers import certify
from alflow.workflow.answers.certify import Audit, Proposal
from alflow.workflow.answers.certifying import LEFT
from alflow.workflow.answers.quality import annotator_names
from alflow.workflow.projects import projects

CONFIDENCES: Final = {"90%": 0.1, "95%": 0.05, "99%": 0.01}
SHOWN: Final = 24


def show(project: Project) -> None:
    """What stands, what could be accepted, and what holds of the whole pool."""
    st.header("Accept")
    require_classes(project)
    told.tell(project)
    every = certify.all_certificates(session.workspace(), project.id)
    _standing(project, every)
    _proposal(project, stands=any(one.withdrawn_at is None for one in every))
    unbiased(project)
    _past(project, every)


def _standing(project: Project, every: Sequence[Certificate]) -> None:
    standing = next((one for one in every if one.withdrawn_at is None), None)
    if standing is None:
        st.caption(
            "Images that the model is sure enough of can be accepted as it says, with a bound on how many are wrong. "
            "None is accepted now."
        )
        return
    audit = certify.audit_of(session.workspace(), project.id, standing)
    st.subheader(f"Certificate {standing.id} stands")
    images, bound, slice_, audited = st.columns(4)
    images.metric("Accepted images", f"{standing.n_accepted:,}", f"of {standing.n_left:,} left", **_QUIET)
    each = "of each class" if standing.per_class else "of them"
    bound.metric("At most wrong", f"{standing.bound:.1%}", f"{each}, {1 - standing.delta:.0%} confidence", **_QUIET)
    slice_.metric("Random slice", standing.n_slice, f"model after round {standing.round_number}", **_QUIET)
    so_far = f"{audit.wrong} wrong, {audit.due} waiting" if audit.seen or audit.due else "with the next round"
    audited.metric("Audited", audit.seen, so_far, **_QUIET)
    if audit.alarm:
        st.error(
            f"The audit refutes the bound: {audit.wrong} of {audit.seen} are wrong, at least {audit.low:.1%} of all. "
            "Withdraw the certificate."
        )
    st.caption(
        "Every round draws its random images from the whole pool, accepted ones included: these are the audit. "
        "A person's answer always goes before the model's. "
        + (
            "This project fits accepted images too (fit_accepted)."
            if project.settings.fit_accepted
            else "No fit uses accepted images."
        )
    )
    with st.popover("Withdraw", icon=":material/undo:"), st.form(f"withdraw-{project.id}", border=False):
        st.text_input("Why", key=f"withdraw-why-{project.id}")
        st.form_submit_button("Withdraw the certificate", on_click=_withdraw, args=(project, standing.id))


def _proposal(project: Project, *, stands: bool) -> None:
    st.subheader("What could be accepted")
    left, middle, right = st.columns([1, 1, 2], vertical_alignment="bottom")
    percent = left.number_input(
        "At most wrong (%)", 0.1, 50.0, 100 * certify.BOUND, 0.5, key=f"bound-{project.id}", format="%.1f"
    )
    delta = CONFIDENCES[middle.selectbox("Confidence", list(CONFIDENCES), index=1, key=f"delta-{project.id}")]
    per_class = right.toggle("For each class by itself", key=f"per-class-{project.id}")
    try:
        with st.spinner("Asking the model about every image; what it said is kept."):
            found = certify.propose(session.workspace(), project.id, percent / 100, delta, per_class=per_class)
    except AlflowError as error:
        st.info(session.sentence(error))
        return
    names = {one.id: one.display_name for one in projects.project_classes(session.workspace(), project.id)}
    if found.refusal is not None:
        _refused(found)
    else:
        _offered(project, found, names, stands=stands)
    _chart(found)


def _refused(found: Proposal) -> None:
    st.warning(session.words(f"{found.refusal[:1].upper()}{found.refusal[1:]}." if found.refusal else ""))
    if found.needed is not None and found.needed.least is not None:
        least, likely = st.columns(2)
        least.metric("Further random labels, if all are right", f"{found.needed.least:,}", **_QUIET)
        likely.metric(
            "If the model errs as so far",
            "none" if found.needed.likely is None else f"{found.needed.likely:,}",
            "no number would do" if found.needed.likely is None else None,
            **_QUIET,
        )


def _offered(project: Project, found: Proposal, names: Mapping[ClassId, str], *, stands: bool) -> None:
    count, left = len(found.item_ids), found.said.count(LEFT)
    images, seen, threshold, drift = st.columns(4)
    images.metric("Images", f"{count:,}", f"{count / left:.0%} of {left:,} left", **_QUIET)
    wrong, n = sum(part.wrong for part in found.parts), sum(part.seen for part in found.parts)
    seen.metric("Wrong in the slice", f"{wrong} of {n}", "as sure as these", **_QUIET)
    lowest = min(part.threshold for part in found.parts)
    threshold.metric("Probability from", f"{lowest:.1%}", "least of the classes" if found.per_class else "", **_QUIET)
    drift.metric("Drift", f"p = {found.drift.p_value:.2f}", "none found", **_QUIET)
    if found.per_class:
        table(_parts(found, names), "parts", column_config=_COLUMNS)
    what = f"At most {found.bound:.1%} of {'each class' if found.per_class else 'them'} wrong"
    st.markdown(f"**{what}, with {1 - found.delta:.0%} confidence.** The least sure of these images:")
    shown = zip(found.item_ids[:SHOWN].tolist(), found.columns.tolist(), found.probabilities.tolist(), strict=False)
    of = found.said.class_ids
    strip(project, [(ItemId(item), f"{names.get(of[column], '?')} {p:.1%}") for item, column, p in shown])
    st.button(
        f"Accept {plural(count, 'image')}{' in place of these' if stands else ''}",
        type="primary",
        icon=":material/task_alt:",
        on_click=_accept,
        args=(project, found.bound, found.delta),
        kwargs={"per_class": found.per_class},
    )
    st.caption(
        "The confidence holds for a bound that was chosen before looking: whoever tries many and keeps the best has "
        "less. It needs no assumption about the model, but takes people's answers for right."
    )


def _parts(found: Proposal, names: Mapping[ClassId, str]) -> pd.DataFrame:
    return pd.DataFrame([
        {
            "Class": "all" if part.class_id is None else names.get(part.class_id, "?"),
            "Images": part.accepted,
            "Probability from": part.threshold,
            "Slice": part.seen,
            "Wrong": part.wrong,
        }
        for part in found.parts
    ])


def _chart(found: Proposal) -> None:
    """The share that is wrong among the surest images of the slice, as less sure ones are let in."""
    tested = found.examined
    if tested is None or not len(tested.thresholds):
        return
    low, high = certify.interval_of(tested.wrong, tested.seen)
    share = tested.left / max(1, found.said.count(LEFT))
    data = pd.DataFrame({
        "accepted": share,
        "wrong": tested.wrong / tested.seen,
        "from": low,
        "to": high,
        "probability from": tested.thresholds,
        "slice": tested.seen,
        "passed": ["passed" if one else "not passed" for one in tested.passed],
    })
    top = max(0.1, 3 * found.bound, float(data["wrong"].max()))
    y = alt.Y("wrong:Q", title="Wrong in the slice", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, top]))
    x = alt.X("accepted:Q", title="Share of the pool that would be accepted", axis=alt.Axis(format=".0%", grid=False))
    base = alt.Chart(data).encode(x=x)
    band = base.mark_area(opacity=0.15, color="#179c8c", clip=True).encode(y=alt.Y("from:Q", title=""), y2="to:Q")
    line = base.mark_line(color="#179c8c", strokeWidth=2, clip=True).encode(y=y)
    colour = alt.Color(
        "passed:N",
        title=None,
        scale=alt.Scale(domain=["passed", "not passed"], range=["#179c8c", "#8b8f97"]),
        legend=alt.Legend(orient="top", symbolType="circle"),
    )
    numbers = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("accepted", "wrong", "from", "to")]
    dots = base.mark_point(filled=True, size=28, opacity=1).encode(
        y=y, color=colour, tooltip=[*numbers, alt.Tooltip("probability from:Q", format=".3f"), "slice:Q", "passed:N"]
    )
    rule = (
        alt.Chart(pd.DataFrame({"bound": [found.bound]})).mark_rule(strokeDash=[4, 4], color="#888").encode(y="bound:Q")
    )
    figure(
        alt.layer(band, line, dots, rule).properties(height=280),
        key="accept-risk",
        data=data,
        reading="From left to right less sure images are let in. The line is the share of the random slice that is "
        "wrong among those as sure, its band a 95% interval at each point alone, the dashed line the bound. Where a "
        "point passed, the whole band need not lie below the bound: the test is one-sided and made in a fixed order. "
        "For all classes together.",
    )


def _past(project: Project, every: Sequence[Certificate]) -> None:
    gone = [one for one in every if one.withdrawn_at is not None]
    if not gone:
        return
    st.subheader("Withdrawn")
    people = annotator_names(session.workspace())
    audits: list[tuple[Certificate, Audit]] = [
        (one, certify.audit_of(session.workspace(), project.id, one)) for one in gone[:20]
    ]
    rows = [
        {
            "Certificate": one.id,
            "Images": one.n_accepted,
            "Bound": one.bound,
            "Confidence": 1 - one.delta,
            "Audited": audit.seen,
            "Wrong": audit.wrong,
            "Accepted": one.at,
            "By": people.get(one.annotator_id, "?"),
            "Withdrawn": one.withdrawn_at,
            "Why": one.withdrawn_why,
        }
        for one, audit in audits
    ]
    table(rows, "withdrawn", column_config=_COLUMNS)


def _accept(project: Project, bound: float, delta: float, *, per_class: bool) -> None:
    if not session.may(access.ACCEPT_IMAGES, project):  # there is no button: the message was forged
        return

    def accept() -> str:
        by = session.require_annotator().id
        made = certify.accept(session.workspace(), project.id, by, bound, delta, per_class=per_class)
        return f"{plural(made.n_accepted, 'image')} accepted with certificate {made.id}."

    told.act(project, accept)


def _withdraw(project: Project, certificate_id: CertificateId) -> None:
    """Withdraw what was on screen, and not what another reviewer has accepted in its place."""
    if not session.may(access.ACCEPT_IMAGES, project):
        return

    def withdraw() -> str:
        by, why = session.require_annotator().id, st.session_state[f"withdraw-why-{project.id}"]
        gone = certify.withdraw(session.workspace(), project.id, by, why, certificate_id)
        return f"Certificate {gone.id} is withdrawn."

    told.act(project, withdraw)


_QUIET: Final[dict[str, Any]] = {"delta_color": "off", "delta_arrow": "off", "border": True, "height": "stretch"}
_COLUMNS: Final = {
    "Probability from": st.column_config.NumberColumn(format="percent"),
    "Bound": st.column_config.NumberColumn(format="percent"),
    "Confidence": st.column_config.NumberColumn(format="percent"),
    "Accepted": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
    "Withdrawn": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
}
