"""The first run: one token, for its owner alone."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role
from orchestrator.access.store import access_path
from orchestrator.cli.serve import _tell_first
from orchestrator.dashboard.serving import FirstToken, first_token
from orchestrator.settings import Settings


class SlowBook(KeyBook):
    """A book whose first look at the accounts is before another server made one."""

    has_looked = False

    def accounts(self):
        if not self.has_looked:
            self.has_looked = True
            return ()
        return super().accounts()


def test_of_two_servers_at_the_first_run_one_makes_the_admin(tmp_path):
    path = access_path(tmp_path / "lab.db")
    assert first_token(KeyBook(path), "ada") is not None

    assert first_token(SlowBook(path), "ada") is None

    assert [one.name for one in KeyBook(path).accounts()] == ["ada"]


def test_where_the_login_name_is_no_person_s_the_first_account_is_admin(tmp_path):
    book = KeyBook(access_path(tmp_path / "lab.db"))
    made = first_token(book, "root")
    assert made is not None
    assert (made.account, book.accounts()[0].role) == ("admin", Role.ADMIN)


@pytest.mark.parametrize("lies_there", ["nothing", "an open file", "a link"])
def test_the_first_token_is_written_where_nobody_else_reads_it(tmp_path, lies_there):
    path, elsewhere = tmp_path / "lab.db.first-token", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    if lies_there == "an open file":
        path.touch(mode=0o666)
    if lies_there == "a link":
        os.symlink(elsewhere, path)

    _tell_first(FirstToken("ada", "ath_x_y"), Settings(database=tmp_path / "lab.db", actor="ada"))

    assert path.read_text() == "ath_x_y\n"
    assert stat.S_IMODE(Path(path).lstat().st_mode) == 0o600
    assert elsewhere.read_text() == "mine"
