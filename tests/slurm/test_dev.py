"""The cluster for tests: of several who start or end it at the same moment, one acts and the others wait."""

import os
import shutil
import subprocess

import pytest

from tests.slurm.conftest import DEV

pytestmark = pytest.mark.slurm


@pytest.mark.skipif(os.getuid() != 0, reason="a SLURM of one's own needs root")
def test_whoever_comes_second_waits(tmp_path):
    if not shutil.which("flock"):
        pytest.skip("no flock here")
    state = tmp_path / "state"
    state.mkdir()
    first = subprocess.Popen(["flock", f"{state}.lock", "cat"], stdin=subprocess.PIPE)
    second = subprocess.Popen([DEV, "down"], env=os.environ | {"MAE_SLURM_DEV": str(state)})
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(1.0)
        assert state.exists()
        first.stdin.close()
        assert second.wait(60) == 0
        assert not state.exists()
    finally:
        first.kill()
        second.kill()
        first.wait()
