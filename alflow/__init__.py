"""alflow: active learning for images with the posterior of a vision-language model.

In a notebook: `alflow.open` a project to read it, or use strategies and posterior on features of one's own with
`alflow.choose` and `alflow.fit`. `alflow.load_head` loads a fitted model that was exported. Each is imported when it is
first asked for: `import alflow` by itself takes no time.
"""

from importlib import import_module
from typing import Any, Final

_PLACES: Final = {
    "choose": ("alflow.notebook.features", "choose"),
    "fit": ("alflow.notebook.features", "fit"),
    "load_head": ("alflow.notebook.head", "load_head"),
    "open": ("alflow.notebook.project", "open_"),
}

__all__ = ["choose", "fit", "load_head"]  # noqa: F822 - `__getattr__` brings them; a star must not replace the builtin `open`


def __getattr__(name: str) -> Any:
    """What stands in `_PLACES`, imported now (PEP 562).

    Raises:
        AttributeError: there is no such name.
    """
    if name in _PLACES:
        module, own_name = _PLACES[name]
        return getattr(import_module(module), own_name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
