"""Campaigns are started on rigs that the server's operator named, and on no others."""

import pytest

from orchestrator.errors import RequestRefused, RigFileError, SettingsError
from orchestrator.service.launching.rigs import RigOffer, RigsOnOffer
from tests.support.launching import rig_in


def test_a_rig_is_shown_as_its_file_says_it(tmp_path):
    (view,) = RigsOnOffer([RigOffer(rig_in(tmp_path))]).views()

    assert (view.name, view.is_simulated, view.can_dry_run, view.problem) == (
        "oer-bench", False, True, "",
    )  # fmt: skip
    assert "pump_x1" in view.instruments
    assert len(view.sha256) == 64


def test_another_rig_than_those_named_is_refused(tmp_path):
    rigs = RigsOnOffer([RigOffer(rig_in(tmp_path))])

    with pytest.raises(RequestRefused, match="expected one of oer-bench"):
        rigs.named(str(tmp_path / "oer_rig.toml"))
    with pytest.raises(RequestRefused, match="expected one of none"):
        RigsOnOffer([]).named("oer-bench")


def test_a_rig_that_has_changed_is_refused_but_not_for_a_comment(tmp_path):
    file = rig_in(tmp_path)
    rigs = RigsOnOffer([RigOffer(file)])
    before = rigs.named("oer-bench").sha256
    text = file.read_text(encoding="utf-8")

    file.write_text(text + "# nothing\n", encoding="utf-8")
    assert rigs.unchanged("oer-bench", before).sha256 == before
    file.write_text(text.replace("volume_ml = 500.0", "volume_ml = 400.0", 1), encoding="utf-8")
    with pytest.raises(RequestRefused, match="has changed since"):
        rigs.unchanged("oer-bench", before)


def test_a_rig_file_that_became_wrong_is_told_and_refused(tmp_path):
    file = rig_in(tmp_path)
    rigs = RigsOnOffer([RigOffer(file)])
    text = file.read_text(encoding="utf-8")

    for wrong in ("nothing [", text.replace("oer-bench", "other-bench")):
        file.write_text(wrong, encoding="utf-8")
        (view,) = rigs.views()
        assert view.problem
        assert view.sha256 == ""
        with pytest.raises(RequestRefused, match="cannot be used now"):
            rigs.named("oer-bench")
    file.unlink()
    assert "No such file" in rigs.views()[0].problem


def test_a_wrong_file_two_of_one_name_or_a_fast_real_rig_are_refused_at_once(tmp_path):
    file = rig_in(tmp_path)

    with pytest.raises(SettingsError, match="one file for the rig oer-bench"):
        RigsOnOffer([RigOffer(file), RigOffer(file)])
    with pytest.raises(SettingsError, match="real devices"):
        RigsOnOffer([RigOffer(file, speed=10.0)])
    with pytest.raises(RigFileError):
        RigsOnOffer([RigOffer(tmp_path / "none.toml")])
