"""The types of the npm package take what is right and refuse what is wrong, in a strict program."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.support.client_package import install

CHECKED = Path(__file__).parent / "types" / "checked.tsx"
OPTIONS = {
    "target": "es2022", "module": "nodenext", "lib": ["es2022", "dom", "dom.iterable"], "types": ["node"],
    "jsx": "react-jsx", "strict": True, "noUncheckedIndexedAccess": True, "skipLibCheck": True, "noEmit": True,
}  # fmt: skip


def test_a_strict_program_compiles_and_each_mistake_is_found(tmp_path: Path) -> None:
    node = install(tmp_path)
    shutil.copy(CHECKED, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": [CHECKED.name]}))
    compiler = tmp_path / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [node, compiler, "--project", tmp_path], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
