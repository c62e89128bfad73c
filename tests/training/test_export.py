"""A network as an ONNX file."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from nsr_core.errors import UserError
from nsr_core.training import export
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.export import OnnxCheck, compare, export_onnx

needs_onnx = pytest.mark.skipif(
    not all(map(find_spec, export.PACKAGES)), reason=f"needs {', '.join(export.PACKAGES)}: {export.ONNX_INSTALL}"
)


@needs_onnx
@pytest.mark.slow
def test_an_exported_network_gives_the_networks_own_logits(cli, demo_beats, tmp_path):
    import onnxruntime

    file = tmp_path / "here" / "network.onnx"
    status, out, _ = cli("export", "cnn-ce", "--onnx", file)
    assert status == 0
    assert "256 random beats: 256 of them in the same class" in out
    session, checkpoint = onnxruntime.InferenceSession(str(file)), load_checkpoint("cnn-ce")
    (logits,) = session.run(None, {"beats": demo_beats.x})
    np.testing.assert_allclose(logits, checkpoint.network(torch.from_numpy(demo_beats.x)).numpy(), atol=2e-3)
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["weights_sha256"] == checkpoint.card["weights_sha256"]
    assert facts["classes"] == "N S V F Q"
    assert not [path for path in file.parent.iterdir() if path != file]
    assert not compare(load_checkpoint("cnn-mse"), file, np.random.default_rng(0)).passed


def test_a_file_that_gives_other_logits_is_not_put_in_place(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: True)
    monkeypatch.setattr(export, "_write", lambda checkpoint, path: path.write_bytes(b"other"))
    monkeypatch.setattr(export, "compare", lambda *arguments: OnnxCheck(256, 255, 0.02, 10.0))
    with pytest.raises(UserError, match=r"by up to 0.02; expected at most.*Nothing was written"):
        export_onnx(trained, tmp_path / "network.onnx")
    assert list(tmp_path.glob("*.onnx")) == []


def test_what_is_missing_is_named_with_the_way_to_get_it(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnxruntime" else True)
    with pytest.raises(UserError, match=r"needs the packages onnxruntime, .*nsr-ecg\[onnx\]"):
        export_onnx(trained, tmp_path / "network.onnx")
