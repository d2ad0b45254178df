import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported_by(code: str) -> set[str]:
    """The packages that a fresh Python has imported after `code`."""
    report = "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code + report]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split("\n")[-2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import model.corpus, model.alphabet, model.draws, model.errors, model.recipe",
        "import model.cli",
        "from model.corpus import load; load('german-first-names')",
        "from model.cli import main; main(['train', '--help'], standalone_mode=False)",
        "from contextlib import suppress\nfrom model.cli import main\n"
        "with suppress(SystemExit): main(['train', 'a file that is not there'])",
    ],
    ids=[
        "what the screens start with",
        "the command line",
        "loading a corpus",
        "help",
        "a corpus that is not there",
    ],
)
def test_torch_is_not_imported_before_there_is_something_to_compute(code: str):
    packages = imported_by(code)
    assert "model" in packages
    assert "torch" not in packages


def test_the_engine_knows_no_screen():
    code = (
        "import pkgutil, model, importlib\n"
        "for module in pkgutil.walk_packages(model.__path__, 'model.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
    )
    packages = imported_by(code)
    assert {"model", "torch"} <= packages
    assert not packages & {"tui", "textual", "rich", "plotext"}
