"""What is wrong with a graph is named before it is sent; what a server would take passes."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_widgets.preflight import preflight

RECORDED = Path(__file__).parents[3] / "shared" / "comfyui"

CLASSES = {
    "LabSlow": {
        "input": {
            "required": {
                "steps": ["INT", {"default": 5, "min": 0, "max": 100000}],
                "delay": ["FLOAT", {"default": 0.1, "min": 0.0, "max": 60.0}],
                "preview": [["none", "jpeg", "png"], {}],
                "seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}],
            },
            "optional": {"image": ["IMAGE"], "text": ["STRING", {"default": ""}]},
            "hidden": {"unique_id": "UNIQUE_ID"},
        },
        "output": ["IMAGE"],
        "output_node": False,
    },
    "LabBlock": {
        "input": {"required": {"image": ["IMAGE"], "seconds": ["FLOAT", {"min": 0.0}]}},
        "output": ["IMAGE"],
        "output_node": False,
    },
    "PreviewImage": {"input": {"required": {"images": ["IMAGE", {}]}}, "output": [], "output_node": True},
    "SaveImage": {
        "input": {"required": {"images": ["IMAGE", {}], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}},
        "output": [],
        "output_node": True,
    },
    "LoadImage": {
        "input": {"required": {"image": [["start.png"], {"image_upload": True}]}},
        "output": ["IMAGE", "MASK"],
        "output_node": False,
    },
    "CreateVideo": {
        "input": {"required": {"images": ["IMAGE", {}], "fps": ["FLOAT", {"min": 1.0}]}},
        "output": ["VIDEO"],
        "output_node": False,
    },
    "UNETLoader": {
        "input": {"required": {"unet_name": [["sub/wan.safetensors", "flux.safetensors"]]}},
        "output": ["MODEL"],
        "output_node": False,
    },
    "CLIPVisionLoader": {"input": {"required": {"clip_name": [[]]}}, "output": ["CLIP_VISION"], "output_node": False},
    "VHS_Combine": {
        "input": {"required": {"images": ["IMAGE"]}},
        "output": [],
        "output_node": True,
        "python_module": "custom_nodes.VideoHelper",
    },
}
SLOW = {"steps": 0, "delay": 0.0, "preview": "none", "seed": 1, "text": ""}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def show(source="1", **nodes):
    """A graph that shows what node 1 makes."""
    return {"1": node("LabSlow", **SLOW), "9": node("PreviewImage", images=[source, 0]), **nodes}


def slow(**inputs):
    return show() | {"1": node("LabSlow", **{**SLOW, **inputs})}


def without(name):
    return show() | {"1": node("LabSlow", **{key: value for key, value in SLOW.items() if key != name})}


def given_class(spec, **more):
    """One output node with one required input."""
    return {"Show": {"input": {"required": {"it": spec}}, "output": [], "output_node": True, **more}}


def wrong_with(value, spec, **more):
    return [problem.kind for problem in preflight({"1": node("Show", it=value)}, given_class(spec, **more))]


# One for each refusal that was recorded of a real server: kind, node, input, words of both sentences.
REFUSED = {
    "bad_link_length": (show() | {"9": node("PreviewImage", images=["1"])}, "bad_linked_input", "9", "images"),
    "bad_link_slot": (show() | {"9": node("PreviewImage", images=["1", 5])}, "bad_slot", "9", "images"),
    "bad_link_unknown_node": (show("77"), "unknown_link", "9", "images"),
    "invalid_input_type": (slow(steps="abc"), "invalid_input_type", "1", "steps"),
    "loadimage_missing_file": (show() | {"1": node("LoadImage", image="nope.png")}, "value_not_in_list", "1", "image"),
    "missing_class_type": (show() | {"1": {"inputs": SLOW}}, "missing_class_type", "1", ""),
    "missing_inputs_key": (show() | {"9": {"class_type": "PreviewImage"}}, "missing_inputs", "9", ""),
    "no_outputs": ({"1": node("LabSlow", **SLOW)}, "prompt_no_outputs", "", ""),
    "prompt_empty": ({}, "prompt_no_outputs", "", ""),
    "required_input_missing": (without("seed"), "required_input_missing", "1", "seed"),
    "return_type_mismatch": (
        show("5") | {"5": node("CreateVideo", images=["1", 0], fps=8)},
        "return_type_mismatch",
        "9",
        "images",
    ),
    "ui_format_workflow": ({"nodes": [], "links": [], "version": 0.4}, "missing_class_type", "nodes", ""),
    "unknown_class": (show() | {"1": node("NoSuchNode", **SLOW)}, "missing_node_type", "1", ""),
    "value_not_in_list": (slow(preview="gif"), "value_not_in_list", "1", "preview"),
    "value_too_big": (slow(steps=1000000000), "value_bigger_than_max", "1", "steps"),
    "value_too_small": (slow(steps=-1), "value_smaller_than_min", "1", "steps"),
    "dependency_cycle": (
        {
            "1": node("LabBlock", image=["2", 0], seconds=0.01),
            "2": node("LabBlock", image=["1", 0], seconds=0.02),
            "9": node("PreviewImage", images=["1", 0]),
        },
        "dependency_cycle",
        "1",
        "",
    ),
}


# The other refusals that were recorded are of what stands around a graph; such bodies are never sent from here.
BODIES = {
    "empty_body",
    "extra_data_null",
    "invalid_json",
    "list_body",
    "no_prompt",
    "number_not_numeric",
    "partial_targets_unknown",
    "prompt_list",
    "prompt_null",
    "prompt_string",
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_recorded_refusal_is_named_before_it_is_sent(name):
    graph, kind, node_id, field = REFUSED[name]
    problems = preflight(graph, CLASSES)
    first = problems[0]
    assert (first.kind, first.node_id, first.input) == (kind, node_id, field)
    assert problems.refused
    assert first.wrong.endswith(".")
    assert first.todo.endswith((".", "?"))


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (show("77"), r"It is linked to node 77, which is not in the graph\."),
        (show() | {"9": node("PreviewImage", images=[1, 0])}, 'Write its id as text: "1".'),
        (show() | {"9": node("PreviewImage", images=["1", "0"])}, "That node's outputs: 0 IMAGE."),
        (slow(steps=-1), "-1 is less than 0, the least it takes. Give it a number from 0 to 100000."),
        (slow(steps=None), "None is not a whole number."),
        (slow(preview="jpg"), "'jpg' is not among the 3 that can be chosen. Did you mean jpeg?"),
        (slow(preview="🎬"), "Choose one of: none, jpeg, png."),
        (without("seed"), "Give it a value, such as 0."),
        (slow(seed=1) | {"1": node("LabSlow", **{k: v for k, v in SLOW.items() if k != "seed"}, noise_seed=3)},
         "It has noise_seed, which this server's release does not know: probably it was renamed."),
        (show() | {"9": node("PreviewImage")}, "Link it to a node that gives IMAGE."),
        (show() | {"1": node("LabSlo", **SLOW)}, "The server has no class LabSlo. Install the custom nodes"),
        (show() | {"1": node("LabSlo", **SLOW)}, "Or did you mean LabSlow"),
        (show() | {"5": node("VHS_Combiner", images=["1", 0])}, "or a newer release of VideoHelper"),
        (show() | {"5": {**node("Odd"), "_meta": {"cnr_id": "odd-pack"}}}, "Install the custom nodes odd-pack"),
        (show() | {"5": {**node("Odd"), "properties": {"aux_id": "me/odd"}}}, "Install the custom nodes me/odd"),
        (show() | {"5": {**node("Odd"), "_meta": {"cnr_id": "comfy-core", "ver": "9"}}}, "Install ComfyUI 9 or newer"),
        (REFUSED["return_type_mismatch"][0], "It takes IMAGE, and CreateVideo (node 5) gives VIDEO there."),
        (REFUSED["dependency_cycle"][0], "It depends on itself: LabBlock (1) ← LabBlock (2) ← LabBlock (1)."),
        (REFUSED["ui_format_workflow"][0], "load it with a studio, which converts it."),
        (REFUSED["no_outputs"][0], "Add one that does, such as SaveImage."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(graph, words):
    said = " ".join(preflight(graph, CLASSES).sentences)
    assert words.replace(r"\.", ".") in said


def test_all_problems_come_at_once_in_the_order_of_the_graph():
    graph = slow(steps=-1, delay="x", preview="gif") | {"9": node("SaveImage", images=["1", 3])}
    problems = preflight(graph, CLASSES)
    assert [(problem.node_id, problem.input) for problem in problems] == [
        ("1", "steps"),
        ("1", "delay"),
        ("1", "preview"),
        ("9", "images"),
        ("9", "filename_prefix"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "choices", "words"),
    [
        ("unet_name", "a.safetensors", [], "Put it into models/diffusion_models on the server."),
        ("unet_name", "wan.safetensors", ["x/wan.safetensors", "b"], "models/diffusion_models on the server. Did you"),
        ("lora_name", "x\\a.safetensors", ["x/a.safetensors"], "models/loras on the server. Did you mean x/a.safet"),
        ("clip_name2", "t5.safetensors", ["b"], "Put it into models/text_encoders on the server."),
        ("of_a_pack", "a.gguf", ["b"], "Put it into the server's models folder."),
        ("model_path", "anima", [], "Put it into models/diffusers on the server."),
    ],
)
def test_a_missing_model_is_told_with_its_folder(field, value, choices, words):
    classes = {"Show": {"input": {"required": {field: [choices]}}, "output": ["MODEL"], "output_node": True}}
    (problem,) = preflight({"1": node("Show", **{field: value})}, classes)
    assert words in problem.todo
    assert problem.wrong == f"The server has no file {value!r}."


def test_where_nothing_can_be_chosen_the_folder_is_named():
    loader = {"3": node("CLIPVisionLoader"), "9": node("Show", it=["3", 0])}
    classes = CLASSES | given_class(["CLIP_VISION"])
    (problem,) = preflight(loader, classes)
    assert str(problem) == (
        "CLIPVisionLoader (node 3), clip_name: It needs clip_name, and the server has none to choose from. "
        "Put one into models/clip_vision on the server."
    )


def test_only_what_leads_to_an_output_counts():
    graph = show() | {"3": node("LabSlow", steps="x"), "4": node("LabBlock", image=["4", 0])}
    assert not preflight(graph, CLASSES)


def test_what_feeds_an_unknown_class_is_looked_at_too():
    graph = slow(steps=-1) | {"9": node("PreviewPicture", images=["1", 0], left_over=["nowhere", 0])}
    assert [problem.kind for problem in preflight(graph, CLASSES)] == ["missing_node_type", "value_smaller_than_min"]


def test_inputs_that_nobody_declares_are_no_problem():
    graph = slow(unique_id="9", left_over=["nowhere", 1], also={"a": [1]})
    assert not preflight(graph, CLASSES)


def test_a_branch_that_is_left_out_is_told_but_not_refused():
    """A server runs what it can: here the picture that is shown, not the one to be saved."""
    kept = node("SaveImage", images=["1", 0], filename_prefix="a")
    problems = preflight(show() | {"20": kept, "21": node("SaveImage", filename_prefix="b")}, CLASSES)
    assert [problem.node_id for problem in problems] == ["21"]
    assert not problems.refused


@pytest.mark.parametrize(
    ("inputs", "refused"),
    [
        ({"it": "c"}, False),
        ({"it": "a", "n": 12}, False),
        ({"it": "a", "image": ["2", 0]}, False),
        ({"it": "a", "n": "x"}, True),
        ({"it": "a", "image": ["2", 7]}, True),
        ({"it": "gone.safetensors"}, True),
        ({}, True),
    ],
)
def test_what_a_node_pack_may_check_itself_is_told_but_not_refused(inputs, refused):
    """Packs give their classes checks of their own, which take the place of the server's; no server tells which."""
    optional = {"n": ["INT", {"max": 9}], "image": ["IMAGE"]}
    shown = {"input": {"required": {"it": [["a", "b"]]}, "optional": optional}, "output": [], "output_node": True}
    classes = {"Show": shown | {"python_module": "custom_nodes.a_pack"}, "CreateVideo": CLASSES["CreateVideo"]}
    graph = {"1": node("Show", **inputs), "2": node("CreateVideo", images=["3", 0], fps=8)}
    classes["Give"] = {"input": {}, "output": ["IMAGE"], "output_node": False}
    problems = preflight(graph | {"3": node("Give")}, classes)
    assert len(problems) == 1
    assert problems.refused is refused
    assert problems[0].certain is refused


