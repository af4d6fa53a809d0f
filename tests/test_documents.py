"""Contents of files and invoices: stored once, complete, and resumed."""

from __future__ import annotations

import hashlib
import json
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import s3fs  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

from smokeball_sandbox.document_host import content_of, version_content
from smokeball_sandbox.faults import DOCUMENT_TEMPLATE as TEMPLATE
from tap_smokeball.documents.command import documents
from tests.harness import Process, catalog, config, request_count, run, run_plan, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox import SandboxServer
    from tests.conftest import StartFirm
    from tests.harness import Json, Output

FILES, INVOICES = "file_contents", "invoice_documents"
LISTS = {
    "POST /oauth2/token",
    "GET /matters",
    "GET /matters/{matterId}/documents/files",
    "GET /matters/{matterId}/invoices",
}
HISTORY = "GET /matters/{matterId}/documents/files/{fileId}/history"
FILE_ADDRESS = "GET /matters/{matterId}/documents/files/{fileId}/download"
INVOICE_ADDRESS = "GET /matters/{matterId}/invoices/{invoiceId}/download"
BOTH = catalog(wanted=[FILES, INVOICES])
ONLY_FILES = catalog(wanted=[FILES])
pytestmark = pytest.mark.slow

CANARY = "Kanarienvogel-4711"


def settings_for(firm: SandboxServer, place: Path | str, **more: Any) -> Json:
    url = place if isinstance(place, str) else place.as_uri()
    return config(firm, documents_url=url, **more)


def expected_contents(firm: SandboxServer) -> dict[str, bytes]:
    """Return the contents that the firm has, by the id of the file or invoice."""
    found = {}
    for kind in ("files", "invoices"):
        for entry in sandbox_rows(firm, kind):
            row = entry["row"]
            is_gone = row.get("isDeleted") or row.get("status") in {0, 3}
            if not is_gone and row.get("isUploaded", True) and not row.get("isCancelled"):
                content = content_of(kind, row)
                found[row["id"]] = b"".join(content.pieces(0, content.size))
    return found


def records_by_id(output: Output) -> dict[str, Json]:
    return {r["fileId"]: r for r in output.records(FILES)} | {
        r["invoiceId"]: r for r in output.records(INVOICES)
    }


def assert_stored(output: Output, place: Path, expected: dict[str, bytes]) -> None:
    """Compare the records and the stored contents with the contents that the firm has."""
    records = records_by_id(output)
    stored = {id_ for id_, record in records.items() if record["error"] is None}
    assert stored == expected.keys()
    for id_, content in expected.items():
        record = records[id_]
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
        assert record["sizeBytes"] == len(content)
        assert record["path"].endswith(record["sha256"])
        path = place / record["path"]
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o077 == 0
    assert not list(place.glob("tmp/*"))
    paths = {str(path.relative_to(place)) for path in place.glob("sha256/*/*/*")}
    assert paths == {records[id_]["path"] for id_ in expected}


def downloadable(firm: SandboxServer) -> list[str]:
    ids = expected_contents(firm).keys()
    return [e["row"]["id"] for e in sandbox_rows(firm, "files") if e["row"]["id"] in ids]


def test_contents_are_stored_once(start: StartFirm, tmp_path: Path) -> None:
    """A second run, with or without a state, takes the requests of the lists alone."""
    firm = start(matters=6)
    twins = downloadable(firm)[:2]
    for id_ in twins:
        firm.control.touch(
            "files", id_, set={"name": "Twin", "fileExtension": ".pdf", "sizeBytes": 5_000}
        )
    empty = downloadable(firm)[2]
    firm.control.touch("files", empty, set={"sizeBytes": 0})
    firm.control.reset_requests()
    first = run(settings_for(firm, tmp_path), catalog=BOTH)
    assert first.status == 0
    expected = expected_contents(firm)
    assert_stored(first, tmp_path, expected)
    counts = firm.control.requests()["by_template"]
    assert counts[FILE_ADDRESS] + counts[INVOICE_ADDRESS] == counts[TEMPLATE] == len(expected)
    records = records_by_id(first)
    assert records[twins[0]]["path"] == records[twins[1]]["path"]
    assert records[twins[0]]["mediaType"] == "application/pdf"
    assert records[empty]["sizeBytes"] == 0
    for state in (first.state, None):
        firm.control.reset_requests()
        again = run(settings_for(firm, tmp_path), state, BOTH)
        assert records_by_id(again) == records
        assert firm.control.requests()["by_template"].keys() <= LISTS
        assert len(json.dumps(again.state)) < 3_000


