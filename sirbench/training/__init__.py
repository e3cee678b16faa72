"""The training loop: a model and steps in, a trained model out, resumable anywhere. It knows no paper."""
