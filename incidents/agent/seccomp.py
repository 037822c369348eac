"""The system calls that an agent may not make, as the kernel's filter takes them (linux/filter.h, linux/seccomp.h).

Everything that makes namespaces, mounts, traces others, loads programs into the kernel or changes the machine.
"""

from __future__ import annotations

import platform
import struct

# The kernel's name of the machine -> (its audit number, system call numbers): asm/unistd_64.h and asm-generic/unistd.h.
_X86 = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "mount": 165, "umount2": 166, "pivot_root": 155,
    "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246, "kexec_file_load": 320, "init_module": 175,
    "finit_module": 313, "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168, "settimeofday": 164,
    "clock_settime": 227, "adjtimex": 159, "sethostname": 170, "setdomainname": 171, "quotactl": 179, "acct": 163,
    "syslog": 103, "iopl": 172, "ioperm": 173, "open_by_handle_at": 304, "name_to_handle_at": 303,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "open_tree": 428, "mount_setattr": 442,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_getfd": 438, "personality": 135,
}  # fmt: skip
_ARM = {
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "mount": 40, "umount2": 39, "pivot_root": 41,
    "chroot": 51, "unshare": 97, "setns": 268, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
    "keyctl": 219, "add_key": 217, "request_key": 218, "kexec_load": 104, "kexec_file_load": 294, "init_module": 105,
    "finit_module": 273, "delete_module": 106, "reboot": 142, "swapon": 224, "swapoff": 225, "settimeofday": 170,
    "clock_settime": 112, "adjtimex": 171, "sethostname": 161, "setdomainname": 162, "quotactl": 60, "acct": 89,
    "syslog": 116, "open_by_handle_at": 265, "name_to_handle_at": 264, "move_mount": 429, "fsopen": 430,
    "fsconfig": 431, "fsmount": 432, "open_tree": 428, "mount_setattr": 442, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "pidfd_getfd": 438, "personality": 92,
}  # fmt: skip
# machine -> (audit number, refused calls, clone, clone3, socket)
MACHINES = {"x86_64": (0xC000003E, _X86, 56, 435, 41), "aarch64": (0xC00000B7, _ARM, 220, 435, 198)}

_LOAD, _JEQ, _JSET, _JGE, _RET = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # offsets in struct seccomp_data
_NEW = 0x7E020000  # CLONE_NEW* of clone's flags, without NEWTIME, which clone does not know
_X32 = 0x40000000  # numbers of the other calling convention of x86_64
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6: no raw packets, no netlink, no vsock, no alg


def program(machine: str = "") -> bytes:
    """The filter for this machine. Raises KeyError for one that it is not written for."""
    audit, refused, clone, clone3, socket = MACHINES[machine or platform.machine()]
    lines: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _MACHINE),
        (_JEQ, 1, 0, audit),
        (_RET, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JGE, 0, 1, _X32),
        (_RET, 0, 0, _KILL),
    ]
    for number in sorted(refused.values()):
        lines += [(_JEQ, 0, 1, number), (_RET, 0, 0, _ERRNO | _EPERM)]
    # clone3 hides its flags behind a pointer; where it is not there, libc uses clone.
    lines += [(_JEQ, 0, 1, clone3), (_RET, 0, 0, _ERRNO | _ENOSYS)]
    lines += [(_JEQ, 0, 3, clone), (_LOAD, 0, 0, _FIRST), (_JSET, 0, 1, _NEW), (_RET, 0, 0, _ERRNO | _EPERM)]
    lines += [(_LOAD, 0, 0, _NUMBER), (_JEQ, 0, 2 + len(_FAMILIES), socket), (_LOAD, 0, 0, _FIRST)]
    lines += [(_JEQ, len(_FAMILIES) - at, 0, family) for at, family in enumerate(_FAMILIES)]
    lines += [(_RET, 0, 0, _ERRNO | _EPERM), (_RET, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", code, yes, no, value) for code, yes, no, value in lines)
