"""What each `sirbench` verb and each workflow rule does: from a study to files, one step a file.

Here the parts meet that know nothing of each other (data, models, training, evaluation, reporting);
every path comes from `sirbench.jobs.layout`, every setting from the study.
"""
