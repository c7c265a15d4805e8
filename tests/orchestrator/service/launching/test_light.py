"""A server that starts campaigns stays small: what thinks are other processes."""

import json
import subprocess
import sys

import pytest

from tests.support.source_tree import ROOT

HEAVY = ("ax", "botorch", "gpytorch", "numpy", "pandas", "plotly", "scipy", "torch")
SERVER = """
import json, sys
from pathlib import Path
from tests.support.launching import campaign_source, desk_in
with desk_in(Path(sys.argv[1])) as desk:
    kept = desk.keep(campaign_source(), by="ada")
    check = desk.check_kept(kept.file_id, desk.rigs()[0].name)
print(json.dumps([check.state, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]))
"""


@pytest.mark.slow
def test_checking_a_campaign_imports_nothing_heavy_into_the_server(tmp_path):
    words = [sys.executable, "-c", SERVER, str(tmp_path), json.dumps(HEAVY)]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)

    assert json.loads(done.stdout) == ["sound", []]
