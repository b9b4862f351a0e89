"""A report as one HTML file that loads nothing: styles, figures and pictures are in it, and no program.

Every text from outside is escaped by the template; what slips through could still load and run nothing, since the page
forbids both to itself.
"""

import base64
import re
from datetime import datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.text import visible
from alflow.workflow.insight.report import plots, remarks
from alflow.workflow.insight.report.gather import Report
from alflow.workflow.insight.report.judged import Judged
from alflow.workflow.insight.report.plots import Plot, Point, Series

MEASURES: Final = {
    "accuracy": (
        "Accuracy",
        "Share of images whose most probable class is right: higher is better. The first point is the model before "
        "any label.",
        True,
    ),
    "nlpd": (
        "NLPD (nats)",
        "Negative log of the probability that the right class was given, on average: lower is better. It punishes "
        "sure errors.",
        False,
    ),
    "ece": (
        "Calibration error (ECE)",
        "How far the stated probability is from the share that is right, on average: lower is better, 0 is perfect.",
        True,
    ),
}
SPLITS: Final = {"test": "Test split", "control": "Control slice"}
VERDICTS: Final = {
    Verdict.CLASS: "named a class",
    Verdict.SKIP: "skipped",
    Verdict.UNSURE: "could not tell",
    Verdict.NONE: "said that no class fits",
    Verdict.BAD: "said that the image cannot be used",
}
ORIGINS: Final = {
    Origin.STRATEGY: "chosen by the strategy",
    Origin.CONTROL: "drawn at random, as control",
    Origin.PERSON: "chosen by hand",
    Origin.RESERVE: "asked extra, while the next round was prepared",
    Origin.GRID: "on pages of the grid through the pool, by their prediction",
}


class Curve(NamedTuple):
    """The figure of a measure, its name, how to read it, and whether it is a share."""

    measure: str
    name: str
    reading: str
    share: bool
    plot: Plot


def page(report: Report) -> str:
    """The HTML of a report."""
    return _template().render(
        report=report,
        names=report.scope.names,
        missing=remarks.missing(report),
        limits=remarks.limits(report),
        curves=_curves(report),
        reliability=_reliability(report.model.judged),
        people=_people(report),
        speeds=report.project.settings.show_speeds,
        splits=SPLITS,
        verdicts=VERDICTS,
        origins=ORIGINS,
        plots=plots,
    )


def file_name(report: Report) -> str:
    """What the file is called: the project's name in plain letters, and the round."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", report.project.name).strip("-")[:60] or "project"
    return f"{plain}-report{'' if report.scope.number is None else f'-round-{report.scope.number}'}.html"


def _curves(report: Report) -> list[Curve]:
    """The figure of each measure that is known."""
    found = []
    for measure, (name, reading, share) in MEASURES.items():
        series = [
            Series(
                shown,
                [
                    Point(one.n_labels, *one.metrics[measure])
                    for one in report.evaluations
                    if one.split == split and measure in one.metrics
                ],
            )
            for split, shown in SPLITS.items()
        ]
        if (drawn := plots.plot(series, "Labels", name, share=share)) is not None:
            found.append(Curve(measure, name, reading, share, drawn))
    return found


def _reliability(judged: Judged | None) -> Plot | None:
    if judged is None:
        return None
    most = max(one.items for one in judged.bins)
    points = [
        Point(one.confidence, one.accuracy, one.accuracy_low, one.accuracy_high, one.items / most)
        for one in judged.bins
    ]
    series = [Series(SPLITS[judged.source], points, joined=False)]
    return plots.plot(series, "Probability of the predicted class", "Share that is right", share=True, square=True)


def _people(report: Report) -> list[tuple[str, Any]]:
    """Who answered, by name if that is asked for, and their figures."""
    return [
        (one.annotator.name if report.names else f"Person {place}", one)
        for place, one in enumerate(report.answers.quality.annotators, 1)
    ]


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "percent": _percent,
        "number": _number,
        "day": _day,
        "moment": _moment,
        "duration": _duration,
        "data": _data,
    }
    return environment.get_template("page.html")


def _shown(value: Any) -> Any:
    """Text with what nobody can see written out; what is HTML already stays."""
    return visible(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%" if isfinite(value) else "not known"


def _number(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}" if isfinite(value) else "not known"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _moment(at: datetime) -> Markup:
    return Markup('<time datetime="{0}">{1}</time>').format(f"{at:%Y-%m-%dT%H:%MZ}", f"{at:%Y-%m-%d %H:%M} UTC")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"


def _data(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
