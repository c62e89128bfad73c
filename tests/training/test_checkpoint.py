"""A checkpoint that is not what it should be is told from one that is, and nothing in it is ever run."""

import hashlib
import json
import pickle
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from nsr_core.errors import UserError
from nsr_core.models import make_network
from nsr_core.training.card import list_checkpoints, read_card
from nsr_core.training.checkpoint import load_checkpoint, save_checkpoint


def edit_card(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | changes))


def correct_hash(folder):
    edit_card(folder, weights_sha256=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest())


def refused(folder, message):
    with pytest.raises(UserError, match=message) as caught:
        load_checkpoint(folder)
    assert str(folder) in str(caught.value)


def test_what_is_saved_is_loaded_to_the_bit(checkpoint_folder, trained, tmp_path):
    card = read_card(checkpoint_folder)
    save_checkpoint(tmp_path / "copy", trained.network, {k: v for k, v in card.items() if k != "weights_sha256"})
    copy = load_checkpoint(tmp_path / "copy")
    for p, q in zip(copy.network.parameters(), trained.network.parameters(), strict=True):
        assert torch.equal(p, q)
    assert copy.digest == trained.digest == card["weights_sha256"][:12]


def test_no_folder_and_no_card(tmp_path):
    refused(tmp_path / "nowhere", "holds no checkpoint: card.json is missing")
    refused(tmp_path, "holds no checkpoint: card.json is missing")


def test_no_weights(checkpoint_folder):
    (checkpoint_folder / "model.safetensors").unlink()
    refused(checkpoint_folder, "model.safetensors is missing")


def test_one_flipped_bit(checkpoint_folder):
    path = checkpoint_folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(checkpoint_folder, "damaged or belongs to another card: its SHA-256 begins")


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_even_with_the_right_hash(checkpoint_folder, keep):
    path = checkpoint_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    refused(checkpoint_folder, "damaged")
    correct_hash(checkpoint_folder)
    refused(checkpoint_folder, "not a readable safetensors file")


def test_weights_of_another_network_with_the_right_hash(checkpoint_folder):
    save_file(make_network("cnn").state_dict(), checkpoint_folder / "model.safetensors")
    correct_hash(checkpoint_folder)
    refused(checkpoint_folder, "does not fit the network mlp that its card names")


def test_weights_that_are_no_numbers(checkpoint_folder):
    weights = load_file(checkpoint_folder / "model.safetensors")
    weights["layers.0.weight"][3, 4] = float("nan")
    save_file(weights, checkpoint_folder / "model.safetensors")
    correct_hash(checkpoint_folder)
    refused(checkpoint_folder, "not finite")


@pytest.mark.parametrize("text", ["", "{", "not json", "\x00\x01"])
def test_a_card_that_is_not_json(checkpoint_folder, text):
    (checkpoint_folder / "card.json").write_text(text)
    refused(checkpoint_folder, "cannot be read as a card")


def test_a_card_that_is_not_text(checkpoint_folder):
    (checkpoint_folder / "card.json").write_bytes(b"\xff\xfe\x80")
    refused(checkpoint_folder, "cannot be read as a card")


@pytest.mark.parametrize("card", [[], 3, {}, {"format": "other 1"}, {"format": None}])
def test_a_card_of_another_program(checkpoint_folder, card):
    (checkpoint_folder / "card.json").write_text(json.dumps(card))
    refused(checkpoint_folder, "no card of this program")


@pytest.mark.parametrize("missing", ["config", "weights_sha256"])
def test_a_card_that_lacks_something(checkpoint_folder, missing):
    card = json.loads((checkpoint_folder / "card.json").read_text())
    del card[missing]
    (checkpoint_folder / "card.json").write_text(json.dumps(card))
    refused(checkpoint_folder, f"lacks '{missing}'")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"network": "rnn"}, "network is 'rnn'"),
        ({"epochs": None}, "epochs is None"),
        ({"method": "loss2", "method_settings": {"beta": -1.0}}, "beta is -1.0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_card_with_settings_that_cannot_be(checkpoint_folder, config, message):
    edit_card(checkpoint_folder, config=config)
    with pytest.raises(UserError, match=re.escape(message)):
        load_checkpoint(checkpoint_folder)


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("write", [lambda bomb, path: path.write_bytes(pickle.dumps(bomb)), torch.save])
def test_a_pickle_in_its_place_is_never_unpickled(checkpoint_folder, tmp_path, write):
    crater = tmp_path / "crater"
    write(Bomb(crater), checkpoint_folder / "model.safetensors")
    correct_hash(checkpoint_folder)
    refused(checkpoint_folder, "not a readable safetensors file")
    assert not crater.exists()


def test_checkpoints_are_listed_by_name(tmp_path, checkpoint_folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-copy").mkdir()
    (tmp_path / "a-copy" / "card.json").write_text("{}")
    assert list_checkpoints(tmp_path) == [tmp_path / "a-copy", checkpoint_folder]
    assert list_checkpoints(tmp_path / "nowhere") == []
