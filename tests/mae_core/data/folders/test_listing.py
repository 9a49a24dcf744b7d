"""Image folders: layouts, fingerprints, and what is remembered of them."""

import pytest

from mae_core.data.folders.listing import list_folder
from mae_core.data.folders.survey import survey
from mae_core.errors import DataError
from tests.mae_core.data.pictures import copied, damage, paint, paint_split


@pytest.fixture
def records(tmp_path):
    return tmp_path / "records"


@pytest.fixture
def pets(tmp_path):
    return paint_split(tmp_path / "pets")


def test_classes_are_numbered_in_alphabetical_order(tmp_path):
    listing = list_folder(paint_split(tmp_path, classes=("zebra", "ant", "ant hill"), train=1, test=1))
    assert listing.classes == ("ant", "ant hill", "zebra")
    assert dict(zip(listing.train, listing.labels(listing.train), strict=True)) == {
        "train/ant/000.png": 0,
        "train/ant hill/000.png": 1,
        "train/zebra/000.png": 2,
    }


def test_images_without_classes_are_unlabelled(tmp_path):
    for name in ("train/a.png", "train/b.JPEG", "val/c.png"):
        paint(tmp_path / name)
    listing = list_folder(tmp_path)
    assert (listing.train, listing.test, listing.classes) == (("train/a.png", "train/b.JPEG"), ("val/c.png",), ())


def test_val_alone_is_scored_on_its_classes_and_groups_are_told(tmp_path):
    for name in ("val/fog/1/cat/a.png", "val/fog/2/dog/a.png", "val/snow/1/cat/a.png"):
        paint(tmp_path / name)
    listing, found = list_folder(tmp_path), survey(tmp_path, tmp_path / ".records")
    assert (listing.train, listing.classes, listing.labels(listing.test)) == ((), ("cat", "dog"), [0, 1, 0])
    assert listing.groups == ["fog/1", "fog/2", "snow/1"]
    assert (found.num_classes, found.num_train, found.num_test, found.in_chans) == (2, 0, 3, 3)


def test_val_alone_without_classes_is_refused(tmp_path):
    paint(tmp_path / "val" / "a.png")
    with pytest.raises(DataError, match="needs classes"):
        list_folder(tmp_path)


def test_a_single_class_is_no_label(tmp_path):
    assert list_folder(paint_split(tmp_path, classes=("all",))).classes == ()


def test_a_fixed_tenth_of_one_folder_plays_the_test_set(tmp_path):
    for index in range(40):
        paint(tmp_path / "a" / f"{index % 4}" / f"{index}.png", size=(4, 4))
    listing = list_folder(tmp_path / "a")
    assert len(listing.test) == 4
    assert not set(listing.test) & set(listing.train)
    assert list_folder(copied(tmp_path / "a", tmp_path / "b")).test == listing.test


def test_hidden_files_and_other_files_are_no_images(pets, tmp_path):
    before = list_folder(pets)
    paint(pets / "train" / "cat" / "._000.png")
    paint(pets / "train" / ".checkpoints" / "000.png")
    (pets / "train" / "README.txt").touch()
    assert list_folder(pets) == before


def test_a_link_that_leads_back_up_is_not_followed(pets):
    (pets / "train" / "cat" / "up").symlink_to(pets, target_is_directory=True)
    assert len(list_folder(pets).train) == 8


def test_linked_class_folders_are_followed(pets, tmp_path):
    for split in ("train", "val"):
        (tmp_path / "linked" / split).mkdir(parents=True)
        for name in ("cat", "dog"):
            (tmp_path / "linked" / split / name).symlink_to(pets / split / name, target_is_directory=True)
    assert list_folder(tmp_path / "linked").train == list_folder(pets).train


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "holds no images"),
        (["only.png"], "single image"),
        (["train/cat/a.png", "train/dog/a.png"], "no val/"),
        (["train/cat/a.png", "train/dog/a.png", "val/cat/a.png"], "only one of them has dog"),
        (["train/cat/a.png", "val/cat/a.png", "val/dog/a.png"], "only one of them has dog"),
        (["train/cat/a.png", "train/a.png", "val/cat/a.png"], "mixes images with class folders"),
        (["train/cat/a.png", "val/notes.txt"], "val holds no images"),
        (["train/cat/a.png", "train/dog/notes.txt", "val/cat/a.png"], r"without images \(dog\)"),
    ],
)
def test_a_folder_laid_out_otherwise_is_refused(tmp_path, images, sentence):
    for name in images:
        if name.endswith("txt"):
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).touch()
        else:
            paint(tmp_path / name)
    with pytest.raises(DataError, match=sentence):
        list_folder(tmp_path)


