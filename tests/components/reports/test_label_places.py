"""Labels stay in the picture and do not cover each other where there is room."""

from __future__ import annotations

from components.reports.label_places import (
    corners_around,
    corners_beside,
    covered,
    place_label,
)

SIZE, INSIDE = (40.0, 10.0), (200.0, 100.0)


def beside(box: tuple[float, float, float, float], taken: list[tuple[float, ...]]) -> tuple:
    return place_label(corners_beside(box, SIZE), SIZE, INSIDE, taken)


def test_label_stands_on_its_box() -> None:
    assert beside((50, 40, 120, 80), []) == (50, 30, 90, 40)


def test_label_of_a_box_at_the_edge_is_moved_inside() -> None:
    assert beside((-5, -8, 60, 40), []) == (0, 0, 40, 10)
    assert beside((190, 95, 230, 140), []) == (160, 85, 200, 95)


def test_label_gives_way_to_others() -> None:
    box = (50.0, 40.0, 150.0, 80.0)
    above = beside(box, [])
    inside = beside(box, [above])
    assert inside == (50, 40, 90, 50)
    below = beside(box, [above, inside])
    assert below == (50, 80, 90, 90)
    placed = [above, inside, below]
    for _ in range(5):
        placed.append(beside(box, placed))
    assert len(set(placed)) == 8
    assert all(covered(one, placed) == 400 for one in placed)


def test_where_there_is_no_room_the_least_is_covered() -> None:
    taken = [(0.0, 0.0, 200.0, 100.0), (0.0, 0.0, 200.0, 60.0)]
    assert beside((50, 40, 120, 80), taken)[1] >= 60


def test_label_of_a_point_is_centred_on_it() -> None:
    corners = corners_around(100, 50, SIZE)
    assert place_label(corners, SIZE, INSIDE, []) == (80, 45, 120, 55)
    moved = place_label(corners, SIZE, INSIDE, [(80, 45, 120, 55)])
    assert moved == (80, 35, 120, 45)


def test_a_label_as_large_as_the_picture_begins_at_its_edge() -> None:
    assert place_label([(30.0, 30.0)], (300.0, 10.0), INSIDE, [])[0] == 0.0
