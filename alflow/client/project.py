"""One project over HTTP, in the name of whoever the token is of."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar
from uuid import uuid4

from alflow.client.calls import Calls
from alflow.errors import InvalidInputError, NotFoundError
from alflow.ids import CandidateId, ItemId

T = TypeVar("T")

_A_REQUEST: Final = 1_000  # images that one request imports
_BYTES: Final = 3_500_000  # of their rows; the server takes 4 million in all


@dataclass(frozen=True)
class Image:
    """An image that is reserved for this person.

    Attributes:
        candidate_id: what an answer names; negative for a check.
        item_id: the image.
        rank: its place in the queue.
        width, height: of the original, in pixels.
        is_extra: no round waits for it: it came while the next round is prepared.
        image: where its rendition is, below the address of the server.
        suggestion: `class_name` and `probability` by the model, where the project shows that before the answer.
    """

    candidate_id: CandidateId
    item_id: ItemId
    rank: int
    width: int
    height: int
    is_extra: bool
    image: str
    suggestion: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Prediction:
    """What the model says of an image; entropies in nats, `novelty` 1 on average over the pretraining data."""

    item_id: ItemId
    predicted: str
    probabilities: Mapping[str, float]
    total: float
    aleatoric: float
    epistemic: float
    novelty: float


class Client:
    """The API of one project, in the name of whoever the token is of. Safe to share between threads."""

    def __init__(self, address: str, token: str, *, timeout: float = 60.0, patience: float = 60.0) -> None:
        """Nothing is sent yet.

        Args:
            address: where people open the pages, such as `https://label.example.org`.
            token: of a person in a project.
            timeout: seconds to wait for one answer of the server.
            patience: seconds for which a request is sent again while the server is busy or away.

        Raises:
            InvalidInputError: the address is none.
        """
        self._calls = Calls(address, token, timeout, patience)
        self._project: int | None = None

    @property
    def address(self) -> str:
        """Where people open the pages."""
        return self._calls.address

    def __repr__(self) -> str:
        return f"Client({self.address!r})"  # without the token

    def project(self) -> dict[str, Any]:
        """Name, classes, guidelines, and how far the newest round is."""
        return self._get("")

    def classes(self) -> list[str]:
        """The names that one can answer with."""
        return [each["name"] for each in self.project()["classes"]]

    def standing(self) -> dict[str, Any]:
        """Images, labels and metrics, whom the project waits for, and the rules that stop it."""
        return self._get("/standing")

    def lease(self, count: int = 1, *, queue: str = "todo", leave: bool = False) -> list[Image]:
        """Reserve the next images; until they are answered, the same call gives the same ones.

        Args:
            count: how many at most; the server reserves fewer where others work too.
            queue: `todo`, or what was set aside: `skip`, `unsure`, `none`, `bad`.
            leave: give back what is reserved first.
        """
        told = self._post("/lease", {"count": count, "queue": queue, "leave": leave})
        return [_read(Image, each) for each in told["images"]]

    def pixels(self, image: Image | int, kind: str = "rendition") -> bytes:
        """The JPEG that people see: a `rendition` of 1024 pixels at most, or a `thumbnail` of 256."""
        item = image.item_id if isinstance(image, Image) else image
        return self._calls.send("GET", self._path(f"/images/{item}/{kind}"))

    def answer(
        self,
        image: Image | int,
        class_name: str | None = None,
        *,
        verdict: str = "class",
        seconds: float = 0.0,
        comment: str = "",
        proposed_class: str = "",
        key: str | None = None,
    ) -> str:
        """Answer, and return the key by which the answer is known.

        Args:
            image: reserved, or the number of a candidate.
            class_name: the class; None for another verdict.
            verdict: `class`, `skip`, `unsure`, `none` (no class fits) or `bad` (the image cannot be used).
            seconds: how long it was looked at.
            comment: what to say about the image.
            proposed_class: the class that is missed, where the verdict is `none`.
            key: of this answer, to send it again after a crash; drawn by chance otherwise.
        """
        key = key or str(uuid4())
        candidate = image.candidate_id if isinstance(image, Image) else image
        said = {"class_name": class_name, "verdict": verdict, "seconds": seconds, "comment": comment}
        sent = {"key": key, "candidate_id": candidate, "proposed_class": proposed_class, **said}
        self._post("/answers", sent)
        return key

    def skip(self, image: Image | int) -> str:
        """Set an image aside; returns the key."""
        return self.answer(image, verdict="skip")

    def unsure(self, image: Image | int) -> str:
        """Say that nobody can tell from this image; returns the key."""
        return self.answer(image, verdict="unsure")

    def undo(self, key: str) -> None:
        """Take the answer with this key back, unless a model has learned from it."""
        self._post("/undo", {"key": key})

    def rounds(self) -> list[dict[str, Any]]:
        """The rounds, oldest first."""
        return self._calls.get(self._path("/rounds"))  # type: ignore[no-any-return]

    def candidates(self, number: int) -> Iterator[dict[str, Any]]:
        """What a round asks about, in the order of its queue, with scores, reasons and votes."""
        return self._pages(f"/rounds/{number}/candidates", "candidates", {})

    def labels(self, **which: Any) -> Iterator[dict[str, Any]]:
        """Answers with what led to them, oldest first; `item`, `annotator`, `class_name`, `verdict`, `withdrawn`."""
        return self._pages("/labels", "labels", which)

    def images(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """The images of the project, or of a split, by number."""
        return self._pages("/images", "images", {} if split is None else {"split": split})

    def history(self, item: int) -> dict[str, Any]:
        """An image, and everything that ever happened to its answers."""
        return self._get(f"/images/{item}")

    def predictions(self, items: Sequence[int] | None = None) -> Iterator[Prediction]:
        """What the model says of these images, or of all that are embedded."""
        which = {} if items is None else {"item": list(items)}
        return (_read(Prediction, each) for each in self._pages("/predictions", "predictions", which))

    def import_images(
        self, images: str | Sequence[str | Mapping[str, str]], split: str = "pool", *, strict: bool = False
    ) -> dict[str, Any]:
        """Let the server read images of the public web; known ones change nothing.

        Args:
            images: address of a manifest, an archive or a page that lists files, 1,000 at most; or the images
                themselves, each an address or a row with `uri`, `label`, `split`, `caption` and `group`. Of these 1,000
                go into each request, fewer where they are long: after an error the same call goes on where it was.
            split: what they are for, where a row does not say: `pool`, `target` or `test`.
            strict: store nothing if anything cannot be used.

        Returns:
            How many were `added` and `known`, what was `rejected` and why, and `remarks`.

        Raises:
            InvalidInputError: `strict` is wanted of more images than go into one request.
        """
        how = {"split": split, "strict": strict}
        if isinstance(images, str):
            return self._post("/imports", {"source": images, **how})
        requests = list(_parts([{"uri": one} if isinstance(one, str) else one for one in images]))
        if strict and len(requests) > 1:
            raise InvalidInputError(
                f"all or none of {len(images):,} images go into no single request: with `strict`, send "
                f"{_A_REQUEST:,} images and {_BYTES / 1e6:.1f} MB at most"
            )
        told = [self._post("/imports", {"rows": rows, "first": first, **how}) for first, rows in requests]
        counts = {name: sum(each[name] for each in told) for name in ("added", "known")}
        return counts | {name: [one for each in told for one in each[name]] for name in ("rejected", "remarks")}

    def _pages(self, path: str, name: str, which: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            page = self._get(path, {**which, "limit": 500, **({} if after is None else {"after": after})})
            yield from page[name]
            after = page["next"]
            if after is None:
                return

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._calls.get(self._path(path), query)  # type: ignore[no-any-return]

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._calls.post(self._path(path), body)  # type: ignore[no-any-return]

    def _path(self, path: str) -> str:
        """The address below the project of the token, which is asked for once.

        Raises:
            NotFoundError: the project is gone.
        """
        if self._project is None:
            mine = self._calls.get("/api/v1/projects")
            if not mine:
                raise NotFoundError("the project of this token is gone: make a token for another one")
            self._project = int(mine[0]["id"])
        return f"/api/v1/projects/{self._project}{path}"


def _read(kind: type[T], said: Mapping[str, Any]) -> T:
    """The fields that this version of the client knows."""
    return kind(**{field.name: said[field.name] for field in fields(kind) if field.name in said})  # type: ignore[arg-type]


def _parts(rows: Sequence[Mapping[str, str]]) -> Iterator[tuple[int, Sequence[Mapping[str, str]]]]:
    """The rows in the requests that they go into, each with the number of its first row."""
    start = size = 0
    for at, row in enumerate(rows):
        more = len(json.dumps(row)) + 2
        if at - start == _A_REQUEST or (at > start and size + more > _BYTES):
            yield start + 1, rows[start:at]
            start, size = at, 0
        size += more
    yield start + 1, rows[start:]
