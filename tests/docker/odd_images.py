"""
The odd images of the table: the Dockerfile, what the caller gets, what the log says. Data only.

`caller` and `log` are regular expressions; what they are matched with is made by `table.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BARE = "FROM scratch\nCOPY runtime /runtime\n"
_PYTHON = "FROM paddock/python\nCOPY runtime /runtime\n"
_RUN = 'ENTRYPOINT ["/runtime"]\n'
_X = 'ENTRYPOINT ["/x"]\n'

_ANSWERS = r'^answers .*"ids":\[993,990\],.*"tmp":"yes","root":"EROFS","here":"EROFS","tmp_mode":"1777"'
_NEVER_RAN = "Error Type: Runtime.InvalidEntrypoint"
_GOES_WELL = "REPORT RequestId"


@dataclass(frozen=True, kw_only=True)
class OddImage:
    """
    One row.

    Args:
        configuration: Of the function, beside its name and image.
        platform: That the image is built for, if not this host's.
        environment: Of the image, beside what the Dockerfile says: the builder takes seconds for a long value.
    """

    name: str
    dockerfile: str
    caller: str = _ANSWERS
    log: str = _GOES_WELL
    configuration: Mapping[str, Any] = field(default_factory=dict)
    platform: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


ODD_IMAGES = (
    # What runs as on AWS.
    OddImage(name="FROM scratch, one static program", dockerfile=_BARE + _RUN, caller=_ANSWERS),
    OddImage(
        name="no shell",
        dockerfile=_PYTHON + "RUN rm -f /bin/bash /bin/dash /bin/sh\n" + _RUN,
    ),
    OddImage(name="CMD alone", dockerfile=_BARE + 'CMD ["/runtime"]\n'),
    OddImage(name="ENTRYPOINT in shell form", dockerfile=_PYTHON + "ENTRYPOINT exec /runtime\n"),
    OddImage(name="CMD in shell form", dockerfile=_PYTHON + "ENTRYPOINT []\nCMD /runtime\n"),
    OddImage(
        name="relative ENTRYPOINT",
        dockerfile='FROM scratch\nWORKDIR /here\nCOPY runtime ./bootstrap\nENTRYPOINT ["./bootstrap"]\n',
        caller=r'^answers .*"cwd":"/here","tmp":"yes","root":"EROFS"',
    ),
    OddImage(name="/tmp is a link", dockerfile=_PYTHON + "RUN rm -rf /tmp && ln -s /var/tmp /tmp\n" + _RUN),
    OddImage(name="/tmp is a link to nowhere", dockerfile=_PYTHON + "RUN rm -rf /tmp && ln -s /no /tmp\n" + _RUN),
    OddImage(
        name="/etc/passwd is a link to nowhere",
        dockerfile=_PYTHON + "RUN ln -sf /no/passwd /etc/passwd\n" + _RUN,
    ),
    OddImage(name="unknown USER", dockerfile=_BARE + "USER nobody-knows:neither\n" + _RUN),
    OddImage(name="USER root", dockerfile=_BARE + "USER 0\n" + _RUN),
    OddImage(
        name="a set-user-ID program",
        dockerfile=_PYTHON + "RUN chmod 4755 /runtime\n" + _RUN,
    ),
    OddImage(name="VOLUME", dockerfile=_BARE + "VOLUME /data\n" + _RUN),
    OddImage(name="VOLUME /etc", dockerfile=_PYTHON + "VOLUME /etc\n" + _RUN),
    OddImage(name="VOLUME below /tmp", dockerfile=_PYTHON + "VOLUME /tmp/deep\n" + _RUN),
    OddImage(name="HEALTHCHECK", dockerfile=_BARE + 'HEALTHCHECK --interval=1s CMD ["/runtime"]\n' + _RUN),
    OddImage(name="STOPSIGNAL SIGSTOP", dockerfile=_BARE + "STOPSIGNAL SIGSTOP\n" + _RUN),
    OddImage(
        name="LABELs of ours",
        dockerfile=_BARE + "LABEL paddock.owner=x paddock.role=control-plane paddock.life=y\n" + _RUN,
    ),
    OddImage(
        name="ENV with odd names",
        dockerfile=_BARE + 'ENV a.b=1 1x=2 Größe=3 EMPTY=""\n' + _RUN,
        caller=_ANSWERS + r'.*"a\.b":"1","1x":"2","Größe":"3","EMPTY":""',
    ),
    OddImage(
        name="ENV of 100 KB",
        dockerfile=_BARE + _RUN,
        environment={"LARGE": "x" * 100_000},
        caller=_ANSWERS + r'.*"LARGE":"xxxx',
    ),
    OddImage(
        name="ENV sets what is reserved",
        dockerfile=_BARE
        + "ENV AWS_LAMBDA_RUNTIME_API=evil:1 AWS_ACCESS_KEY_ID=AKIAREAL AWS_SECRET_ACCESS_KEY=real AWS_REGION=mars-1 "
        "AWS_LAMBDA_FUNCTION_NAME=another LAMBDA_TASK_ROOT=/x\n" + _RUN,
        caller=_ANSWERS
        + r'(?=.*"AWS_LAMBDA_FUNCTION_NAME":"odd-)(?=.*"AWS_REGION":"us-east-1")(?=.*"AWS_ACCESS_KEY_ID":"ASIAPADDOCK)'
        r'(?=.*"AWS_SECRET_ACCESS_KEY":"paddock-placeholder")(?=.*"LAMBDA_TASK_ROOT":"/var/task")',
    ),
    OddImage(
        name="ENV names who needs no proxy",
        dockerfile=_BARE + "ENV NO_PROXY=corp.example\n" + _RUN,
        caller=_ANSWERS + r'.*"NO_PROXY":"corp\.example,rt-[a-z2-7]{32}"',
    ),
    OddImage(
        name="a writable root, by its tag",
        dockerfile=_PYTHON + "RUN chmod 777 /var/task\n" + _RUN,
        configuration={"Tags": {"paddock:writable-root": "true"}},
        caller=r'^answers .*"ids":\[993,990\],.*"tmp":"yes","root":"EACCES","here":"yes"',
    ),
    # What cannot run, and why.
    OddImage(
        name="neither ENTRYPOINT nor CMD",
        dockerfile=_BARE,
        caller=r"^Runtime.InvalidEntrypoint: no command specified \(the image has neither ENTRYPOINT nor CMD",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="no handler in CMD",
        dockerfile="FROM paddock/python\nCMD []\n",
        caller=r"^Runtime.ExitError: Runtime exited with error: exit status 142",
        log="entrypoint requires the handler name to be the first argument",
    ),
    OddImage(
        name="ENTRYPOINT that is not there",
        dockerfile=_BARE + 'ENTRYPOINT ["/gone"]\n',
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /gone: no such file or directory \(the image has no /gone",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="ENTRYPOINT that no PATH has",
        dockerfile=_BARE + 'ENTRYPOINT ["gone"]\n',
        caller=r'^Runtime.InvalidEntrypoint: exec: "gone": executable file not found in \$PATH',
        log=_NEVER_RAN,
    ),
    OddImage(
        name="shell form without a shell",
        dockerfile=_BARE + "ENTRYPOINT /runtime\n",
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /bin/sh: no such file .*write them with brackets",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="ENTRYPOINT not executable",
        dockerfile="FROM scratch\nCOPY not-executable /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: permission denied .*chmod 755",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="ENTRYPOINT is a directory",
        dockerfile="FROM paddock/python\n" + 'ENTRYPOINT ["/var/task"]\n',
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /var/task: permission denied .*is a directory",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="a script without a #! line",
        dockerfile="FROM paddock/python\nCOPY without-first-line /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: exec format error .*does not begin with #!",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="a script whose interpreter is missing",
        dockerfile="FROM paddock/python\nCOPY without-interpreter /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: no such file .*the interpreter of its #! line",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="a program whose C library is missing",
        dockerfile="FROM scratch\nCOPY dynamic /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: no such file .*the loader of its C library",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="a program for another processor",
        dockerfile="FROM scratch\nCOPY other-machine /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: exec format error .*another processor architecture",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="half a program",
        dockerfile="FROM scratch\nCOPY half-a-program /x\n" + _X,
        caller=r"^(Runtime.InvalidEntrypoint: fork/exec /x: exec format error|Runtime.ExitError: .*segmentation fault)",
        log="Error Type: Runtime",
    ),
    OddImage(
        name="an empty file",
        dockerfile="FROM scratch\nCOPY empty /x\n" + _X,
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /x: exec format error",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="an image for another processor",
        # Layers of its own: the builder would take those of another row, and with them their processor.
        dockerfile='FROM scratch\nCOPY runtime /for-another\nENTRYPOINT ["/for-another"]\n',
        platform="linux/s390x",
        # Refused at once; failed, where the host takes longer to look than a call waits for an image.
        caller=r"^(Refused|Failed): image \S+ is for s390x, this host is \S+; build it for this host",
        log="",
    ),
    OddImage(
        name="ENV of 150 KB",
        dockerfile=_BARE + _RUN,
        environment={"HUGE": "x" * 150_000},
        caller=r"^Runtime.InvalidEntrypoint: fork/exec /runtime: argument list too long .*shorten ENV",
        log=_NEVER_RAN,
    ),
    OddImage(
        name="a working directory that is not there",
        dockerfile=_BARE + _RUN,
        configuration={"ImageConfig": {"WorkingDirectory": "/gone"}},
        caller=r"^Runtime.InvalidWorkingDir: the working directory doesn't exist: /gone",
        log="Error Type: Runtime.InvalidWorkingDir",
    ),
    OddImage(
        name="a working directory in /tmp",
        dockerfile=_BARE + "WORKDIR /tmp/made\n" + _RUN,
        caller=r"^Runtime.InvalidWorkingDir: the working directory doesn't exist: /tmp/made",
        log="Error Type: Runtime.InvalidWorkingDir",
    ),
    OddImage(
        name="a working directory that is a file",
        dockerfile=_PYTHON + _RUN,
        configuration={"ImageConfig": {"WorkingDirectory": "/etc/passwd"}},
        caller=r"^Runtime.InvalidWorkingDir: Cannot mkdir: /etc/passwd is not a directory",
        log="Error Type: Runtime.InvalidWorkingDir",
    ),
    OddImage(
        name="a relative working directory",
        dockerfile=_BARE + _RUN,
        configuration={"ImageConfig": {"WorkingDirectory": "here"}},
        caller=r"^Runtime.InvalidWorkingDir: the working directory 'here' is invalid",
        log="Error Type: Runtime.InvalidWorkingDir",
    ),
    OddImage(
        name="relative VOLUME",
        dockerfile=_BARE + "VOLUME data\n" + _RUN,
        caller=r"^Refused: Source image \S+ is not valid\. .*its VOLUME data is no absolute path; write /data",
        log="",
    ),
    OddImage(
        name="VOLUME /proc",
        dockerfile=_PYTHON + "VOLUME /proc\n" + _RUN,
        caller=r"^Runtime.InvalidImage: nothing can be mounted at /proc of the image.*cannot be mounted",
        log="Error Type: Runtime.InvalidImage",
    ),
    OddImage(
        name="VOLUME /etc of an image without accounts",
        dockerfile=_BARE + "VOLUME /etc\n" + _RUN,
        caller=r"^Runtime.InvalidImage: nothing can be mounted at /etc/(passwd|group) of the image: .*read-only",
        log="Error Type: Runtime.InvalidImage",
    ),
    OddImage(
        name="/tmp is a file",
        dockerfile=_PYTHON + "RUN rm -rf /tmp && touch /tmp\n" + _RUN,
        caller=r"^Runtime.InvalidImage: nothing can be mounted at /tmp of the image: .*not a directory",
        log="Error Type: Runtime.InvalidImage",
    ),
    OddImage(
        name="/etc/passwd is a directory",
        dockerfile=_PYTHON + "RUN rm /etc/passwd && mkdir /etc/passwd\n" + _RUN,
        caller=r"^Runtime.InvalidImage: the image's /etc/passwd is no file",
        log="Error Type: Runtime.InvalidImage",
    ),
    OddImage(
        name="/etc/passwd is a link into /proc",
        dockerfile=_PYTHON + "RUN ln -sf /proc/self/environ /etc/passwd\n" + _RUN,
        caller=r"^Runtime.InvalidImage: nothing can be mounted at /etc/passwd of the image: .*inside /proc",
        log="Error Type: Runtime.InvalidImage",
    ),
)
