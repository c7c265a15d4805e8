"""Every bad file beside this one is refused with exactly the lines of its .txt."""

import re
from pathlib import Path

import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text, load_campaign

BAD_FILES = sorted((Path(__file__).parent / "bad").glob("*.toml"))


@pytest.mark.parametrize("file", BAD_FILES, ids=lambda file: file.stem)
def test_a_bad_file_is_refused_with_all_its_mistakes(file: Path) -> None:
    expected = file.with_suffix(".txt").read_text(encoding="utf-8").splitlines()

    with pytest.raises(CampaignFileError) as caught:
        load_campaign(file)

    assert [str(problem) for problem in caught.value.problems] == expected
    assert str(caught.value).splitlines() == [f"{file}: {line}" for line in expected]


def test_there_are_enough_bad_files() -> None:
    assert len(BAD_FILES) >= 20


@pytest.mark.parametrize("file", BAD_FILES, ids=lambda file: file.stem)
def test_no_key_is_complained_of_twice_for_the_same_value(file: Path) -> None:
    with pytest.raises(CampaignFileError) as caught:
        load_campaign(file)

    told = [(problem.key, str(problem.got)) for problem in caught.value.problems]
    assert len(told) == len(set(told))


def test_a_file_that_is_not_there_is_a_mistake_of_the_whole_file(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=r"\(file\): got 'No such file or directory'"):
        load_campaign(tmp_path / "none.toml")


def test_a_folder_is_no_campaign_file(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match="expected a readable file"):
        load_campaign(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(b'[campaign]\nname = "caf\xe9"\n')

    with pytest.raises(CampaignFileError, match="got 'byte 0xe9 at offset 22', expected UTF-8"):
        load_campaign(file)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.toml"
    file.write_text("#" * 1_000_001, encoding="utf-8")

    with pytest.raises(CampaignFileError, match="at most 1000000 bytes"):
        load_campaign(file)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = 1" + "0" * 5000,
        "a = 1e99999999999999999999999",
        "a = 1e-999999999",
        "a = 0x" + "f" * 5000,
        "a.b = 1\na.b.c = 2",
        "a = 1979-05-27",
    ],
    ids=["nested", "long_integer", "huge", "tiny", "hexadecimal", "redefined", "date"],
)
def test_hostile_toml_is_refused_and_not_worked_on(text: str) -> None:
    with pytest.raises(CampaignFileError):
        campaign_from_text(text, file="hostile.toml")


@pytest.mark.parametrize("number", ["1e-999999999", "1e999999999", "inf", "-nan", "true", "'1'"])
def test_a_number_that_cannot_be_worked_with_is_refused(number: str) -> None:
    text = f"[space.composition]\nelements = ['Al', 'Cu']\nstep = {number}"

    with pytest.raises(CampaignFileError, match=r"space\.composition\.step: got"):
        campaign_from_text(text, file="hostile.toml")


JUNK = ("5", "-1", "0.5", "nan", "true", '""', '"x y"', '"Al"', "[]", "[[1]]", "{}", "{ a = 1 }")
JUNK_ALSO = ("1979-05-27", '["a", 1]', '"1 +"', "[{ name = 5 }]", "1e300")


PARTS = re.compile(r"^```toml part\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _documented_lines() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "CAMPAIGNS.md").read_text(encoding="utf-8")
    return "".join(PARTS.findall(page)).splitlines()


def _mistakes_in(lines: list[str]) -> list[tuple[str, str]]:
    try:
        campaign_from_text("\n".join(lines), file="changed.toml")
    except CampaignFileError as error:
        return [(problem.key, str(problem.got)) for problem in error.problems]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK + JUNK_ALSO)
def test_any_value_in_any_place_is_taken_or_named_once(junk: str) -> None:
    lines = _documented_lines()

    for place, line in enumerate(lines):
        key, equals, _ = line.partition(" = ")
        if equals:
            mistakes = _mistakes_in([*lines[:place], f"{key} = {junk}", *lines[place + 1 :]])
            assert len(mistakes) == len(set(mistakes)), line


@pytest.mark.slow
def test_any_line_left_out_is_missed_once_or_not_needed() -> None:
    lines = _documented_lines()

    for place, line in enumerate(lines):
        mistakes = _mistakes_in(lines[:place] + lines[place + 1 :])
        assert len(mistakes) == len(set(mistakes)), line


@pytest.mark.parametrize(
    "line",
    [
        'for_each = "component"',
        'instrument = "doser"',
        'positions = ["cup"]',
        'arguments = { mass_g = "2 * {component}" }',
    ],
)
@pytest.mark.parametrize("junk", ["5", '"a b"', '"{"', "[5]", "{ a = true }", "{ a = '(' }"])
def test_a_wrong_job_does_not_make_the_others_wrong(line: str, junk: str) -> None:
    text = """
        campaign.name = "dosing"
        space.composition = { elements = ["Al", "Cu"], step = 0.1 }
        objective = [{ name = "strength_mpa", direction = "maximise" }]
        [[recipe.job]]
        name = "dose_{component}"
        for_each = "component"
        instrument = "doser"
        action = "dispense"
        positions = ["cup"]
        arguments = { mass_g = "2 * {component}" }
        [[recipe.job]]
        name = "cast"
        instrument = "furnace"
        action = "melt"
        after = ["dose_{component}", "dose_Al", "no_such_job"]
    """
    wrong = text.replace(line, f"{line.split(' = ', maxsplit=1)[0]} = {junk}")

    with pytest.raises(CampaignFileError) as caught:
        campaign_from_text(wrong, file="changed.toml")

    *told, last = caught.value.problems
    assert told
    assert all(problem.key.startswith("recipe.job[0]") for problem in told)
    assert (last.key, last.got) == ("recipe.job[1] (cast).after", "no_such_job")


def test_a_name_that_is_left_out_may_be_the_one_that_is_meant() -> None:
    text = """
        campaign.name = "nameless"
        space.parameter = [{ kind = "discrete", values = [1, 2] }]
        objective = [{ name = "strength_mpa", direction = "maximise" }]
        constraint = [{ expression = "time_h <= 2" }]
    """

    with pytest.raises(CampaignFileError) as caught:
        campaign_from_text(text, file="nameless.toml")

    assert [problem.key for problem in caught.value.problems] == ["space.parameter[0].name"]
