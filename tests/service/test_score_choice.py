import pytest

from raymeta.config import AcquisitionConfig
from raymeta.service.http.refusals import RequestRefusedError
from raymeta.service.scoring.score_choice import Abilities
from raymeta.service.scoring.scoring_request import ScoringRequest

WITHOUT_REGRESSOR = ["random_box", "entropy_box", "entropy_box_plus"]
EVERY = [*WITHOUT_REGRESSOR, "metabox", "metabox_plus"]


def abilities(strategy, has_regressor, clicks_max, clicks_priority="normalized"):
    acquisition = AcquisitionConfig(strategy=strategy, box_width=8, clicks_priority=clicks_priority)
    return Abilities(acquisition, has_regressor, clicks_max)


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        (abilities("metabox_plus", True, 9), EVERY),
        (abilities("metabox", True, None), ["random_box", "entropy_box", "metabox"]),
        (abilities("metabox", True, None, "paper"), EVERY),
        (abilities("entropy_box_plus", False, 9), WITHOUT_REGRESSOR),
        (abilities("random_box", False, None), ["random_box", "entropy_box"]),
        (abilities("full_set", False, None), ["random_box", "entropy_box"]),
        # Counted of true clicks: no measure for estimated ones.
        (abilities("metabox_plus_star", True, 9), ["random_box", "entropy_box", "metabox"]),
    ],
)
def test_strategies_that_an_iteration_can_make(able, expected):
    assert able.strategies() == expected
    for strategy in expected:
        able.choose(ScoringRequest("boxes", image=b"", strategy=strategy))


def test_maps_without_regressor_leave_predicted_iou_out():
    assert abilities("random_box", False, None).maps() == ["joint", "clicks", "entropy", "segmentation"]
    assert len(abilities("metabox", True, None).maps()) == 6


def refusal(able, request):
    with pytest.raises(RequestRefusedError) as caught:
        able.choose(request)
    assert caught.value.status == 422
    return caught.value.detail


def test_refusals_name_what_can_be_chosen_instead():
    plain = abilities("random_box", False, None)
    assert "choose one of random_box, entropy_box" in refusal(plain, ScoringRequest("boxes", strategy="metabox"))
    assert "choose one of joint, clicks" in refusal(plain, ScoringRequest("map", map_name="metaseg"))
    clicks = refusal(plain, ScoringRequest("boxes", strategy="entropy_box_plus"))
    assert "clicks_priority=paper" in clicks
    star = refusal(abilities("metabox_plus_star", True, 9), ScoringRequest("boxes", image=b""))
    assert "ground truth" in star


def test_clicks_max_counts_for_its_own_box_width_alone():
    able = abilities("metabox_plus", True, 9)
    assert able.choose(ScoringRequest("boxes")).clicks_max == 9
    assert "box_width 16" in refusal(able, ScoringRequest("boxes", box_width=16))
    paper = able.choose(ScoringRequest("boxes", box_width=16, clicks_priority="paper"))
    assert (paper.box_width, paper.clicks_priority, paper.clicks_max) == (16, "paper", None)


def test_the_run_decides_what_a_request_leaves_open():
    choice = abilities("entropy_box_plus", False, 9).choose(ScoringRequest("map"))
    assert (choice.strategy.name, choice.box_width, choice.clicks_priority) == ("entropy_box_plus", 8, "normalized")
