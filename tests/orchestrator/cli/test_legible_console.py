"""What devices and people said steers no terminal."""

import io
import json

from rich.table import Table

from orchestrator.cli.legible_console import LegibleConsole
from orchestrator.cli.options import write_json, write_text

EVIL = "pump\x1b[2J\x1b]0;mine\x07\x9b1m \u202egnp"


def test_a_device_s_words_are_shown_as_text_in_lines_and_tables():
    file = io.StringIO()
    console = LegibleConsole(file=file, force_terminal=True, width=120, highlight=False)
    table = Table("instrument")
    table.add_row(EVIL)

    console.print(EVIL, markup=False)
    console.print(table)

    shown = file.getvalue()
    assert shown.count(r"pump\u001b[2J\u001b]") == 2
    assert not {"\x1b]", "\x1b[2J", "\x07", "\x9b", "\u202e"} & {
        shown[begin : begin + n] for n in (1, 2, 4) for begin in range(len(shown))
    }


def test_our_own_colours_stay():
    file = io.StringIO()
    LegibleConsole(file=file, force_terminal=True, color_system="standard").print("[red]hot[/red]")

    assert "\x1b[31mhot" in file.getvalue()


def test_answers_for_scripts_steer_nothing_and_say_the_same(capsys):
    write_json({"reason": EVIL})
    said = capsys.readouterr().out
    assert json.loads(said) == {"reason": EVIL}
    assert all(sign.isprintable() or sign == "\n" for sign in said)

    write_text(f"one\ttwo\n{EVIL}")
    assert capsys.readouterr().out == (
        "one\ttwo\n" r"pump\u001b[2J\u001b]0;mine\u0007\u009b1m \u202egnp" "\n"
    )
