"""The labs travel inside the installed package, although they stand beside it in a checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithLabs(build_py):
    """Copies `labs/` to `lmlab/labs/` of what is built; an editable install reads them where they are."""

    def run(self) -> None:
        """Build as always, then copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "lmlab" / "labs"
            shutil.copytree("labs", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "__pycache__"))


setup(cmdclass={"build_py": BuildWithLabs})
