"""What a stock grader's tests begin with: the few helpers that the course's own checks are written in, as plain code.

It is not imported but written into the notebooks of stock nbgrader and otter, which know nothing of this kit. A check
of the course then runs there word for word, with plain asserts, in the notebook's own kernel.
"""

import types

import torch


class _Draw:
    """Seeded inputs."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator)

    def uniform(self, low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=self.generator)

    def integers(self, low, high, *shape):
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, length):
        return torch.randperm(length, generator=self.generator)

    def mask(self, *shape, keep=0.6):
        mask = torch.rand(*shape, generator=self.generator) < keep
        mask[..., 0], mask[..., -1] = True, False
        return mask


class _Callee:
    """A function or layer of the student's."""

    def __init__(self, target):
        self.target = target

    def __call__(self, *args, **kwargs):
        args = [_axes() if isinstance(a, FreshAxes) else a.clone() if isinstance(a, torch.Tensor) else a for a in args]
        found = self.target(*args, **kwargs)
        if isinstance(found, torch.nn.Module):
            return _Callee(found)
        if hasattr(found, "get_xticklabels"):
            return _picture(found, args)
        return _detached(found)

    def __getattr__(self, name):
        return _Callee(getattr(self.target, name))

    def attribute(self, name):
        return getattr(self.target, name)

    def gradients(self, *args, toward=None, **kwargs):
        args = [a.clone() if isinstance(a, torch.Tensor) else a for a in args]
        leaves = [a.requires_grad_() for a in args if isinstance(a, torch.Tensor) and a.is_floating_point()]
        module = isinstance(self.target, torch.nn.Module)
        named = dict(self.target.named_parameters()) if module else {}
        found = self.target(*args, **kwargs)
        first = found[0] if isinstance(found, tuple) else found
        total = (first if toward is None else first * toward).sum()
        wanted = [*leaves, *named.values()]
        grads = iter(torch.autograd.grad(total, wanted, allow_unused=True))
        by_argument = [next(grads) if isinstance(a, torch.Tensor) and a.is_floating_point() else None for a in args]
        return types.SimpleNamespace(arguments=by_argument, parameters=dict(zip(named, grads, strict=True)))

    def aftermath(self, *args, **kwargs):
        args = [a.clone() if isinstance(a, torch.Tensor) else a for a in args]
        before = torch.get_rng_state()
        self.target(*args, **kwargs)
        kept = torch.equal(before, torch.get_rng_state())
        return types.SimpleNamespace(arguments=args, random_state_kept=kept)


class _Student:
    """The notebook."""

    def __getattr__(self, name):
        return _Callee(globals()[name])


class FreshAxes:
    """Stands for new Axes."""


def _axes():
    from matplotlib.figure import Figure

    return Figure().add_subplot()


class Picture(types.SimpleNamespace):
    """What can be seen on matplotlib Axes."""


def _picture(axes, args):
    import matplotlib.pyplot as plt

    image = axes.images[0] if axes.images else None
    plt.close("all")
    return Picture(
        image=None if image is None else torch.as_tensor(image.get_array().data),
        limits=None if image is None else tuple(map(float, image.get_clim())),
        x_labels=tuple(label.get_text() for label in axes.get_xticklabels()),
        y_labels=tuple(label.get_text() for label in axes.get_yticklabels()),
        in_given_axes=any(a is axes for a in args),
        shown=False,
    )


def _detached(found):
    if isinstance(found, torch.Tensor):
        return found.detach().clone()
    return tuple(map(_detached, found)) if isinstance(found, tuple) else found


def assert_close(found, expected, quantity, what="the output"):
    assert isinstance(found, torch.Tensor), what
    assert found.dtype == expected.dtype, what
    assert found.shape == expected.shape, what
    absolute, relative = TOLERANCES[quantity]
    assert torch.allclose(found, expected, atol=absolute, rtol=relative, equal_nan=True), what


def assert_equal(found, expected, what):
    assert found == expected, what


def assert_true(condition, message):
    assert bool(condition), message


def assert_raises(kind, call, *args, says="", **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        assert type(error).__name__ == kind
        assert says in str(error)
    else:
        raise AssertionError(f"expected {kind}")


def assert_tells_apart(judge, right, wrong, draw):
    for is_right, group in ((True, right), (False, wrong)):
        for suspect in group:
            try:
                judge.target(suspect)
            except Exception:
                assert not is_right
            else:
                assert is_right


def suspect(function, says=""):
    return function


TOLERANCES = {}
