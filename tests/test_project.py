"""The files around the course: what they promise is what happens."""

import doctest
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from packaging.requirements import Requirement

import convlib

ROOT = Path(__file__).resolve().parents[1]
PINS = ("requirements.txt", "tests/requirements.txt")

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project_files() -> list[Path]:
    """The files in git and those that would be added to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git working tree: " + listed.stderr.strip())
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def pins() -> dict[str, str]:
    lines = [line.split("#")[0].strip() for name in PINS for line in text(name).splitlines()]
    return dict(line.split("==") for line in lines if "==" in line)


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize("name", PINS)
def test_every_requirement_is_pinned_exactly(name: str) -> None:
    lines = [line.split("#")[0].strip() for line in text(name).splitlines()]
    requirements = [line for line in lines if line and line != "-r ../requirements.txt"]
    assert requirements
    assert [line for line in requirements if not re.fullmatch(r"[\w-]+==\d[\w.]*", line)] == []


def test_the_ranges_of_the_package_allow_the_pinned_versions() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = [Requirement(line) for lines in project["optional-dependencies"].values() for line in lines]
    ranges = [requirement for requirement in extras if requirement.name != project["name"]]
    ranges += map(Requirement, project["dependencies"])
    assert [str(one) for one in ranges if not one.specifier.contains(pins()[one.name])] == []


def test_the_readme_names_the_pinned_torch() -> None:
    assert re.findall(r"torch==(\S+)", text("README.md")) == [pins()["torch"]]


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == tomllib.loads(text("pyproject.toml"))["project"]["version"]


def test_the_newest_change_belongs_to_the_version_of_the_package() -> None:
    newest = re.search(
        r"^## \[(\S+)\] - (unreleased|\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), flags=re.MULTILINE
    )
    assert newest
    assert newest[1] == tomllib.loads(text("pyproject.toml"))["project"]["version"] == convlib.__version__


# What stands for `python` notes the pins it is given and what it is asked to do.
NOTES_PINS = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ $# -gt 0 ]; do [ "$1" != -c ] || cat "$2" >> "$CALLS"; shift; done
"""


