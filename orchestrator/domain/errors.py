"""
The errors that callers see, with AWS's codes, statuses and texts.

    PaddockError
    ├── ServiceError                 an answer of the Lambda API; carries code, status, message
    │   ├── ResourceNotFound         404
    │   ├── UntypedResourceNotFound  404, without `Type`
    │   ├── CodeSigningConfigNotFound   404
    │   ├── CodeStorageExceeded      400
    │   ├── ProvisionedConfigNotFound 404
    │   ├── ResourceConflict         409
    │   │   └── ChangedMeanwhile     409, where repeating it did not help
    │   ├── InvalidParameterValue    400
    │   ├── InvalidRequestContent    400
    │   ├── PolicyLengthExceeded     400
    │   ├── PublicPolicy             400
    │   ├── PreconditionFailed       412
    │   ├── RequestTooLarge          413
    │   ├── UnsupportedMediaType     415
    │   ├── TooManyRequests          429, with its reason and when to try again
    │   ├── AccessDenied             403
    │   ├── MissingAuthenticationToken, IncompleteSignature, InvalidSignature, UnrecognizedClient   403
    │   ├── NotBuiltYet              501, names the operation or member
    │   └── ServiceFailure           500
    └── IllegalMove                  a state machine was asked for a move its table does not have

Raised anywhere below the API, rendered only in `lambda_api`.
AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class PaddockError(Exception):
    """The root of everything that Paddock raises on purpose."""


class ServiceError(PaddockError):
    """
    An error answer of the Lambda API.

    Args:
        message: What the caller reads, in AWS's words where AWS has them.
    """

    code = "ServiceException"
    status = 500
    fault = "Service"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ResourceNotFound(ServiceError):
    """The function (or its version) does not exist."""

    code = "ResourceNotFoundException"
    status = 404
    fault = "User"


class UntypedResourceNotFound(ResourceNotFound):
    """A code signing config does not exist; AWS's body has no `Type` then."""

    fault = ""


class CodeSigningConfigNotFound(ServiceError):
    """The code signing config that a function is to have does not exist."""

    code = "CodeSigningConfigNotFoundException"
    status = 404
    fault = "User"


class ProvisionedConfigNotFound(ServiceError):
    """The version or alias is there, and nothing is provisioned for it."""

    code = "ProvisionedConcurrencyConfigNotFoundException"
    status = 404
    fault = "User"


class CodeStorageExceeded(ServiceError):
    """An account would keep more code than AWS lets it."""

    code = "CodeStorageExceededException"
    status = 400
    fault = "User"


class ResourceConflict(ServiceError):
    """The resource exists already, or is in a state that refuses the operation."""

    code = "ResourceConflictException"
    status = 409
    fault = "User"


class ChangedMeanwhile(ResourceConflict):
    """It is no longer what the change was thought of for: whoever reads it again may repeat the change."""


class InvalidParameterValue(ServiceError):
    """A parameter is well formed but not acceptable."""

    code = "InvalidParameterValueException"
    status = 400
    fault = "User"


class ValidationFailed(ServiceError):
    """A member breaks a constraint of AWS's service model."""

    code = "ValidationException"
    status = 400
    fault = "User"


class InvalidRequestContent(ServiceError):
    """The body could not be read as what the operation takes."""

    code = "InvalidRequestContentException"
    status = 400
    fault = "User"


class PolicyLengthExceeded(ServiceError):
    """A resource policy would be larger than AWS lets one be."""

    code = "PolicyLengthExceededException"
    status = 400
    fault = "User"


class PublicPolicy(ServiceError):
    """A resource policy would let everybody in."""

    code = "PublicPolicyException"
    status = 400
    fault = "User"


class PreconditionFailed(ServiceError):
    """The RevisionId given is not the resource's."""

    code = "PreconditionFailedException"
    status = 412
    fault = "User"


class RequestTooLarge(ServiceError):
    """The payload is over the invocation type's limit."""

    code = "RequestEntityTooLargeException"
    status = 413
    fault = "User"


class UnsupportedMediaType(ServiceError):
    """The content type of an invocation is not JSON."""

    code = "UnsupportedMediaTypeException"
    status = 415
    fault = "User"


class AccessDenied(ServiceError):
    """The caller may not do this."""

    code = "AccessDeniedException"
    status = 403
    fault = "User"


class MissingAuthenticationToken(ServiceError):
    """The request is not signed, and must be."""

    code = "MissingAuthenticationTokenException"
    status = 403
    fault = "User"


class IncompleteSignature(ServiceError):
    """Something of the signature is missing or malformed."""

    code = "IncompleteSignatureException"
    status = 403
    fault = "User"


class InvalidSignature(ServiceError):
    """The signature does not match, has expired, or is for elsewhere."""

    code = "InvalidSignatureException"
    status = 403
    fault = "User"


class UnrecognizedClient(ServiceError):
    """Nobody has this access key."""

    code = "UnrecognizedClientException"
    status = 403
    fault = "User"


class NotBuiltYet(ServiceError):
    """An operation or member of AWS's model that Paddock does not have yet; the message names it."""

    code = "NotImplementedException"
    status = 501
    fault = "Service"


class ServiceFailure(ServiceError):
    """Something on our side failed; the message says what and what helps."""

    code = "ServiceException"
    status = 500
    fault = "Service"


class ThrottleReason(StrEnum):
    """Why a call was refused for now. AWS: TooManyRequestsException.Reason."""

    CONCURRENT = "ConcurrentInvocationLimitExceeded"
    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
    RATE = "FunctionInvocationRateLimitExceeded"
    RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"
    CALLER_RATE = "CallerRateLimitExceeded"


class TooManyRequests(ServiceError):
    """
    A throttle.

    Args:
        reason: AWS's reason.
        retry_after: When the caller may try again (rendered in whole seconds, at least 1).
        message: AWS says "Rate Exceeded."
    """

    code = "TooManyRequestsException"
    status = 429
    fault = "User"

    def __init__(
        self,
        reason: ThrottleReason,
        retry_after: timedelta = timedelta(seconds=1),
        message: str = "Rate Exceeded.",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class IllegalMove(PaddockError):
    """
    A state machine was asked for a move that its table does not allow.

    Args:
        subject: Which machine and which instance.
        before: The state it is in.
        after: The state asked for.
    """

    def __init__(self, subject: str, before: str, after: str) -> None:
        super().__init__(f"{subject} cannot go from {before} to {after}")
        self.subject = subject
        self.before = before
        self.after = after