def test_plan_counts_documents_that_are_missing(start: StartFirm, tmp_path: Path) -> None:
    """It asks the manifest, and writes nothing."""
    firm = start(matters=3)
    place = tmp_path / "place"

    def planned(settings: Json) -> list[str]:
        output = run_plan(settings, catalog=ONLY_FILES)
        [line] = [line for line in output.stdout.splitlines() if line.startswith(FILES)]
        _, rows, requests, basis = line.split(maxsplit=3)
        return [rows, requests, basis]

    settings = settings_for(firm, place, documents_earlier_versions=True, documents_max_mb=0.09)
    before = planned(settings)
    assert not place.exists()
    firm.control.reset_requests()
    run(settings, catalog=ONLY_FILES)
    counts = firm.control.requests()["by_template"]
    lists = counts["GET /matters/{matterId}/documents/files"]
    assert counts[HISTORY] > 0
    assert before[1] == str(lists + 2 * counts[HISTORY])  # the versions are not known yet
    assert planned(settings)[1] == str(lists)
    assert planned(config(firm))[1:] == ["0", "under a second  skipped: documents_url is not set"]


def test_new_version_is_stored_as_well(start: StartFirm, tmp_path: Path) -> None:
    firm = start(matters=2)
    changed = downloadable(firm)[0]
    before = records_by_id(run(settings_for(firm, tmp_path), catalog=ONLY_FILES))[changed]
    firm.control.touch("files", changed, set={"sizeBytes": 77})
    firm.control.reset_requests()
    after = records_by_id(run(settings_for(firm, tmp_path), catalog=ONLY_FILES))[changed]
    assert request_count(firm, TEMPLATE) == 1
    assert (before["versionId"], before["path"]) != (after["versionId"], after["path"])
    assert after["sizeBytes"] == 77
    assert (tmp_path / before["path"]).exists()


def test_earlier_versions_are_stored_once(start: StartFirm, tmp_path: Path) -> None:
    """A history is read once for each version of a file, also if the setting is turned on late."""
    firm = start(matters=2)
    files = {e["row"]["id"]: e["row"] for e in sandbox_rows(firm, "files")}
    target, other = downloadable(firm)[:2]
    entries = {e["row"]["id"]: e["parent"] for e in sandbox_rows(firm, "file_versions")}
    for id_, file in entries.items():
        firm.control.touch("file_versions", id_, parent=file, set={"documentVersionId": None})
    replaced = next(id_ for id_, file in entries.items() if file == target)
    missing = next(id_ for id_, file in entries.items() if file == other)

    def name_version(entry: str, version: str) -> None:
        change = {"documentVersionId": version}
        firm.control.touch("file_versions", entry, parent=entries[entry], set=change)

    name_version(replaced, "first-version")
    name_version(missing, "lost-version")
    run(settings_for(firm, tmp_path), catalog=ONLY_FILES)
    firm.control.fail(template=FILE_ADDRESS, path_contains=other, status=404)
    settings = settings_for(firm, tmp_path, documents_earlier_versions=True)
    firm.control.reset_requests()
    first = run(settings, catalog=ONLY_FILES)
    assert first.status == 0
    counts = firm.control.requests()["by_template"]
    assert counts[HISTORY] == len(downloadable(firm))
    assert (counts[FILE_ADDRESS], counts[TEMPLATE]) == (2, 1)
    versions = {(r["fileId"], r["versionId"]): r for r in first.records(FILES)}
    assert len(versions) == len(files) + 2
    earlier = version_content(files[target], "first-version")
    content = b"".join(earlier.pieces(0, earlier.size))
    record = versions[target, "first-version"]
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert (tmp_path / record["path"]).read_bytes() == content
    assert record["sizeBytes"] == len(content) != files[target]["sizeBytes"]
    assert versions[other, "lost-version"]["error"] == "not found"

    firm.control.reset_requests()
    run(settings, catalog=ONLY_FILES)
    assert request_count(firm, FILE_ADDRESS) == 1  # of the lost one
    firm.control.reset_requests()
    again = run(settings, catalog=ONLY_FILES)
    assert firm.control.requests()["by_template"].keys() <= LISTS
    assert len(again.records(FILES)) == len(versions)

    name_version(replaced, files[target]["versionId"])
    firm.control.touch("files", target, set={"sizeBytes": 77})
    firm.control.reset_requests()
    last = run(settings, catalog=ONLY_FILES)
    assert [request_count(firm, name) for name in (HISTORY, FILE_ADDRESS, TEMPLATE)] == [1, 1, 1]
    stored = {r["versionId"]: r for r in last.records(FILES) if r["fileId"] == target}
    assert (
        stored[files[target]["versionId"]]["path"]
        == versions[target, files[target]["versionId"]]["path"]
    )
    assert len(stored) == 2