def tried(what: str, tmp_path: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    python, calls = tmp_path / "python", tmp_path / "calls"
    python.write_text(NOTES_PINS)
    python.chmod(0o755)
    calls.write_text("")
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = [ROOT / "tools/try_versions.sh", what]
    done = subprocess.run(command, env={"PATH": path, "CALLS": str(calls)}, capture_output=True, text=True)
    return done, calls.read_text().splitlines()


def test_the_oldest_versions_that_are_tried_are_the_lower_bounds_of_the_package(tmp_path: Path) -> None:
    done, (_, *limits, tests) = tried("oldest", tmp_path)
    assert done.returncode == 0, done.stderr
    project = tomllib.loads(text("pyproject.toml"))["project"]
    bounds = {*project["dependencies"], *project["optional-dependencies"]["book"]}
    assert sorted(limits) == sorted(bound.replace(">=", "==") for bound in bounds)
    assert "-m pytest" in tests


def test_the_pinned_versions_that_are_tried_are_those_of_the_requirements(tmp_path: Path) -> None:
    _, (_, *limits, _) = tried("pinned", tmp_path)
    assert dict(line.split("==") for line in limits) == pins()


def test_the_newest_versions_are_free_and_other_words_are_refused(tmp_path: Path) -> None:
    assert len(tried("newest", tmp_path)[1]) == 2
    done, calls = tried("latest", tmp_path)
    assert (done.returncode, done.stderr) == (2, "Which versions: pinned, oldest or newest? Got: latest.\n")
    assert calls == []


def test_every_python_that_the_package_names_is_tried() -> None:
    jobs = yaml.safe_load(text(".github/workflows/book.yml"))["jobs"]
    rows = jobs["package"]["strategy"]["matrix"]["include"]
    named = set(re.findall(r"Python :: (3\.\d+)", text("pyproject.toml")))
    pythons = {row["python"] for row in rows if row["versions"] == "pinned"}
    assert pythons | {jobs["test"]["steps"][1]["with"]["python-version"]} == named
    assert {row["versions"] for row in rows} == {"pinned", "oldest", "newest"}


# ---------------------------------------------------------------- what is installed


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The names of the files in the source archive and in the wheel."""
    folder = tmp_path_factory.mktemp("archives")
    source = folder / "source"
    for path in project_files():
        copied = source / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copied)
    # The build backend itself: what pip and build call, without their downloads.
    call = "from setuptools.build_meta import *; build_sdist('..'); build_wheel('..')"
    subprocess.run([sys.executable, "-c", call], cwd=source, capture_output=True, check=True)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(sdist) as tar, zipfile.ZipFile(wheel) as zipped:
        in_source = {one.name.partition("/")[2] for one in tar if one.isfile()}
        return {"sdist": in_source, "wheel": set(zipped.namelist())}


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_an_archive_holds_every_file_of_the_package_and_no_test(
    kind: str, archives: dict[str, set[str]]
) -> None:
    package = {str(path.relative_to(ROOT)) for path in project_files() if ROOT / "convlib" in path.parents}
    assert {"convlib/py.typed", "convlib/labs/network.js", "convlib/labs/labs.css"} <= package
    assert package <= archives[kind]
    others = {name for name in archives[kind] - package if "-info/" not in name}
    around = {
        "CHANGELOG.md",
        "LICENSE",
        "MANIFEST.in",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
        "setup.cfg",
    }
    assert {name for name in others if ".egg-info/" not in name} == (around if kind == "sdist" else set())
    assert any(name.endswith("LICENSE") for name in archives[kind])


def test_every_public_function_works_where_there_is_only_numpy() -> None:
    code = """
        import doctest, sys
        for name in ("torch", "matplotlib", "scipy", "skimage", "ipywidgets", "anywidget"):
            sys.modules[name] = None  # importing it fails
        import convlib
        runner, finder = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), doctest.DocTestFinder()
        for name in convlib.__all__:
            value = getattr(convlib, name)
            (test, *_) = finder.find(value, name, globs=dict(vars(sys.modules[value.__module__])))
            runner.run(test)
        print(runner.summarize(verbose=False))
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True)
    assert done.stderr == ""
    failed, attempted = map(int, re.findall(r"=(\d+)", done.stdout.splitlines()[-1])[:2])
    assert failed == 0, done.stdout
    assert attempted >= len(convlib.__all__)


def test_a_name_that_convlib_lacks_is_named() -> None:
    with pytest.raises(AttributeError, match=r"^module 'convlib' has no attribute 'conv2'$"):
        convlib.conv2  # type: ignore[attr-defined]  # noqa: B018


# ---------------------------------------------------------------- what the documents say


def test_the_example_in_the_readme_is_true() -> None:
    blocks = re.findall(r"```python\n(.*?)```", text("README.md"), flags=re.DOTALL)
    example = doctest.DocTestParser().get_doctest("".join(blocks), {}, "README.md", None, None)
    assert len(example.examples) >= 5
    printed: list[str] = []
    doctest.DocTestRunner().run(example, out=printed.append)
    assert "".join(printed) == ""


NAMING_COMMANDS = [
    "README.md",
    "CONTRIBUTING.md",
    ".ci/run",
    ".github/workflows/book.yml",
    ".github/workflows/release.yml",
]


