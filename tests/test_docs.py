"""The pages keep up with the code: generated ones are current, links lead somewhere, commands and keys exist."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from recon.config import Config
from recon.pipeline.template import render
from tests.support.site import invoke

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def _generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "findings.md"])
def test_generated_pages_are_current(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == _generator().PAGES[name](), "run: make sql"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"(docs/{page.name})" not in readme] == []


def _commands(page: Path) -> set[tuple[str, ...]]:
    text = page.read_text(encoding="utf-8")
    found = set()
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            words = line.split("#")[0].replace(".venv/bin/", "").split()
            if words[:1] == ["recon"]:
                found.add(tuple(words[1:]))
    found |= {tuple(words.split()) for words in re.findall(r"`recon ([a-z][^`]*)`", text)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_in_the_pages_exist(page):
    for words in _commands(page):
        path = []
        for word in words[2:] if words[:1] == ("--config",) else words:
            if not re.fullmatch(r"[a-z]+", word):
                break
            path.append(word)
        while path and invoke(*path, "--help").code != 0:
            path.pop()  # what follows a command is its argument
        assert path, words
        help_page = invoke(*path, "--help").out
        for option in re.findall(r"(?<= )--[a-z-]+", " ".join(words)):
            assert option in help_page or option in ("--config", "--log-format"), words


def test_the_page_of_keys_names_every_key():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name in Config.model_fields:
        assert f"[{name}" in text or f"`{name}`" in text


def test_toml_in_the_pages_holds():
    for page in PAGES:
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            Config.model_validate(tomllib.loads(block))


def test_the_written_configuration_holds():
    config = Config.model_validate(tomllib.loads(render(ad_user="CONTOSO\\svc", workers='a"b.csv')))
    assert config.ad[0].user == "CONTOSO\\svc"
    commented = "\n".join(
        line.removeprefix("# ")
        if re.match(r"# (\[|  \[|groups|\]|scope =|source =|company_domains|denied|url = .mssql)", line)
        else line
        for line in render().splitlines()
        if "employee_id" not in line
    )
    assert Config.model_validate(tomllib.loads(commented)).backfill.scope == "hybrid"
