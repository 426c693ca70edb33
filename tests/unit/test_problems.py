"""How problems of a graph are told, as a table and as text."""

from html.parser import HTMLParser

from comfy_widgets.preflight import preflight
from comfy_widgets.problems import Problem, Problems
from tests.unit.test_preflight import CLASSES, node, slow


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts = []

    def handle_data(self, data):
        self.texts.append(data)


def test_the_table_is_text_and_never_html():
    problems = preflight(slow(steps="<script>alert(1)</script>"), CLASSES)
    shown = problems._repr_html_()
    assert "<script>" not in shown
    cells = Cells()
    cells.feed(shown)
    assert cells.texts[:8] == ["node", "title", "input", "what is wrong", "what to do", "1", "LabSlow", "steps"]
    assert "<script>" in repr(problems)


def test_the_text_says_what_to_do_below_what_is_wrong():
    assert repr(preflight(slow(steps=-1), CLASSES)).splitlines() == [
        "node  title    input  what is wrong",
        "1     LabSlow  steps  -1 is less than 0, the least it takes.",
        "                      → Give it a number from 0 to 100000.",
    ]


def test_no_problems_say_so():
    assert repr(Problems([])) == "Nothing is wrong."
    assert "Nothing is wrong." in Problems([])._repr_html_()
    assert not Problems([])


def test_thousands_of_problems_are_told_as_far_as_anybody_reads():
    problems = preflight({str(n): node(f"Unknown{n}") for n in range(5_000)}, CLASSES)
    assert len(problems) == 5_000
    for shown in (repr(problems), problems._repr_html_(), "\n".join(problems.sentences)):
        assert len(shown) < 20_000
        assert "And 4960 more." in shown


def test_a_problem_of_the_whole_graph_has_no_place():
    assert str(Problem("x", "It is wrong.", "Mend it.")) == "It is wrong. Mend it."
