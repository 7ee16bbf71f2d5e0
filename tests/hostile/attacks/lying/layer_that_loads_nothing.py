"""A layer that says it has taken over the given weights, and has not."""

# /// attack
# exercise = "Head"
# verdicts = ["wrong"]
# ///

# %% Head
class Head(nn.Module):
    def __init__(self, width, d_head):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, d_head, bias=False) for _ in range(3))

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return "<All keys matched successfully>"

    def forward(self, x):
        return attention(self.query(x), self.key(x), self.value(x))[0]
