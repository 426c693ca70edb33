"""What a node's class takes and what is wrong with a value that it got, by ComfyUI's rules (pure).

A value passes wherever a server would take it: numbers are converted as Python converts them, text and switches take
anything, and a class that looks at its files itself does so, for it finds more than it lists.
"""

import math
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comfy_widgets.wording import closest

DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
# Inputs of newer releases that stand for others, whose names begin with theirs.
_STAND_FOR_OTHERS = re.compile(r"COMFY_(AUTOGROW|DYNAMICSLOT)\w*")
# How `comfy_widgets.workflow` names a file that goes to the server with the prompt.
_OURS = re.compile(r"cw_[0-9a-f]{16}\.\w+")
_READS_FILES = re.compile(r"(^|_)Load(?!er)")
_MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf", ".onnx", ".pkl")
# Where ComfyUI looks for what a loader names: by what the loader gives, else by the input's name.
_FOLDER_OF_OUTPUT = {
    "CLIP_VISION": "clip_vision",
    "UPSCALE_MODEL": "upscale_models",
    "MODEL_PATCH": "model_patches",
    "STYLE_MODEL": "style_models",
    "AUDIO_ENCODER": "audio_encoders",
}
_FOLDER_OF_INPUT = {
    "ckpt_name": "checkpoints",
    "vae_name": "vae",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "lora_name": "loras",
    "control_net_name": "controlnet",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "photomaker_model_name": "photomaker",
    "config_name": "configs",
    "model_path": "diffusers",
}
# What an input that takes such a file may get, and how it is said.
_FITTING = {"image": {"image"}, "video": {"video", "image"}, "audio": {"audio", "video"}}
_IN_WORDS = {
    "image": ("a picture", "Save it again as PNG or JPEG, or choose another picture."),
    "video": ("a video", "Save it again as mp4, or choose another video."),
    "audio": ("sound", "Save it again as wav or mp3, or choose another file."),
}
_SHOWN = 300

# kind, what is wrong, what to do
Complaint = tuple[str, str, str]


@dataclass(frozen=True)
class LocalFile:
    """A file that goes to the server with a graph.

    Attributes
    ----------
    path
        Where it is, as people know it.
    kind
        What of it can be decoded: ``video``, ``image`` or ``audio``; None if nothing can.
    """

    path: Path
    kind: str | None


@dataclass(frozen=True)
class Expected:
    """One input that a class declares.

    Attributes
    ----------
    name
        With dots where a dynamic choice brought it in.
    kind
        Its type; ``COMBO`` for a list of choices, however it is declared.
    required
        Whether a prompt without it is refused.
    options
        What else the class says about it.
    choices
        What can be chosen, None where the list is not told.
    """

    name: str
    kind: str
    required: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: list[Any] | None = None

    @classmethod
    def read(cls, name: str, spec: Any, *, required: bool) -> "Expected":
        """From object_info: ``["INT", {…}]``, ``[["a", "b"], {…}]`` or ``["COMBO", {"options": […]}]``."""
        parts = list(spec) if isinstance(spec, list | tuple) and spec else ["*"]
        options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
        if isinstance(parts[0], list):
            return cls(name, "COMBO", required, options, parts[0])
        kind = str(parts[0])
        if _STAND_FOR_OTHERS.fullmatch(kind):
            return cls(name, kind, required=False, options=options)
        listed = options.get("options")
        if kind == DYNAMIC and isinstance(listed, list):
            listed = [option.get("key") for option in listed if isinstance(option, Mapping)]
        return cls(name, kind, required, options, listed if isinstance(listed, list) and not _remote(options) else None)


def _remote(options: Mapping[str, Any]) -> bool:
    """Whether the editor fetches the choices from elsewhere."""
    return bool(options.get("remote"))


def expected(info: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Expected]:
    """The inputs of a class that counts for a node with these values; of kinds that are no inputs (hidden) none."""
    sections = info.get("input")
    if isinstance(sections, Mapping):
        yield from _declared(sections, "", values)


