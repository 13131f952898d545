"""
The function's user, as AWS names it, in an image's own `/etc/passwd` and `/etc/group`. Pure: text in, text out.

Without an entry Python's getpass, Node's userInfo and Java's user.name fail, and HOME is `/`.
"""

from __future__ import annotations

PASSWD = "/etc/passwd"
GROUP = "/etc/group"
USER_ID = 993
GROUP_ID = 990
_NAME = "sbx_user1051"
_ROOT = "root:x:0:0:root:/root:/sbin/nologin"


def with_function_user(passwd: str) -> str:
    """
    The file with the function's user in it, and nobody else under its name or number.

    Args:
        passwd: The image's own, or an empty text.
    """
    return _with(passwd or _ROOT + "\n", f"{_NAME}:x:{USER_ID}:{GROUP_ID}::/home/{_NAME}:/sbin/nologin", USER_ID)


def with_function_group(group: str) -> str:
    """The same for the group."""
    return _with(group or "root:x:0:\n", f"{_NAME}:x:{GROUP_ID}:", GROUP_ID)


def _with(text: str, entry: str, number: int) -> str:
    kept = [line for line in text.splitlines() if line and not _is_of(line, number)]
    return "\n".join([*kept, entry, ""])


def _is_of(line: str, number: int) -> bool:
    fields = line.split(":")
    return fields[0] == _NAME or (len(fields) > 2 and fields[2] == str(number))
