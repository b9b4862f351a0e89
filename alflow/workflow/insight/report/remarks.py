"""What a report cannot say yet, with the remedy, and how far what it says can be trusted."""

from alflow.domain.images import Split
from alflow.domain.rounds import RoundState
from alflow.text import plural
from alflow.workflow.insight.report.gather import Report

FEW_IMAGES = 100
"""With fewer images to judge by, the interval of an accuracy is some ten points wide, or wider."""
FEW_OF_A_CLASS = 10


def missing(report: Report) -> list[str]:
    """What the project lacks: each in a sentence that ends with what to do."""
    images, answers, model = report.images, report.answers, report.model
    pool, target, test = (images.counts[split] for split in (Split.POOL, Split.TARGET, Split.TEST))
    votes = answers.quality.shared
    found = [
        (len(report.scope.classes) < 2, "There are fewer than two classes: add them (alflow classes set)."),
        (not pool, "There are no images to ask about: import some (alflow import FOLDER --split pool)."),
        (
            not images.known,
            (f"None of the {test:,} images of the test split has a known class" if test else "There is no test split")
            + ": import labelled images to judge the model on (alflow import FOLDER --split test).",
        ),
        (
            not target,
            "There are no target images: the pool itself is aimed at; import the images that matter if they differ "
            "from the pool (alflow import FOLDER --split target).",
        ),
        (model.missing is not None, f"The model says nothing yet: {model.missing}."),
        (not report.rounds, "No round was opened: alflow up, or alflow round open, opens the first."),
        (bool(report.rounds) and not model.number, "No round is closed: label what the open one asks."),
        (bool(report.rounds) and not answers.count, "Nobody has answered: open the Label page (alflow up)."),
        (
            bool(answers.count) and not votes,
            "No image has the votes of two people, so agreement is not known: ask for more answers per image "
            "(alflow settings votes=2), or for another vote on the Quality page.",
        ),
        (
            bool(report.rounds) and not any(one.split == "control" for one in report.evaluations),
            "Nothing was judged on images that were drawn at random: keep the control fraction above 0, and close a "
            "round.",
        ),
    ]
    return [sentence for lacks, sentence in found if lacks]


def limits(report: Report) -> list[str]:
    """How far to trust the numbers: what holds of every report, then what holds of this one."""
    return [*_always(), *_of_this(report)]


def _always() -> list[str]:
    return [
        "Each image has one class. Boxes, masks and several classes per image are not known here.",
        "Intervals hold 95%. They say how far chance in the images that were judged could move a number, not what "
        "happens on images of another kind.",
        "The images that a strategy chose are not a random sample: the share of a class among the labels is not its "
        "share in the pool. The control slice is drawn at random.",
        "Uncertainty is what the model makes of its own prediction. How well that holds is shown under calibration.",
        "Hours are the time that images were on screen, pauses included.",
    ]


def _of_this(report: Report) -> list[str]:
    images, quality, judged = report.images, report.answers.quality, report.model.judged
    n_judged = 0 if judged is None else judged.images
    support = [] if judged is None else [one.support for one in judged.by_class]
    thin, none = sum(0 < each < FEW_OF_A_CLASS for each in support), support.count(0)
    unclosed = [one.round.number for one in report.rounds if one.round.state is not RoundState.CLOSED]
    found = [
        (0 < n_judged < FEW_IMAGES, f"Only {n_judged} images have a known class to judge by: intervals are wide."),
        (thin > 0, f"{_classes(thin)} fewer than {FEW_OF_A_CLASS} images to judge by: their rows say little."),
        (none > 0, f"{_classes(none)} no image to judge by: nothing is known of how well they are recognised."),
        (
            judged is not None and judged.source == "control",
            "There is no test split, so each image of the control slice is judged by what was predicted before its "
            "label was known: by several models, older ones too.",
        ),
        (bool(images.leak), images.leak),
        (bool(unclosed), f"Round {', '.join(map(str, unclosed))} is not closed: its answers are not learnt yet."),
        (images.not_embedded > 0, f"{images.not_embedded:,} images could not be read so far and are left out."),
        (quality.disputed > 0, f"{quality.disputed:,} images have votes that disagree and that nobody settled."),
        (
            report.answers.from_elsewhere > 0,
            f"{report.answers.from_elsewhere:,} answers were given elsewhere and imported.",
        ),
        (
            report.scope.number is not None,
            "Classes, settings, images and corrected labels are those of today; answers, figures and the model are "
            "those of the round.",
        ),
    ]
    return [sentence for holds, sentence in found if holds]


def _classes(count: int) -> str:
    return plural(count, "class has", "classes have")
