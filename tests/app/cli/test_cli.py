"""The command line as its users meet it: exit codes, sentences, JSON."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.cli.reports import moment
from foundation.errors import InvalidInput
from kb_index.evaluation.known_questions import read_questions
from security.identity.keyring import KeyRing
from tests.support.product import Product

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
sockets = pytest.mark.enable_socket


class Cli:
    """Runs `firstline` on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        left_out = ("DATABASE_URL", "REDIS_URL", "PORT", "DEMO_PORT", "FIRSTLINE_ENCODER_DIR")
        kept = {key: value for key, value in os.environ.items() if key not in left_out}
        self.env = kept | {"FIRSTLINE_HOME": str(home), "PORT": "18090", "COLUMNS": "200"}

    async def __call__(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", *arguments, cwd=ROOT, env=self.env | environ,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 90)
        assert b"Traceback" not in err
        return process.returncode or 0, out.decode(), err.decode()

    async def json(self, *arguments: str, code: int = 0) -> Any:
        given, out, err = await self(*arguments, "--json")
        assert given == code, err
        return json.loads(out)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@sockets
@pytest.mark.parametrize("command", [["serve"], ["train"], ["attempts"]])
async def test_a_home_that_cannot_be_written_is_said_in_a_sentence(cli: Cli, command: list[str]) -> None:
    code, _, err = await cli(*command, FIRSTLINE_HOME="/proc/none")
    assert code == 1
    assert "/proc/none cannot be written" in err
    assert "Set FIRSTLINE_HOME" in err


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-03-30T08:00:00Z", datetime(2026, 3, 30, 8, tzinfo=UTC)),
        ("2026-03-30T08:00:00+02:00", datetime(2026, 3, 30, 6, tzinfo=UTC)),
        ("24h", NOW - timedelta(days=1)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(days=14)),
        (None, None),
    ],
)
def test_moments_are_dates_or_spans_back_from_now(text: str | None, wanted: datetime | None) -> None:
    assert moment(text, "since", NOW) == wanted


def test_a_date_begins_at_local_midnight() -> None:
    begin = moment("2026-03-30", "since", NOW)
    assert begin is not None
    assert begin.astimezone().strftime("%Y-%m-%d %H:%M") == "2026-03-30 00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "7", "-3d", "2026-13-01", "9999999d", "999999w"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        moment(text, "since", NOW)
    assert caught.value.message == "--since is no date."


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in ("serve", "train", "chat", "kb", "attempts", "cases", "doctor", "keys", "staff"):
        assert command in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("attempts", "--outcome", "nonsense"),
        ("attempts", "--since", "tomorrowish"),
        ("attempts", "--limit", "0"),
        ("cases", "--status", "lost"),
        ("chat", "--user", "ada@kettle.example", "--json"),
        ("staff", "add", "someone@example.com"),
        ("staff", "add", "nobody", "--name", "Sam", "--role", "agent"),
        ("staff", "add", "sam@example.com", "--name", "S" * 101, "--role", "agent"),
        ("audit", "export", "/nowhere/attempts.jsonl"),
        ("keys", "rotate", "kettle", "--grace-hours", "1e300"),
        ("keys", "rotate", "kettle", "--grace-hours", "nan"),
    ],
)
def test_misuse_ends_with_2_and_says_what_is_wrong(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FIRSTLINE_HOME", str(tmp_path / "home"))
    assert main(list(arguments)) == 2
    assert capsys.readouterr().err.strip()
    assert not (tmp_path / "home").exists()


@sockets
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lambda"], "no id"),
        (["My-Thing"], "no id"),
        (["unlock_account"], "there already"),
        (["other_thing", "--intent", "unlock_account"], "intent is taken"),
    ],
)
async def test_a_workflow_that_could_not_be_loaded_is_not_begun(
    cli: Cli, arguments: list[str], said: str
) -> None:
    code, _, err = await cli("workflows", "new", *arguments)
    assert code in (1, 2)
    assert said in err
    assert not (ROOT / "actions" / "workflows" / f"{arguments[0]}.py").exists() or arguments == [
        "unlock_account"
    ]


async def test_errors_are_json_when_json_is_asked_for(cli: Cli) -> None:
    code, out, err = await cli("chat", "--user", "ada@kettle.example", "--once", "hi", "--json")
    assert code == 1
    assert out == ""
    error = json.loads(err)["error"]
    assert error["message"] == "Firstline is not running."
    assert "make run" in error["hint"]


@sockets
async def test_lists_work_while_nothing_runs_and_leave_nothing_running(cli: Cli) -> None:
    assert await cli.json("attempts", "--since", "7d", "--outcome", "verified") == {
        "attempts": [],
        "counts": {},
    }
    assert await cli.json("cases", "--status", "resolved") == {"cases": []}
    record = json.loads((cli.home / "run" / "postgres.json").read_text())
    assert not Path(f"/proc/{record['pid']}").exists()


@sockets
async def test_staff_are_added_listed_and_get_new_passwords(cli: Cli) -> None:
    add = ("staff", "add", "Alex@Example.com", "--name", "Alex", "--role", "agent", "--role", "editor")
    added = await cli.json(*add)
    assert added["email"] == "alex@example.com"
    listed = (await cli.json("staff", "list"))["staff"]
    assert [sorted(one["roles"]) for one in listed if one["email"] == "alex@example.com"] == [
        ["agent", "editor"]
    ]
    again = await cli.json("staff", "reset-password", "alex@example.com")
    assert again["one_time_password"] != added["one_time_password"]
    code, _, err = await cli(*add)
    assert code == 1
    assert "has an account already" in err
    code, _, err = await cli("staff", "reset-password", "nobody@example.com")
    assert code == 1
    assert "no account" in err


