"""What a file of a source changes in the project: a new place, another known class, a copy, a contradiction.

The first file of a source with some bytes counts, and later ones with the same bytes are copies of it. A label never
takes a known class away: an empty one, or one that names no class, changes nothing. An image stays in its split.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alflow.domain.images import Item, Rejection, Split
from alflow.ids import ClassId
from alflow.store.images.items import NewItem
from alflow.workflow.images.imported import Contradiction, Copy, Corrected, ImportReport, Moved, OtherSplit


@dataclass(frozen=True)
class Taken:
    """A file that could be read, as the item that it would be.

    Attributes:
        item: the item.
        labelled: whether the source gave it a label.
        drawn: whether its split was drawn by chance, so that nobody meant it for that one.
    """

    item: NewItem
    labelled: bool
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class _First:
    uri: str
    split: Split
    truth: ClassId | None


@dataclass
class Ledger:
    """The record of one source, file by file in its order; `names` are those of the classes, by id."""

    names: Mapping[ClassId, str]
    booked: int = 0
    learned: int = 0
    moved: list[Moved] = field(default_factory=list)
    corrected: list[Corrected] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    other_split: list[OtherSplit] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    _unlabelled: dict[str, str] = field(default_factory=dict)
    _firsts: dict[str, _First] = field(default_factory=dict)

    def book(self, taken: Taken, kept: Item) -> Item:
        """Record a file, and return the updated item of its bytes (`kept`: the item so far)."""
        self.booked += 1
        new, first = taken.item, self._firsts.get(kept.content_hash)
        if not taken.drawn:
            self._book_split(new, kept, first)
        if first is None:
            changed = self._book_first(new, kept)
            said = new.truth
        else:
            changed = self._book_copy(new, kept, first)
            said = first.truth or new.truth
        self._book_label(taken, changed)
        where = first or new
        self._firsts[kept.content_hash] = _First(where.uri, where.split, said)
        return changed

    def report(self) -> ImportReport:
        """The record as a report, without the counts."""
        return ImportReport(
            learned=self.learned,
            moved=tuple(self.moved),
            corrected=tuple(self.corrected),
            copies=tuple(self.copies),
            contradictions=tuple(self.contradictions),
            other_split=tuple(self.other_split),
            rejected=tuple(self.rejected),
            unlabelled=tuple(self._unlabelled.values()),
        )

    def _book_first(self, new: NewItem, kept: Item) -> Item:
        if new.uri != kept.uri:
            self.moved.append(Moved(kept.uri, new.uri))
        self.learned += kept.truth is None and new.truth is not None
        return replace(kept, uri=new.uri, truth=self._truth(new, kept), group=new.group or kept.group)

    def _book_copy(self, new: NewItem, kept: Item, first: _First) -> Item:
        self.copies.append(Copy(new.uri, first.uri))
        if first.truth is None:
            return replace(kept, truth=self._truth(new, kept))
        if new.truth is not None and new.truth != first.truth:
            names = self.names[new.truth], self.names[first.truth]
            self.contradictions.append(Contradiction(new.uri, names[0], first.uri, names[1]))
        return kept

    def _book_split(self, new: NewItem, kept: Item, first: _First | None) -> None:
        if new.split is not kept.split and (first is None or first.split is not new.split):
            self.other_split.append(OtherSplit(new.uri, new.split, kept.split))

    def _book_label(self, taken: Taken, now: Item) -> None:
        if now.truth is not None:
            self._unlabelled.pop(now.content_hash, None)
        elif now.split is Split.TEST and not taken.labelled:
            self._unlabelled.setdefault(now.content_hash, taken.item.uri)

    def _truth(self, new: NewItem, kept: Item) -> ClassId | None:
        if new.truth is None or new.truth == kept.truth:
            return kept.truth
        if kept.truth is not None:
            self.corrected.append(Corrected(new.uri, self.names[kept.truth], self.names[new.truth]))
        return new.truth
