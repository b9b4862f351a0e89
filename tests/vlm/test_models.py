"""What is said where a library cannot load a model."""

import pickle

import open_clip
import pytest

from alflow.errors import InvalidInputError
from alflow.vlm.models import load_model

BACKEND = "Couldn't instantiate the backend tokenizer from one of: \n(1) a file, \nYou need to have sentencepiece.\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError(BACKEND), "You need to have sentencepiece."),
        (RuntimeError("one line"), "one line"),
        (OSError("\n \n"), "OSError"),
        (KeyError(), "KeyError"),
        (pickle.UnpicklingError("Weights only load failed.\nsee https://pytorch.org"), "save it as safetensors"),
    ],
)
def test_the_last_line_of_an_error_is_reported(error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(open_clip, "get_tokenizer", fail)
    with pytest.raises(InvalidInputError) as caught:
        load_model("demo")
    assert str(caught.value).startswith("the model 'demo' cannot be loaded: ")
    assert str(caught.value).endswith(reason)
