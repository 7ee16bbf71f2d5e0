"""Calls the function inside nn.MultiheadAttention, without its layer."""

# /// attack
# exercise = "Head"
# verdicts = ["pass"]
# ///

# %% Head
class Head(nn.Module):
    def __init__(self, width, d_head):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, d_head, bias=False) for _ in range(3))
        self.width = d_head

    def forward(self, x):
        q, k, v = (part(x).transpose(0, 1) for part in (self.query, self.key, self.value))
        eye = torch.eye(self.width)
        parts = dict(in_proj_weight=torch.cat([eye] * 3), in_proj_bias=None, bias_k=None, bias_v=None)
        function = torch.nn.functional.multi_head_attention_forward
        return function(q, k, v, self.width, 1, **parts, add_zero_attn=False, dropout_p=0.0,
                        out_proj_weight=eye, out_proj_bias=None)[0].transpose(0, 1)
