"""States as other tools write them: unwrapped, or refused with what to do."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tests.harness import catalog, config, run, run_cli, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


def run_with_files(process: Process, settings: Json, **files: bytes) -> Output:
    """Run the tap as a process with files of these bytes."""
    contents = {
        "config": json.dumps(settings).encode(),
        "catalog": json.dumps(catalog()).encode(),
        **files,
    }
    arguments = []
    for name, content in contents.items():
        path = process.folder / f"{name}.json"
        path.write_bytes(content)
        arguments += [f"--{name}", str(path)]
    output = run_cli(*arguments)
    assert "Traceback" not in output.stderr
    return output


def emitted(output: Output, stream: str) -> int:
    return str(output.messages[0]["text"]).count(f'"stream":"{stream}","record"')


def wrap_in_singer_state(state: Json) -> Json:
    return {"singer_state": state}


def wrap_in_message(state: Json) -> Json:
    return {"type": "STATE", "value": state}


@pytest.mark.parametrize(
    "wrap",
    [
        wrap_in_singer_state,
        wrap_in_message,
        lambda state: wrap_in_singer_state(wrap_in_message(state)),
    ],
    ids=["meltano", "message", "both"],
)
def test_wrapped_state_continues_the_run(
    firm: SandboxServer, process: Process, wrap: Callable[[Json], Json]
) -> None:
    """Matters that did not change since are not read again."""
    state = run(config(firm)).state
    output = run_with_files(process, config(firm), state=json.dumps(wrap(state)).encode())
    assert output.status == 0, output.stderr
    assert emitted(output, "matters") < len(sandbox_rows(firm, "matters"))


@pytest.mark.parametrize(
    "state",
    [
        {"fees": {"replication_key_value": 638193848837974931}},
        {"singer_state": {"fees": {}}},
        {"singer_state": None},
        {"singer_state": {"bookmarks": {}}, "fees": {}},
        {"type": "STATE", "value": {"fees": 3}},
        {"type": "RECORD", "stream": "fees", "record": {}},
        {"bookmarks": []},
        {"completed_state": {"singer_state": {"bookmarks": {}}}},
    ],
    ids=str,
)
def test_other_state_is_refused(firm: SandboxServer, process: Process, state: Json) -> None:
    """The tap reads nothing again because of a state that it does not understand."""
    output = run_with_files(process, config(firm), state=json.dumps(state).encode())
    assert output.status == 2
    assert "holds no Singer state" in output.stderr
    assert "meltano state get" in output.stderr.replace("\n", " ")
    assert firm.control.requests()["total"] == 0
    with pytest.raises(ConfigValidationError, match="bad state"):
        run(config(firm), state)


@pytest.mark.parametrize("state", [{}, {"singer_state": {}}, {"bookmarks": {}}], ids=str)
def test_empty_state_reads_everything(firm: SandboxServer, process: Process, state: Json) -> None:
    output = run_with_files(process, config(firm), state=json.dumps(state).encode())
    assert output.status == 0, output.stderr
    assert emitted(output, "fees") == len(sandbox_rows(firm, "fees"))


def encode_with_bom(value: Any) -> bytes:
    return codecs.BOM_UTF8 + json.dumps(value).encode()


def encode_as_powershell(value: Any) -> bytes:
    return codecs.BOM_UTF16_LE + json.dumps(value).encode("utf-16-le")


@pytest.mark.parametrize("encode", [encode_with_bom, encode_as_powershell])
def test_files_may_begin_with_byte_order_mark(
    firm: SandboxServer, process: Process, encode: Callable[[Any], bytes]
) -> None:
    """Configuration, catalog and state may come from an editor of Windows."""
    state = run(config(firm)).state
    output = run_with_files(
        process,
        config(firm),
        config=encode(config(firm)),
        catalog=encode(catalog()),
        state=encode(state),
    )
    assert output.status == 0, output.stderr
    assert emitted(output, "matters") < len(sandbox_rows(firm, "matters"))
