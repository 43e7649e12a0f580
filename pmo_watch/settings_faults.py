"""Faults of the settings: at their place in the file, or by the name of the variable or secret file that gave them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from pmo_watch.errors import SettingsError
from pmo_watch.settings_layers import Layers, Loc
from pmo_watch.yaml_faults import Document, Fault, Walk, compose, faults_of
from pmo_watch.yaml_nodes import Node


class SettingsFaults(SettingsError):
    """Everything that is wrong with the settings; the text has one line per fault."""

    def __init__(self, faults: Sequence[Fault | str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def shown(self) -> str:
        """Return all faults, those of the file with their line and a caret."""
        return "\n".join(one.shown() if isinstance(one, Fault) else one for one in self.faults)


class FaultList:
    """Gathers faults, so that one run names them all."""

    def __init__(self, document: Document, layers: Layers) -> None:
        self._document, self._layers = document, layers
        self._in_file: dict[Fault, None] = {}
        self._elsewhere: dict[str, None] = {}
        self._spent: list[Loc] = []
        self._hidden: set[str] = set()

    def hide(self, texts: Iterable[str]) -> None:
        """Keep these texts of the file, which are secrets, out of the lines that are shown."""
        self._hidden |= set(texts) - {""}

    def add(self, loc: Loc, text: str, spent: Loc | None = None) -> None:
        """Add a fault at a place; later faults at or below `spent`, else it, are consequences and left out."""
        self._spent.append(loc if spent is None else spent)
        if origin := self.origin(loc):
            self._elsewhere[f"{origin}: {text}"] = None
        else:
            self._in_file[self._document.fault(self.nearest(loc), text)] = None

    def add_errors(self, error: ValidationError, adapter: TypeAdapter[object], at: Loc = ()) -> None:
        """Add what pydantic complains of; `at` is where the validated part stands."""
        mine: list[ErrorDetails] = []
        walk = Walk(adapter.json_schema())
        for one in error.errors(include_url=False):
            loc = (*at, *one["loc"])
            if any(loc[: len(spent)] == spent for spent in self._spent):
                continue
            if isinstance(one["input"], SecretStr) and one["type"].endswith("_type"):
                self.add(loc, f"{loc[-1]} is not kept secret, so it takes no {{secret: ...}}: write the value itself")
            elif origin := self.origin(loc):
                self._elsewhere[f"{origin}: {walk.follow(self._shadow(at), one).text()}"] = None
            else:
                mine.append(one)
        if mine:
            part = Document(self._document.path, self._document.text, root=self.nearest(at))
            kept = ValidationError.from_exception_data(error.title, [_again(one) for one in mine])
            self._in_file.update(dict.fromkeys(faults_of(part, adapter, kept)))

    def _shadow(self, at: Loc) -> Node | None:
        """Return the part as nodes of everything together: what the environment says has none in the file."""
        everything = compose(self._document.path, json.dumps(self._layers.data, default=str))
        return everything.find(*at)

    def origin(self, loc: Loc) -> str:
        """Return what gave the value there; empty when it is the file."""
        in_file = bool(loc) and self._document.find(*loc[:-1]) is not None
        return self._layers.origin(loc, in_file=in_file)

    def nearest(self, loc: Loc) -> Node | None:
        """Return the node there, or of the nearest part around it."""
        found = (self._document.find(*loc[:end]) for end in range(len(loc), -1, -1))
        return next((node for node in found if node is not None), None)

    def place(self, loc: Loc) -> str:
        """Return `file:line:column` of the value there, or what gave it."""
        fault = self._document.fault(self.nearest(loc), "")
        return self.origin(loc) or f"{fault.path}:{fault.line}:{fault.column}"

    def stop_if_any(self) -> None:
        """Raise everything that was found, in the order of the file.

        Raises:
            SettingsFaults: there is something.
        """
        if self._in_file or self._elsewhere:
            in_order = sorted(map(self._masked, self._in_file), key=lambda fault: (fault.line, fault.column))
            raise SettingsFaults([*in_order, *self._elsewhere])

    def _masked(self, fault: Fault) -> Fault:
        snippet = fault.snippet
        for text in self._hidden:
            snippet = snippet.replace(text, "*" * len(text))
        return replace(fault, snippet=snippet)


def _again(error: ErrorDetails) -> InitErrorDetails:
    """Return the error as pydantic takes it back; of a kind of its own only the text stays."""
    context = error.get("ctx", {})
    kind = error["type"]
    try:
        ValidationError.from_exception_data("", [InitErrorDetails(type=kind, input=None, ctx=context)])
    except KeyError:
        return InitErrorDetails(
            type=PydanticCustomError("own", "{text}", {"text": error["msg"]}), loc=error["loc"], input=None
        )
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=context)
