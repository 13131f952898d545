"""Tries to reach and to forge, and prints what the kernel said: one JSON document."""

import ctypes
import errno
import json
import os
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

LIBC = ctypes.CDLL(None, use_errno=True)
IP_TRANSPARENT, IP_FREEBIND, IP_PKTINFO, SO_MARK, SO_BINDTODEVICE = 19, 15, 8, 36, 25


def said(error):
    return errno.errorcode.get(error.errno, type(error).__name__) if error.errno else type(error).__name__


def place(host, port):
    """Family and address, with the scope of a link's own IPv6 address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]


def tcp(host, port):
    try:
        family, address = place(host, port)
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.5)
            connection.connect(address)
            return "reached"
    except OSError as error:
        return said(error)


def udp(host, port):
    """Who listens answers with the same bytes."""
    try:
        family, address = place(host, port)
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.settimeout(1.5)
            for _ in range(2):
                connection.sendto(b"anybody there?", address)
            connection.recv(100)
            return "reached"
    except OSError as error:
        return said(error)


def listen(port):
    """Answer on every address, IPv4 and IPv6, for ever; say so."""
    stream = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("::", port))
    print("listening", flush=True)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(lambda: [stream.accept() for _ in iter(int, 1)])
        while True:
            content, peer = datagrams.recvfrom(100)
            datagrams.sendto(content, peer)


def a_socket(*kind):
    socket.socket(*kind).close()


def with_option(level, option, value, then=None):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.5)
        connection.setsockopt(level, option, value)
        if then is not None:
            then(connection)


def netlink(family, kind, body, flags=0x5):
    """One request with an acknowledgement; raises what the kernel says."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as connection:
        connection.settimeout(2)
        connection.bind((0, 0))
        connection.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        answer = connection.recv(8192)
        if struct.unpack_from("=H", answer, 4)[0] == 2:
            code = struct.unpack_from("=i", answer, 16)[0]
            if code:
                raise OSError(-code, os.strerror(-code))


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def flush_the_rules():
    """A batch that deletes the table inet paddock (NFT_MSG_DELTABLE)."""
    begin = struct.pack("=IHHII", 20, 16, 1, 0, 0) + struct.pack("=BBH", 0, 0, socket.htons(10))
    body = struct.pack("=BBH", 1, 0, 0) + attribute(1, b"paddock\0")
    delete = struct.pack("=IHHII", 16 + len(body), (10 << 8) | 2, 5, 1, 0) + body
    end = struct.pack("=IHHII", 20, 17, 1, 2, 0) + struct.pack("=BBH", 0, 0, socket.htons(10))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as connection:
        connection.settimeout(2)
        connection.bind((0, 0))
        connection.send(begin + delete + end)
        code = struct.unpack_from("=i", connection.recv(8192), 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def system_call(number, *arguments):
    if LIBC.syscall(number, *arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def control(request, argument):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        import fcntl

        fcntl.ioctl(connection, request, argument)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def enter(path):
    with open(path) as file:
        call("setns", file.fileno(), 0)


def from_address(source, host, port):
    """A connection that says it comes from elsewhere."""

    def connect(connection):
        connection.bind((source, 0))
        connection.connect((host, port))

    with_option(socket.IPPROTO_IP, IP_FREEBIND, 1, connect)


def datagram_from(source, host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(1.5)
        information = struct.pack("=I4s4s", 0, socket.inet_aton(source), socket.inet_aton("0.0.0.0"))
        connection.sendmsg([b"x"], [(socket.IPPROTO_IP, IP_PKTINFO, information)], 0, (host, port))


def asked_as(host, port, name):
    """What the Runtime API answers under a name."""
    with socket.create_connection((host, port), timeout=3) as connection:
        connection.sendall(f"GET /2018-06-01/ping HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
        return connection.recv(100).split(b" ")[1].decode()


def as_another(host, port, other):
    """The Runtime API, under another environment's name."""
    status = asked_as(host, port, other)
    if status != "200":
        raise OSError(0, status)


def forgeries(told):
    """What would change who one is, what is let through, or what sees it."""
    api, port = told["control_plane"], told["runtime_port"]
    other = told["other_address"]
    route = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) + attribute(5, socket.inet_aton(api))
    address = struct.pack("=BBBBI", 2, 24, 0, 0, 2) + attribute(2, socket.inet_aton(other))
    link = struct.pack("=BBHiII", 0, 0, 0, 2, 0, 1) + attribute(1, b"\x02\x42\x0a\x00\x00\x01")
    interface = struct.pack("16sH2s4s8s", b"eth0", 2, b"", socket.inet_aton(other), b"")
    new_user, new_network = 0x10000000, 0x40000000
    return {
        "raw socket, ICMP": lambda: a_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "raw socket, TCP": lambda: a_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
        "raw socket, own IP header": lambda: a_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        "raw socket, IPv6": lambda: a_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        "packet socket": lambda: a_socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
        "packet socket, datagrams": lambda: a_socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0x0300),
        "vsock": lambda: a_socket(40, socket.SOCK_STREAM),
        "transparent source": lambda: with_option(socket.IPPROTO_IP, IP_TRANSPARENT, 1),
        "packet mark": lambda: with_option(socket.SOL_SOCKET, SO_MARK, 1),
        "source route": lambda: with_option(
            socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 7, 4, *socket.inet_aton(other), 0])
        ),
        "bind to another environment's address": lambda: with_option(
            socket.IPPROTO_IP, socket.IP_TTL, 64, lambda one: one.bind((other, 0))
        ),
        "bind to the control plane's address": lambda: with_option(
            socket.IPPROTO_IP, socket.IP_TTL, 64, lambda one: one.bind((api, 0))
        ),
        "connect as another environment": lambda: from_address(other, api, port),
        "connect as the control plane": lambda: from_address(api, other, told["listening"]),
        "datagram as another environment": lambda: datagram_from(other, api, port),
        "another environment's hostname": lambda: as_another(api, port, told["other_hostname"]),
        "no hostname": lambda: as_another(api, port, api),
        "a route": lambda: netlink(0, 24, route, 0x605),
        "an address": lambda: netlink(0, 20, address, 0x605),
        "a hardware address": lambda: netlink(0, 16, link),
        "the rules": flush_the_rules,
        "an address by ioctl": lambda: control(0x8916, interface),
        "a neighbour by ioctl": lambda: control(0x8955, b"\0" * 68),
        "a route by ioctl": lambda: control(0x890B, b"\0" * 120),
        "a kernel setting, forwarding": lambda: write("/proc/sys/net/ipv4/ip_forward", "1"),
        "a kernel setting, IPv6 on": lambda: write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0"),
        "a user namespace": lambda: call("unshare", new_user),
        "a network namespace": lambda: call("unshare", new_network),
        "a user and a network namespace": lambda: call("unshare", new_user | new_network),
        "process 1's network": lambda: enter("/proc/1/ns/net"),
        "a tunnel": lambda: os.open("/dev/net/tun", os.O_RDWR),
        "a device node": lambda: os.mknod("/tmp/mem", 0o020600, os.makedev(1, 1)),
        "bpf": lambda: system_call(321, 0, 0, 0),
        "perf events": lambda: system_call(298, 0, 0, -1, -1, 0),
        "io_uring": lambda: system_call(425, 8, 0),
        "a mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "a kernel module": lambda: system_call(313, -1, b"", 0),
    }


def forge(told):
    answers = {}
    for name, attempt in forgeries(told).items():
        try:
            attempt()
            answers[name] = "DONE"
        except OSError as error:
            answers[name] = str(error.strerror) if not error.errno else said(error)
    return answers


def main():
    told = json.loads(sys.argv[1])
    if "listen" in told:
        listen(told["listen"])
    if "ask_as" in told:
        print(
            json.dumps({name: asked_as(told["control_plane"], told["runtime_port"], name) for name in told["ask_as"]})
        )
        return
    ways = {"tcp": tcp, "udp": udp}
    with ThreadPoolExecutor(16) as pool:
        tried = {f"{name} {way}": pool.submit(ways[way], host, port) for name, way, host, port in told.get("reach", ())}
        reached = {name: one.result() for name, one in tried.items()}
    print(json.dumps({"uid": os.getuid(), "reached": reached, "forged": forge(told) if told.get("forge") else {}}))


main()
