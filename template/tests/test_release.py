"""The release is refused unless tag, version and changelog agree."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path("make/release.py").resolve()


def release(folder: Path, tag: str, changelog: str) -> subprocess.CompletedProcess[str]:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.0"\n')
    (folder / "CHANGELOG.md").write_text(changelog)
    (folder / "dist").mkdir()
    return subprocess.run(
        [sys.executable, SCRIPT, tag], cwd=folder, capture_output=True, text=True, env={"PATH": ""}
    )


def test_a_tag_that_is_not_the_version_is_refused(tmp_path: Path) -> None:
    refused = release(tmp_path, "v1.3.0", "## 1.2.0\n\n- New.\n")
    assert refused.returncode == 1
    assert "pyproject.toml has version 1.2.0" in refused.stderr


def test_a_version_without_news_is_refused(tmp_path: Path) -> None:
    refused = release(tmp_path, "v1.2.0", "## 1.1.0\n\n- Old.\n")
    assert refused.returncode == 1
    assert "no section '## 1.2.0'" in refused.stderr
