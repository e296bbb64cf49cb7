"""Builds libcolliderring, the C reader of the ring, into the package where there is a C compiler.

The package works the same without it, only slower; so everything that can go wrong here ends in a warning. Its sources
are the repository's, of which the package's folder has no copy: a source distribution alone comes without.
"""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = Path(__file__).resolve().parent.parent.parent / "Sources" / "C"
LIBRARY = "libcolliderring.so"


class BuildLibrary(build_ext):
    """Compiles a library for ctypes, which has no Python in it and so one name for every version."""

    def get_ext_filename(self, fullname: str) -> str:
        return os.path.join(*fullname.split(".")[:-1], LIBRARY)

    def build_extension(self, ext: Extension) -> None:
        target = Path(self.get_ext_fullpath(ext.name))
        # One of an earlier build, of other sources.
        target.unlink(missing_ok=True)
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang")
        folders = [SOURCES / "CFrameLayout", SOURCES / "ColliderRing"]
        if not compiler or not all(folder.is_dir() for folder in folders):
            self.warn(f"without {LIBRARY}: there is no {'C compiler' if not compiler else 'source of it'}")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [*compiler.split(), "-std=gnu11", "-O3", "-fPIC", "-shared", "-o", os.fspath(target)]
        command += [f"-I{folder / 'include'}" for folder in folders]
        command += [os.fspath(source) for folder in folders for source in sorted(folder.glob("*.c"))]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.warn(f"without {LIBRARY}: {error}")

    def get_outputs(self) -> list[str]:
        return [output for output in super().get_outputs() if os.path.exists(output)]


setup(
    ext_modules=[Extension("collider.libcolliderring", sources=[], optional=True)], cmdclass={"build_ext": BuildLibrary}
)
