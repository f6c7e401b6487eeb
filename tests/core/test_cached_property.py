"""`cached_property` computes a value once per instance."""

from __future__ import annotations

from shared.core.cached_property import cached_property


class Doubled:
    computed = 0

    def __init__(self, value: int) -> None:
        self.value = value

    @cached_property
    def double(self) -> int:
        """Twice the value."""
        Doubled.computed += 1
        return 2 * self.value


def test_a_value_is_computed_at_the_first_look_and_kept() -> None:
    one, other = Doubled(1), Doubled(2)
    assert Doubled.computed == 0
    assert [one.double, one.double, other.double, other.double] == [2, 2, 4, 4]
    assert Doubled.computed == 2
    assert one.__dict__ == {"value": 1, "double": 2}
    assert Doubled.double.__doc__ == "Twice the value."
