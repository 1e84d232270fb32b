"""`emotalk demo`: the first command of the README, from one end to the other."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from emotalk_data.errors import OptionError

if TYPE_CHECKING:
    from .conftest import Invoke, Run


def test_the_demo_works_and_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    home = {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "hf")}
    done = run("demo", env=home)
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "emotalk: 95 records, 24 rows",
        "To mend: ",
        "float32 (1, 16000)",
        "uint8 (8, 120, 160, 3)",
        "left out: not one of the four classes     2",
        "validation and test share 1 speaker",
        "all           24    24        0       0      0      24",
        'rows[0]["loudness"]  [0.',
        "…/qingchengxiaoxiang_02.mp4#t=",
        "emotalk sample emotalk DIR",
    ):
        assert text in done.stdout
    assert re.search(r"validation +\d+ +\d", done.stdout)
    assert re.search(r"decode\(0, 1\) +float32 \([12], \d+\)", done.stdout)
    assert done.stdout.endswith("\nIt works: two corpora made, checked, loaded and decoded.\n")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [path for path in (tmp_path / "hf").rglob("*") if path.is_file()]


def test_the_demo_keeps_its_folder_when_asked(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    before = set(Path(tempfile.gettempdir()).glob("emotalk-demo-*"))
    result = invoke("demo", "--keep", folder)
    assert result.exit_code == 0, result.exception
    assert sorted(path.name for path in folder.iterdir()) == ["EmotionTalk", "RUCM3ED", "cache", "loudness"]
    assert f"emotalk info emotalk --data-dir {folder / 'EmotionTalk'}" in result.stdout
    assert set(Path(tempfile.gettempdir()).glob("emotalk-demo-*")) <= before


def test_the_demo_refuses_a_folder_in_use(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    result = invoke("demo", "--keep", tmp_path)
    assert isinstance(result.exception, OptionError)
    assert "is not empty" in str(result.exception)
