"""Start a back-test from a form, and tell how it is doing."""

import shlex
from collections.abc import Mapping, Sequence

import streamlit as st

from alflow.domain.projects import Project
from alflow.domain.trials import Trial, TrialMode
from alflow.errors import AlflowError, InvalidInputError
from alflow.text import quoted
from alflow.ui.door import access
from alflow.ui.parts import beside, session
from alflow.workflow.backtests import study
from alflow.workflow.backtests.study import Grid
from alflow.workflow.rounds.strategies import strategy_captions, strategy_faults

_MODES = {TrialMode.BATCH: "after the whole batch", TrialMode.SEQUENTIAL: "after every pick"}
_FILES = {
    "pack": "Activations and labels",
    "model": "Last layers (none if the pack has no class texts)",
    "pairs": "Image-text pairs (none if the pack has no class texts)",
}
_KNOWN = {False: "is kept and added to", True: "is run again"}
_KIND = "backtest"


def form(project: Project) -> None:
    """What to compare, on which images; starts it when it is sent."""
    captions = strategy_captions()
    for fault in strategy_faults():
        st.warning(session.words(fault))
    with st.form("backtest"):
        chosen = st.multiselect(
            "Strategies",
            list(captions),
            default=[name for name in ("default", "random") if name in captions],
            format_func=lambda name: f"{name}: {captions[name]}",
        )
        combination = st.text_input("Combination of strategies", placeholder="0.7*epig+0.3*typiclust")
        columns = st.columns(4)
        seeds = columns[0].number_input("Seeds", 1, 100, 5)
        rounds = columns[1].number_input("Rounds", 1, 100, 5)
        batch = columns[2].number_input("Labels per round", 1, 10_000, project.settings.budget)
        pool = columns[3].number_input("Pool size, at most", 1, 1_000_000, Trial.pool)
        columns = st.columns(4)
        mode = columns[0].selectbox("Labels are revealed", list(TrialMode), format_func=_MODES.__getitem__)
        drawn = f"Share of each batch; the rounds of this project draw {project.settings.control_fraction:.0%}."
        control = columns[1].number_input("Drawn at random, %", 0, 100, 0, help=drawn)
        processes = columns[2].number_input("Processes", 1, 64, 1)
        again = "Results that are known are forgotten first, as after a change in the code of a strategy."
        fresh = columns[3].selectbox("What is known", [False, True], format_func=_KNOWN.__getitem__, help=again)
        with st.expander("Use a feature pack instead of this project's labelled images"):
            paths = {
                name: st.text_input(title, placeholder=f"/data/{name}.safetensors") for name, title in _FILES.items()
            }
            domain = st.text_input(
                "Domain (a number)", help="Take both the targets and the test images from this domain of the pack"
            )
        pressed = st.form_submit_button("Run", icon=":material/science:", type="primary")
    if not pressed:
        return
    names = (*chosen, *([combination] if combination.strip() else []))
    of_pack = any(path.strip() for path in paths.values())
    try:
        of_domain = _domain(domain.strip(), of_pack=of_pack)
    except AlflowError as error:
        st.error(session.sentence(error))
        return
    numbers = (int(seeds), int(rounds), int(batch), int(pool))
    grid = Grid(names, *numbers, of_domain, mode or TrialMode.BATCH, int(control) / 100)
    _start(
        project, grid, paths if of_pack else {}, ["--processes", str(int(processes)), *(["--fresh"] if fresh else [])]
    )


def status(project: Project) -> None:
    """How the back-test is doing that this server started for the project."""
    done = beside.ended(
        project,
        _KIND,
        "Running. Results appear below as they arrive. A run that was stopped continues when you start it again.",
    )
    if done is not None and done.fault:
        st.error(session.sentence(done.fault))
    elif done is not None:
        st.success("The back-test is complete.")
    if command := st.session_state.get(_command(project)):
        st.caption("The same in a terminal:")
        st.code(command, language=None, wrap_lines=True)


def started(project: Project) -> Grid | None:
    """What the visitor started last."""
    found: Grid | None = st.session_state.get(_grid(project))
    return found


def is_running(project: Project) -> bool:
    """Whether results are on their way."""
    return beside.is_running(project, _KIND)


def _domain(written: str, *, of_pack: bool) -> int | None:
    """The domain that was asked for.

    Raises:
        InvalidInputError: it is no number, or there is no pack whose domain it could be.
    """
    if not written:
        return None
    if not of_pack:
        raise InvalidInputError("a domain is part of a feature pack: name the pack's files too, or leave it empty")
    if not (written.isascii() and written.isdecimal() and len(written) < 10):
        raise InvalidInputError(f"the domain {quoted(written)} is no number: give one such as 0")
    return int(written)


def _start(project: Project, grid: Grid, paths: Mapping[str, str], how: Sequence[str]) -> None:
    options = [*study.options_of(grid, None if paths else project), *how]
    options += [part for name, path in paths.items() if path.strip() for part in (f"--{name}", path.strip())]
    try:
        study.check_grid(grid)
    except AlflowError as error:
        st.error(session.sentence(error))
        return
    # its points turn up in SQL; one that is stopped loses the point it was working on
    beside.start(project, _KIND, ["backtest", *options], access.RUN_BACKTEST, OMP_NUM_THREADS="1")
    st.session_state[_grid(project)] = grid
    st.session_state[_command(project)] = f"alflow backtest {shlex.join(options)}"
    st.rerun()


def _grid(project: Project) -> str:
    return f"backtest-grid-{project.id}"


def _command(project: Project) -> str:
    """The key of what the visitor started."""
    return f"backtest-command-{project.id}"
