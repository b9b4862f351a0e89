"""The strategies by name, each with its caption: what commands and pages offer."""

from alflow.acquisition.strategies import STRATEGIES


def strategy_captions() -> dict[str, str]:
    """Name -> one line that says what the strategy does, in the order of the table."""
    return {name: strategy.caption for name, strategy in STRATEGIES.items()}
