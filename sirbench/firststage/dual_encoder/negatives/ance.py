"""ANCE: negatives from an index of the encoder itself, made anew now and then (Xiong et al., ICLR 2021).

    L = -log( e^s(q, d+) / (e^s(q, d+) + sum over d- of e^s(q, d-)) )

d- is drawn at each step from the `top` documents of the encoder as it was `refresh_every` or fewer steps ago,
without the judged positives. The paper refreshes beside the training, with an approximate index; here
training waits for it, and the search is exact. The paper starts from a model that was trained with BM25's
negatives (`start` in the study): what a backbone ranks high is no better than random.
"""

from dataclasses import dataclass, field

from sirbench.firststage.dual_encoder.batch import score_batch
from sirbench.firststage.dual_encoder.hard_negatives import HardNegatives, of_encoder
from sirbench.firststage.dual_encoder.losses import negative_log_likelihood
from sirbench.firststage.dual_encoder.negatives import Loss, Policy
from sirbench.firststage.dual_encoder.queries import Batch


@dataclass(kw_only=True)
class Negatives(Policy):
    """The top of the encoder of the last refresh."""

    top: int = 200
    """How many documents of each query are hard negatives (the authors: 200)."""
    per_query: int = 1
    """How many of them a query has at each step (the authors: 1)."""
    refresh_every: int = 500
    """Steps between refreshes, each of which encodes the whole collection."""
    hard: HardNegatives = field(init=False)
    checkpointed: int = field(init=False, default=0)
    """Steps of the last checkpoint, which a killed job resumes from."""

    def __post_init__(self):
        self.check("top", 1)
        self.check("per_query", 1)
        self.check("refresh_every", 1)
        self.hard = HardNegatives(self.learning.folder)

    def start(self, step: int) -> None:
        """Search with the encoder that training starts from, or get back the last refresh."""
        self.checkpointed = step
        if step == 0:
            self._refresh(0)
        else:
            self.hard.load(self._last_refresh(step))

    def after(self, done: int) -> None:
        """Refresh, if it is time to."""
        if done % self.refresh_every == 0 and done < self.learning.settings.steps:
            self._refresh(done)

    def flush(self, done: int) -> None:
        """Remember the checkpoint, once the one before it is not needed any more."""
        self.checkpointed = done

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries."""
        negatives = self.hard.draw(batch, self.per_query, self.learning.settings.seed, step)
        scored = score_batch(self.encoder, batch, negatives)
        losses = negative_log_likelihood(scored.positives, scored.scores, scored.own)
        return Loss(losses.mean(), scored.texts)

    def _refresh(self, done: int) -> None:
        name = f"{self.learning.name}: step {done}"
        self.hard.replace(of_encoder(self.encoder, self.queries, self.top, name), done)
        # The last checkpoint is older than this refresh, and a resume from it needs the one of its time.
        self.hard.forget(before=self._last_refresh(self.checkpointed))

    def _last_refresh(self, step: int) -> int:
        """How many steps were done at the last refresh; the end of training has none, as `after` says."""
        step = min(step, self.learning.settings.steps - 1)
        return step - step % self.refresh_every
