import math

import pytest

from model.draws import Draws
from model.errors import MakemoreError


@pytest.mark.parametrize(
    "change",
    [
        {"count": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_k": 0},
        {"max_length": 0},
        {"max_length": 3, "prefix": "e\x1bm"},
    ],
    ids=str,
)
def test_what_cannot_be_drawn_with_is_one_line_of_error(change: dict[str, object]):
    with pytest.raises(MakemoreError) as error:
        Draws(**change)
    assert str(error.value).isprintable()
    assert str(next(iter(change.values()))) in str(error.value)


def test_the_limits_of_what_can_be_drawn_with_are_allowed():
    assert Draws(count=1, seed=2**32 - 1, temperature=5e-324, top_k=1, max_length=1).count == 1
