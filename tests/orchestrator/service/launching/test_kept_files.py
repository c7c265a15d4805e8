"""Campaign files that are kept: harmless names, versions that never change."""

import stat
from pathlib import Path

import pytest

from orchestrator.errors import LogUnavailable, RequestRefused
from orchestrator.service.launching import CampaignText
from orchestrator.service.launching.folder import FilesFolder
from orchestrator.service.launching.kept_files import KeptFiles
from orchestrator.service.launching.sources import MAX_BYTES, sha256_of
from tests.support.launching import campaign_source

SOURCE = CampaignText(file_name="a.toml", text='[campaign]\nname = "a"\n')
LISTED = CampaignText(
    file_name="a.toml",
    text='[campaign]\nname = "a"\n[space]\npoints = "plate 1.csv"\n',
    points_name="plate 1.csv",
    points_text="x1,x2\n0.5,0.5\n",
)


@pytest.fixture
def files(tmp_path: Path) -> KeptFiles:
    folder = FilesFolder.of_database(tmp_path / "lab.db")
    folder.make()
    return KeptFiles(folder)


def test_a_file_is_kept_as_it_was_given(files):
    kept = files.keep(LISTED, by="ada")

    assert (kept.file_id, kept.campaign_name, kept.kept_by) == ("a/1", "a", "ada")
    assert files.text_of("a/1") == LISTED
    assert files.path_of("a/1").with_name("plate 1.csv").read_text() == LISTED.points_text


def test_the_same_text_is_the_same_version_and_another_text_the_next_one(files):
    first = files.keep(SOURCE, by="ada")
    again = files.keep(SOURCE, by="bob")
    changed = SOURCE.model_copy(update={"text": SOURCE.text + "# changed\n"})
    second = files.keep(changed, by="bob")

    assert again == first
    assert (second.version, files.text_of("a/1")) == (2, SOURCE)
    assert [one.file_id for one in files.kept()] == ["a/2", "a/1"]


def test_line_ends_of_a_browser_make_no_other_version(files):
    first = files.keep(SOURCE, by="ada")
    from_form = SOURCE.model_copy(update={"text": SOURCE.text.replace("\n", "\r\n")})

    assert files.keep(from_form, by="ada") == first


def test_what_is_kept_is_for_its_owner_alone_and_read_only(files, tmp_path):
    files.keep(SOURCE, by="ada")

    folder = tmp_path / "lab.db.campaigns"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(files.path_of("a/1").stat().st_mode) == 0o400
    assert list((folder / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../a.toml", "/etc/a.toml", "a/b.toml", "a.txt", ".toml", "-a.toml", "a\0.toml", "a..b.toml",
     "ä.toml", "x" * 200 + ".toml", "a.toml\n", "", "a\\b.toml"],
)  # fmt: skip
def test_a_name_with_path_parts_or_no_name_at_all_is_refused(files, name):
    with pytest.raises(RequestRefused, match="name of the campaign file"):
        files.keep(SOURCE.model_copy(update={"file_name": name}), by="ada")


@pytest.mark.parametrize("points", ["../../etc/passwd", "/etc/passwd", "other.csv"])
def test_a_list_of_points_is_never_read_from_elsewhere(files, points):
    text = f'[campaign]\nname = "a"\n[space]\npoints = "{points}"\n'

    with pytest.raises(RequestRefused, match=r"space\.points: got"):
        files.keep(SOURCE.model_copy(update={"text": text}), by="ada")


def test_a_list_that_the_file_does_not_name_is_refused(files):
    given = SOURCE.model_copy(update={"points_name": "b.csv", "points_text": "x\n1\n"})

    with pytest.raises(RequestRefused, match=r"space\.points: got nothing"):
        files.keep(given, by="ada")


def test_a_text_that_is_too_long_or_no_campaign_is_refused(files):
    long = SOURCE.text + "#" * MAX_BYTES
    with pytest.raises(RequestRefused, match="expected at most"):
        files.keep(SOURCE.model_copy(update={"text": long}), by="ada")
    with pytest.raises(RequestRefused, match="expected a campaign file"):
        files.keep(SOURCE.model_copy(update={"text": "no toml ["}), by="ada")
    with pytest.raises(RequestRefused, match="UTF-8"):
        files.keep(SOURCE.model_copy(update={"text": SOURCE.text + "#\ud800"}), by="ada")


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(RequestRefused, match="0xff at offset 1"):
        CampaignText.of_bytes("a.toml", b"a\xff")
    assert CampaignText.of_bytes("a.toml", b"\xef\xbb\xbfa").text == "a"


@pytest.mark.parametrize("file_id", ["a/2", "b/1", "../files/a/1", "a/../a/1", "a", "a/0", "a/01"])
def test_only_a_version_that_is_kept_is_found(files, file_id):
    files.keep(SOURCE, by="ada")

    with pytest.raises(RequestRefused, match="campaign file"):
        files.facts(file_id)


def test_a_file_that_was_changed_since_it_was_looked_at_is_refused(files):
    files.keep(SOURCE, by="ada")
    sha256 = sha256_of(SOURCE)

    assert files.unchanged("a/1", sha256).file_id == "a/1"
    with pytest.raises(RequestRefused, match="as it was checked"):
        files.unchanged("a/1", "0" * 64)
    files.path_of("a/1").chmod(0o600)
    files.path_of("a/1").write_text(SOURCE.text + "# somebody else\n", encoding="utf-8")
    with pytest.raises(RequestRefused, match="as it was checked"):
        files.unchanged("a/1", sha256)


def test_a_folder_that_others_may_read_is_refused(tmp_path):
    folder = FilesFolder.of_database(tmp_path / "lab.db")
    folder.path.mkdir(mode=0o755)
    folder.path.chmod(0o755)

    with pytest.raises(RequestRefused, match="mode 0700"):
        folder.make()


def test_a_disk_that_takes_nothing_is_named(files, tmp_path):
    incoming = tmp_path / "lab.db.campaigns/incoming"
    incoming.rmdir()

    with pytest.raises(LogUnavailable, match="incoming"):
        files.keep(SOURCE, by="ada")


def test_a_version_that_another_server_kept_meanwhile_is_not_overwritten(files, tmp_path):
    files.keep(SOURCE, by="ada")
    taken = tmp_path / "lab.db.campaigns/files/a/2"
    taken.mkdir()
    (taken / "being written").touch()

    kept = files.keep(SOURCE.model_copy(update={"text": SOURCE.text + "#\n"}), by="bob")

    assert kept.file_id == "a/3"
    assert (taken / "being written").exists()


def test_the_library_is_kept(files):
    assert files.keep(campaign_source(), by="ada").campaign_name == "oer-plate"


@pytest.mark.parametrize(
    "key", [".".join("a" * 200_000), '"a" . ' * 40 + "b", "'a'." * 31 + "b", f"[{'a.' * 31}b]"]
)
def test_a_key_that_takes_minutes_to_read_is_refused_unread(files, key):
    text = SOURCE.text + (key if key.startswith("[") else f"{key} = 1") + "\n"
    with pytest.raises(RequestRefused, match="joined by dots"):
        files.keep(SOURCE.model_copy(update={"text": text}), by="ada")


def test_numbers_and_prose_with_many_dots_are_no_long_key(files):
    numbers = ", ".join(f"{n / 10}" for n in range(200))
    text = f'{SOURCE.text}description = "{"to be done... " * 50}"\nlist = [{numbers}]\n'
    assert files.keep(SOURCE.model_copy(update={"text": text}), by="ada").version == 1
