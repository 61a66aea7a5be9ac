"""The sandbox of a parsing child: limits, an unprivileged user, and a list of the system calls it may still make.

`close_in` is called once everything is imported. From then on the process can compute, read and write open
descriptors, and end; it can't open a file, make a socket, start a program or a thread (seccomp, where the kernel
and the architecture grant it; the answer says whether they did).
"""

import ctypes
import os
import platform
import resource
import struct
from pathlib import Path

MEMORY = 512 << 20
"""Bytes of data for a small message; a large one gets some multiples of its size on top."""
CPU_SECONDS = 10
NOBODY = 65534

_ARCHITECTURES = {
    # audit architecture number (linux/audit.h), then the numbers of the allowed calls
    "x86_64": (0xC000003E, (0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 23, 24, 25, 28, 35, 39, 60, 63, 72, 96,
                            97, 98, 99, 131, 160, 186, 201, 202, 219, 228, 229, 230, 231, 270, 271, 302, 318, 334)),
    "aarch64": (0xC00000B7, (25, 56 - 1, 62, 63, 64, 65, 66, 72, 73, 80, 93, 94, 98, 101, 113, 114, 115, 124, 128, 132,
                             134, 135, 139, 160, 163, 164, 165, 169, 172, 178, 179, 214, 215, 216, 222, 226, 233, 261,
                             278, 293)),
}  # fmt: skip
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def close_in() -> str:
    """Give up everything that parsing does not need; 'seccomp', or 'limits' where the kernel grants no filter."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return "seccomp" if _filter_calls() else "limits"


def reserved() -> int:
    """Bytes of address space that hold no data of ours: programs, libraries, and what libraries have set aside."""
    sizes = Path("/proc/self/statm").read_text().split()
    return (int(sizes[0]) - int(sizes[5])) * resource.getpagesize()


def allow(size: int, reserved: int) -> None:
    """Limits for the next job, which is given `size` bytes: memory beside what is `reserved`, and processor time from
    now on.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + size // 5_000_000
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    for kind, base in ((resource.RLIMIT_DATA, 0), (resource.RLIMIT_AS, reserved)):
        resource.setrlimit(kind, (base + MEMORY + 6 * size, resource.getrlimit(kind)[1]))


def _filter_calls() -> bool:
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    code = _program(*known)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _program(architecture: int, calls: tuple[int, ...]) -> bytes:
    """A classic BPF filter: the right architecture, then one comparison per allowed call, else EPERM."""
    load, equal, give = 0x20, 0x15, 0x06
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, _KILL), (load, 0, 0, 0)]
    for index, number in enumerate(calls):
        lines.append((equal, len(calls) - index, 0, number))
    lines += [(give, 0, 0, _EPERM), (give, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