async def test_a_key_is_rotated_and_the_old_one_is_named_with_its_end(cli: Cli) -> None:
    ring = KeyRing.create(cli.home / "keys" / "hosts" / "kettle.json", "kettle")
    old = ring.signing_key().kid
    done = await cli.json("keys", "rotate", "kettle", "--grace-hours", "1")
    assert done["kid"] == ring.signing_key().kid
    assert list(done["retiring"]) == [old]
    code, _, err = await cli("keys", "rotate", "../etc/passwd")
    assert code == 1
    assert "kettle" in err


@sockets
async def test_doctor_on_an_empty_home_names_what_is_missing_and_how_to_mend_it(cli: Cli) -> None:
    report = await cli.json("doctor", code=1)
    checks = {check["name"]: check for check in report["checks"]}
    assert not report["ok"]
    assert checks["encoder"]["verdict"] == "broken"
    assert checks["model"]["verdict"] == "broken"
    assert all(check["mend"] for check in report["checks"] if check["verdict"] == "broken")
    assert checks["server"]["verdict"] == "note"


async def test_doctor_says_which_setting_makes_no_sense(cli: Cli) -> None:
    code, out, _ = await cli("doctor", PORT="http")
    assert code == 1
    assert "PORT is not a port" in out


@pytest.mark.integration
async def test_a_chat_prints_the_events_of_its_turn(product: Product) -> None:
    cli = Cli(product.home)
    cli.env |= {"PORT": str(product.port), "DEMO_PORT": str(product.demo_port)}
    found = await cli.json("chat", "--user", "hana@kettle.example", "--once", "what can you do?")
    kinds = [event["author"]["kind"] for event in found["events"]]
    assert kinds[0] == "user"
    assert "bot" in kinds
    assert len({event["turn"] for event in found["events"]}) == 1
    more = ("--once", "thanks", "--conversation", found["conversation"])
    after = await cli.json("chat", "--user", "hana@kettle.example", *more)
    assert after["conversation"] == found["conversation"]
    assert after["events"][0]["seq"] == found["events"][-1]["seq"] + 1


@pytest.mark.integration
async def test_doctor_finds_the_running_product_in_order(product: Product) -> None:
    cli = Cli(product.home)
    cli.env |= {"PORT": str(product.port), "DEMO_PORT": str(product.demo_port)}
    checks = {check["name"]: check["verdict"] for check in (await _doctor(cli))["checks"]}
    for name in ("server", "postgres", "valkey", "rasa", "demo", "part database", "part rasa", "part index"):
        assert checks[name] == "ok"


@pytest.mark.integration
async def test_the_search_is_measured_on_questions_of_ones_own(product: Product, tmp_path: Path) -> None:
    cli = Cli(product.home)
    cli.env |= {"PORT": str(product.port), "DEMO_PORT": str(product.demo_port)}
    file = tmp_path / "questions.yml"
    file.write_text(
        'questions:\n  - {question: "How do I pause my subscription?", article: pause-your-subscription}\n'
    )
    figures = await cli.json("kb", "evaluate", str(file))
    assert figures == {"questions": 1, "hit@1": 1, "hit@5": 1, "mrr@10": 1.0, "ndcg@10": 1.0}
    code, out, error = await cli("kb", "evaluate", str(tmp_path / "none.yml"))
    assert code == 1
    assert "no such file" in out + error
    gate = await cli.json("kb", "gate", "pause-your-subscription", "--export", str(tmp_path / "all.yml"))
    assert gate["before"] == gate["after"]
    assert gate["after"]["n"] > 100
    assert len(read_questions(tmp_path / "all.yml")) == gate["after"]["n"]
    assert (await cli.json("kb", "questions"))["clusters"] is not None
    exported = await cli.json("kb", "export", str(tmp_path / "out"))
    assert "pause-your-subscription.md" in exported["files"]
    page = (tmp_path / "out" / "pause-your-subscription.md").read_bytes()
    assert page == (ROOT / "data" / "kb" / "pause-your-subscription.md").read_bytes()


async def test_a_set_in_files_is_measured_without_anything_running(tmp_path: Path, encoder_dir: Path) -> None:
    cli = Cli(tmp_path / "home")
    cli.env |= {"FIRSTLINE_ENCODER_DIR": str(encoder_dir.resolve())}
    rows = [
        {"id": "a", "title": "Refunds", "text": "Money back."},
        {"id": "b", "title": "Pause", "text": "Stop."},
    ]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "q.jsonl").write_text(
        '{"id": "1", "text": "refund please"}\n{"id": "2", "text": "pause it"}\n'
    )
    (tmp_path / "r.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n")
    files = ("--corpus", str(tmp_path / "c.jsonl"), "--queries", str(tmp_path / "q.jsonl"))
    found = await cli.json("kb", "evaluate", *files, "--qrels", str(tmp_path / "r.tsv"))
    assert {found[name]["hit@1"] for name in ("lexical", "semantic", "fused")} == {1}
    code, out, error = await cli("kb", "evaluate", *files)
    assert code == 2
    code, out, error = await cli("kb", "evaluate", *files, "--qrels", str(tmp_path / "c.jsonl"))
    assert code == 2
    assert "c.jsonl, line 1" in out + error


async def _doctor(cli: Cli) -> Any:
    _, out, _ = await cli("doctor", "--json")
    return json.loads(out)
