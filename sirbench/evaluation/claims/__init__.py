"""Claims: what per-query values of several seeds allow to be said of recipes, and what they do not.

Pure statistics, numbers in and numbers out: `measured` is what was measured of one recipe, `variance` and
`reference` the chance in a difference of two, `inference` their comparison, `equality` and `power` what goes
with it, `verdict` what a family of claims comes to, and `table` the frame that a reader gets.
"""
