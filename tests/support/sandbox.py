# SPDX-License-Identifier: LGPL-2.1-or-later
"""sandbox.py --writable DIR ... -- PROGRAM ...: runs it under what packaging/systemd/sluice.service asks for, without
systemd: a read-only system, few devices, no capabilities, and the unit's filters of system calls. Needs root."""
import ctypes
import errno
import os
import subprocess
import sys

NOBODY = 65534
CLONE_NEWNS, CLONE_NEW_ANY = 0x00020000, 0x7e020080  # the latter: all kinds of namespaces
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PROT_WRITE, PROT_EXEC = 2, 4
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
ALLOW, ERRNO = 0x7fff0000, 0x00050000
EQ, MASKED_EQ, GREATER, LESS = 4, 7, 6, 2
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno() or -result, f"{what}: {os.strerror(ctypes.get_errno() or -result)}")


def mount(source, target, kind=None, flags=0, data=None):
    check(libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, data and data.encode()),
          f"mount {target}")


def mounts_below(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        points = {line.split()[4].encode().decode("unicode_escape") for line in lines}
    return sorted(p for p in points if p == path or p.startswith(path.rstrip("/") + "/"))


def file_system(writable):
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    for place in writable:
        mount(place, place, flags=MS_BIND)
    for point in mounts_below("/"):
        if point not in writable and not point.startswith(("/proc", "/sys", "/dev")):
            try:
                mount("none", point, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)
            except OSError as e:
                if e.errno not in (errno.ENOENT, errno.EACCES):  # hidden below another one
                    raise
    mount("/dev", "/dev", flags=MS_BIND)
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in ("null", "zero", "full", "random", "urandom")}
    mount("tmpfs", "/dev", "tmpfs", data="mode=0755,size=64k")
    for name, fd in devices.items():
        with open(f"/dev/{name}", "wb"):
            pass
        mount(f"/proc/self/fd/{fd}", f"/dev/{name}", flags=MS_BIND)
        os.close(fd)
    os.mkdir("/dev/shm")
    mount("tmpfs", "/dev/shm", "tmpfs", flags=MS_NOSUID | MS_NODEV, data="mode=1777,size=16m")
    mount("none", "/dev", flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)
    mount("proc", "/proc", "proc", data="subset=pid,hidepid=invisible")


def calls_of(group, seen=None):
    """Names of the system calls of one of systemd's groups."""
    seen = seen if seen is not None else set()
    if group in seen:
        return set()
    seen.add(group)
    out = set()
    told = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", group], check=True, capture_output=True, text=True)
    for line in told.stdout.splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            out |= calls_of(name, seen)
        elif name and not name.startswith("#"):
            out.add(name)
    return out


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self, otherwise):
        self.lib = ctypes.CDLL("libseccomp.so.2")
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(otherwise)))
        assert self.context

    def rule(self, action, name, *comparisons):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another architecture
        array = (Comparison * len(comparisons))(*(Comparison(*c) for c in comparisons))
        check(self.lib.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(comparisons), array), name)

    def load(self):
        check(self.lib.seccomp_load(self.context), "seccomp_load")


def filters(calls):
    """In the order in which they are loaded."""
    refuse = ERRNO | errno.EPERM
    careful = Filter(ALLOW)
    # MemoryDenyWriteExecute
    careful.rule(refuse, "mmap", (2, MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC))
    for name in ("mprotect", "pkey_mprotect"):
        careful.rule(refuse, name, (2, MASKED_EQ, PROT_EXEC, PROT_EXEC))
    careful.rule(refuse, "shmat", (2, MASKED_EQ, 0o100000, 0o100000))
    # RestrictAddressFamilies: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
    allowed = {1, 2, 10, 16}
    for family in set(range(17)) - allowed:
        careful.rule(ERRNO | errno.EAFNOSUPPORT, "socket", (0, EQ, family, 0))
    careful.rule(ERRNO | errno.EAFNOSUPPORT, "socket", (0, GREATER, 16, 0))
    # RestrictNamespaces
    for bit in (1 << n for n in range(32) if CLONE_NEW_ANY >> n & 1):
        for name in ("clone", "unshare"):
            careful.rule(refuse, name, (0, MASKED_EQ, bit, bit))
    careful.rule(refuse, "setns")
    careful.rule(ERRNO | errno.ENOSYS, "clone3")
    # RestrictRealtime, LockPersonality
    for policy in (1, 2, 6):
        careful.rule(refuse, "sched_setscheduler", (1, EQ, policy, 0))
    careful.rule(refuse, "personality", (0, GREATER, 0, 0))
    known = Filter(refuse)
    for name in calls | {"execve"}:
        known.rule(ALLOW, name)
    return careful, known


def main():
    cut = sys.argv.index("--")
    writable = [os.path.realpath(a) for a in sys.argv[1:cut] if a != "--writable"]
    program = sys.argv[cut + 1:]
    calls = calls_of("@system-service") - calls_of("@privileged")
    os.umask(0o077)
    file_system(writable)
    lists = filters(calls)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails behind the last one
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for one in lists:
        one.load()
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