def _declared(sections: Mapping[str, Any], prefix: str, values: Mapping[str, Any]) -> Iterator[Expected]:
    for section in ("required", "optional"):
        specs = sections.get(section)
        for name, spec in specs.items() if isinstance(specs, Mapping) else ():
            one = Expected.read(f"{prefix}{name}", spec, required=section == "required")
            yield one
            if one.kind == DYNAMIC:
                yield from _brought_in(one, values)
            elif _STAND_FOR_OTHERS.fullmatch(one.kind):
                inner = (given for given in values if given.startswith(f"{one.name}."))
                yield from (Expected(given, "*", required=False) for given in inner)


def _brought_in(one: Expected, values: Mapping[str, Any]) -> Iterator[Expected]:
    for option in one.options.get("options") or ():
        if isinstance(option, Mapping) and option.get("key") == values.get(one.name):
            inputs = option.get("inputs")
            yield from _declared(inputs if isinstance(inputs, Mapping) else {}, f"{one.name}.", values)


def joins(given: Any, taken: str) -> bool:
    """Whether an output of one type may feed an input of another.

    Examples
    --------
    >>> joins("IMAGE", "IMAGE,MASK"), joins("VIDEO", "IMAGE"), joins("*", "IMAGE"), joins(["a", "b"], "COMBO")
    (True, False, True, True)
    """
    # A class may give a list of choices, which fits where one is chosen; what COMFY_… matches is the editor's to know.
    names = ("COMBO" if isinstance(given, list) else str(given), taken)
    one, other = ({part.strip() for part in name.split(",")} for name in names)
    return bool(one & other) or any(part == "*" or part.startswith("COMFY_") for part in one | other)


def complaint(one: Expected, value: Any, class_type: str, info: Mapping[str, Any]) -> Complaint | None:
    """What is wrong with a value that is no link; None if a server would take it."""
    if isinstance(value, Mapping) and "__value__" in value:
        # How a list is told from a link.
        value = value["__value__"]
    if not finite(value):
        return "not_a_number", f"{value} can't be sent.", "Give it a number."
    if one.kind in {"INT", "FLOAT"}:
        try:
            value = int(value) if one.kind == "INT" else float(value)
        except (TypeError, ValueError, OverflowError):
            number = "a whole number" if one.kind == "INT" else "a number"
            return "invalid_input_type", f"{_short(value)} is not {number}.", f"Give it {number}{_range(one)}."
    if isinstance(value, int | float):
        wrong = _out_of_range(one, value)
        if wrong:
            return wrong
    return _not_listed(one, value, class_type, info) if one.choices is not None else None


def unreadable(one: Expected, file: LocalFile) -> Complaint | None:
    """What is wrong with a local file that an input is to read; None if it may be right."""
    uploads = _uploads(one)
    wanted = next((kind for kind in _FITTING if kind in uploads), None)
    if wanted is None or file.kind in _FITTING[wanted]:
        return None
    word, todo = _IN_WORDS[wanted]
    if file.kind is None:
        return "unreadable_file", f"{file.path} can't be read as {word}.", todo
    return "unreadable_file", f"{file.path} is {_IN_WORDS[file.kind][0]}, and it takes {word}.", todo


def is_ours(value: Any) -> bool:
    """Whether a value is the name of a file that we sent, by its content."""
    return isinstance(value, str) and bool(_OURS.fullmatch(value))


def names_model(value: Any) -> bool:
    """Whether a value is the name of a model's file."""
    return isinstance(value, str) and value.lower().endswith(_MODEL_SUFFIXES)


def finite(value: Any) -> bool:
    """Whether JSON can hold all of its numbers; NaN in a prompt spoils the server's answers to everybody."""
    match value:
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(map(finite, value.values()))
        case list() | tuple():
            return all(map(finite, value))
    return True


