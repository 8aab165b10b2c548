"""A link with a round trip of MS milliseconds, its TCP handshake included, for kernels without netem: a tun interface here and
one in the network namespace of process PID, with packets carried between them after half of it. Says ready, then runs until stdin ends.
usage: delay-link.py PID NAME ADDRESS_HERE ADDRESS_THERE MS"""
import fcntl, heapq, os, select, struct, subprocess, sys, time
from ctypes import CDLL, get_errno

pid, name, here, there, round_trip = sys.argv[1:]
half = float(round_trip) / 2000


def interface(interface_name, own, peer):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    tun_without_header = 0x0001 | 0x1000
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", interface_name.encode(), tun_without_header))
    subprocess.run(["ip", "address", "add", own, "peer", peer, "dev", interface_name], check=True)
    subprocess.run(["ip", "link", "set", "dev", interface_name, "txqueuelen", "2000", "up"], check=True)
    return device


ours = interface(name, here, there)
namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
libc = CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, 0) != 0:
        raise OSError(get_errno(), "setns")


enter(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY))
theirs = interface("delay0", there, here)
enter(namespace)
print("ready", flush=True)

waiting, number = [], 0
poll = select.epoll()
for descriptor in (ours, theirs, sys.stdin.fileno()):
    poll.register(descriptor, select.EPOLLIN)
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else -1
    for descriptor, _ in poll.poll(pause):
        if descriptor == sys.stdin.fileno():
            sys.exit(0)
        try:
            while True:
                packet = os.read(descriptor, 65536)
                number += 1
                heapq.heappush(waiting, (time.monotonic() + half, number, theirs if descriptor == ours else ours, packet))
        except BlockingIOError:
            pass  # All that had come was read.
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, out, packet = heapq.heappop(waiting)
        os.write(out, packet)
