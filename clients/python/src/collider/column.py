"""One field of many frames, where it lies in the ring."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .ring import are_whole


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One field of frames in a row, in the ring itself: nothing is copied, and the writer goes on writing.

    So compute first and ask then: only what `valid` still says after the computation was computed of whole frames. It
    keeps the ring mapped, also when the consumer is closed or has gone on to another.
    """

    values: npt.NDArray[Any]
    """Shape (n,), or (n, 4) of spin, (n, 16) of event_id, (n, 1024) of semantic; read-only, a frame's size apart."""
    first: int
    """The id of the first frame; the others follow without gaps."""
    _sequences: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def frame_ids(self) -> npt.NDArray[np.uint64]:
        """The ids, uint64 of shape (n,)."""
        return np.arange(self.first, self.first + len(self.values), dtype=np.uint64)

    def valid(self) -> npt.NDArray[np.bool_]:
        """Of which frames every value read up to now was theirs: bool of shape (n,)."""
        return are_whole(self._sequences, self.first)

    def copy(self) -> npt.NDArray[Any]:
        """A copy of the values, without those that were overwritten meanwhile."""
        values = self.values.copy()
        valid = self.valid()
        return values if valid.all() else values[valid]
