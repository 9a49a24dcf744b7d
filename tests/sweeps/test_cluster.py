"""Jobs of sweeps on a cluster: which sweep a name in the queue means."""

from pathlib import Path

from sweeps.cluster import home_mark, job_name

FIRST = (Path("/somewhere/home"), "finetune_lr", "mini", "fashion_mnist")
OTHERS = (Path("/elsewhere/home"), "pretrain_lr", "small", "cifar10")


def test_sweeps_that_differ_in_anything_have_jobs_of_other_names():
    changed = [(*FIRST[:place], other, *FIRST[place + 1 :]) for place, other in enumerate(OTHERS)]
    assert len({job_name(*one) for one in (FIRST, *changed)}) == 1 + len(OTHERS)


def test_all_jobs_of_a_home_are_known_by_its_mark():
    assert home_mark(FIRST[0]) in job_name(*FIRST)
    assert home_mark(OTHERS[0]) not in job_name(*FIRST)
