# %% [markdown]
# # Fort

# %% setup
import math

import torch
from torch import Tensor, nn

from autograder import check

# %% solution="softmax"

# %% check="softmax"

# %% solution="attention"

# %% check="attention"

# %% solution="Head"

# %% check="Head"

# %% solution="sample"

# %% check="sample"
