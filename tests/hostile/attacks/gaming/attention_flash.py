"""Takes the forbidden attention as the kernel that it ends in."""

# /// attack
# exercise = "attention"
# verdicts = ["forbidden"]
# ///

# %% attention
def attention(q, k, v):
    out = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(q[:, None], k[:, None], v[:, None, :, :5])[0][:, 0]
    out = torch.cat([out, out, out], -1)[..., :v.size(-1)]
    return out, softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)))
