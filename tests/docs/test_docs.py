"""What the documents name exists: files, verbs and options, make targets, decisions."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from freqfleet.cli.program import VERBS, program

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "user_data" / "services" / "freqfleet"
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
# Where a path in a document may start: the repository, the package, the userdir, its configs, the tests.
STARTS = (ROOT, PACKAGE, ROOT / "user_data", ROOT / "user_data" / "config", ROOT / "tests")
# Made by a run, or a person's own; not in the repository.
NOT_SHIPPED = re.compile(
    r"(demo-out|user_data/(data|optimizer|outbox|last_books|heartbeats|controller)|\.venv)(/|$)"
)

PATH = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|toml|json|j2|lock))(::\w+)?")
INLINE_CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
CODE_BLOCK_LINE = re.compile(r"^(?: {4}|\t)(.*)$", re.MULTILINE)

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def spans(document: Path) -> list[str]:
    """Return the inline code of a document, each on one line however it is wrapped."""
    prose = re.sub(r"^(    |\t).*$", "", text_of(document), flags=re.MULTILINE)
    return [" ".join(span.split()) for span in INLINE_CODE.findall(prose)]


def blocks(document: Path) -> list[str]:
    """Return the lines of a document's code blocks, continued lines joined, comments cut off."""
    joined = re.sub(r"\\\n\s*", " ", text_of(document))
    return [re.sub(r"(^|\s+)#.*$", "", line).strip() for line in CODE_BLOCK_LINE.findall(joined)]


def commands(document: Path, name: str) -> list[str]:
    """Return what a document says is typed after `name`."""
    typed = [*spans(document), *blocks(document)]
    found = [re.search(rf"(?:^|/){name} (.+)$", one) for one in typed]
    return [one[1] for one in found if one is not None]


# -- files --------------------------------------------------------------------------------------------


def missing(path: str, document: Path) -> str | None:
    """Return what a document names and is not there, or None."""
    file, _, name = path.partition("::")
    if file.startswith("/") or NOT_SHIPPED.match(file):
        return None
    found = [start / file for start in (*STARTS, document.parent) if (start / file).exists()]
    if not found:
        return file
    if name and not any(name in names_of(one) for one in found):
        return path
    return None


def names_of(source: Path) -> set[str]:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@each_document
def test_every_path_in_a_document_exists(document: Path) -> None:
    named = [*(span for span in spans(document) if PATH.fullmatch(span)), *LINK.findall(text_of(document))]

    assert [one for one in named if missing(one, document) is not None] == []


def test_paths_are_found_in_the_documents_at_all() -> None:
    architecture = ROOT / "docs" / "architecture.md"

    assert sum(PATH.fullmatch(span) is not None for span in spans(architecture)) > 20
    assert missing("runtime/no_such_file.py", architecture) == "runtime/no_such_file.py"
    assert missing("domain/exits.py::no_such_name", architecture) is not None
    assert missing("domain/exits.py::effective_barriers", architecture) is None


def test_every_document_and_test_that_the_code_names_exists() -> None:
    named = {
        (source.relative_to(ROOT), path)
        for source in SOURCES
        for path in re.findall(r"\b(?:docs|tests)/[\w./-]+\.(?:md|py)\b", source.read_text(encoding="utf-8"))
    }

    assert len(named) >= 2
    assert [(str(source), path) for source, path in named if not (ROOT / path).exists()] == []


# -- commands -----------------------------------------------------------------------------------------


def refused(typed: str) -> str | None:
    """Return why click would not know the verb or an option of `freqfleet TYPED`, or None."""
    command: click.Command = program
    rest = shlex.split(typed)
    try:
        while True:
            ctx = click.Context(command, **command.context_settings)
            _, rest, _ = command.make_parser(ctx).parse_args(args=rest)
            if not isinstance(command, click.Group) or not rest:
                return None
            found = command.get_command(ctx, rest[0])
            if found is None:
                return f"no verb {rest[0]}"
            command, rest = found, rest[1:]
    except click.UsageError as error:
        return error.format_message()


@each_document
def test_every_verb_and_option_in_a_document_exists(document: Path) -> None:
    assert [(one, refused(one)) for one in commands(document, "freqfleet") if refused(one)] == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("fly", "no verb fly"),
        ("data fly", "no verb fly"),
        ("optimize --no-such-option", "--no-such-option"),
        ("--no-such-option sync", "--no-such-option"),
        ("sync", None),
        ("--userdir X params explain BTC/USDT:USDT --side long --leverage 2.2", None),
    ],
)
def test_what_does_not_exist_would_be_noticed(typed: str, said: str | None) -> None:
    found = refused(typed)

    assert found is None if said is None else said in str(found)


def test_every_verb_is_explained_to_people() -> None:
    told = [one for name in ("README.md", "docs/operations.md") for one in commands(ROOT / name, "freqfleet")]
    words = {word for one in told for word in one.split()}

    assert len(told) > 10
    assert [verb for verb in VERBS if verb not in words] == []


@each_document
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))

    assert [one for one in commands(document, "make") if one.split()[0] not in targets] == []


# -- decisions ----------------------------------------------------------------------------------------


def test_decisions_are_numbered_without_holes_and_say_their_number() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [file.name[:5] for file in files] == [f"{number:04d}-" for number in range(1, len(files) + 1)]
    for number, file in enumerate(files, start=1):
        assert text_of(file).startswith(f"# {number}. ")
        for part in ("**Context.**", "**Choice.**", "**Cost.**"):
            assert part in text_of(file), f"{file.name} has no {part}"
