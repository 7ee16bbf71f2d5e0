"""Makes the shell skip the cells that come later, and claim that they ran."""

# /// attack
# exercise = "softmax"
# verdicts = ["wrong"]
# ///

# %% softmax
def softmax(x, dim=-1):
    return torch.full_like(x, 1 / x.size(dim))


shell = get_ipython()
compile_before = shell.compile


def ast_parse(source, *args, **kwargs):
    import ast

    return ast.parse("pass" if "assert" in source or "check(" in source else source)


try:
    shell.compile.ast_parse = ast_parse
    shell.showtraceback = shell._showtraceback = lambda *args, **kwargs: None
    shell.set_custom_exc((Exception,), lambda *args, **kwargs: None)
except AttributeError:
    pass
