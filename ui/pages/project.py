"""The Project page: what it holds, what happens next, and the export of its labels."""

import shlex
from html import escape

import streamlit as st

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.row_files import FORMATS
from alflow.workflow.answers import export
from alflow.workflow.rounds import review
from alflow.workflow.rounds.review import Overview
from alflow.workflow.rounds.stopping import in_words
from ui.parts import instructions, session
from ui.parts.empty import no_classes
from ui.parts.tables import table

SPLIT_HELP = {
    Split.POOL: "Unlabelled images that alflow may ask about",
    Split.TARGET: "Unlabelled images whose predictions matter: alflow asks about the images that improve these most",
    Split.TEST: "Labelled images, set apart to evaluate the model",
}
MIME = {".csv": "text/csv", ".jsonl": "application/jsonlines", ".parquet": "application/vnd.apache.parquet"}


def show(project: Project) -> None:
    """The project at a glance, and its exports."""
    overview = review.overview(session.workspace(), project.id)
    st.header(session.escape(project.name), anchor=False)
    st.caption(f"Since {project.created_at:%d %B %Y}. Waiting for {session.escape(overview.waiting_for)}.")
    if overview.trouble is not None:
        st.warning(f"Runs of this project fail: {session.escape(overview.trouble.message)}")
    _counts(overview)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _classes(overview)
    with right:
        _setup(overview)
        _export(overview)
    instructions.editor(project)
    instructions.remarks(project)
    _rejections(overview)
    _not_embedded(overview)


def _counts(overview: Overview) -> None:
    columns = st.columns(4)
    for column, split in zip(columns, Split, strict=False):
        count = f"{overview.counts.get(split, 0):,}"
        column.metric(split.value.capitalize(), count, help=SPLIT_HELP[split], border=True, height="stretch")
    columns[3].metric(
        "Labelled",
        f"{overview.n_settled:,}",
        help="Images that have all the answers they need",
        border=True,
        height="stretch",
    )


def _classes(overview: Overview) -> None:
    st.subheader("Classes")
    if not overview.classes:
        no_classes(overview.project)
        return
    most = max(overview.labels_per_class.values(), default=0) or 1
    rows = [
        {
            "Key": each.hot_key or "",
            "Class": each.display_name,
            "Labels": overview.labels_per_class.get(each.id, 0),
            "Prompts": "; ".join(each.prompts),
        }
        for each in overview.classes
    ]
    labels = st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most)
    config = {"Labels": labels, "Key": st.column_config.TextColumn(width=50)}
    height = 35 * min(len(rows) + 1, 23) + 3
    table(rows, "classes", column_config=config, height=height)


def _setup(overview: Overview) -> None:
    settings = overview.project.settings
    st.subheader("Set-up")
    facts = {
        "Model": f"{overview.project.model} ({overview.project.precision})",
        "Posterior": (overview.project.posterior or "none yet")[:12]
        + ("" if overview.posterior is None else f", {overview.posterior.words}"),
        "Strategy": settings.strategy,
        "Round": f"{settings.budget} images, {settings.control_fraction:.0%} of them drawn at random as control",
        "Answers per image": str(settings.votes),
        "Stops": in_words(settings),
    }
    if settings.gold_rate:
        facts["Checks"] = f"{settings.gold_rate:.0%} of the images shown"
    if overview.novel_share is not None:
        facts["Pool"] = f"{overview.novel_share:.0%} of the images are unlike the model's pretraining data"
    rows = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()]
    st.html(f'<dl class="facts">{"".join(rows)}</dl>')


def _export(overview: Overview) -> None:
    st.subheader("Export labels")
    project = overview.project
    workspace = session.workspace()
    suffix = st.radio("Format", list(FORMATS), horizontal=True, label_visibility="collapsed")
    st.download_button(
        f"Download labels as {suffix[1:].upper()}",
        data=lambda: export.encode_labels(export.label_rows(workspace, project.id), suffix),
        file_name=f"{project.name}-labels{suffix}",
        mime=MIME.get(suffix),
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption("One row per answer, with item, hash, class, annotator, time, round, strategy, score and posterior.")
    st.code(
        f"alflow export labels labels{suffix} --project {shlex.quote(project.name)}", language=None, wrap_lines=True
    )


def _rejections(overview: Overview) -> None:
    rejected = overview.rejections
    if not rejected:
        return
    with st.expander(f"Rejected files: {len(rejected):,}", icon=":material/block:"):
        rows = [{"File": each.uri, "Reason": each.reason, "At": each.at} for each in rejected]
        table(rows, "rejections")


def _not_embedded(overview: Overview) -> None:
    failed = overview.not_embedded
    if not failed:
        return
    with st.expander(f"Images that could not be embedded so far: {len(failed):,}", icon=":material/block:"):
        rows = [
            {"File": each.uri, "Reason": each.reason, "Tries": each.attempts, "Next try": each.next_at}
            for each in failed
        ]
        table(rows, "unembedded")
