"""The function's user has a name in every image, and keeps out of nobody's way."""

from __future__ import annotations

from orchestrator.containers.accounts import with_function_group, with_function_user

USER = "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin"


def test_an_image_without_the_files_gets_root_and_the_function() -> None:
    """FROM scratch."""
    assert with_function_user("").splitlines() == ["root:x:0:0:root:/root:/sbin/nologin", USER]
    assert with_function_group("").splitlines() == ["root:x:0:", "sbx_user1051:x:990:"]


def test_the_images_own_users_stay() -> None:
    """Whatever their order, and without an empty line, which some C libraries stop at."""
    assert with_function_user("root:x:0:0::/root:/bin/sh\n\nnode:x:1000:1000::/home/node:/bin/sh").splitlines() == [
        "root:x:0:0::/root:/bin/sh",
        "node:x:1000:1000::/home/node:/bin/sh",
        USER,
    ]


def test_another_user_of_that_number_or_name_gives_way() -> None:
    """Debian's systemd users are numbered from 999 down; AWS's own images have the entry already."""
    for taken in ("systemd-x:x:993:5::/:/bin/sh", "sbx_user1051:x:1:1::/:/bin/sh", USER):
        assert with_function_user(f"{taken}\n").splitlines() == [USER]


def test_lines_that_are_no_entries_stay_as_they_are() -> None:
    """NIS's plus sign, a comment."""
    assert with_function_user("# comment\n+\n").splitlines() == ["# comment", "+", USER]
