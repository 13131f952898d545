"""
The system calls that a function's processes may make. Pure: names in, a profile for the engine out.

An allow list, like the engine's own default, for a process without capabilities. Stricter in these:
- No AF_VSOCK: the engine's default of before 2023 lets it be opened, and it passes by every packet filter.
- Only this machine's own architecture: a 32-bit `socketcall` hides its arguments from this list.
- No io_uring, whose operations no list sees; it answers "not implemented", and libraries fall back.
- No new namespaces, by whichever call.
What fails, fails with EPERM, as under the engine's default. https://docs.docker.com/engine/security/seccomp/
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

_ALLOWED = """
accept accept4 access alarm arch_prctl arm_fadvise64_64 bind brk cacheflush cachestat capget capset chdir chmod
chown clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat
fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex
futex_requeue futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents
getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority
getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr
getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
landlock_restrict_self lchown lgetxattr link linkat listen listxattr listxattrat llistxattr lremovexattr lseek
lsetxattr lstat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat
mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend
mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll
ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink
readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
set_robust_list set_thread_area set_tid_address set_tls setfsgid setfsuid setgid setgroups setitimer setpgid
setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat
shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat
sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink
unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
"""

_NOT_IMPLEMENTED = ("clone3", "io_uring_enter", "io_uring_register", "io_uring_setup")
"""clone3 takes its flags by a pointer, which no filter can follow: the C library falls back to clone."""
_ENOSYS = 38
_AF_VSOCK = 40
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""Linux, with and without a 3 GB address space or an old kernel's number; and the question which it is."""
_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


@lru_cache(maxsize=4)
def profile(architecture: str) -> str | None:
    """
    The profile as the engine takes it, or None for an architecture that it was not made for.

    Args:
        architecture: As the engine names its host's: `x86_64`, `aarch64`.
    """
    if architecture not in _ARCHITECTURES:
        return None
    rules: list[dict[str, Any]] = [
        {"names": _ALLOWED.split(), "action": "SCMP_ACT_ALLOW"},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [_argument(0, "SCMP_CMP_NE", _AF_VSOCK)]},
        {
            "names": ["clone"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{**_argument(0, "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES), "valueTwo": 0}],
        },
        *(
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [_argument(0, "SCMP_CMP_EQ", one)]}
            for one in _PERSONALITIES
        ),
        {"names": list(_NOT_IMPLEMENTED), "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
    ]
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "architectures": [_ARCHITECTURES[architecture]],
            "syscalls": rules,
        },
        separators=(",", ":"),
    )


def _argument(index: int, comparison: str, value: int) -> dict[str, int | str]:
    return {"index": index, "value": value, "op": comparison}
