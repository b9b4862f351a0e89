"""The checker of array shapes: beartype, which cannot follow `Self` outside a class that it decorated itself.

An int is a float, as PEP 484 has it.
"""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

_CONFIGURATION = BeartypeConf(hint_overrides=FrozenDict({Self: Any}), is_pep484_tower=True)


def checked(function: Any) -> Any:
    """Check arguments and result on every call."""
    return beartype(function, conf=_CONFIGURATION)
