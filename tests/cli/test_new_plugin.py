"""``marketplace new-plugin``: what it writes works as it stands, and it overwrites nothing."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib

import pytest

from marketplace_sdk.cli.new_plugin import write_plugin
from marketplace_sdk.errors import DuplicateName, InvalidInput

COMMAND = [sys.executable, "-c", "from marketplace_sdk.cli import main; main()"]


def run(*words, cwd, **environment):
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def below(folder):
    """Every path below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_tests_of_a_new_provisioner_run_the_kit_and_pass(tmp_path):
    """From the command to a green run, with nothing done by hand."""
    written = run(*COMMAND, "new-plugin", "provisioner", "acme_lake", cwd=tmp_path)
    made = tmp_path / "data-marketplace-sdk-acme-lake"

    tested = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", cwd=made)

    assert (written.returncode, written.stderr) == (0, "")
    assert str(made.name) in written.stdout
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "TestAcmeLake::test_a_worker_vanishes_after_each_change PASSED" in tested.stdout
    assert "test_who_is_approved_can_read_until_the_access_ends PASSED" in tested.stdout
    assert "test_left_out[test_an_unknown_name_is_not_found: lacks lookup" in tested.stdout


def test_an_installed_one_is_found_by_its_entry_point(tmp_path):
    """The metadata is what an installer makes of the pyproject that was written."""
    made = write_plugin("provisioner", "acme", tmp_path)
    project = tomllib.loads((made / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / "site" / "data_marketplace_sdk_acme-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        encoding="utf-8",
    )
    (points,) = project["entry-points"].items()
    lines = [f"[{points[0]}]", *(f"{name} = {value}" for name, value in points[1].items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    path = os.pathsep.join([str(made / "src"), str(info.parent)])

    shown = run(*COMMAND, "plugins", "--json", cwd=tmp_path, PYTHONPATH=path)
    again = run(*COMMAND, "new-plugin", "provisioner", "acme", cwd=tmp_path, PYTHONPATH=path)

    (found,) = [each for each in json.loads(shown.stdout) if each["name"] == "acme"]
    assert found["distribution"] == "data-marketplace-sdk-acme"
    assert (found["provides"], found["problems"]) == (["provisioner acme"], [])
    assert again.returncode == 5
    assert "data-marketplace-sdk-acme 0.1.0" in again.stderr


def test_no_placeholder_is_left(tmp_path):
    """In no path and no text; and all of it is Python, TOML or text."""
    made = write_plugin("provisioner", "big_2_lake", tmp_path)

    for path in (path for path in made.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert "$" not in text
        assert "PACKAGE" not in f"{path}{text}"
        assert path.suffix != ".tmpl"
        if path.suffix == ".py":
            ast.parse(text)
    assert "class Big2LakeProvisioner" in (
        made / "src" / "marketplace_sdk_big_2_lake" / "provisioner.py"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Acme",
        "acme-lake",
        "acme lake",
        "acme__lake",
        "_acme",
        "acme_",
        "1acme",
        "acmé",
        "acme\n",
        "acme;import os",
        '"; import os #',
        "${package}",
        "../acme",
        "acme/../../x",
        "a.b",
        "a" * 41,
    ],
)
def test_a_hostile_name_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(InvalidInput, match="small letters"):
        write_plugin("provisioner", name, tmp_path)

    assert below(tmp_path) == []


@pytest.mark.parametrize("name", ["memory", "postgres", "sql", "webhook"])
def test_a_taken_name_is_refused(tmp_path, name):
    """Of a built-in plugin, and of installed ones whatever they provide."""
    with pytest.raises(DuplicateName, match=f"cannot write plugin {name}: the name is taken by"):
        write_plugin("provisioner", name, tmp_path)

    assert below(tmp_path) == []


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_nothing_that_exists_is_overwritten(tmp_path, what):
    """Not a folder, be it empty, not a file, and not what a link may lead to."""
    place = tmp_path / "data-marketplace-sdk-acme"
    if what == "folder":
        place.mkdir()
    elif what == "file":
        place.write_text("mine", encoding="utf-8")
    else:
        place.symlink_to(tmp_path / "elsewhere")
    before = below(tmp_path)

    with pytest.raises(DuplicateName, match="exists"):
        write_plugin("provisioner", "acme", tmp_path)

    assert below(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file stands where the folder should be."""
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")

    with pytest.raises(DuplicateName, match="file exists"):
        write_plugin("provisioner", "acme", file)
    with pytest.raises(InvalidInput, match="Not a directory"):
        write_plugin("provisioner", "acme", file / "deeper")

    assert file.read_text(encoding="utf-8") == "mine"


def test_the_folder_is_made_if_need_be(tmp_path):
    made = write_plugin("provisioner", "acme", tmp_path / "a" / "b")

    assert made == tmp_path / "a" / "b" / "data-marketplace-sdk-acme"
    assert (made / "pyproject.toml").is_file()


def test_a_refusal_is_one_line_for_people(tmp_path):
    """Without a traceback, with status 2."""
    done = run(*COMMAND, "new-plugin", "provisioner", "../x", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("marketplace: cannot write this plugin: name: must be")
    assert done.stderr.count("\n") == 1