def _out_of_range(one: Expected, value: float) -> Complaint | None:
    low, high = one.options.get("min"), one.options.get("max")
    todo = f"Give it a number{_range(one)}."
    if isinstance(low, int | float) and value < low:
        return "value_smaller_than_min", f"{value} is less than {low}, the least it takes.", todo
    if isinstance(high, int | float) and value > high:
        return "value_bigger_than_max", f"{value} is more than {high}, the most it takes.", todo
    return None


def _range(one: Expected) -> str:
    low, high = one.options.get("min"), one.options.get("max")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" from {low}" if low is not None else f" up to {high}" if high is not None else ""


def _not_listed(one: Expected, value: Any, class_type: str, info: Mapping[str, Any]) -> Complaint | None:
    assert one.choices is not None  # noqa: S101 - only where there are any to be held against
    several = isinstance(value, list) and bool(one.options.get("multiselect") or one.options.get("multi_select"))
    lacking = [item for item in (value if several else [value]) if item not in one.choices]
    if not lacking or (isinstance(lacking[0], str) and _found_without_list(one, lacking[0], class_type)):
        return None
    first = lacking[0]
    folder = folder_of(one, info)
    is_model = names_model(first)
    if is_model or _reads_files(one, class_type) or (folder and not one.choices):
        place = f"models/{folder} on the server" if folder else "the server's models folder"
        if not is_model and not folder:
            place = "the server's input folder, or give the workflow a local file"
        return (
            "value_not_in_list",
            f"The server has no file {_short(first)}.",
            f"Put it into {place}.{_meant(one, first)}",
        )
    wrong = f"{_short(first)} is not among the {len(one.choices)} that can be chosen."
    todo = _meant(one, first).strip() or _all_of(one) or "Choose one that the server lists."
    return "value_not_in_list", wrong, todo


def folder_of(one: Expected, info: Mapping[str, Any]) -> str | None:
    """The folder of the server's models that an input names a file of; None if it names none."""
    name = re.sub(r"\d+$", "", one.name.rpartition(".")[2])
    if not name.endswith(("name", "path")):
        return None
    given = info.get("output")
    first = str(given[0]) if isinstance(given, list) and given else ""
    return _FOLDER_OF_OUTPUT.get(first) or _FOLDER_OF_INPUT.get(name)


def _meant(one: Expected, value: Any) -> str:
    """What was probably meant, as a sentence with a space before it."""
    words = [str(choice) for choice in one.choices or ()]
    same_file = [word for word in words if _file_name(word) == _file_name(str(value))]
    found = same_file or closest(str(value), words, 3)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def _all_of(one: Expected) -> str:
    listed = ", ".join(map(str, one.choices or ()))
    return f"Choose one of: {listed}." if 0 < len(listed) <= _SHOWN else ""


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].lower()


def _found_without_list(one: Expected, value: str, class_type: str) -> bool:
    """Whether a file is there, or may be: one of ours, or one that a class looks for where its list does not reach."""
    if is_ours(value):
        return True
    if not _reads_files(one, class_type) or names_model(value):
        return False
    # The lists have the files of one folder, of the kind that the class is for.
    return "/" in value or "\\" in value or value.endswith("]") or not _kind_fits(one, value)


def _reads_files(one: Expected, class_type: str) -> bool:
    return bool(_uploads(one)) or (
        bool(_READS_FILES.search(class_type)) and one.name in {"image", "video", "audio", "file"}
    )


def _uploads(one: Expected) -> set[str]:
    """The kinds of files that the editor has a button for beside an input."""
    told = {option.removesuffix("_upload") for option, on in one.options.items() if option.endswith("_upload") and on}
    return {kind.removeprefix("animated_") for kind in told}


def _kind_fits(one: Expected, value: str) -> bool:
    """Whether the input's list would have a file of this name, if it were there."""
    kinds = _uploads(one) or {"image", "video", "audio"}
    # A video has sound, and is listed where that is wanted.
    listed = kinds | {"video"} if "audio" in kinds else kinds
    return (mimetypes.guess_type(value)[0] or "").partition("/")[0] in listed


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
