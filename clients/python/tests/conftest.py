import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collider import native
from fake_gateway import Gateway
from ring_writer import RingWriter


@pytest.fixture
def ring_path(tmp_path: Path) -> Path:
    return tmp_path / "ring"


@pytest.fixture
def make_ring(ring_path: Path) -> Iterator[Callable[..., RingWriter]]:
    """Makes the ring of the test; made again, it takes the place of the one before."""
    writers: list[RingWriter] = []

    def make(capacity: int = 8, **values: int) -> RingWriter:
        writers.append(RingWriter(ring_path, capacity, **values))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


@pytest.fixture(scope="session")
def torch() -> Any:
    """PyTorch, which is too large to be installed for the tests alone: gigabytes, with the libraries of GPUs."""
    return pytest.importorskip("torch", reason="without PyTorch; `pip install torch` where the tests run, and they do")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> native.Library:
    """libcolliderring as the package builds it, built anew so that it is of these sources."""
    if not (shutil.which("cc") or shutil.which("clang")):
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("native")
    package = Path(__file__).resolve().parent.parent
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", folder, "--build-temp", folder / "temp"]
    subprocess.run(command, cwd=package, check=True)
    return native.Library(str(folder / "collider" / "libcolliderring.so"))


@pytest.fixture(params=["numpy", "c"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What rings are read with; who asks for it runs with either."""
    is_native = request.param == "c"
    monkeypatch.setattr(native, "LIBRARY", request.getfixturevalue("library") if is_native else None)
    return str(request.param)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which the client then doesn't make."""
    pauses: list[float] = []
    monkeypatch.setattr("collider.transport.clock.sleep", pauses.append)
    return pauses
