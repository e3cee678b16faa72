"""Loss curves: points worked out by hand, on the scale of all runs of a card."""

from sirbench.reporting.page.curves import card


def test_runs_of_a_card_share_one_scale():
    first, second = card("cell", {"seed 1": [3.0, 2.0, 1.0], "seed 2": [2.0, 5.0]}).curves
    # From 1 at the bottom (48) to 5 at the top (0): 12 units for 1 of loss.
    assert first == ("seed 1", "0.0,24.0 80.0,36.0 160.0,48.0", 3.0, 1.0)
    assert second == ("seed 2", "0.0,36.0 160.0,0.0", 2.0, 5.0)


def test_many_steps_become_eighty_means():
    (curve,) = card("cell", {"seed 1": [float(step) for step in range(240)]}).curves
    assert len(curve.points.split()) == 80
    assert (curve.first, curve.last) == (1.0, 238.0)  # of 0, 1, 2 and of 237, 238, 239


def test_a_constant_loss_and_a_single_step_are_drawn():
    assert card("cell", {"seed 1": [2.0, 2.0]}).curves[0].points == "0.0,0.0 160.0,0.0"
    assert card("cell", {"seed 1": [2.0]}).curves[0].points == "0.0,0.0"
