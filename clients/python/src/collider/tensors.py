"""Frames as PyTorch tensors. Importing this needs PyTorch."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from .consumer import PhysicsConsumer

_HIDDEN = ("sequence", "reserved", "scale")
_VIEWS = {
    "f4": torch.float32,
    "i8": torch.int64,
    "u8": torch.int64,
    "i4": torch.int32,
    "u2": torch.int16,
    "u1": torch.uint8,
    "i1": torch.int8,
}


class TensorReader:
    """Brings batches to one device.

    For a GPU, frames are copied out of the ring into page-locked memory, which the GPU fetches by itself; that memory
    is used again when the transfer before has ended.
    """

    def __init__(self, device: "str | torch.device") -> None:
        self.device = torch.device(device)
        self._staging: torch.Tensor | None = None
        self._fetched: Any = None

    def is_for(self, device: "str | torch.device") -> bool:
        """Whether it brings batches to this device."""
        return bool(torch.device(device) == self.device)

    def read(
        self, consumer: "PhysicsConsumer", count: int, fields: Iterable[str] | None = None
    ) -> dict[str, torch.Tensor]:
        """The consumer's next frames, at most `count`, by field name."""
        # Before anything is read, so that a wrong name loses no frames.
        names = _names(consumer.dtype, fields)
        out = self._staged(count, consumer.dtype) if self.device.type == "cuda" else None
        batch = consumer.read_batch(count, out=out)
        size = batch.dtype.itemsize
        if out is not None and self._staging is not None and batch.dtype == out.dtype:
            raw = self._staging[: len(batch) * size].to(self.device, non_blocking=True)
            # PyTorch gives some of these functions no types.
            cuda: Any = torch.cuda
            self._fetched = cuda.Event()
            self._fetched.record(cuda.current_stream(self.device))
        else:
            raw = torch.as_tensor(batch.view(np.uint8)).to(self.device)
        return _views(raw.reshape(len(batch), size), batch.dtype, names)

    def _staged(self, count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Page-locked memory for a batch, when the GPU is done with it."""
        if self._fetched is not None:
            self._fetched.synchronize()
        needed = max(1, count) * dtype.itemsize
        if self._staging is None or len(self._staging) < needed:
            self._staging = torch.empty(needed, dtype=torch.uint8, pin_memory=True)
        whole: npt.NDArray[Any] = self._staging[:needed].numpy().view(dtype)
        return whole


def _names(dtype: np.dtype[Any], fields: Iterable[str] | None) -> list[str]:
    known = [name for name in dtype.names or () if name not in _HIDDEN]
    if fields is None:
        return known
    names = list(fields)
    for name in names:
        if name not in known:
            raise ValueError(f"there is no field {name!r}; there are {', '.join(known)}")
    return names


def _views(raw: torch.Tensor, dtype: np.dtype[Any], names: list[str]) -> dict[str, torch.Tensor]:
    """The fields of frames that lie as bytes on a device, shape (n, frame size), uint8."""
    tensors = {name: _view(raw, dtype, name) for name in names}
    if "semantic" in tensors and tensors["semantic"].dtype == torch.int8:
        tensors["semantic"] = tensors["semantic"] * _view(raw, dtype, "scale")[:, None]
    for name in ("semantic_dimensions", "flags"):
        if name in tensors:
            tensors[name] = tensors[name].to(torch.int32) & 0xFFFF
    return tensors


def _view(raw: torch.Tensor, dtype: np.dtype[Any], name: str) -> torch.Tensor:
    fields: Any = dtype.fields
    field, offset = fields[name][:2]
    item = field.base.itemsize
    begin, length = offset // item, field.itemsize // item
    columns = raw.view(_VIEWS[field.base.str[1:]])[:, begin : begin + length]
    return columns if field.shape else columns[:, 0]


class FrameDataset(IterableDataset[dict[str, torch.Tensor]]):
    """The frames of a ring as an endless data set of batches, for `torch.utils.data.DataLoader(…, batch_size=None)`.

    Each element is what `read_tensors` gives: a dict of tensors of 1 to `batch_size` frames. With several workers each
    frame comes from one of them, by its id. Ends when no frame came for `idle_timeout` seconds; default never.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        batch_size: int = 256,
        fields: Iterable[str] | None = None,
        start: Literal["oldest", "newest"] = "oldest",
        idle_timeout: float | None = None,
        device: "str | torch.device" = "cpu",
    ) -> None:
        """Nothing is opened before the iteration begins, in the worker where it does."""
        super().__init__()
        if batch_size < 1:
            raise ValueError("batch_size must be 1 or more")
        self.path, self.batch_size = path, batch_size
        self.start: Literal["oldest", "newest"] = start
        self.fields = None if fields is None else list(fields)
        self.idle_timeout, self.device = idle_timeout, device

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        from .consumer import PhysicsConsumer

        worker = get_worker_info()
        with PhysicsConsumer(self.path, start=self.start) as consumer:
            while consumer.wait(self.idle_timeout):
                # The id tells whose a frame is, so it is read also where it isn't asked for.
                names = None if self.fields is None else [*dict.fromkeys([*self.fields, "frame_id"])]
                tensors = consumer.read_tensors(self.batch_size, self.device, fields=names)
                ids = tensors["frame_id"]
                if self.fields is not None and "frame_id" not in self.fields:
                    del tensors["frame_id"]
                if worker is not None and worker.num_workers > 1:
                    mine = ids % worker.num_workers == worker.id
                    ids = ids[mine]
                    tensors = {name: tensor[mine] for name, tensor in tensors.items()}
                if len(ids):
                    yield tensors
