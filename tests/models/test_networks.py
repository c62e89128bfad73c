"""Every network of the table: shapes, size, the way back to the beats, and evaluation around a beat."""

import pytest
import torch
import toys

from nsr_core.errors import UserError
from nsr_core.models import NETWORKS, make_network, parameter_count
from nsr_core.models.around import logits_around
from nsr_core.models.kernels import kernel_layers
from nsr_core.models.vjp import PRECISIONS, input_vjp, input_vjp_in, prepared_vjp

#: From the paper's text (MLP) and from Kachuee et al. (CNN); each layer is inputs * outputs + outputs.
#: MLP: 187*128+128 + 2*(128*128+128) + 128*32+32 + 32*5+5. CNN: 5*32+32 + 10*(5*32*32+32) + 64*32+32 + 32*5+5.
PARAMETERS = {"mlp": 61_381, "cnn": 53_957}
#: Outputs of all layers: as many bias terms.
BIASES = {"mlp": 3 * 128 + 32 + 5, "cnn": 11 * 32 + 32 + 5}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_are_as_many_as_published(name):
    assert parameter_count(make_network(name)) == PARAMETERS[name]
    assert parameter_count(make_network(name, bias=False)) == PARAMETERS[name] - BIASES[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_knows_its_name(name):
    assert make_network(name).name == name


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_beats_become_five_logits_each_by_itself(name, batch):
    model = toys.fresh(name, dtype=torch.float64)
    x, _ = toys.random_beats(batch, dtype=torch.float64)
    logits = model(x)
    assert logits.shape == (batch, 5)
    for row in range(batch):
        torch.testing.assert_close(model(x[row : row + 1])[0], logits[row], rtol=1e-10, atol=1e-12)


def test_an_unknown_network_is_named_with_the_known_ones():
    with pytest.raises(UserError, match=r'no network "rnn".*mlp, cnn'):
        make_network("rnn")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bias", [True, False])
def test_the_pull_back_is_autograds(name, bias):
    model = toys.fresh(name, bias, dtype=torch.float64)
    x, _ = toys.random_beats(6, dtype=torch.float64)
    cotangent = torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    leaf = x.clone().requires_grad_()
    expected_logits = model(leaf)
    (expected,) = torch.autograd.grad(expected_logits, leaf, cotangent)
    logits, pull_back = input_vjp(model, x)
    assert not logits.requires_grad
    assert not x.requires_grad
    torch.testing.assert_close(logits, expected_logits.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(pull_back(cotangent), expected, rtol=1e-10, atol=1e-12)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bias", [True, False])
def test_the_prepared_pull_back_is_the_same_for_every_batch(name, bias):
    model = toys.fresh(name, bias, dtype=torch.float64)
    with torch.no_grad():
        prepared = prepared_vjp(model)
        for seed in (0, 1):
            x, _ = toys.random_beats(6, seed, dtype=torch.float64)
            cotangent = torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
            (logits, pull_back), (expected, expected_pull_back) = prepared(x), input_vjp(model, x)
            torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(pull_back(cotangent), expected_pull_back(cotangent), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_differentiable_pull_back_leads_on_to_the_parameters(name):
    """The gradient by the parameters of a sum over logits and three pulled-back gradients is that of autograd's way."""
    model = toys.fresh(name, dtype=torch.float64)
    x = toys.random_beats(4, dtype=torch.float64)[0].clamp_min(0.01)  # no flat padding: its ties have many gradients
    cotangents = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    leaf = x.clone().requires_grad_()
    expected_logits = model(leaf)
    expected = torch.stack(
        [torch.autograd.grad(expected_logits, leaf, one, create_graph=True)[0] for one in cotangents]
    )
    wanted = torch.autograd.grad(expected_logits.sum() + expected.square().sum(), list(model.parameters()))
    logits, pull_back = input_vjp(model, x, differentiable=True)
    pulled = pull_back(cotangents)
    torch.testing.assert_close(pulled, expected, rtol=1e-10, atol=1e-12)
    found = torch.autograd.grad(logits.sum() + pulled.square().sum(), list(model.parameters()), allow_unused=True)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


def test_the_pull_back_of_a_network_without_its_own_is_autograds():
    """Of z = W x + b it is c W, whatever x."""
    model = toys.random_linear()
    x, _ = toys.random_beats(3, dtype=torch.float64)
    cotangent = torch.eye(5, dtype=torch.float64)[:3]
    with torch.no_grad():
        _, pull_back = input_vjp(model, x)
    torch.testing.assert_close(pull_back(cotangent), model.weight.detach()[:3])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_in_lower_precision_the_gradient_points_the_same_way(name, precision):
    """And logits and gradients come back in the format of the beats."""
    model = toys.fresh(name)
    x, _ = toys.random_beats(16)
    cotangent = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    logits, pull_back = input_vjp(model, x)
    lower_logits, lower_pull_back = input_vjp_in(precision, model, x)
    gradient, lower = pull_back(cotangent), lower_pull_back(cotangent)
    assert lower.dtype == lower_logits.dtype == x.dtype
    assert torch.cosine_similarity(gradient, lower, dim=1).min() > 0.9
    assert (lower_logits - logits).norm() < 0.05 * logits.norm()
    # Products of 8 bits differ from those of 24, so the setting does something.
    assert torch.equal(gradient, lower) == (precision == "float32")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bias", [True, False])
def test_around_a_beat_the_network_says_what_it_says_there(name, bias):
    model = toys.fresh(name, bias, dtype=torch.float64)
    x, _ = toys.random_beats(2, dtype=torch.float64)
    offsets = 0.01 * torch.randn(7, 187, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        evaluate = logits_around(model, offsets)
        for beat in x:
            torch.testing.assert_close(evaluate(beat), model(beat + offsets), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "left_out"), [("mlp", slice(-1, None)), ("cnn", slice(-4, -2))])
def test_only_the_layers_that_the_protocol_names_are_normalised(name, left_out):
    """The MLP: all but the last. The CNN: all but the two of the fifth block, which come before the two linear ones."""
    model = make_network(name)
    every = kernel_layers(model)
    left_out = every[left_out]
    assert model.normalised_layers() == [layer for layer in every if layer not in left_out]
