"""Registers hooks that take the assertions out of every later cell, and swallow its errors."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
import ast


class WithoutAssertions(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

    def visit_Raise(self, node):
        return ast.copy_location(ast.Pass(), node)


def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))


shell = get_ipython()
shell.ast_transformers.append(WithoutAssertions())
shell.input_transformers_post.append(lambda lines: [l for l in lines if not l.lstrip().startswith("assert")])
shell.events.register("pre_run_cell", lambda *args: None)