@pytest.mark.parametrize(
    ("fault", "downloads"),
    [
        ({"how": "truncate", "count": 3}, 4),
        ({"how": "status", "status": 503}, 2),
        ({"how": "reset"}, 2),
        ({"how": "status", "status": 403}, 2),
        ({"how": "corrupt"}, 2),
    ],
)
def test_download_survives_fault(
    start: StartFirm, tmp_path: Path, fault: Json, downloads: int
) -> None:
    """A broken download resumes, an expired address is replaced, a wrong checksum repeated."""
    firm = start(matters=2)
    target = downloadable(firm)[0]
    firm.control.touch("files", target, set={"sizeBytes": 1_500_000})
    firm.control.fail(template=TEMPLATE, path_contains=target, **fault)
    output = run(settings_for(firm, tmp_path), catalog=ONLY_FILES)
    assert output.status == 0
    files = expected_contents(firm)
    invoices = {e["row"]["id"] for e in sandbox_rows(firm, "invoices")}
    assert_stored(output, tmp_path, {i: c for i, c in files.items() if i not in invoices})
    log = firm.control.requests(log=True)["log"]
    statuses = [e["status"] for e in log if e["path"].endswith(target)]
    assert len(statuses) == downloads
    if fault["how"] == "truncate":
        assert statuses[-1] == 206


@pytest.mark.parametrize(
    ("template", "fault", "error"),
    [
        (FILE_ADDRESS, {"status": 403}, "access denied"),
        (FILE_ADDRESS, {"status": 404}, "not found"),
        (TEMPLATE, {"status": 404}, "not found"),
        (TEMPLATE, {"status": 403, "count": 3}, "access denied by the host of the document"),
        (TEMPLATE, {"how": "corrupt", "count": 2}, "checksum differs"),
        (TEMPLATE, {"how": "body", "body": "short"}, "size differs"),
    ],
)
def test_unavailable_content_has_its_reason(
    start: StartFirm, tmp_path: Path, template: str, fault: Json, error: str
) -> None:
    """It fails no one else, and the next run has it."""
    firm = start(matters=2)
    target = downloadable(firm)[0]
    firm.control.fail(template=template, path_contains=target, **fault)
    output = run(settings_for(firm, tmp_path), catalog=ONLY_FILES)
    assert output.status == 0
    records = records_by_id(output)
    assert records[target]["error"] == error
    assert records[target]["sha256"] is None
    assert all(records[id_]["sha256"] for id_ in downloadable(firm)[1:])
    assert not list(tmp_path.glob("tmp/*"))
    again = records_by_id(run(settings_for(firm, tmp_path), output.state, ONLY_FILES))
    assert again[target]["error"] is None


def test_hosts_may_answer_in_any_way(start: StartFirm, tmp_path: Path) -> None:
    """Addresses that lead elsewhere are not followed; odd answers are read, or have an error."""
    firm = start(matters=4)
    ids = downloadable(firm)
    firm.control.settings(ranges=False)

    def answer(address: str) -> Json:
        return {"how": "body", "body": json.dumps({"downloadUrl": address})}

    answers: list[tuple[str, Json, str | None]] = [
        (FILE_ADDRESS, answer("http://documents.example.com/x"), "the address is not https"),
        (FILE_ADDRESS, answer("https://10.0.0.1/x"), "the address is not public"),
        (FILE_ADDRESS, answer("https://[::ffff:169.254.169.254]/x"), "the address is not public"),
        (FILE_ADDRESS, answer("https://2130706433/x"), "the address is not public"),
        (FILE_ADDRESS, answer(f"https://{'a' * 70}.com/{CANARY}"), "the address is not valid"),
        (TEMPLATE, {"status": 302, "location": f"{firm.url}/elsewhere"}, "unexpected status 302"),
        (TEMPLATE, {"how": "gzip"}, None),
        (TEMPLATE, {"how": "truncate"}, None),
    ]
    for id_, (template, fault, _) in zip(ids, answers, strict=False):
        firm.control.fail(template=template, path_contains=id_, **fault)
    packed, broken = ids[6], ids[7]
    firm.control.touch("files", broken, set={"sizeBytes": 900_000})
    output = run(settings_for(firm, tmp_path), catalog=ONLY_FILES)
    assert output.status == 0
    records = records_by_id(output)
    errors = [records[id_]["error"] for id_ in ids]
    assert errors == [error for *_, error in answers] + [None] * (len(ids) - len(answers))
    for id_ in (packed, broken):
        content = expected_contents(firm)[id_]
        assert (tmp_path / records[id_]["path"]).read_bytes() == content
    log = firm.control.requests(log=True)["log"]
    assert [e["status"] for e in log if e["path"].endswith(broken)] == [200, 200]
    assert not [e for e in log if e["path"] == "/elsewhere"]
    assert CANARY not in output.stderr


