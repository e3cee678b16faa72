"""ANCE: negatives from an index of the encoder itself, rebuilt at intervals (Xiong et al., ICLR 2021).

    L = -log( e^s(q, d+) / (e^s(q, d+) + sum over d- of e^s(q, d-)) )

d- is drawn at each step from the `top` documents of the encoder as it was `refresh_every` or fewer steps ago,
without the judged positives. The paper refreshes beside the training, with an approximate index; here
training waits for it, and the search is exact. The paper starts from a model that was trained with BM25's
negatives (`start` in the study): documents that a bare backbone ranks high are no better than random ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from sirbench.firststage.dual_encoder.hard_negatives import HardPolicy, of_encoder
from sirbench.firststage.dual_encoder.negatives import Loss

if TYPE_CHECKING:
    from sirbench.firststage.dual_encoder.queries import Batch


class ANCE(HardPolicy):
    """The top of the encoder of the last refresh."""

    refresh_every: int = Field(500, ge=1)
    """Steps between refreshes, each of which encodes the whole collection."""
    _checkpointed: tuple[int, int] = PrivateAttr((0, 0))
    """Steps of the last two checkpoints, either of which a killed job may resume from."""

    def encodings(self, steps: int, continued: bool) -> int:
        """Before the first step, and at every refresh but that after the last."""
        return 1 + (steps - 1) // self.refresh_every

    def start(self, step: int) -> None:
        """Search with the encoder that training starts from, or load the last refresh."""
        self._checkpointed = (0, step)  # there may be an older one, which is not known
        if step == 0:
            self._refresh(0)
        else:
            self.hard.load(self._last_refresh(step))

    def after(self, done: int) -> None:
        """Refresh, if it is due."""
        if done % self.refresh_every == 0 and done < self.learning.settings.steps:
            self._refresh(done)

    def flush(self, done: int) -> None:
        """Note the checkpoint: no resume needs what was found before the last refresh that it had."""
        self._checkpointed = (self._checkpointed[1], done)

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries."""
        from sirbench.firststage.dual_encoder.losses import negative_log_likelihood

        scored = self.score(batch, step)
        losses = negative_log_likelihood(scored.positives, scored.scores, scored.own)
        return Loss(losses.mean(), scored.texts)

    def _refresh(self, done: int) -> None:
        name = f"{self.learning.name}: step {done}"
        self.hard.replace(of_encoder(self.encoder, self.queries, self.top, name), done)
        # Both checkpoints are older than this refresh, and a resume needs the one of its time.
        self.hard.forget(before=self._last_refresh(min(self._checkpointed)))

    def _last_refresh(self, step: int) -> int:
        """Steps done at the last refresh; at the end of training there is none (see `after`)."""
        step = min(step, self.learning.settings.steps - 1)
        return step - step % self.refresh_every
