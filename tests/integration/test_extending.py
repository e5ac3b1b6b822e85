"""A purpose is one new file: that of docs/extending.md works in a copy of the checkout with nothing else changed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("app", "migrations", "tests", "pyproject.toml")


def test_the_documented_purpose_works_by_being_there(server_url: str, work_dir: Path) -> None:
    text = (ROOT / "docs" / "extending.md").read_text()
    places = re.findall(r"`((?:app|tests)/\S+\.py)`:\n\n```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert [place for place, _ in places] == [
        "app/domain/keys/purposes/lost_device.py",
        "tests/integration/test_lost_device.py",
    ]
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, work_dir / part)
    for place, code in places:
        assert not (work_dir / place).exists()
        (work_dir / place).write_text(code)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cov", work_dir / places[1][0]],
        cwd=work_dir,
        env={
            **os.environ,
            "PYTHONPATH": f"{work_dir}:{os.environ.get('PYTHONPATH', '')}",
            "TEST_DATABASE_URL": server_url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "2 passed" in run.stdout, run.stdout + run.stderr
