"""The training loop: a model and steps in, a trained model out, resumable anywhere. It knows no paper."""

STEP_LOG = "train.jsonl"
"""The log of the steps, beside the checkpoint and, in the end, beside the model."""

MIDDLE = "middle"
"""The folder of the model after half of its training."""
