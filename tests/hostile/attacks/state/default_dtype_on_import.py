"""Turns torch's default over to double precision when its cell is run: its own layers notice, nobody else's."""

# /// attack
# exercise = "Head"
# verdicts = ["error", "wrong"]
# ///

# %% Head
torch.set_default_dtype(torch.float64)


class Head(nn.Module):
    def __init__(self, width, d_head):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, d_head, bias=False) for _ in range(3))

    def forward(self, x):
        return attention(self.query(x), self.key(x), self.value(x))[0]
