"""The commands of the README's tour, run in order against a service that has just started."""

import re
import subprocess
from pathlib import Path

from tests.support.serve_process import serving

ROOT = Path(__file__).parents[2]


def test_every_command_of_the_readme_tour_succeeds(work_dir: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 8
    with serving(work_dir / "data", work_dir) as service:
        tour = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
            cwd=ROOT,
            env={**service.environ, "OSTIARY": service.url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (tour.returncode, tour.stderr) == (0, "curl: (22) The requested URL returned error: 401\n"), tour
        assert [line for line in service.err if '"level":"info"' not in line] == []

    redeemed, session, created, patched, read, imported, page, signed_out, refused, _, signed_in, *rest = (
        tour.stdout.splitlines()
    )
    assert '"platformRole":"admin"' in redeemed
    assert '"rules":[{"action":["manage"],"subject":["all"]' in session
    assert '"code":"gsw"' in created
    assert '"autonym":"Schwiizerdütsch"' in patched
    assert patched == read
    assert imported == "183 languages created"
    assert '"nextCursor":' in page
    assert signed_out == ""
    assert '"code":"not_signed_in"' in refused
    assert '"email":"ada@example.org"' in signed_in
    assert rest[0] == read
    assert '"status":"accepted"' in rest[1]
    assert '"method":"code"' in rest[2]
    assert '"current":true' in rest[3]
