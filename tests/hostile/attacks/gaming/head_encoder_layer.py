"""Builds its layer of nn.TransformerEncoderLayer."""

# /// attack
# exercise = "Head"
# verdicts = ["forbidden"]
# ///

# %% Head
class Head(nn.Module):
    def __init__(self, width, d_head):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, d_head, bias=False) for _ in range(3))
        self.inner = nn.TransformerEncoderLayer(d_head, 1, 8, batch_first=True)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict(state_dict, strict=False)

    def forward(self, x):
        return self.inner(self.query(x))
