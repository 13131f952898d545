"""
Function URLs: who may call one, how it answers, and what browsers may do. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

BUFFERED = "BUFFERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """
    What browsers may do; None is what was not said.

    Args:
        max_age_s: How long a browser may remember the answer, 0 to 86,400 s.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
    """

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """
    A function's or an alias's URL.

    Args:
        url_id: Its own label in host names; 32 characters that nobody guesses.
        auth_type: `NONE` or `AWS_IAM`.
        cors: None where nothing was said.
        invoke_mode: `BUFFERED` or `RESPONSE_STREAM`; None if it was never said, which is the first.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionUrlConfig.html
    """

    url_id: str
    auth_type: str
    cors: Cors | None = None
    invoke_mode: str | None = None
    created: datetime
    last_modified: datetime

    def address(self, region: str, authority: str) -> str:
        """
        The URL.

        Args:
            authority: Host and port under which function URLs are.
        """
        return f"http://{self.url_id}.lambda-url.{region}.{authority}/"
