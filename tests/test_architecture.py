"""The rules about what imports what, and about what is shipped, as ARCHITECTURE.md states them."""

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KIT = ROOT / "autograder"

# From the bottom up; a module may import from earlier ones alone, so there can be no cycle.
LAYERS = [
    "errors", "cell", "records", "jobs", "authoring", "release_file", "course", "tensors", "wire", "failures",
    "submission",
    "inside.eager", "inside.scratch", "inside.landlock", "inside.seccomp", "inside.huge_pages", "inside.locks",
    "inside.plots", "inside.frames", "inside.shortcuts", "inside.shell", "inside.props", "inside.stand_ins",
    "inside.executor", "inside.notebook", "inside.worker", "inside.zygote",
    "variables", "launch", "cores", "sandbox", "students", "stand_in",
    "checks.compare", "checks.draw", "checks.trial", "checks", "checks.runner",
    "homework", "homework.recordings", "homework.live",
    "stubs", "catalogue", "suspects", "diagnose", "score", "grade", "desk", "worker", "pool",
    "fingerprint", "cluster",
    "intake.names", "intake.sources", "intake.place", "intake.collect", "intake",
    "report", "results", "chain", "host", "playground", "recorder",
    "homework.worksheet", "homework.kept", "build",
    "homework.evidence", "homework.prerequisites", "homework.hints", "homework.selfcheck",
    "homework.apart", "homework.standing", "homework.watch", "handin", "demo",
    "verify", "mutate", "mutants", "error_rates", "naive", "doctor", "commands", "cli",
]  # fmt: skip
WHOLE_PACKAGES = ("cluster", "report", "host", "playground", "commands")


def modules():
    return sorted(path for path in KIT.rglob("*.py") if path.name != "__main__.py" and path != KIT / "__init__.py")


def name_of(path):
    parts = path.relative_to(KIT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer_of(name):
    first = name.split(".")[0]
    return LAYERS.index(first if first in WHOLE_PACKAGES else name)


def imports_of(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def kit_imports_of(path):
    """Return the modules of the kit that a file imports, by their names without the package's."""
    known = {name_of(module) for module in modules()}
    found = set()
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "autograder":
            continue
        candidates = (".".join(parts[1:]), ".".join(parts[1:-1]))
        found |= {next(c for c in candidates if c in known)} if any(c in known for c in candidates) else set()
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_from_below(path):
    own = name_of(path)
    if own == "inside":
        return  # only a docstring
    for other in kit_imports_of(path):
        if own.split(".")[0] in WHOLE_PACKAGES and other.split(".")[0] == own.split(".")[0]:
            continue
        assert layer_of(other) < layer_of(own), f"{own} imports {other}"


@pytest.mark.parametrize("path", sorted((KIT / "inside").glob("*.py")), ids=name_of)
def test_what_runs_inside_knows_the_wire_and_nothing_else_of_the_kit(path):
    outside = {name for name in kit_imports_of(path) if not name.startswith("inside")}
    assert outside <= {"wire", "tensors", "errors", "cell"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nbgrader_is_imported_by_the_host_alone(path):
    uses_nbgrader = any(name.split(".")[0] == "nbgrader" for name in imports_of(path))
    assert not uses_nbgrader or name_of(path).split(".")[0] == "host"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_course_is_data_and_never_imported(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & {"solutions", "assignments"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nothing_is_ever_unpickled(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & {"pickle", "dill", "cloudpickle", "shelve"}


def loaded_by(statement):
    code = f"import sys; {statement}; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_is_light():
    assert not loaded_by("import autograder") & {"torch", "nbgrader", "pytest", "matplotlib", "numpy"}


def test_the_test_above_can_see_a_heavy_import():
    assert "numpy" in loaded_by("import autograder, numpy")


def test_a_grading_process_does_without_torchs_compiler():
    """It takes seconds to load, and leaves a folder of its own among the temporary files."""
    statement = (
        "from autograder.grade import prepare_process; prepare_process(); from autograder.stand_in import *;"
        "from autograder.wire import Call; from solutions.attention import softmax;"
        "stand_in_for({'f': softmax}, ['f'])(Call(target='f', args=(torch.ones(2, 3),), want='gradients'))"
    )
    modules = loaded_by(f"{statement}; sys.modules['found' if 'torch._dynamo' in sys.modules else 'spared'] = None")
    assert modules & {"found", "spared"} == {"spared"}


def test_a_students_machine_needs_nothing_that_only_unix_has():
    """So the kit can be loaded on Windows, where there is no wall to put up and none is needed."""
    unix = ["fcntl", "resource", "pwd", "grp", "termios", "pyseccomp"]
    missing = f"sys.modules.update(dict.fromkeys({unix}))"
    assert loaded_by(
        f"{missing}; import autograder.homework.selfcheck, autograder.homework.apart, autograder.commands.progress"
    )


def test_the_command_line_starts_without_torch():
    assert not loaded_by("import autograder.cli") & {"torch", "nbgrader", "pytest"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_kit_and_nothing_of_the_course(archives):
    (wheel,) = archives.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.j2", "*.js", "*.css")
        for path in KIT.rglob(pattern)
    }  # fmt: skip
    assert names == expected


def test_the_sdist_holds_the_kit_and_nothing_of_the_course(archives):
    (sdist,) = archives.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    others = {name for name in names if not name.startswith("autograder/")}
    assert others == {"PKG-INFO", "README.md", "pyproject.toml", ".gitignore"}
    assert not [name for name in names if "test_hidden" in name or "misconceptions" in name or "solutions" in name]


def test_every_command_is_in_the_readme():
    from autograder.cli import main

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in main.commands if f"autograder {name}" not in readme] == []


def test_every_dependency_has_its_reason_in_architecture():
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=;\[ ]", entry)[0] for entry in project["dependencies"]]
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    assert [name for name in names if name not in text] == []
