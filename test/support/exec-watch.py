"""Sees every program that processes and their children become, however short they live: each is stopped for the moment in which it has
its new arguments and environment and has not run yet (ptrace's event for exec), and both are searched for the words on stdin, one a line.
Nothing else of them is stopped, so they go on at their own pace. Says watching, then each find, at SIGTERM how many programs there were.
usage: exec-watch.py PID... (all of their children are watched too)"""
import os, signal, sys
from ctypes import CDLL, c_long, get_errno

cont, seize, listen = 7, 0x4206, 0x4208
trace_forks_and_execs = 2 | 4 | 8 | 16
exec_event, stop_event = 4, 128
job_stops = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
every_thread = 0x40000000

libc = CDLL(None, use_errno=True)
libc.ptrace.argtypes = [c_long] * 4
words = [line for line in sys.stdin.buffer.read().split(b"\n") if line]
programs = 0


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree(roots):
    """Every process that is one of the roots or was started below it."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(read(f"/proc/{name}/stat").rsplit(b")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(name))
    found, more = set(), list(roots)
    while more:
        pid = more.pop()
        if pid not in found and pid != os.getpid():
            found.add(pid)
            more += children.get(pid, [])
    return found


def take(roots):
    """Begins to trace every thread there is. What a traced one starts is traced by itself; so until a look finds no other."""
    fresh = True
    while fresh:
        fresh = False
        for pid in tree(roots):
            try:
                threads = os.listdir(f"/proc/{pid}/task")
            except FileNotFoundError:
                continue
            for thread in threads:
                if settled(pid, thread):
                    continue
                if libc.ptrace(seize, int(thread), 0, trace_forks_and_execs) == 0:
                    fresh = True
                elif not settled(pid, thread):
                    sys.exit(f"thread {thread} of {pid} cannot be watched: {os.strerror(get_errno())}")
        # Those that were begun meanwhile wait in their first stop.
        events()


def settled(pid, thread):
    """Whether a thread has ended, or is traced, perhaps since a moment ago as the child of one that is."""
    try:
        status = read(f"/proc/{pid}/task/{thread}/status")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return any(line in status for line in (b"\nState:\tZ", b"\nState:\tX", b"\nTracerPid:\t%d\n" % os.getpid()))


def look(pid):
    global programs
    programs += 1
    try:
        called = read(f"/proc/{pid}/cmdline")
        texts = (("cmdline", called), ("environ", read(f"/proc/{pid}/environ")))
    except (FileNotFoundError, ProcessLookupError):
        return  # Killed in its stop: nobody else could have read it either.
    for place, text in texts:
        for word in words:
            if word in text:
                name = called.split(b"\0")[0].decode(errors="replace")
                print(f"found in {place} of {name}: {word.decode(errors='replace')}", flush=True)


def events():
    """Lets go on whatever has stopped by now."""
    while True:
        try:
            pid, status = os.waitpid(-1, every_thread | os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if not os.WIFSTOPPED(status):
            continue
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == exec_event:
            look(pid)
        if event == stop_event and number in job_stops:
            libc.ptrace(listen, pid, 0, 0)
        else:
            libc.ptrace(cont, pid, 0, 0 if event else number)


# Taken one by one between two events, so that whoever has been stopped also goes on when this ends.
signals = {signal.SIGCHLD, signal.SIGTERM}
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
roots = [int(pid) for pid in sys.argv[1:]]
take(roots)
for root in roots:
    # One that has gone has no children of its own any more: they would be looked for nowhere.
    if not os.path.exists(f"/proc/{root}"):
        sys.exit(f"process {root}, whose programs are to be watched, is not there")
print("watching", flush=True)
while signal.sigwait(signals) != signal.SIGTERM:
    events()
events()
print(f"{programs} programs", flush=True)
