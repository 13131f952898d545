"""
Secrets at rest: sealed with AES-256-GCM under a key that is not in the database, nor in a backup of it.

What is sealed: the functions' environment variables and the secrets of access keys. A sealed text is bound to its
place (table, row, column), so that one cannot be moved to another row. Whoever can read both the database and the key
file can read everything: keep them apart (`PADDOCK_SECRET_KEY_FILE`), and the key out of the backups' reach.
Not sealed: payloads and output, which are what they are about; give their disk its own encryption where that matters.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, insert, select

from orchestrator.domain.errors import PaddockError
from orchestrator.store.tables import settings_kept

_KEY_BYTES = 32
_NONCE_BYTES = 12
_MARK = "sealed1:"
_CHECK = "sealing_check"


class WrongSecretKey(PaddockError):
    """The key file is missing, damaged, or another data directory's; the message says which and what helps."""


class Sealer:
    """
    Seals and opens texts.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, place: str) -> str:
        """
        Seal a text.

        Args:
            place: Where it will stand: table, row, column. It opens nowhere else.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode("utf-8", "surrogatepass"), place.encode())
        return _MARK + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, place: str) -> str:
        """
        Open what `seal` made for this place.

        Raises:
            WrongSecretKey: If it was sealed with another key or for another place.
        """
        try:
            content = base64.b64decode(sealed.removeprefix(_MARK), validate=True)
            opened = self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], place.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise WrongSecretKey(
                f"the sealed value of {place} does not open with this secret key: it was sealed with another key, or "
                "moved; put the right key file back (PADDOCK_SECRET_KEY_FILE)"
            ) from error
        return opened.decode("utf-8", "surrogatepass")


def is_sealed(text: str) -> bool:
    """Was this made by `seal`?"""
    return text.startswith(_MARK)


def sealer_of(connection: Connection, key_file: Path, database: Path) -> Sealer:
    """
    The sealer of a database; makes the key file for a database that has nothing sealed yet.

    Args:
        connection: In a transaction that may write.
        database: For messages.

    Raises:
        WrongSecretKey: If the key file is missing or not this database's.
    """
    check = connection.execute(select(settings_kept.c.value).where(settings_kept.c.name == _CHECK)).scalar()
    if check is None:
        sealer = Sealer(_read(key_file) if key_file.exists() else _create(key_file))
        connection.execute(insert(settings_kept).values(name=_CHECK, value=sealer.seal(_CHECK, _CHECK)))
        return sealer
    if not key_file.exists():
        raise WrongSecretKey(
            f"the secret key {key_file} is missing, and {database} has values sealed with it (environment variables, "
            "access keys): put it back, or say with PADDOCK_SECRET_KEY_FILE where it is"
        )
    sealer = Sealer(_read(key_file))
    try:
        sealer.open(check, _CHECK)
    except WrongSecretKey:
        raise WrongSecretKey(
            f"the secret key {key_file} is not the one that {database} was sealed with: put the right one back, or say "
            "with PADDOCK_SECRET_KEY_FILE where it is"
        ) from None
    return sealer


def _read(key_file: Path) -> bytes:
    try:
        key = base64.b64decode(key_file.read_bytes().strip(), validate=True)
    except OSError as error:
        raise WrongSecretKey(
            f"the secret key {key_file} cannot be read: {error.strerror}; let the user Paddock runs as read it"
        ) from error
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise WrongSecretKey(
            f"the secret key {key_file} is not 32 bytes in base64: put the right file back, or make one for a new data "
            "directory with `openssl rand -base64 32`"
        )
    return key


def _create(key_file: Path) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # On the disk, name and all, before anything is sealed with it: without the key the values are lost.
    unfinished = key_file.with_name(key_file.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, base64.b64encode(key) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.rename(key_file)
    folder = os.open(key_file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