def test_a_copy_elsewhere_has_the_same_fingerprint(pets, tmp_path, records):
    there = copied(pets, tmp_path / "there")
    assert survey(pets, records).fingerprint == survey(there, records).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda cat: (cat / "000.png").rename(cat / "other.png"),
        lambda cat: (cat / "000.png").unlink(),
        lambda cat: (cat / "000.png").rename(cat.parent / "dog" / "new.png"),
        lambda cat: paint(cat / "more.png"),
        lambda cat: (cat / "000.png").write_bytes((cat / "000.png").read_bytes() + b"\0"),
    ],
    ids=["rename", "remove", "relabel", "add", "resize in place"],
)
def test_a_change_changes_the_fingerprint(pets, records, change):
    before = survey(pets, records)
    change(pets / "train" / "cat")
    assert survey(pets, records).fingerprint != before.fingerprint


def test_a_large_folder_is_not_read_again(pets, records):
    before = survey(pets, records)
    (pets / "train" / "cat" / "000.png").write_bytes(b"another size, but no directory has changed")
    assert survey(pets, records, relist_up_to=0) == before


def test_a_large_folder_is_read_again_when_a_directory_has_changed(pets, records):
    before = survey(pets, records)
    paint(pets / "train" / "cat" / "more.png")
    assert survey(pets, records, relist_up_to=0).num_train == before.num_train + 1


def test_an_empty_class_folder_is_refused_in_a_known_folder_too(pets, records):
    survey(pets, records)
    (pets / "train" / "bird").mkdir()
    with pytest.raises(DataError, match="bird"):
        survey(pets, records)


@pytest.mark.parametrize("content", ["", "{}", '{"survey": {"fingerprint": "x"}, "directories": {}}', "[1]"])
def test_a_record_that_cannot_be_read_is_made_anew(pets, records, content):
    before = survey(pets, records)
    (record,) = records.iterdir()
    record.write_text(content)
    assert survey(pets, records, relist_up_to=0) == before


def test_a_home_that_cannot_be_written_is_no_obstacle(pets, records):
    records.write_text("a file where the folder should be")
    assert survey(pets, records).num_train == 8


@pytest.mark.parametrize(
    ("modes", "in_chans"),
    [("L", 1), (["L", "1", "I;16"], 1), ("RGB", 3), (["L", "RGB"], 3), (["L", "P"], 3), (["L", "RGBA"], 3)],
)
def test_a_folder_is_grey_only_if_all_images_are(tmp_path, records, modes, in_chans):
    for index, mode in enumerate(modes if isinstance(modes, list) else [modes]):
        for split in ("train", "val"):
            paint(tmp_path / split / f"{index}.png", mode=mode)
    assert survey(tmp_path, records).in_chans == in_chans


def test_an_unreadable_image_says_nothing_about_the_colour(tmp_path, records):
    paint_split(tmp_path, mode="L")
    damage(tmp_path / "train" / "cat" / "000.png", "empty")
    assert survey(tmp_path, records).in_chans == 1


def test_a_folder_of_which_nothing_can_be_opened_is_refused(tmp_path, records):
    for path in paint_split(tmp_path).rglob("*.png"):
        damage(path, "not an image")
    with pytest.raises(DataError, match="none of 8 images can be opened"):
        survey(tmp_path, records)


def test_the_size_is_known_where_all_images_share_it(tmp_path, records):
    paint_split(tmp_path, size=(8, 12))
    assert survey(tmp_path, records).same_size == (8, 12)
    paint(tmp_path / "train" / "cat" / "000.png", size=(9, 12))
    assert survey(tmp_path, records).same_size is None
