"""The devices of PyTorch, by the names that people give them."""

import torch

from alflow.errors import InvalidInputError
from alflow.text import quoted


def device_named(name: str) -> torch.device:
    """The device of this name, which computes.

    Raises:
        InvalidInputError: there is none on this machine.
    """
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        said = str(error).strip().splitlines()[0].partition(". ")[0][:100]
        raise InvalidInputError(
            f"the device {quoted(name)} cannot be used ({said}): set ALFLOW_DEVICE to cpu, or to one that PyTorch has"
        ) from error
    return device
