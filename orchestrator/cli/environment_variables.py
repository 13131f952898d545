"""What `--env` and `--env-file` say: K=V, read literally, as `docker run` reads them."""

from __future__ import annotations

from pathlib import Path

from orchestrator.cli.failures import unusable


def environment_variables(given: list[str], file: Path | None) -> dict[str, str] | None:
    """
    The variables by name; those of the command line win over the file's.

    Returns: None if neither was given, which means: leave them as they are.
    Raises: Failure: if a line has no `=`, or the file cannot be read.
    """
    if not given and file is None:
        return None
    variables: dict[str, str] = {}
    if file is not None:
        for number, line in enumerate(_lines(file), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                name, value = _split(line, f"{file}, line {number}")
                variables[name] = value
    for text in given:
        name, value = _split(text, "--env")
        variables[name] = value
    return variables


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise unusable(f"--env-file {str(file)!r}: {reason}; give a file that can be read") from error


def _split(text: str, where: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        # The text may be a secret whose name was forgotten: it is not repeated.
        raise unusable(f"{where}: a variable needs a name and a value; write it as NAME=VALUE")
    return name.strip(), value