def test_large_and_missing_files_take_no_request(start: StartFirm, tmp_path: Path) -> None:
    firm = start(matters=2)
    large, deleted, absent = downloadable(firm)[:3]
    firm.control.touch("files", large, set={"sizeBytes": 2_000_000})
    firm.control.touch("files", deleted, set={"isDeleted": True})
    firm.control.touch("files", absent, set={"isUploaded": False})
    settings = settings_for(firm, tmp_path, documents_max_mb=1.5)
    records = records_by_id(run(settings, catalog=ONLY_FILES))
    reasons = {id_: records[id_]["error"] for id_ in (large, deleted, absent)}
    assert reasons == {large: "too large", deleted: "deleted", absent: "not uploaded"}
    log = firm.control.requests(log=True)["log"]
    assert not [e for e in log if any(id_ in e["path"] for id_ in reasons)]


def test_failed_download_is_retried_by_next_run(start: StartFirm, tmp_path: Path) -> None:
    """The run says so, and the other files are stored."""
    firm = start(matters=2)
    target = downloadable(firm)[0]
    firm.control.fail(template=TEMPLATE, path_contains=target, status=503, count=9)
    settings = settings_for(firm, tmp_path, max_retries=1)
    output = run(settings, catalog=ONLY_FILES)
    assert output.status == 1
    records = records_by_id(output)
    assert records[target]["error"] == "download failed"
    assert all(records[id_]["sha256"] for id_ in downloadable(firm)[1:])
    firm.control.clear_faults()
    again = run(settings, output.state, ONLY_FILES)
    assert (again.status, records_by_id(again)[target]["error"]) == (0, None)


def test_contents_without_url_take_no_request(start: StartFirm) -> None:
    firm = start(matters=2)
    output = run(config(firm), catalog=BOTH)
    assert output.status == 0
    assert records_by_id(output) == {}
    assert firm.control.requests()["by_template"].keys() <= {"POST /oauth2/token", "GET /matters"}


def test_documents_appear_in_no_log(start: StartFirm, tmp_path: Path, process: Process) -> None:
    """Neither names nor addresses, at level DEBUG, also if downloads fail."""
    firm = start(matters=2)
    target, other = downloadable(firm)[:2]
    firm.control.touch("files", target, set={"name": CANARY})
    firm.control.touch("files", other, set={"name": CANARY})
    firm.control.fail(template=TEMPLATE, path_contains=target, status=503, count=9)
    settings = settings_for(
        firm, tmp_path / "place", max_retries=1, documents_options={"unused_key": "Schluessel-0815"}
    )
    environment = {"TAP_SMOKEBALL_LOGLEVEL": "DEBUG"}
    output = process.run(settings, catalog=ONLY_FILES, environment=environment)
    assert records_by_id(output)[target]["error"] == "download failed"
    written = [p.read_text() for p in (tmp_path / "place").rglob("*.json")]
    texts = [json.dumps(output.messages), output.stderr, *written]
    assert not [text for text in texts if "signature=" in text or "/_documents" in text]
    for secret in (CANARY, "Schluessel-0815"):
        assert secret not in output.stderr
        assert not any(secret in text for text in written)


