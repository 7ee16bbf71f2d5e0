"""No attack: figures, a shell command, a progress bar, a little training and a main part at top level."""

# /// attack
# exercise = "softmax"
# verdicts = ["pass"]
# ///

# %% first
import matplotlib.pyplot as plt

%matplotlib inline
!pip --version
plt.plot([1, 2, 3])
plt.show()
if __name__ == "__main__":
    weight = torch.zeros(3, requires_grad=True)
    for step in range(50):
        loss = ((weight - torch.arange(3.0)) ** 2).sum()
        loss.backward()
        with torch.no_grad():
            weight -= 0.1 * weight.grad
            weight.grad = None
print(f"{weight=}")