@pytest.mark.parametrize("name", NAMING_COMMANDS)
def test_every_make_command_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:^|`|run: )make ([a-z]+)\b(?!=)", text(name), flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), flags=re.MULTILINE))
    assert named <= targets
    assert named or ".ci/run" in text(name)


def test_the_help_lists_every_command() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), flags=re.MULTILINE)
    assert phony
    listed = re.findall(r"^([a-z]+):.*## ", text("Makefile"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_continuous_integration_runs_the_command_of_the_readme_and_nothing_more() -> None:
    assert "\nmake test " in text("README.md")
    assert re.findall(r"^make .*$", text(".ci/run"), flags=re.MULTILINE) == ["make test"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    steps = yaml.safe_load(text(".github/workflows/book.yml"))["jobs"]["test"]["steps"]
    assert ".ci/run" in [step.get("run") for step in steps]


def test_the_workflow_uses_fixed_versions_and_may_write_only_where_it_publishes() -> None:
    workflow = yaml.safe_load(text(".github/workflows/book.yml"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["uses"] for step in steps if not re.search(r"@v\d+$", step.get("uses", "@v0"))] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in workflow["jobs"].items() if "permissions" in job] == ["publish"]
    assert "vars.PUBLISH_BOOK == 'true'" in workflow["jobs"]["publish"]["if"]


def test_a_release_is_tested_and_only_its_last_job_may_write() -> None:
    workflow = yaml.safe_load(text(".github/workflows/release.yml"))
    jobs = workflow["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads "on" as a truth
    used = [step["uses"] for step in steps if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@v\d+", name)] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "release": {"contents": "write"}
    }
    assert jobs["release"]["needs"] == "build"
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert commands.index(".ci/run") < commands.index("make zip") < commands.index("make pdf")
    assert re.findall(r"pip install (.*)", "\n".join(commands))
    assert [one for one in re.findall(r"pip install (.*)", "\n".join(commands)) if "==" not in one] == []


@pytest.mark.parametrize(("tag", "status"), [("v{}", 0), ("v{}.1", 1), ("{}", 1)])
def test_a_release_refuses_a_tag_that_is_not_the_version(tag: str, status: int) -> None:
    steps = yaml.safe_load(text(".github/workflows/release.yml"))["jobs"]["build"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("name") == "The tag is the version"]
    named = tag.format(tomllib.loads(text("pyproject.toml"))["project"]["version"])
    script = f"python() {{ '{sys.executable}' \"$@\"; }}\n{command}"
    result = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=os.environ | {"GITHUB_REF_NAME": named})
    assert bool(result.returncode) == bool(status)


def test_the_commit_hooks_run_pinned_tools_and_files_that_exist() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    for hook in repository["hooks"]:
        program, *arguments = hook["entry"].split()
        assert program.removeprefix(".venv/bin/") in {"python", *pins()}
        assert [name for name in arguments if name.endswith(".py") and not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_local_link_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text(name))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_screenshot_is_light() -> None:
    assert (ROOT / "book/_static/screenshot.png").stat().st_size < 150_000


def test_the_table_of_chapters_names_each_notebook_in_order() -> None:
    rows = re.findall(r"^\| (\d+) \| \[.+\]\((.+)\) \|$", text("README.md"), flags=re.MULTILINE)
    chapters = sorted(path.name for path in ROOT.glob("book/[0-9]*.ipynb"))
    assert len(chapters) >= 17
    assert [int(number) for number, _ in rows] == list(range(1 + len(chapters)))
    assert [link for _, link in rows] == [f"book/{name}" for name in ["index.ipynb", *chapters]]


def test_nobody_is_told_to_install_the_other_package_of_that_name() -> None:
    wrong = re.compile(r"pip3? install (-\S+ )*convlib\b")
    assert wrong.search("pip install -U " + "convlib")
    assert [path for path in project_files() if wrong.search(path.read_text("utf-8", "ignore"))] == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    home = re.compile(r"/(?:home|Users)/[\w.-]+/|[A-Z]:\\Users")
    assert home.search("/home/ada/notes")
    own = (f"{ROOT}/", f"{Path.home()}/")
    for path in project_files():
        held = path.read_text("utf-8", "ignore")
        assert not any(one in held for one in own), path
        assert path.parent == ROOT / "tests" or not home.search(held), path  # tests may name invented ones


def test_importing_convlib_loads_neither_torch_nor_matplotlib() -> None:
    code = "import sys, convlib; print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    # Isolated (-I), so that the installed package is meant and not the folder the tests happen to run in.
    result = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# ---------------------------------------------------------------- the Makefile, in a folder with a space

# Stands for every program of the environment: notes its call, and fails when the call names what $FAIL says.
PROGRAM = """#!/bin/sh
echo "$@" >> calls
case "$*" in *"${FAIL:-nothing fails}"*) exit 1 ;; esac
"""

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "a copy"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "_build/.doctrees").mkdir(parents=True)
    for name in (*PINS, "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("python", "jupyter-book"):
        program = folder / ".venv/bin" / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
    for name in ("book-ready", "test-ready"):
        (folder / ".venv" / name).touch()
    (folder / "calls").touch()
    return folder


@pytest.fixture
def make(copy: Path) -> Make:
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "PORT", "TORCH_BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in outer}

    def make(*arguments: str, fail: str = "nothing fails") -> subprocess.CompletedProcess[str]:
        command = ["make", *arguments]
        return subprocess.run(
            command, cwd=copy, env=environment | {"FAIL": fail}, text=True, capture_output=True
        )

    return make


@needs_make
def test_bare_make_lists_the_commands(make: Make) -> None:
    assert "make book" in make().stdout


@needs_make
def test_an_environment_that_is_there_is_not_installed_again(make: Make, copy: Path) -> None:
    assert make("book").returncode == 0
    assert "pip install" not in (copy / "calls").read_text()


@needs_make
@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_requirement_is_installed_once(name: str, make: Make, copy: Path) -> None:
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
    (copy / name).touch()
    assert make("book").returncode == make("book").returncode == 0
    assert (copy / "calls").read_text().count("pip install") == 1


@needs_make
def test_a_failed_installation_is_tried_again(make: Make, copy: Path) -> None:
    (copy / ".venv/book-ready").unlink()
    assert make("book", fail="pip install").returncode != 0
    assert make("book").returncode == 0
    assert (copy / "calls").read_text().count("pip install") == 2


@needs_make
def test_the_chosen_build_of_torch_is_installed_before_the_rest(make: Make, copy: Path) -> None:
    (copy / ".venv/book-ready").unlink()
    assert make("book", "TORCH_BUILD=cpu").returncode == 0
    first, second, *_ = (copy / "calls").read_text().splitlines()
    assert first.endswith(f"torch=={pins()['torch']} --index-url https://download.pytorch.org/whl/cpu")
    assert second.endswith("-r requirements.txt -e .")


@needs_make
def test_warnings_are_errors_and_are_told_again_after_a_failed_build(make: Make, copy: Path) -> None:
    assert make("book", fail="-W -n --keep-going").returncode != 0
    assert not (copy / "_build/.doctrees").exists()


STEPS = [
    "ruff check",
    "ruff format --check",
    "codespell",
    "mypy",
    "notebooks.py --check",
    "build .",
    "pytest",
    "notebooks.py --portable",
]


@needs_make
@pytest.mark.parametrize("step", STEPS)
def test_one_failing_step_fails_the_tests_and_the_others_still_run(step: str, make: Make, copy: Path) -> None:
    assert make("test").returncode == 0
    calls = (copy / "calls").read_text()
    assert step in calls
    result = make("test", fail=step)
    assert result.returncode != 0
    assert "FAILED" in result.stdout
    assert (copy / "calls").read_text() == calls * 2


@needs_make
@pytest.mark.parametrize(("asked", "jobs"), [([], "2"), (["JOBS=5"], "5")])
def test_a_larger_machine_tests_more_at_a_time(asked: list[str], jobs: str, make: Make, copy: Path) -> None:
    assert make("test", *asked).returncode == 0
    calls = (copy / "calls").read_text()
    assert f"pytest -n {jobs} " in calls
    assert f"notebooks.py --portable --jobs {jobs}\n" in calls


@needs_make
@pytest.mark.parametrize(
    ("missing", "message"),
    [("version_info", "needs Python 3.11"), ("ensurepip", "apt-get install python3-venv")],
)
def test_an_unfit_python_is_refused_in_plain_words(
    missing: str, message: str, make: Make, copy: Path
) -> None:
    shutil.move(copy / ".venv/bin/python", copy / "unfit")
    result = make("book", "PYTHON=./unfit", fail=missing)
    assert result.returncode != 0
    assert message in result.stdout
    assert not (copy / ".venv/bin/python").exists()