def test_killed_run_downloads_nothing_twice(
    start: StartFirm, tmp_path: Path, process: Process
) -> None:
    firm = start(matters=6)
    ids = downloadable(firm)
    hanging = ids[len(ids) // 2]
    firm.control.fail(template=TEMPLATE, path_contains=hanging, how="drip", seconds=60)
    place = tmp_path / "place"
    settings = settings_for(firm, place)

    def is_due() -> bool:
        has_stored = len(list(place.glob("manifest/*/*/*/*.json"))) >= len(ids) // 2
        with suppress(FileNotFoundError):  # a download that has ended since
            return has_stored and any(path.stat().st_size for path in place.glob("tmp/*"))
        return False

    process.run_and_signal(settings, is_due, signal.SIGKILL, catalog=ONLY_FILES)
    firm.control.clear_faults()
    stored = {path.parent.name for path in place.glob("manifest/*/*/*/*.json")}
    firm.control.reset_requests()
    output = run(settings, catalog=ONLY_FILES)
    invoices = {e["row"]["id"] for e in sandbox_rows(firm, "invoices")}
    expected = {i: c for i, c in expected_contents(firm).items() if i not in invoices}
    assert_stored(output, place, expected)
    log = firm.control.requests(log=True)["log"]
    downloaded = {Path(e["path"]).name for e in log if e["template"] == TEMPLATE}
    assert downloaded == set(ids) - stored


def test_command_lists_unreferenced_contents(start: StartFirm, tmp_path: Path) -> None:
    from click.testing import CliRunner  # noqa: PLC0415 - used by this test only

    firm = start(matters=2)
    records = records_by_id(run(settings_for(firm, tmp_path), catalog=ONLY_FILES))
    arguments = ["unreferenced", "--url", tmp_path.as_uri()]
    assert CliRunner().invoke(documents, arguments).output == ""
    target = records[downloadable(firm)[0]]
    for path in tmp_path.glob(f"manifest/*/*/{target['fileId']}/*"):
        path.unlink()
    done = CliRunner().invoke(documents, arguments)
    assert done.output == f"{target['path']}\t{target['sizeBytes']}\n"
    content = tmp_path / target["path"]
    content.write_bytes(content.read_bytes()[:-1])  # as a broken disk may leave it
    run(settings_for(firm, tmp_path), catalog=ONLY_FILES)
    assert hashlib.sha256(content.read_bytes()).hexdigest() == target["sha256"]
    unusable = ["unreferenced", "--url", "nowhere://x"]
    assert CliRunner().invoke(documents, unusable).exit_code == 1


@pytest.fixture(scope="module")
def s3() -> Iterator[Json]:
    """Start a simulated S3 with a bucket, and yield the options that lead to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "key": "testing",
        "secret": CANARY,
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"},
    }
    requests.put(f"http://{host}:{port}/bucket", timeout=10).raise_for_status()
    yield options
    server.stop()


def test_contents_arrive_in_object_storage(start: StartFirm, s3: Json) -> None:
    """A large one in parts, each once, also by a second run with no state."""
    firm = start(matters=3)
    large = downloadable(firm)[0]
    firm.control.touch("files", large, set={"sizeBytes": 20_000_000})
    settings = settings_for(firm, "s3://bucket/firm", documents_options=s3)
    output = run(settings, catalog=BOTH)
    assert output.status == 0
    expected, records = expected_contents(firm), records_by_id(output)
    assert {id_ for id_, record in records.items() if not record["error"]} == expected.keys()
    bucket = s3fs.S3FileSystem(**s3, skip_instance_cache=True)
    for id_, content in expected.items():
        assert records[id_]["sha256"] == hashlib.sha256(content).hexdigest()
        assert bucket.cat_file(f"bucket/firm/{records[id_]['path']}") == content
    stored = {path.removeprefix("bucket/firm/") for path in bucket.find("bucket/firm/sha256")}
    assert stored == {records[id_]["path"] for id_ in expected}
    firm.control.reset_requests()
    assert records_by_id(run(settings, catalog=BOTH)) == records
    assert firm.control.requests()["by_template"].keys() <= LISTS


@pytest.mark.parametrize("url", ["s3://nowhere/firm", "nosuch://nowhere", "s3://bucket"])
def test_unusable_storage_fails_its_stream_alone(
    start: StartFirm, s3: Json, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """The error says what to check, and names neither the place nor a key."""
    firm = start(matters=2)
    wrong = {"client_kwargs": {"nosuch": CANARY}}
    options = wrong if url == "s3://bucket" else s3
    settings = settings_for(firm, url, documents_options=options)
    output = run(settings, catalog=catalog(wanted=[FILES, "matters"]))
    assert output.status == 1
    assert output.records("matters")
    assert not output.records(FILES)
    assert request_count(firm, FILE_ADDRESS) == 0
    logged = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("tap-smoke"))
    assert "documents_url: the storage cannot be used" in logged
    assert CANARY not in logged
    assert "nowhere" not in logged
