"""Images and prompts -> activations of the last linear layers.

Axes: N images or texts, C classes, P and P_t activation widths, D width of the joint embedding.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from alflow.bayes.gaussian import prompt_ensemble
from alflow.embeddings import Activations, LastLayers
from alflow.errors import InvalidInputError
from alflow.vlm.compiled import FEWEST_IMAGES, PAYS_FROM_SECONDS, bfloat16_is_fast, compile_tower, seconds_an_image
from alflow.vlm.devices import device_named
from alflow.vlm.models import LoadedModel, load_model
from alflow.vlm.towers import Tower, cut_image_tower, cut_text_tower

PRECISIONS: Final = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""What the rows of a trunk are right to. With `bf16` it computes in bfloat16 where that is faster, and is compiled
where that pays (see `alflow.vlm.compiled`). The last layers and all that follows are float32 in either case."""

_TOLERANCE: Final = 1e-4  # of a cut tower against the whole one, relative to the largest entry, in float32


class Encoder(Protocol):
    """A vision-language model whose last linear layers lie open.

    `hash` is a sha256 of architecture, weights, preprocessing and precision: equal hashes, equal activations (up to
    the rounding of another machine). `smallest_side` is how many pixels the shorter side of a picture should keep.
    """

    @property
    def hash(self) -> str:
        """Name of the encoder in artifacts."""
        ...

    @property
    def layers(self) -> LastLayers:
        """The last layers of both towers and the head, float32 on the CPU."""
        ...

    @property
    def smallest_side(self) -> int:
        """Pixels of the shorter side below which a reduced picture would lose what the network sees."""
        ...

    def prepare(self, image: Image.Image) -> Float[Tensor, "3 H W"]:
        """Resize, crop and normalise one upright RGB picture; safe to call from several threads."""
        ...

    def pixels(self, batch: Float[Tensor, "N 3 H W"]) -> Activations:
        """Activations of prepared pictures, float32 on the CPU."""
        ...

    def images(self, images: Sequence[Image.Image]) -> Activations:
        """Activations of upright RGB pictures, float32 on the CPU."""
        ...

    def texts(self, texts: Sequence[str]) -> Activations:
        """Activations of texts, float32 on the CPU."""
        ...

    def for_many(self, n_images: int) -> "Encoder":
        """The encoder to use for that many images: the same rows, up to the precision, by the fastest way that pays."""
        ...


@dataclass(frozen=True)
class OpenClipEncoder:
    """An `Encoder` made of the two cut towers of an open_clip model."""

    hash: str
    layers: LastLayers
    smallest_side: int
    prepare: Callable[[Image.Image], Tensor]
    tokenize: Callable[[list[str]], Tensor]
    image_tower: Tower
    text_tower: Tower
    device: torch.device
    dtype: torch.dtype
    batch_size: int
    example: Float[Tensor, "1 3 H W"]
    may_compile: bool = False

    def pixels(self, batch: Float[Tensor, "N 3 H W"]) -> Activations:
        """Activations of prepared pictures."""
        return self._run(self.image_tower, batch.to(self.dtype))

    def images(self, images: Sequence[Image.Image]) -> Activations:
        """Activations of upright RGB pictures."""
        return self.pixels(torch.stack([self.prepare(image) for image in images]))

    def texts(self, texts: Sequence[str]) -> Activations:
        """Activations of texts; longer ones than the context of the model are cut by its tokenizer."""
        return self._run(self.text_tower, self.tokenize(list(texts)))

    def for_many(self, n_images: int) -> "OpenClipEncoder":
        """This encoder, compiled if it already was, or if so many images take longer than compiling; else itself."""
        if not self.may_compile:
            return self
        if "_compiled" in vars(self) or self._takes_long(n_images):
            return self._compiled
        return self

    def _takes_long(self, n_images: int) -> bool:
        return n_images >= FEWEST_IMAGES and n_images * self._seconds_an_image >= PAYS_FROM_SECONDS

    @cached_property
    def _seconds_an_image(self) -> float:
        return seconds_an_image(self.image_tower, self.example.to(self.dtype))

    @cached_property
    def _compiled(self) -> "OpenClipEncoder":
        batch = self.example.to(self.dtype).repeat(self.batch_size, 1, 1, 1)
        return replace(self, image_tower=compile_tower(self.image_tower, batch), may_compile=False)

    @torch.no_grad()
    def _run(self, tower: Tower, inputs: Tensor) -> Activations:
        parts = [tower(batch.to(self.device)) for batch in torch.split(inputs, self.batch_size)]
        joined = Activations.concatenate(parts)
        return Activations(joined.values.cpu(), None if joined.residuals is None else joined.residuals.cpu())


