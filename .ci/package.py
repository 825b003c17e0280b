"""Build every distribution, look into the wheels, and use them in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = "marketplace_sdk"


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command far from the source tree's settings; stop when it fails."""
    print("$", *command, flush=True)
    clean = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run([str(part) for part in command], cwd=cwd, env=clean, check=True)


def problems(wheel: Path, package: str) -> list[str]:
    """What is wrong with the contents of a wheel."""
    names = zipfile.ZipFile(wheel).namelist()
    ours = (f"{package}/", f"data_{package}-")
    wrong = [f"{wheel.name}: unexpected {name}" for name in names if not name.startswith(ours)]
    if f"{package}/py.typed" not in names:
        wrong.append(f"{wheel.name}: py.typed is missing, so its types are invisible")
    if not any(name.endswith("/LICENSE") for name in names):
        wrong.append(f"{wheel.name}: the licence is missing")
    return wrong


def main() -> int:
    """Return 0 when every wheel is clean, installs and imports."""
    packages = [CORE, *sorted(path.name for path in ROOT.glob("plugins/*/src/marketplace_sdk_*"))]
    with tempfile.TemporaryDirectory() as folder:
        away = Path(folder)
        dist, env = away / "dist", away / "env"
        run("uv", "build", "--quiet", "--all-packages", "--out-dir", dist, ROOT, cwd=away)
        wheels = {package: next(dist.glob(f"data_{package}-*.whl")) for package in packages}
        wrong = [each for package, wheel in wheels.items() for each in problems(wheel, package)]
        for each in wrong:
            print(each, file=sys.stderr)
        if wrong:
            return 1
        python = env / "bin" / "python"
        run("uv", "venv", "--quiet", "--python", sys.executable, env, cwd=away)
        # The core alone first: nothing in it may need a plugin or an extra.
        install = ("uv", "pip", "install", "--quiet", "--python", python)
        names = f"{CORE}, {CORE}.plugin, {CORE}.testing"
        run(*install, wheels[CORE], cwd=away)
        run(python, "-I", "-W", "error", "-c", f"import {names}", cwd=away)
        core, *plugins = wheels.values()
        run(*install, f"{core}[cli]", *plugins, cwd=away)
        for package in packages[1:]:
            run(python, "-I", "-c", f"import {package}.plugin", cwd=away)
        run(env / "bin" / "marketplace", "plugins", cwd=away)
    return 0


if __name__ == "__main__":
    sys.exit(main())
