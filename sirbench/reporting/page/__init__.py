"""The report: one HTML page of what was run and what came out.

`ran` finds the training jobs, `contents` gathers everything into sections, `rendering` makes HTML of them.
A new section is an entry in `contents.contents` and a template in `templates/`.
"""