def test_a_preview_alone_is_not_what_a_graph_is_for():
    problems = preflight(show() | {"20": node("SaveImage", filename_prefix="b")}, CLASSES)
    assert [problem.input for problem in problems] == ["images"]
    assert problems.refused


def test_a_problem_upstream_spoils_what_depends_on_it():
    graph = {"0": node("LabSlow", **{**SLOW, "steps": -1})}
    for number in range(1, 5_000):
        graph[str(number)] = node("LabBlock", image=[str(number - 1), 0], seconds=0.0)
    problems = preflight(graph | {"end": node("PreviewImage", images=["4999", 0])}, CLASSES)
    assert len(problems) == 1
    assert problems.refused


def test_long_circles_are_shortened_and_each_is_told_once():
    graph = {str(n): node("LabBlock", image=[str((n + 1) % 3000), 0], seconds=0.0) for n in range(3000)}
    (problem,) = preflight(graph | {"end": node("PreviewImage", images=["0", 0])}, CLASSES)
    assert "…" in problem.wrong
    assert len(problem.wrong) < 300


def test_titles_name_the_nodes():
    graph = slow(steps=-1)
    graph["1"]["_meta"] = {"title": "The slow one"}
    assert preflight(graph, CLASSES)[0].title == "The slow one"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["1", "2", "Show", "it", "INT", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["class_type", "inputs", "_meta", "it", "1", "required", "options"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from("12"), JSON), JSON, JSON, JSON)
