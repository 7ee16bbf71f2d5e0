"""nbgrader's settings for this course: read by every `nbgrader` command run here, and by the formgrader.

The course's own settings (titles, points, limits) are in assignments/. What stands here is needed for our results to
arrive in nbgrader's gradebook; change the order of the two lists only with care.
"""

from autograder.host.programs import put_programs_on_path

put_programs_on_path()
c = get_config()  # noqa: F821  # nbgrader defines it

c.CourseDirectory.course_id = "transformer-course"

# ---- release ------------------------------------------------------------------------------------------------------

# What stands in the place of a solution. `autograder build` uses the same text.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}

# As nbgrader's own list, but for the one that clears solutions: some exercises begin with a bug instead of a stub.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "nbgrader.preprocessors.LockCells",
    "autograder.host.clear.ClearSolutionsAndLeaveBugs",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# ---- grading ------------------------------------------------------------------------------------------------------

# Reads a file that may be no notebook; takes an old grade back when a submission cannot be graded.
c.Autograde.exporter_class = "autograder.host.exporter.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "autograder.host.mend.MendNotebook",  # cells doubled, deleted, retyped: back to what was released
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.host.preprocessors.GradeOutside",  # in the place of Execute: no student code runs in nbgrader
    "nbgrader.preprocessors.SaveAutoGrades",
    "autograder.host.preprocessors.WriteComments",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.OverwriteCells.add_missing_cells = True

# ---- marks --------------------------------------------------------------------------------------------------------

# As nbgrader's own CSV, but quoted, and with an empty score where nbgrader's writes 0 for "not graded".
c.ExportApp.plugin_class = "autograder.host.export.CsvExport"

# ---- the Validate button ------------------------------------------------------------------------------------------

# It runs the notebook in a kernel, and one of them trains a small GPT: the usual 30 seconds are short.
c.Execute.timeout = 600
