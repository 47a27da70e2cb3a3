"""`firstline kb`: articles, search, the gate, and the encoder."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="The knowledge base.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TuneChoice = Literal["off", "weights", "encoder"]


@app.command("import")
def kb_import(
    folder: Annotated[Path, typer.Argument(help="Folder of .md files with front matter.")] = Path("data/kb"),
    force: Annotated[bool, typer.Option(help="Overwrite what was edited since.")] = False,
    json: Json = False,
) -> None:
    """Import and publish articles; what was edited in the editor since is kept."""
    from app.cli import reports
    from app.cli.services import run

    raise typer.Exit(run(reports.import_articles(folder, force, as_json=json)))


@app.command("export")
def kb_export(folder: Annotated[Path, typer.Argument(help="Where to write.")], json: Json = False) -> None:
    """Write every article as a file of Markdown with front matter; importing it again changes nothing."""
    from app.cli import kb_content
    from app.cli.services import run

    raise typer.Exit(run(kb_content.export(folder, as_json=json)))


@app.command("gate")
def kb_gate(
    article: Annotated[
        str | None, typer.Argument(help="An article whose newest text is to be tried.")
    ] = None,
    grow: Annotated[
        bool, typer.Option(help="First take in questions whose answer users called helpful.")
    ] = False,
    export: Annotated[Path | None, typer.Option(help="Also write the questions as a questions.yml.")] = None,
    json: Json = False,
) -> None:
    """Ask the known questions; exit code 1 when publishing the article would make one worse."""
    from app.cli import kb_content
    from app.cli.services import run

    raise typer.Exit(run(kb_content.gate(article, grow=grow, to=export, as_json=json)))


@app.command("questions")
def kb_questions(json: Json = False) -> None:
    """List what users asked in vain, gathered by what it is about, the costliest first."""
    from app.cli import kb_content
    from app.cli.services import run

    raise typer.Exit(run(kb_content.questions(as_json=json)))


@app.command("search")
def kb_search(
    question: str, limit: Annotated[int, typer.Option(min=1, max=50)] = 3, json: Json = False
) -> None:
    """Search as the assistant does."""
    from app.cli import reports
    from app.cli.services import run

    raise typer.Exit(run(reports.search(question, limit, as_json=json)))


@app.command("evaluate")
def kb_evaluate(
    questions: Annotated[
        Path | None, typer.Argument(help="Questions about the articles here; data/kb/questions.yml if none.")
    ] = None,
    corpus: Annotated[Path | None, typer.Option(help="JSON lines of id, title and text.")] = None,
    queries: Annotated[Path | None, typer.Option(help="JSON lines of id and text.")] = None,
    qrels: Annotated[Path | None, typer.Option(help="Lines of query id, document id, score.")] = None,
    unanswerable: Annotated[Path | None, typer.Option(help="JSON lines of questions without answer.")] = None,
    tune: Annotated[TuneChoice, typer.Option(help="What is fitted to the set, by cross-validation.")] = "off",
    encoder: Annotated[
        Path | None, typer.Option(help="A sentence-transformers folder, or an exported one.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure the search, on the articles here or on a set in files: hit@1, hit@5, mrr@10, ndcg@10, and how
    well it tells questions without an answer."""
    from app.cli import kb_evaluate, reports
    from app.cli.services import run

    if corpus is None and queries is None and qrels is None:
        file = questions or Path("data/kb/questions.yml")
        raise typer.Exit(run(reports.evaluate(file, as_json=json)))
    if corpus is None or queries is None or qrels is None or questions is not None:
        raise typer.BadParameter("a set is named by --corpus, --queries and --qrels together.")
    files = kb_evaluate.SetFiles(corpus, queries, qrels, unanswerable)
    raise typer.Exit(run(kb_evaluate.evaluate_set(files, tune, encoder, as_json=json)))


@app.command("tune")
def kb_tune(
    pairs: Annotated[int, typer.Option(min=20, max=100_000, help="Pairs to learn from, at most.")] = 2000,
    home: Annotated[Path | None, typer.Option(help="The data folder; FIRSTLINE_HOME if none.")] = None,
    json: Json = False,
) -> None:
    """Tune the search's encoder on titles, other phrasings, the gate's questions and the logs; it is used
    only if it finds more on questions held back."""
    from app.cli import kb_encoder
    from app.cli.services import run

    raise typer.Exit(run(kb_encoder.tune(home, pairs, as_json=json)))


@app.command("encoder")
def kb_encoder(
    use: Annotated[Path | None, typer.Option(help="A folder that sentence-transformers loads.")] = None,
    installed: Annotated[bool, typer.Option(help="Use the installed encoder again.")] = False,
    json: Json = False,
) -> None:
    """Say which encoder the search uses, or choose one; a running Firstline changes over by itself."""
    from app.cli import kb_encoder
    from app.cli.services import run

    raise typer.Exit(run(kb_encoder.encoder(use, installed=installed, as_json=json)))
