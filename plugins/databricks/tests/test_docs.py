"""What the README and the guide show is what works."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from marketplace_sdk_databricks.settings import KNOWN, read_settings

ROOT = Path(__file__).parents[3]
README = (ROOT / "plugins" / "databricks" / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "how-to" / "connect-databricks.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_readme_runs_from_top_to_bottom(tmp_path):
    code = "\n".join(blocks(README, "python"))

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_settings_that_are_shown_are_settings():
    shown = {}
    exec(blocks(README, "python")[0], shown)  # noqa: S102 - our own README
    given = [dict(shown["connections"]["lake"])]
    first, second = (tomllib.loads(each) for each in blocks(GUIDE, "toml"))
    given.append(first["connections"]["lake"])
    given.append({**given[0], **second})

    for each in given:
        each.pop("plugin")
        each.pop("may_grant")
        assert read_settings(each, lambda _: "there").host.startswith("https://")


def test_every_setting_is_in_the_readme():
    assert [key for key in KNOWN if f"`{key}`" not in README] == []