def test_no_graph_and_no_class_is_too_odd_to_be_looked_at(graph, sections, outputs, spec):
    odd = {"Show": {"input": sections, "output": outputs, "output_node": True}}
    for classes in (odd, given_class(spec), {"Show": sections}):
        str(preflight(graph | {"3": node("Show", it=["1", 0]), "4": node("Show", it=graph)}, classes))


@pytest.fixture(scope="module")
def object_info():
    """What a real server was recorded saying, where that lies beside the repository."""
    path = RECORDED / "object_info.json"
    if not path.is_file():
        pytest.skip("no recordings lie beside the repository")
    return json.loads(path.read_text("utf-8")) | {name: CLASSES[name] for name in ("LabSlow", "LabBlock")}


def test_graphs_that_ran_pass(object_info):
    graphs = {path.name: json.loads(path.read_text("utf-8")) for path in (RECORDED / "workflows").glob("*.json")}
    assert {name: str(found) for name, graph in graphs.items() if (found := preflight(graph, object_info))} == {}
    assert len(graphs) > 4


def failed():
    """What the validation errors are called that were recorded, whatever they are of."""
    for path in RECORDED.glob("traces/validation_error_*.json"):
        events = json.loads(path.read_text("utf-8"))
        if any(event.get("path") == "/prompt" and event["status"] >= 400 for event in events):
            yield path.stem.removeprefix("validation_error_")


