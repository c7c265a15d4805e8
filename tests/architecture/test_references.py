"""Every paper that is cited is listed once, and every listed one is cited."""

import re

from tests.support.source_tree import ROOT, name_of, shipped_files

REFERENCES = "\n## References\n"
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
KEY = re.compile(r"\[([A-Z][A-Za-z]*[12]\d{3})\]")
"""A first author and a year, as in ``[Knowles2006]``."""


def listed_papers() -> list[str]:
    _, _, section = ARCHITECTURE.partition(REFERENCES)
    entries = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    return [found[1] for entry in entries if (found := KEY.match(entry))]


def cited_papers() -> dict[str, str]:
    """Return each key that is cited and a file that cites it."""
    files = [*shipped_files(), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    files += (ROOT / "simulators").rglob("*.md")
    found: dict[str, str] = {}
    for file in files:
        text, _, _ = file.read_text(encoding="utf-8").partition(REFERENCES)
        found |= dict.fromkeys(KEY.findall(text), name_of(file))
    return found


def test_every_cited_paper_is_listed() -> None:
    listed = set(listed_papers())

    assert {key: file for key, file in cited_papers().items() if key not in listed} == {}


def test_every_listed_paper_is_cited() -> None:
    assert set(listed_papers()) - set(cited_papers()) == set()


def test_the_papers_are_listed_once_and_in_order() -> None:
    listed = listed_papers()

    assert listed == sorted(set(listed))
    assert listed
