"""Where a process stands, from what torchrun or SLURM say in its environment."""

import pytest

from mae_core.launch.ranks import PORTS, Place, joined, place

STEP = {
    "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1",
    "SLURM_JOB_NODELIST": "localhost,n[2-3]", "SLURM_NTASKS": "4",
}  # fmt: skip


def test_torchruns_place():
    said = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "node-0", "MASTER_PORT": "29500"}
    assert place(said) == Place(5, 8, 1, "node-0", 29500)


def test_a_slurm_steps_place_is_met_at_its_first_node():
    found = place(STEP)
    assert (found.rank, found.world, found.local_rank, found.address) == (3, 4, 1, "localhost")
    assert found.port in PORTS


def test_a_node_whose_name_means_nothing_is_met_by_its_address():
    said = {**STEP, "SLURM_JOB_NODELIST": "no-such-node-[1-2]", "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1"}
    assert place(said).address == "127.0.0.1"


def test_ranks_of_a_job_agree_on_a_port_and_take_another_after_a_requeue():
    ports = {place({**STEP, "SLURM_PROCID": str(rank)}).port for rank in range(4)}
    assert len(ports) == 1
    assert place({**STEP, "SLURM_RESTART_COUNT": "1"}).port not in ports


@pytest.mark.parametrize(
    "said", [{}, {**STEP, "SLURM_STEP_NUM_TASKS": "1"}, {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}]
)
def test_one_process_or_an_allocations_shell_is_alone(said):
    assert place(said) is None


def test_alone_there_is_nobody_to_join():
    with joined() as ranks:
        assert (ranks.rank, ranks.world) == (0, 1)
