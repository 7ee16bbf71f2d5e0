"""What the contestants are called in tables."""

STOCK, STOCK_BARE = "nbgrader autograde", "nbgrader autograde, demonstrations taken out"
OTTER = "otter run"
PREPROCESSOR = "nbgrader autograde, our preprocessor"
FLOOR, FLOOR_ALONE = "floor: fork, run the cells, make the calls", "floor: the same in a process for each check"


def ours_with(workers: int, *, gradebook: bool = False) -> str:
    """Name `autograder grade` with so many workers."""
    many = "1 worker" if workers == 1 else f"{workers} workers"
    return f"autograder grade, {many}" + (", with gradebook and feedback" if gradebook else "")
