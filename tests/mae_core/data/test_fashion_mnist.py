"""Fashion-MNIST: where it comes from, and that nothing damaged is ever trusted."""

import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import numpy as np
import pytest

from mae_core.data import fashion_mnist
from mae_core.data.fashion_mnist import SHA256, SOURCES, arrays, from_apt, from_installed_package, from_mirrors, obtain
from mae_core.data.placement import origin_of
from mae_core.errors import DataError


def broken(folder, names):
    raise OSError("out of reach")


def lying(folder, names):
    for name in names:
        (folder / name).write_bytes(b"<html>Log in to the network</html>")


def in_parts(folder, names):
    (folder / names[0]).write_bytes(b"cut sh")
    raise subprocess.TimeoutExpired("apt-get", 1)


def test_the_first_source_with_whole_files_is_taken(tmp_path, copying):
    sources = [("a", broken), ("b", lying), ("c", in_parts), ("d", copying), ("e", broken)]
    folder = obtain(tmp_path, sources)
    assert folder == tmp_path / "data" / "fashion_mnist"
    assert origin_of(folder) == "d"
    assert not list(folder.glob(".*"))


def test_the_four_ways_are_tried_in_the_order_that_costs_least():
    assert [source for _, source in SOURCES] == [from_installed_package, from_mirrors, from_apt]


def test_files_already_in_place_ask_no_source(tmp_path, few):
    shutil.copytree(few, tmp_path / "data" / "fashion_mnist")
    assert origin_of(obtain(tmp_path, [])) == "files already in place"


def test_what_was_checked_is_not_read_again(tmp_path, copying, monkeypatch):
    obtain(tmp_path, [("copy", copying)])
    monkeypatch.setitem(SHA256, "t10k-labels-idx1-ubyte.gz", "0" * 64)
    obtain(tmp_path, [])
    assert len(copying.asked) == 1


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b damaged"])
def test_a_damaged_file_alone_is_fetched_again(tmp_path, copying, content):
    damaged = obtain(tmp_path, [("copy", copying)]) / "train-labels-idx1-ubyte.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(content)
    obtain(tmp_path, [("copy", copying)])
    assert copying.asked[1:] == [[damaged.name]]
    assert damaged.read_bytes() == whole


def test_a_damaged_array_is_decoded_again_without_a_source(tmp_path, copying):
    folder = obtain(tmp_path, [("copy", copying)])
    images, _ = arrays(tmp_path, "train")
    before = images.copy()
    (folder / "train-images-idx3.npy").write_bytes(b"")
    assert np.array_equal(arrays(tmp_path, "train")[0], before)
    assert len(copying.asked) == 1


def test_with_no_way_left_one_sentence_names_all_four(tmp_path, few, nowhere):
    with pytest.raises(DataError) as caught:
        obtain(tmp_path)
    sentence = str(caught.value)
    for way in (str(tmp_path / "data" / "fashion_mnist"), "install Debian's package", "mirrors", "apt-get"):
        assert way in sentence
    assert sentence.count(". ") == 0


def test_the_installed_package_is_copied(tmp_path, few, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "INSTALLED", few)
    assert "Debian's installed package" in origin_of(obtain(tmp_path))


@pytest.fixture
def serve():
    """Serve a folder on this machine; returns its address."""
    servers = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    def start(folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_mirror_that_lacks_or_spoils_a_file_is_passed_over(tmp_path, few, nowhere, serve, monkeypatch):
    from torchvision.datasets import FashionMNIST

    empty, spoiled = tmp_path / "empty", tmp_path / "spoiled"
    empty.mkdir()
    shutil.copytree(few, spoiled)
    (spoiled / "train-images-idx3-ubyte.gz").write_bytes(b"other")
    monkeypatch.setattr(FashionMNIST, "mirrors", [serve(empty), serve(spoiled), serve(few)])
    assert origin_of(obtain(tmp_path)) == "torchvision's mirrors"


def test_a_mirror_that_never_answers_is_left(tmp_path, few, nowhere, monkeypatch):
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(fashion_mnist, "SECONDS_WITHOUT_A_BYTE", 0.1)
    with create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        with pytest.raises(OSError, match="no mirror"):
            from_mirrors(tmp_path, list(SHA256))


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb, which Debian's systems have")
def test_an_ordinary_user_unpacks_the_package_without_installing_it(tmp_path, few, nowhere, monkeypatch):
    tree, programs = tmp_path / "tree", tmp_path / "programs"
    shutil.copytree(few, tree / "usr" / "share" / "datasets" / "fashion-mnist")
    (tree / "DEBIAN").mkdir()
    control = "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n"
    (tree / "DEBIAN" / "control").write_text(control)
    monkeypatch.setenv("PATH", os.defpath)
    package = tmp_path / "dataset-fashion-mnist_1_all.deb"
    subprocess.run(["dpkg-deb", "-Znone", "-b", tree, package], check=True, capture_output=True)
    programs.mkdir()
    (programs / "apt-get").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *" download "*) cp {package} . ;; esac\n'
    )
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.defpath}")
    monkeypatch.setattr(fashion_mnist, "INSTALLED", Path("/usr/share/datasets/fashion-mnist"))
    made = tmp_path / "made"
    made.mkdir()
    from_apt(made, list(SHA256))
    assert all((made / name).read_bytes() == (few / name).read_bytes() for name in SHA256)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[3] for call in calls] == ["update", "download"]
    assert all(f"Dir::State::Lists={made}" in call and f"Dir::Cache={made}" in call for call in calls)


RACER = """
import json, shutil, sys, time
from pathlib import Path
from mae_core.data.fashion_mnist import obtain
home, folder = map(Path, sys.argv[1:])
asked = []
def source(into, names):
    asked.append(sorted(names))
    time.sleep(0.3)  # long enough for the other to arrive
    for name in names:
        shutil.copyfile(folder / name, into / name)
obtain(home, [("copy", source)])
print(json.dumps(asked))
"""


def test_two_processes_at_once_fetch_once(tmp_path, shared_data):
    command = [sys.executable, "-c", RACER, str(tmp_path), str(shared_data / "fashion_mnist")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    asked = [json.loads(racer.communicate()[0]) for racer in racers]
    assert sorted(asked) == [[], [sorted(SHA256)]]
    assert arrays(tmp_path, "test")[0].shape == (10_000, 1, 28, 28)


def test_arrays_are_those_of_the_files(tmp_path, few, copying):
    import gzip

    obtain(tmp_path, [("copy", copying)])
    images, labels = arrays(tmp_path, "test")
    assert images.tobytes() == gzip.decompress((few / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    assert labels.tobytes() == gzip.decompress((few / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]


def test_writing_to_the_arrays_changes_no_file(tmp_path, copying):
    obtain(tmp_path, [("copy", copying)])
    images, _ = arrays(tmp_path, "train")
    images[:] = 0
    assert arrays(tmp_path, "train")[0].any()


def test_the_published_set_has_the_classes_and_counts_it_is_known_for(home):
    for split, each in (("train", 6000), ("test", 1000)):
        images, labels = arrays(home, split)
        assert images.shape == (10 * each, 1, 28, 28)
        assert np.bincount(labels).tolist() == [each] * 10