def load_encoder(model: str, precision: str = "fp32", device: str = "cpu", batch_size: int = 64) -> OpenClipEncoder:
    """The encoder that a model reference (see `alflow.vlm.models`) means.

    With precision `bf16` the rows are right to bfloat16 only, which is faster; the last layers stay float32.

    Raises:
        InvalidInputError: unknown reference, precision or device, or a tower without a last linear layer.
        UnavailableError: weights or tokenizer cannot be had on this machine.
    """
    check_precision(precision)
    where = device_named(device)
    return open_up(load_model(model), precision, where, batch_size, _fastest(precision, where))


def check_precision(precision: str) -> None:
    """Is it one of `PRECISIONS`?

    Raises:
        InvalidInputError: it is not.
    """
    if precision not in PRECISIONS:
        raise InvalidInputError(f"unknown precision {precision!r}; there are {', '.join(PRECISIONS)}")


def open_up(
    loaded: LoadedModel, precision: str, device: torch.device, batch_size: int, dtype: torch.dtype | None = None
) -> OpenClipEncoder:
    """Cut both towers of a loaded model, which is used up by it, and check each against the whole one.

    `dtype` is what the trunks compute in, by default what the precision is named after.

    Raises:
        InvalidInputError: a tower has no last linear layer, or what was found there does not reproduce its output.
    """
    model, dtype = loaded.model, dtype or PRECISIONS[precision]
    digest = encoder_hash(loaded, precision)
    example = loaded.prepare(Image.linear_gradient("L").convert("RGB"))[None]
    tokens = loaded.tokenize(["a photo of an apple"])
    image = _cut(model, cut_image_tower, model.encode_image, example)
    text = _cut(model, cut_text_tower, model.encode_text, tokens)
    model.to(device=device, dtype=dtype)
    if image.branch is not None:
        image.branch.to(device=device, dtype=dtype)
    return OpenClipEncoder(
        hash=digest,
        layers=_last_layers(model, image, text),
        smallest_side=2 * min(example.shape[-2:]),  # what is seen at half the size is not changed by a reduction
        prepare=loaded.prepare,
        tokenize=loaded.tokenize,
        image_tower=image,
        text_tower=text,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        example=example,
        may_compile=dtype == torch.bfloat16 and device.type == "cpu",  # float32 gains nothing; not tried elsewhere
    )


def encoder_hash(loaded: LoadedModel, precision: str) -> str:
    """Name of the encoder that is made of a model, before it is cut."""
    return hashlib.sha256(f"{loaded.digest()} {precision}".encode()).hexdigest()


def class_activations(encoder: Encoder, prompts: Sequence[Sequence[str]]) -> Activations:
    """One row of text activations for each class, from its one or more prompts: values [C P_t]; `prompt_ensemble`.

    Raises:
        InvalidInputError: there is no class, or one without a prompt.
    """
    if not prompts or not all(prompts):
        raise InvalidInputError("every class needs at least one prompt")
    flat = encoder.texts([prompt for of_class in prompts for prompt in of_class])
    return prompt_ensemble(flat, [len(of_class) for of_class in prompts], encoder.layers.text_weight)


def _fastest(precision: str, device: torch.device) -> torch.dtype:
    """What to compute in: float32 is within the precision `bf16`, and faster on a processor without matrix units."""
    slow = precision == "bf16" and device.type == "cpu" and not bfloat16_is_fast()
    return torch.float32 if slow else PRECISIONS[precision]


@torch.no_grad()
def _cut(model: Any, cut: Callable[[Any], Tower], encode: Callable[..., Tensor], batch: Tensor) -> Tower:
    """Cut one tower, and compare what its last layer makes of its activations with what the whole tower gave.

    Raises:
        InvalidInputError: they differ: something follows the layer that was taken for the last.
    """
    expected = encode(batch, normalize=False)
    tower = cut(model)
    error = (tower(batch).embed(tower.weight) - expected).abs().max() / expected.abs().max()
    if not error <= _TOLERANCE:
        raise InvalidInputError(
            f"{type(model).__name__}.{encode.__name__} does not end in the last linear layer of its tower "
            f"(relative error {error:.1e}), which the posterior is placed on; take another model"
        )
    return tower


def _last_layers(model: Any, image: Tower, text: Tower) -> LastLayers:
    """The head: SigLIP has a logit bias and was trained with a sigmoid, CLIP has none and a softmax."""
    bias = model.logit_bias
    return LastLayers(
        image_weight=image.weight,
        text_weight=text.weight,
        scale=model.logit_scale.detach().double().exp().item(),
        bias=0.0 if bias is None else bias.detach().item(),
        likelihood="softmax" if bias is None else "sigmoid",
    )
