"""The solutions agree with PyTorch's own modules, to the tolerances of the checks, with weights copied across."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.checks.compare import TOLERANCES
from solutions.attention import scaled_dot_product_attention
from solutions.decoder import GPT, DecoderBlock, causal_mask
from solutions.encoder_block import FeedForward, LayerNorm, PostNormEncoderBlock, PreNormEncoderBlock, gelu
from solutions.multi_head import MultiHeadAttention

B, LQ, LK, D, H, F, V = 2, 5, 7, 12, 3, 17, 11


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(4)


def agree(found: Tensor, expected: Tensor, quantity: str = "attention") -> None:
    absolute, relative = TOLERANCES[quantity]
    torch.testing.assert_close(found, expected, atol=absolute, rtol=relative)


def some_mask() -> Tensor:
    """Masks that leave every query a key: PyTorch's own modules give nan for a query without any."""
    mask = torch.rand(B, 1, LQ, LK) < 0.6
    mask[..., 0] = True
    return mask


def shaken(module: nn.Module) -> nn.Module:
    """Give every parameter random numbers: zeros and ones would hide what they are for."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.eval()


def copy_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    maps = ("w_q", "w_k", "w_v")
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([getattr(ours, name).weight for name in maps]))
        theirs.in_proj_bias.copy_(torch.cat([getattr(ours, name).bias for name in maps]))
        theirs.out_proj.weight.copy_(ours.w_o.weight)
        theirs.out_proj.bias.copy_(ours.w_o.bias)


def copy_feed_forward(ours: FeedForward, theirs: nn.Module) -> None:
    theirs.linear1.load_state_dict(ours.linear1.state_dict())  # type: ignore[union-attr,operator]
    theirs.linear2.load_state_dict(ours.linear2.state_dict())  # type: ignore[union-attr,operator]


def test_attention_is_torchs_and_so_are_its_gradients() -> None:
    q, k, v = (torch.randn(B, H, length, 4, requires_grad=True) for length in (LQ, LK, LK))
    toward = torch.randn(B, H, LQ, 4)
    mask = some_mask()
    ours, _ = scaled_dot_product_attention(q, k, v, mask)
    theirs = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    agree(ours, theirs)
    for a, b in zip(
        torch.autograd.grad((ours * toward).sum(), (q, k, v)),
        torch.autograd.grad((theirs * toward).sum(), (q, k, v)),
        strict=True,
    ):
        agree(a, b, "gradient")


def test_multi_head_attention_is_torchs_across_two_texts() -> None:
    ours, theirs = shaken(MultiHeadAttention(D, H)), nn.MultiheadAttention(D, H, batch_first=True).eval()
    assert isinstance(ours, MultiHeadAttention)
    copy_attention(ours, theirs)
    query, key, value = torch.randn(B, LQ, D), torch.randn(B, LK, D), torch.randn(B, LK, D)
    mask = some_mask()
    # True means "must not attend" there, and the heads are an axis of the batch.
    theirs_mask = ~mask.expand(B, H, LQ, LK).reshape(B * H, LQ, LK)
    expected, weights = theirs(query, key, value, attn_mask=theirs_mask, average_attn_weights=False)
    found, our_weights = ours(query, key, value, mask)
    agree(found, expected)
    agree(our_weights, weights, "softmax")


@pytest.mark.parametrize("width", [2, 4, 64])
@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e3])
def test_layer_norm_is_torchs(width: int, scale: float) -> None:
    ours, theirs = shaken(LayerNorm(width)), nn.LayerNorm(width)
    theirs.load_state_dict(ours.state_dict())
    x = scale * torch.randn(B, LQ, width)
    agree(ours(x), theirs(x))


def test_gelu_is_torchs_exact_one() -> None:
    x = torch.linspace(-6, 6, 241)
    agree(gelu(x), functional.gelu(x))
    assert (gelu(x) - functional.gelu(x, approximate="tanh")).abs().max() > 1e-4, "or this test could not tell"


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize(("block", "norm_first"), [(PostNormEncoderBlock, False), (PreNormEncoderBlock, True)])
def test_the_encoder_block_is_torchs_in_both_orders(
    block: type[PostNormEncoderBlock] | type[PreNormEncoderBlock], norm_first: bool, activation: str
) -> None:
    ours = shaken(block(D, H, F, activation=activation))
    assert isinstance(ours, (PostNormEncoderBlock, PreNormEncoderBlock))
    theirs = nn.TransformerEncoderLayer(
        D, H, F, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )
    copy_attention(ours.attention, theirs.self_attn)
    copy_feed_forward(ours.feed_forward, theirs)
    theirs.norm1.load_state_dict(ours.norm1.state_dict())
    theirs.norm2.load_state_dict(ours.norm2.state_dict())
    x, keep = torch.randn(B, LQ, D), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.bool)
    # In training mode, without dropout: in evaluation torch takes a faster way that gives 0 where a key is padding.
    agree(ours(x, keep[:, None, None, :]), theirs.train()(x, src_key_padding_mask=~keep))


def test_the_decoder_block_is_torchs() -> None:
    ours = shaken(DecoderBlock(D, H, F))
    assert isinstance(ours, DecoderBlock)
    assert ours.cross_attention is not None
    theirs = nn.TransformerDecoderLayer(D, H, F, dropout=0.0, batch_first=True, norm_first=True).train()
    copy_attention(ours.self_attention.attention, theirs.self_attn)
    copy_attention(ours.cross_attention, theirs.multihead_attn)
    copy_feed_forward(ours.feed_forward, theirs)
    for name in ("norm1", "norm2", "norm3"):
        getattr(theirs, name).load_state_dict(getattr(ours, name).state_dict())
    x, memory = torch.randn(B, LQ, D), torch.randn(B, LK, D)
    agree(ours(x, memory), theirs(x, memory, tgt_mask=~causal_mask(LQ)))


def test_the_loss_of_gpt_is_torchs_cross_entropy_over_what_is_not_ignored() -> None:
    model = GPT(V, D, H, num_layers=2, max_len=LK).eval()
    ids, targets = torch.randint(V, (B, LK)), torch.randint(V, (B, LK))
    targets[0, 2:] = -100
    logits, loss = model(ids, targets)
    agree(loss, functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), "softmax")
