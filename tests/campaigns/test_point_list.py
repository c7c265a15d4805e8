"""Campaigns over samples that exist already: read from CSV files, judged row by row."""

from pathlib import Path

import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import load_campaign
from campaigns.membership import problems_of_point
from campaigns.spec import CampaignSpec

CAMPAIGN = """
[campaign]
name = "film"
[space]
points = "film.csv"
[space.composition]
components = ["a", "b"]
step = 0.1
[[space.parameter]]
name = "place"
kind = "discrete"
values = [1, 2, 3]
[[space.parameter]]
name = "batch"
kind = "categorical"
values = ["01", "2"]
[[objective]]
name = "y"
direction = "maximise"
"""
FILM = """sample,b,a,place,batch
s1,0.9,0.1,1,01
s2,0.5,0.5,2,2

s3,0.702,0.29,3,01
"""


def written(folder: Path, film: str = FILM, campaign: str = CAMPAIGN) -> Path:
    (folder / "film.csv").write_text(film, encoding="utf-8")
    file = folder / "film.toml"
    file.write_text(campaign, encoding="utf-8")
    return file


def refusal(folder: Path, film: str) -> str:
    with pytest.raises(CampaignFileError) as caught:
        load_campaign(written(folder, film))
    return str(caught.value).replace(f"{folder}/film.toml: ", "")


def test_rows_are_read_by_their_headings_and_brought_to_the_grid(tmp_path: Path) -> None:
    space = load_campaign(written(tmp_path)).space

    assert [tuple(map(str, row)) for row in space.listed_rows] == [
        ("0.1", "0.9", "1", "01"),
        ("0.5", "0.5", "2", "2"),
        ("0.3", "0.7", "3", "01"),
    ]


def test_a_campaign_holds_its_list_when_the_file_is_gone(tmp_path: Path) -> None:
    campaign = load_campaign(written(tmp_path))
    (tmp_path / "film.csv").unlink()

    again = CampaignSpec.from_canonical_text(campaign.canonical_text())

    assert again == campaign
    assert again.space.listed_points == campaign.space.listed_points


def test_a_list_without_a_composition_is_one_of_parameters(tmp_path: Path) -> None:
    start, end = CAMPAIGN.index("[space.composition]"), CAMPAIGN.index("[[space.parameter]]")

    space = load_campaign(written(tmp_path, FILM, CAMPAIGN[:start] + CAMPAIGN[end:])).space

    assert len(space.listed_points) == 3


def test_samples_that_are_alike_count_once(tmp_path: Path) -> None:
    space = load_campaign(written(tmp_path, FILM + "s4,0.90,0.10,1.0,01\n")).space

    assert (len(space.listed_rows), len(space.listed_points)) == (4, 3)


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        ("", "space.points: got 'film.csv', expected a CSV file with a heading and at least one"),
        ("a,b,place,batch\n", "expected a CSV file with a heading and at least one row"),
        ("a,place,batch\n1,1,2\n", "got film.csv: a, place, batch, expected a column for every"),
        ("a,b,a,place,batch\n1,0,1,1,2\n", "got film.csv: column 'a' twice, expected each column"),
        ("a,b,place,batch\n1,0,1,2,3\n", "film.csv row 1: got 5 fields, expected 4, as in the"),
        ("a,b,place,batch\n1,x,1,2\n", "film.csv row 1: b: got 'x', expected a number"),
        ("a,b,place,batch\n1,,1,2\n", "film.csv row 1: b: got '', expected a number"),
        ("a,b,place,batch\n1,nan,1,2\n", "film.csv row 1: b: got NaN, expected a finite number"),
        ("a,b,place,batch\n1,0,1,2\n0.5,0.4,1,2\n", "row 2: got a sum of 0.9, expected fractions"),
        ("a,b,place,batch\n1,0,4,2\n", "row 1: place: got 4, expected one of 3 levels from 1 to 3"),
        ("a,b,place,batch\n1,0,1,1\n", "row 1: batch: got '1', expected one of 01, 2"),
        ("a,b,place,batch\n" + "1,0,4,2\n" * 9, "space.points: got 9 such rows, expected"),
        ("a,b,place,batch\n" + "1,z,4,2\n" * 9, "got 4 more such rows of film.csv, expected none"),
        ('a,b,place,batch\n1,0,"1,2\n', "expected a CSV file; unexpected end of data"),
    ],
)
def test_a_wrong_list_is_named_with_row_and_column(
    tmp_path: Path, film: str, expected: str
) -> None:
    assert expected in refusal(tmp_path, film)


def test_a_list_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    (tmp_path / "film.csv").write_bytes(b"a,b,place,batch\n1,0,1,\xe9\n")

    with pytest.raises(CampaignFileError, match="a CSV file in UTF-8; byte 22 is not"):
        load_campaign(file)


def test_a_wrong_list_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    file = written(tmp_path, "a\n1\n", CAMPAIGN.replace("maximise", "most"))

    with pytest.raises(CampaignFileError) as caught:
        load_campaign(file)

    assert {one.key for one in caught.value.problems} == {
        "objective[0] (y).direction",
        "space.points",
    }


def test_a_point_off_the_list_may_not_be_made(tmp_path: Path) -> None:
    campaign = load_campaign(written(tmp_path))

    def told(point: dict[str, float | str]) -> list[str]:
        return [one.expected for one in problems_of_point(campaign.space, (), point)]

    assert told({"a": 0.3, "b": 0.7, "place": 3, "batch": "01"}) == []
    assert told({"a": 0.3, "b": 0.7, "place": 2, "batch": "01"}) == ["one of the 3 listed points"]
