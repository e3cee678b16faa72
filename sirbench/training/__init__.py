"""The training loop: blocks in, a trained model out; resumable at every step. It knows no paper."""
