"""Frames as PyTorch tensors."""

import builtins
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collider import PhysicsConsumer, semantic_of
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_tensors_without_torch_say_what_to_install(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ring(8).write(2)
    real = builtins.__import__

    def without_torch(name: str, *arguments: Any, **values: Any) -> Any:
        if name == "torch":
            raise ImportError("No module named 'torch'")
        return real(name, *arguments, **values)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    monkeypatch.delitem(sys.modules, "collider.tensors", raising=False)
    with PhysicsConsumer(path=ring_path) as consumer:
        with pytest.raises(ImportError, match=r"collider\[torch\]"):
            consumer.read_tensors(2)
        assert consumer.lag == 2


def test_tensors_have_the_fields_of_the_batch(make_ring: MakeRing, ring_path: Path, torch: Any) -> None:
    make_ring(8).write(3)
    with PhysicsConsumer(path=ring_path) as consumer:
        tensors = consumer.read_tensors(10)
    assert tensors["semantic"].shape == (3, 1024) and tensors["semantic"].dtype == torch.float32
    assert tensors["event_id"].shape == (3, 16) and tensors["event_id"].dtype == torch.uint8
    assert tensors["frame_id"].tolist() == [0, 1, 2]
    assert tensors["conversation_hash"].tolist() == [0xFEDCBA9876543210 - 2**64] * 3


@pytest.mark.parametrize("compact", [False, True])
def test_tensors_are_the_batch_on_the_device(make_ring: MakeRing, ring_path: Path, compact: bool, torch: Any) -> None:
    make_ring(8, compact=compact).write(3, fill=0.25)
    with PhysicsConsumer(ring_path) as consumer:
        with pytest.raises(ValueError, match="no field 'mood'"):
            consumer.read_tensors(10, fields=["mood"])
        tensors = consumer.read_tensors(10)
        assert len(consumer.read_tensors(10)["semantic"]) == 0
    batch = PhysicsConsumer(ring_path).read_batch(10)
    assert tensors["semantic"].shape == (3, 1024) and tensors["semantic"].dtype == torch.float32
    assert (tensors["semantic"].numpy() == semantic_of(batch)).all()
    for name in ("delta_time", "timestamp_us", "actor_type", "spin", "event_id", "semantic_dimensions", "fill_rate"):
        assert tensors[name].numpy().tolist() == batch[name].tolist(), name
    assert tensors["organization_hash"].tolist() == [0x0123456789ABCDEF] * 3
    assert tensors["semantic_dimensions"].dtype == torch.int32
    assert {"sequence", "reserved", "scale"}.isdisjoint(tensors)


def test_tensors_on_a_gpu_are_those_of_the_processor(make_ring: MakeRing, ring_path: Path, torch: Any) -> None:
    if not torch.cuda.is_available():
        pytest.skip("without a GPU")
    writer = make_ring(64)
    writer.write(40)
    with PhysicsConsumer(ring_path) as consumer, PhysicsConsumer(ring_path) as other:
        for count in (10, 25, 10):
            on_gpu, on_cpu = consumer.read_tensors(count, "cuda"), other.read_tensors(count)
            for name, tensor in on_cpu.items():
                assert on_gpu[name].is_cuda and torch.equal(on_gpu[name].cpu(), tensor), name


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_gives_each_frame_once(make_ring: MakeRing, ring_path: Path, workers: int, torch: Any) -> None:
    from collider import FrameDataset

    make_ring(64).write(50)
    with pytest.raises(ValueError, match="batch_size"):
        FrameDataset(str(ring_path), batch_size=0)
    data = FrameDataset(str(ring_path), batch_size=7, fields=["frame_id", "semantic"], idle_timeout=0.2)
    loader: Any = torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)
    batches = list(loader)
    assert sorted(number for batch in batches for number in batch["frame_id"].tolist()) == list(range(50))
    assert all(set(batch) == {"frame_id", "semantic"} for batch in batches)
