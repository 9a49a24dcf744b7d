"""The image files of one split, and what stands in for those that cannot be decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from mae_core.data.folders.decoding import OtherChannels, UnreadableImage
from mae_core.data.folders.listing import Listing
from mae_core.errors import DataError

Pixels = npt.NDArray[np.uint8]

TOLERATED = 3  # damaged train images that are always let pass; beyond, one in a hundred
SHOWN = 5  # names in an error


class ImageFiles:
    """Files by sample number.

    A damaged train image is replaced by the next one of its class (or of all, without labels), so that its label stays
    right and every process makes the same choice. Damaged test images are refused: a score over other images is
    another score.
    """

    def __init__(self, listing: Listing, split: Literal["train", "test"]) -> None:
        self.root, self.split = listing.root, split
        self.names = listing.train if split == "train" else listing.test
        self.labels = np.array(listing.labels(self.names), np.int64) if listing.classes else None
        groups = np.zeros(len(self.names), np.int64) if self.labels is None else self.labels
        # the names of one class follow each other, for they share the beginning they are sorted by
        self._starts = np.concatenate([[0], np.flatnonzero(np.diff(groups)) + 1, [len(groups)]])
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def damaged(self) -> list[int]:
        """The samples found damaged so far, in order."""
        return sorted(self._damaged.copy())  # decoding threads may add to it meanwhile

    @property
    def corrupt(self) -> tuple[Path, ...]:
        """Their files."""
        return tuple(self.root / self.names[sample] for sample in self.damaged)

    def know_damaged(self, samples: list[int]) -> None:
        """Take over what an earlier decoding found."""
        self._damaged.update(samples)

    def _candidates(self, sample: int) -> Iterator[int]:
        yield sample
        if self.split == "train":
            group = int(np.searchsorted(self._starts, sample, side="right"))
            first, end = int(self._starts[group - 1]), int(self._starts[group])
            yield from range(sample + 1, end)
            yield from range(first, sample)

    def read(self, sample: int, decode: Callable[[Path], Pixels]) -> Pixels | None:
        """What `decode` makes of the sample's file or its replacement; None for a damaged test image.

        Raises:
            DataError: too many train images are damaged, or one has not the channels of the others.
        """
        for candidate in self._candidates(sample):
            if candidate in self._damaged:
                continue
            try:
                return decode(self.root / self.names[candidate])
            except UnreadableImage:
                self._damaged.add(candidate)
                if self.split == "train":
                    self.refuse_damage()
            except OtherChannels as other:
                odd, usual = (self.root / self.names[number] for number in (candidate, 0 if candidate else -1))
                raise DataError(
                    f"{odd} has {other} channels, unlike {usual}; give a folder whose images all have the same."
                ) from None
        if self.split == "test":
            return None
        raise DataError(
            f"no image beside {self.root / self.names[sample]} can be decoded; remove or repair its class folder."
        )

    def refuse_damage(self) -> None:
        """Raise DataError, naming the files, if more are damaged than the split allows."""
        allowed = max(TOLERATED, len(self) // 100) if self.split == "train" else 0
        if len(self._damaged) > allowed:
            names = [str(self.root / self.names[sample]) for sample in self.damaged[:SHOWN]]
            more = f" and {len(self._damaged) - SHOWN} more" if len(self._damaged) > SHOWN else ""
            raise DataError(
                f"{len(self._damaged)} {self.split} images cannot be decoded ({', '.join(names)}{more}); "
                f"remove or repair them (`python -m mae_core.data scan {self.root}` lists all)."
            )
