"""The strategies by name, each with its caption: what commands and pages offer."""

from alflow.acquisition.strategies import available


def strategy_captions() -> dict[str, str]:
    """Name -> one line that says what the strategy does, in the order of the table; those of other packages last."""
    return {name: strategy.caption for name, strategy in available()[0].items()}


def takes_blocks() -> frozenset[str]:
    """Names of those that read a large pool in blocks; the others need all of it in memory."""
    return frozenset(name for name, strategy in available()[0].items() if strategy.copies is None)


def strategy_faults() -> list[str]:
    """Why strategies that other packages offer cannot be used: one line each."""
    return list(available()[1].values())
