"""From recipes to training jobs: cells and their files, what tables and figures need, what it costs."""
