"""`paddock keys`, `backup`, `restore`. What they do is imported inside them: other commands must not pay for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_OUR_FAILURE = 1

keys = typer.Typer(
    name="keys", help="Access keys for signed requests (PADDOCK_ACCESS).", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.command("create")
def create_key(
    account: Annotated[str, typer.Option(help="The 12-digit account it speaks for.")] = "000000000000",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an access key. Its secret is shown this once."""
    import secrets

    from orchestrator.administration.data_directory import opened
    from orchestrator.clock import SystemClock
    from orchestrator.domain.access import AccessKey, access_key_id_from, secret_from
    from orchestrator.store.access_keys import add_key

    if not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise typer.BadParameter(f"{account!r} is no account: write 12 digits", param_hint="--account")
    with _told(), opened(_settings()) as (connection, sealer):
        key = AccessKey(
            access_key_id=access_key_id_from(secrets.token_bytes(10)),
            secret=secret_from(secrets.token_bytes(30)),
            account=account,
            description=description,
            created_at=SystemClock().now(),
        )
        add_key(connection, sealer, key)
    if as_json:
        print(json.dumps({"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret, "Account": account}))
        return
    print(f"AWS_ACCESS_KEY_ID={key.access_key_id}")
    print(f"AWS_SECRET_ACCESS_KEY={key.secret}")
    print("Valid in a second. The secret is not shown again.", file=sys.stderr)


@keys.command("ls")
def list_keys(as_json: AsJson = False) -> None:
    """List the access keys, without their secrets."""
    from orchestrator.administration.data_directory import opened
    from orchestrator.store import access_keys

    with _told(), opened(_settings()) as (connection, sealer):
        found = access_keys.list_keys(connection, sealer)
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "AccessKeyId": key.access_key_id,
                        "Account": key.account,
                        "Description": key.description,
                        "CreateDate": key.created_at.isoformat(),
                    }
                    for key in found
                ]
            )
        )
        return
    for key in found:
        print(f"{key.access_key_id}  {key.account}  {key.created_at:%Y-%m-%d %H:%M}  {key.description}".rstrip())
    if not found:
        print("no access keys; make one with `paddock keys create`", file=sys.stderr)


@keys.command("rm")
def remove_key(access_key_id: Annotated[str, typer.Argument(help="Its id.")], as_json: AsJson = False) -> None:
    """Remove an access key; requests signed with it are refused within a second."""
    from orchestrator.administration.data_directory import opened
    from orchestrator.domain.errors import PaddockError
    from orchestrator.store import access_keys

    with _told(), opened(_settings()) as (connection, _):
        if not access_keys.remove_key(connection, access_key_id):
            raise PaddockError(f"there is no access key {access_key_id}; `paddock keys ls` lists them")
    print(json.dumps({"removed": access_key_id}) if as_json else f"{access_key_id}: removed")


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write; it must not exist.")], as_json: AsJson = False
) -> None:
    """Copy the databases into one archive, also while the control plane runs. The secret key is not in it."""
    from importlib.metadata import version

    from orchestrator.administration.backups import make_backup
    from orchestrator.clock import SystemClock

    with _told():
        settings = _settings()
        size = make_backup(settings, file.absolute(), version("paddock"), SystemClock().now(), _say)
    if as_json:
        print(json.dumps({"file": str(file), "bytes": size, "secret_key_file": str(settings.key_file)}))
        return
    print(f"{file}: {size / 1_048_576:.1f} MiB. Keep {settings.key_file} too, but elsewhere: it opens what is sealed.")


def restore(
    file: Annotated[Path, typer.Argument(help="An archive of `paddock backup`.")], as_json: AsJson = False
) -> None:
    """Put a backup in place; the control plane must be stopped. What was there is kept beside it."""
    from orchestrator.administration.backups import restore_backup
    from orchestrator.clock import SystemClock

    with _told():
        settings = _settings()
        kept = restore_backup(settings, file.absolute(), SystemClock().now(), _say)
    if as_json:
        print(json.dumps({"data_dir": str(settings.data_dir), "kept": str(kept) if kept else None}))
        return
    print(f"{file} is in place in {settings.data_dir}" + (f"; what was there is in {kept}" if kept else ""))


def _settings() -> Settings:
    from orchestrator.settings import Settings

    return Settings()


def _say(what: str) -> None:
    print(what, file=sys.stderr)


@contextmanager
def _told() -> Iterator[None]:
    from pydantic import ValidationError

    from orchestrator.domain.errors import PaddockError
    from orchestrator.settings import refusals

    try:
        yield
    except ValidationError as error:
        for refusal in refusals(error):
            print(f"paddock: {refusal}; see docs/settings.md", file=sys.stderr)
        raise typer.Exit(_OUR_FAILURE) from error
    except PaddockError as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(_OUR_FAILURE) from error
