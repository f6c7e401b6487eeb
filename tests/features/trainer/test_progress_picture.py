"""The picture of a user's progress: every number and name can be read, whatever the data."""

from __future__ import annotations

import pytest
from PIL import Image

from shared.core.pictures.canvas import Canvas
from shared.features.trainer import progress_picture
from shared.features.trainer.progress_picture import Bar, Point, ProgressPicture

SCORES = {
    "equal": [150] * 12,
    "jumps": [170, 0, 185, 185, 184, 10, 0, 1200, 1150, 185, 186, 1185],
    "one": [185],
    "zero": [0, 0],
}


def view(scores: list[int], bars: int) -> ProgressPicture:
    points = [Point(f"{day} сентября 2026 г.", score, min(score, 100)) for day, score in enumerate(scores, 1)]
    types = [Bar(f"Подтверждение сомнения {number}", number * 20) for number in range(bars)]
    return ProgressPicture("Прогресс", "Баллы", "Ясность, %", "Вопросы по типам", "Рекорд", points, types)


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("bars", [0, 1, 4, 8])
def test_words_neither_overlap_nor_become_tiny(
    monkeypatch: pytest.MonkeyPatch, scores: list[int], bars: int
) -> None:
    boxes: list[tuple[float, float, float, float]] = []
    words = Canvas.words

    def noted(
        self: Canvas,
        x: float,
        y: float,
        text: str,
        size: int,
        color: str,
        weight: str = "Medium",
        anchor: str = "l",
    ) -> float:
        width = self.width_of(text, size, weight)  # type: ignore[arg-type]
        left = x - {"l": 0.0, "m": width / 2, "r": width}[anchor]
        boxes.append((left, y - size * 0.75, left + width, y))
        assert size >= 24, f"{text} is too small"
        return words(self, x, y, text, size, color, weight, anchor)  # type: ignore[arg-type]

    monkeypatch.setattr(Canvas, "words", noted)
    drawn = Image.open(progress_picture.draw(view(scores, bars)))
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and right <= drawn.width and top >= 0 and bottom <= drawn.height
        for other in boxes[number + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
