"""Three shots, and how far each of a timeline's is."""

from comfy_widgets import Shot

SHOTS = [Shot(f"shot-0{n}", f"view {n}", scene="scene-001", seed=n) for n in (1, 2, 3)]


def statuses(timeline):
    return [timeline.status(shot.id) for shot in timeline.shots]
