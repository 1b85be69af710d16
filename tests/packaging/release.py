"""Builds wheel and sdist, has them checked, installs the wheel into an empty environment, and plays.

make dist
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
STORY = ROOT / "examples" / "forced-purge.txt"


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command and give what it prints.  What fails ends the release, with its own words."""
    print("$", *(str(word).replace(str(ROOT), ".") for word in command), flush=True)
    done = subprocess.run(
        list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{command[0]} ended with {done.returncode}")
    return done.stdout


def build() -> tuple[Path, Path]:
    """Build the sdist, and the wheel from what is in the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "-o", DIST)
    [wheel], [sdist] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


def play(wheel: Path, folder: Path) -> None:
    """Install the wheel where nothing else is, and play a conversation far from the sources."""
    place = folder / "environment"
    venv.create(place, with_pip=True)
    pip = (place / "bin" / "pip", "install", "-q", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "run.txt")
    run(*pip, "--no-deps", wheel)
    purgebot = place / "bin" / "purgebot"
    version = run(purgebot, "--version", folder=folder).strip()
    if version != f"purgebot {wheel.name.split('-')[1]}":
        sys.exit(f"{wheel.name} calls itself {version}")
    run(purgebot, "policy", "schema", folder=folder)
    run(purgebot, "demo", "--play", STORY, folder=folder)


def main() -> None:
    wheel, sdist = build()
    print(run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist))
    with tempfile.TemporaryDirectory(prefix="purgebot-release-") as folder:
        play(wheel, Path(folder))
    for file in (wheel, sdist):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
