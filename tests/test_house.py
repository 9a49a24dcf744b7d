"""The house: what holds of every file, whatever it is about."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ablations.selection import select
from mae_core.data.catalogue import describe
from mae_core.scales import SCALES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = PROJECT["tool"]["importlinter"]["contracts"]
PACKAGES = PROJECT["tool"]["importlinter"]["root_packages"]
DISTRIBUTIONS = packages_distributions()  # import name → what has to be installed for it
TORCH_FREE = next(contract for contract in CONTRACTS if contract["type"] == "forbidden")
MACHINE_PATH = re.compile(r"(?<![\w.:~$}>)/-])/(?:work|root|home|tmp|Users)/\w")

# imports each module on its own and says which of the forbidden ones came with it
PROBE = """
import importlib, json, pkgutil, sys
sources, forbidden = json.loads(sys.argv[1])
for source in sources:
    module = importlib.import_module(source)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), source + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    loaded = [name for name in forbidden if name in sys.modules]
    if loaded:
        sys.exit(f"{source} brings in {', '.join(loaded)}")
"""


@cache
def files(pattern: str) -> list[Path]:
    """The project's files that match `pattern`: those tracked, and those about to be."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", pattern]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({ROOT / name for name in names if name and (ROOT / name).is_file()})


def prose(page: Path) -> str:
    """Markdown without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)


def readme_tree() -> list[str]:
    """The paths that README's annotated tree names; deeper indentation is inside the line above."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    tree = next((block for block in blocks if re.search(r"^mae_core/", block, flags=re.MULTILINE)), "")
    paths: list[str] = []
    above: list[tuple[int, str]] = []
    for line in filter(str.strip, tree.splitlines()):
        indent = len(line) - len(line.lstrip())
        above = [(depth, folder) for depth, folder in above if depth < indent]
        folder = above[-1][1] if above else ""
        names = [folder + name for name in re.split(r"\s{2,}", line.strip())[0].replace(",", " ").split()]
        paths += names
        above.append((indent, names[0]))
    return paths


def test_relative_links_in_markdown_resolve() -> None:
    links = [(page, link) for page in files("*.md") for link in re.findall(r"\]\(([^)\s]+)\)", prose(page))]
    local = [(page, link.split("#")[0]) for page, link in links if not re.match(r"\w+:|#", link)]
    assert [f"{page.name}: {link}" for page, link in local if not (page.parent / link).exists()] == []


def test_python_commands_in_markdown_exist() -> None:
    commands = re.compile(r"python -m ((?:mae_core|ablations|sweeps|reports|benchmarks)(?:\.\w+)*)")
    modules = {name for page in files("*.md") for name in commands.findall(page.read_text())}
    homes = {
        name: [ROOT / f"{name.replace('.', '/')}{ending}" for ending in (".py", "/__main__.py")] for name in modules
    }
    assert [name for name, (module, package) in homes.items() if not (module.is_file() or package.is_file())] == []


def test_make_targets_in_markdown_exist() -> None:
    named = {name for page in files("*.md") for name in re.findall(r"(?m)(?:^ *|`)make ([a-z_]+)", page.read_text())}
    assert named - set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text())) == set()


def test_documented_ablation_can_be_planned(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-an-ablation.md").read_text()
    spec = tmp_path / "decoder_heads.py"
    spec.write_text(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0])
    (selected,) = select([str(spec)])
    cells = selected.ablation.cells(SCALES["mini"], describe("fashion_mnist", tmp_path), seeds=1)
    assert [cell.name for cell in cells] == [
        f"decoder_heads/{heads}/{protocol}/0" for heads in (8, 16, 32) for protocol in ("finetune", "linear_probe")
    ]


def test_readme_tree_names_only_what_exists_and_every_package() -> None:
    assert (ROOT / "README.md").is_file(), "README.md is missing"
    named = readme_tree()
    assert named, "README.md has no fenced tree with a line that begins with mae_core/"
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []
    assert {f"{file.parent.name}/" for file in files("*/__init__.py") if file.parent.parent == ROOT} <= set(named)


@pytest.mark.parametrize("pattern", ["*.py", "docs/*.md", "README.md", "CONTRIBUTING.md"])
def test_files_are_short(pattern: str) -> None:
    written = [file for file in files(pattern) if ROOT / "docs" / "results" not in file.parents]  # those are generated
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in written}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_module_says_what_it_owns() -> None:
    assert [file.name for file in files("*.py") if not ast.get_docstring(ast.parse(file.read_text()))] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    texts = {file: file.read_bytes().decode(errors="replace") for file in files("*")}
    assert [f"{file.name}: {hit[0]}" for file, text in texts.items() for hit in MACHINE_PATH.finditer(text)] == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("see /root" + "/x", True), ("'/home" + "/me'", True), ("example.org/home/me", False), ("--home DIR", False)],
)
def test_machine_paths_are_told_from_other_text(text: str, is_one: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is is_one


def test_changelog_has_a_place_for_the_next_change() -> None:
    assert re.search(r"^## \[Unreleased\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)


def imported(file: Path) -> set[str]:
    """The top-level packages that `file` imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    taken_from = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in plain | taken_from}


def test_what_the_packages_import_is_declared() -> None:
    packages = {folder.name for folder in ROOT.iterdir() if folder.is_dir()}
    names = {name for package in PACKAGES for file in files(f"{package}/*.py") for name in imported(file)}
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    providers = {name: set(map(canonicalize_name, DISTRIBUTIONS.get(name, []))) for name in names - packages}
    assert {
        name for name in providers if name not in sys.stdlib_module_names and not providers[name] & declared
    } == set()


def test_lock_satisfies_every_range() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    locked = {canonicalize_name(name): version for name, version in pins.items()}
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *extras) for text in texts]
    assert [str(want) for want in wanted if locked.get(canonicalize_name(want.name), "0") not in want.specifier] == []


def test_what_is_asked_remembered_and_reported_imports_no_torch() -> None:
    question = json.dumps([TORCH_FREE["source_modules"], TORCH_FREE["forbidden_modules"]])
    probe = subprocess.run([sys.executable, "-c", PROBE, question], cwd=ROOT, capture_output=True, text=True)
    assert probe.returncode == 0, probe.stderr