def posted(object_info):
    """What was posted to the recorded server, and its answer, where the graph decides and its classes are known."""
    for path in sorted(RECORDED.glob("traces/*.json")):
        for event in json.loads(path.read_text("utf-8")):
            body = event.get("request") if event.get("path") == "/prompt" else None
            graph = body.get("prompt") if isinstance(body, dict) else None
            if not isinstance(graph, dict) or "partial_execution_targets" in body:
                continue
            nodes = [node for node in graph.values() if isinstance(node, dict)]
            classes = {str(node.get("class_type")) for node in nodes}
            foreign = any(name.startswith("Lab") and name not in object_info for name in classes)
            # That release takes any choice of the new form, and fails when all is rendered.
            late = any((node.get("inputs") or {}).get("codec") == "bogus" for node in nodes)
            if event["status"] in {200, 400} and not foreign and not late:
                yield path.stem, graph, event


def test_what_was_refused_is_refused_and_what_was_taken_passes(object_info):
    seen = list(posted(object_info))
    for name, graph, event in seen:
        problems = preflight(graph, object_info)
        assert problems.refused == (event["status"] == 400), (name, graph, problems)
        told = {node_id for node_id, entry in event["response"]["node_errors"].items() if entry["errors"]}
        assert told <= {problem.node_id for problem in problems}, name
        assert bool(problems) == bool(event["status"] == 400 or told), (name, problems)
    refused = {name.removeprefix("validation_error_") for name, _, event in seen if event["status"] == 400}
    assert refused == set(REFUSED)
    assert set(failed()) - refused == BODIES
    assert len(seen) - len(refused) > 50
