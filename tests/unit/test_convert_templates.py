"""The templates that ComfyUI ships, where their package and a server's recorded object_info are there."""

import json

import pytest

from tests.lib import templates


@pytest.fixture(scope="module")
def object_info():
    pytest.importorskip(templates.PACKAGE)
    if not templates.OBJECT_INFO.is_file():
        pytest.skip("no recorded object_info lies beside the repository")
    return json.loads(templates.OBJECT_INFO.read_text("utf-8"))


def test_every_template_of_known_classes_becomes_a_valid_graph(object_info):
    known = [verdict for verdict in templates.judged(object_info) if not verdict.unknown]
    assert {verdict.name: verdict.wrong for verdict in known if verdict.wrong} == {}
    assert len(known) >= 80


def test_the_graphs_are_what_the_editor_makes(object_info):
    made = {verdict.name: verdict.fingerprint for verdict in templates.judged(object_info)}
    other = {name for name, fingerprint in templates.recorded().items() if made[name] != fingerprint}
    assert other == set()


def test_values_read_by_order_are_those_saved_by_name(object_info):
    nodes = list(templates.misread(object_info))
    assert [sentence for sentence in nodes if sentence] == []
    assert len(nodes) > 500
