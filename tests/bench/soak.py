#!/usr/bin/env python3
"""Keeps a gateway at full load for a while, with clients and a back end of every kind, and sees whether its books balance.

usage: tests/bench/soak.py [--minutes N] [--workers N] [--json FILE]

What is asked: proxied and cached answers, a throttle that refuses, HTTP/2 (h2load, as much as it takes); uploads with a length and in
chunks, connections for one request each, clients that leave, garbage, a back end that resets and closes (from here). The access log is on
and read through a pipe.

It ends with 1 unless: memory is flat (the last third beside the second), descriptors are back to what they were when the load is over, and
for every operation the answers that clients got are the requests that /metrics has, and the lines of the access log with those that it
dropped. Clients that leave are an operation of their own, of which as many requests may be counted as were sent.

Needs h2load and nginx (the back end). Nothing is written but FILE.
"""
import argparse, asyncio, collections, json, os, pathlib, random, re, shutil, socket, statistics, struct, subprocess, sys, tempfile, threading, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HOST = "127.0.0.1"
SAMPLED = 5.0
# What memory may grow by between the last two thirds: caches of the allocator fill slowly.
GROWTH, SLACK = 1.05, 2048
# Connections to the back end are let go by the gateway's sweep once nginx has closed them.
CALM = 45
# A round of h2load, so that each ends by itself and is counted to the last request.
ROUND = 20_000

NGINX = """
{user}worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err crit;
events {{ worker_connections 8000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 5s; client_max_body_size 100m; client_body_buffer_size 1m; default_type text/plain;
  client_body_temp_path {work}/n1; proxy_temp_path {work}/n2; fastcgi_temp_path {work}/n3; uwsgi_temp_path {work}/n4; scgi_temp_path {work}/n5;
  server {{ listen {host}:{port}; location / {{ return 200 "{body}"; }} location /upload {{ proxy_pass http://{host}:{port}/taken; }} }}
}}
"""


def document(backend, flaky):
    """One operation for each kind of client, so that each is counted apart."""
    def get(name, **policy):
        return {"operationId": name, "responses": {"200": {"description": "ok"}}, **({"x-gateway": policy} if policy else {})}

    return {
        "openapi": "3.0.3",
        "info": {"title": "Soak", "version": "1"},
        "servers": [{"url": f"http://{HOST}:{backend}"}],
        "x-gateway": {
            "limits": {"requestsPerConnection": 5000},
            "upstreams": {"flaky": {"targets": [f"http://{HOST}:{flaky}"]}},
            "stages": {"default": {"mount": {"path": "/"}, "accessLog": {"to": "stdout", "format": "${context.operationId} ${context.status}"}}},
        },
        "paths": {
            "/plain": {"get": get("plain")},
            "/multiplexed": {"get": get("multiplexed")},
            "/cached": {"get": get("cached", cache={"ttl": "2s"})},
            "/throttled": {"get": get("throttled", throttle={"rate": 500, "burst": 500})},
            "/upload": {"post": get("upload")},
            "/single": {"get": get("single")},
            "/left": {"get": get("left"), "post": get("leftUpload")},
            "/flaky": {"get": get("flaky", integration={"type": "proxy", "upstream": "flaky"}, timeout="2s")},
        },
    }


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def build(spec, work):
    """The gateway's binary, in the profile that users release; how fast it is generated does not matter."""
    subprocess.run(["cargo", "build", "--locked", "--quiet", "-p", "gateway-codegen", "--manifest-path", ROOT / "Cargo.toml"], check=True)
    (work / "soak.json").write_text(json.dumps(spec, indent=1))
    out = work / "soak"
    subprocess.run([TARGET / "debug/gateway-codegen", "generate", work / "soak.json", "--out", out, "--name", "soak",
                    "--runtime", f"path={ROOT}/gateway-runtime", "--workspace", "own", "-q"], check=True)
    shutil.copy(ROOT / "Cargo.lock", out / "Cargo.lock")
    subprocess.run(["cargo", "build", "--release", "--quiet", "--offline", "--manifest-path", out / "Cargo.toml"],
                   check=True, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    return TARGET / "release/soak"


class Books:
    """What clients sent and got, by operation."""

    def __init__(self):
        self.answers = collections.Counter()
        self.statuses = collections.Counter()
        self.left = collections.Counter()
        self.unanswered = collections.Counter()

    def answered(self, operation, status, count=1):
        self.answers[operation] += count
        self.statuses[f"{operation} {status}"] += count


class Log(threading.Thread):
    """Reads the access log and counts its lines by operation."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.lines = pipe, collections.Counter()

    def run(self):
        rest = b""
        while piece := self.pipe.read1(1 << 20):
            *lines, rest = (rest + piece).split(b"\n")
            self.lines.update(line.split(b" ", 1)[0].decode() for line in lines)
        if rest:
            self.lines["(torn)"] += 1


class Gateway:
    def __init__(self, binary, workers):
        self.port, self.admin = free_port(), free_port()
        self.process = subprocess.Popen([binary, "--listen", f"{HOST}:{self.port}", "--admin", f"{HOST}:{self.admin}", "--workers", str(workers)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.log = Log(self.process.stdout)
        self.log.start()
        until(lambda: reachable(self.admin), "the gateway serves")

    def sample(self):
        """Resident KiB, descriptors, sockets among them, threads."""
        at = pathlib.Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (at / "status").read_text().splitlines())
        kinds = []
        for descriptor in (at / "fd").iterdir():
            try:
                kinds.append(os.readlink(descriptor))
            except FileNotFoundError:
                pass
        return {"kib": int(status["VmRSS"].split()[0]), "descriptors": len(kinds),
                "sockets": sum(kind.startswith("socket:") for kind in kinds), "threads": int(status["Threads"])}

    def metrics(self):
        """Requests by operation, and lines that the log dropped."""
        with urllib.request.urlopen(f"http://{HOST}:{self.admin}/metrics") as said:
            text = said.read().decode()
        requests = collections.Counter()
        for operation, count in re.findall(r'^gateway_requests_total\{[^}]*operation="([^"]*)"[^}]*\} (\S+)$', text, re.M):
            requests[operation] += int(float(count))
        dropped = re.search(r"^gateway_access_log_dropped_total (\S+)$", text, re.M)
        panics = re.search(r"^gateway_panics_total (\S+)$", text, re.M)
        return requests, int(float(dropped[1])), int(float(panics[1]))


def reachable(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"not in {seconds} s: {what}")
        time.sleep(0.1)


class H2load(threading.Thread):
    """Rounds of h2load for one operation until the time is over; each ends with its last answer."""

    def __init__(self, books, url, operation, end, options):
        super().__init__(daemon=True)
        self.books, self.operation, self.end = books, operation, end
        self.command = ["h2load", "-t1", "-n", str(ROUND), *options, url]
        self.faults = []

    def run(self):
        while time.monotonic() < self.end:
            said = subprocess.run(self.command, capture_output=True, text=True).stdout
            counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, \d+ failed, (\d+) errored, (\d+) timeout", said)
            classes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", said)
            if not counts or not classes:
                self.faults.append(f"h2load of {self.operation} said nothing of use")
                return
            if int(counts[2]) or int(counts[3]):
                self.faults.append(f"{self.operation}: {counts[2]} errors, {counts[3]} timeouts in a round")
            for status, count in zip(("2xx", "3xx", "4xx", "5xx"), classes.groups()):
                if int(count):
                    self.books.answered(self.operation, status, int(count))


async def flaky_back_end(port):
    """Answers, breaks off in every way, or closes what it said it keeps."""

    async def serve(reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                what = random.randrange(8)
                if what == 0:
                    writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if what == 1:
                    return
                if what == 2:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
                    return
                if what == 3:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"x" * 1000)
                    await writer.drain()
                    return
                if what == 4:
                    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwhole\r\nzz\r\n")
                    return
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole")
                await writer.drain()
                if what == 5:
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(serve, HOST, port)


async def answer(reader):
    """Status of one answer, read as far as it comes; `None`: there was none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    status = int(head[9:12])
    try:
        if length := re.search(rb"\r\ncontent-length: (\d+)", head):
            await reader.readexactly(int(length[1]))
        elif b"\r\ntransfer-encoding: chunked" in head:
            while (size := int(await reader.readline(), 16)) > 0:
                await reader.readexactly(size + 2)
            await reader.readline()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    return status


GARBAGE = [
    b"GET / HTTP/1.1\r\nhost : a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /../secret HTTP/1.1\r\nhost: a\r\n\r\n", b"GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n", b"BREW /plain HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /plain HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 40_000 + b"\r\n\r\n",
]


async def client(port, books, end, operation, requests, leaves=False):
    """Asks one request for each connection until the time is over. `requests` makes them."""
    while time.monotonic() < end:
        request = requests()
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        try:
            writer.write(request)
            if leaves:
                books.left[operation] += 1
                await asyncio.sleep(random.choice((0, 0, 0.001, 0.01)))
                if random.random() < 0.5:
                    writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                continue
            status = await asyncio.wait_for(answer(reader), 30)
            if status is None:
                books.unanswered[operation] += 1
            else:
                books.answered(operation, status)
        except (ConnectionError, asyncio.TimeoutError):
            books.unanswered[operation] += 1
        finally:
            writer.close()


def oddities(port, books, end):
    def get(path):
        return f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode()

    def by_length():
        length = random.choice((0, 10, 3_000, 200_000))
        return b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % length + b"x" * length

    def by_chunks():
        chunks = b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in random.choices((1, 100, 20_000), k=5))
        return b"POST /upload HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

    kinds = [("upload", by_length, False), ("upload", by_chunks, False), ("single", lambda: get("/single"), False),
             ("flaky", lambda: get("/flaky"), False), ("flaky", lambda: get("/flaky"), False), ("", lambda: random.choice(GARBAGE), False),
             ("left", lambda: get("/left"), True),
             ("leftUpload", lambda: b"POST /left HTTP/1.1\r\nhost: a\r\ncontent-length: 50000\r\n\r\n" + b"x" * 10_000, True),
             ("(half a head)", lambda: b"GET /plain HTT", True)]
    return [client(port, books, end, *kind) for kind in kinds for _ in range(2)]


def soak(gateway, flaky, minutes, books):
    """Runs the load; samples, and what was wrong with it."""
    end = time.monotonic() + minutes * 60
    url = f"http://{HOST}:{gateway.port}"
    loads = [H2load(books, f"{url}/plain", "plain", end, ["--h1", "-c32", "-m1"]),
             H2load(books, f"{url}/cached", "cached", end, ["--h1", "-c16", "-m1"]),
             H2load(books, f"{url}/throttled", "throttled", end, ["--h1", "-c8", "-m1"]),
             H2load(books, f"{url}/multiplexed", "multiplexed", end, ["-c8", "-m10"])]
    samples = []

    async def run():
        server = await flaky_back_end(flaky)
        clients = [asyncio.ensure_future(work) for work in oddities(gateway.port, books, end)]
        start = time.monotonic()
        for load in loads:
            load.start()
        while time.monotonic() < end:
            await asyncio.sleep(SAMPLED)
            samples.append({"second": round(time.monotonic() - start), **gateway.sample()})
        await asyncio.gather(*clients)
        while any(load.is_alive() for load in loads):
            await asyncio.sleep(0.2)
        server.close()

    asyncio.run(run())
    return samples, [fault for load in loads for fault in load.faults]


def judge(books, samples, before, after, requests, lines, dropped, panics):
    """Everything that does not hold."""
    faults = []
    third = len(samples) // 3
    if third >= 2:
        second, last = (statistics.median(s["kib"] for s in part) for part in (samples[third:2 * third], samples[2 * third:]))
        if last > second * GROWTH + SLACK:
            faults.append(f"memory grows: {second:.0f} KiB in the second third, {last:.0f} KiB in the last")
    for what in ("descriptors", "threads"):
        if after[what] > before[what]:
            faults.append(f"{after[what]} {what} when all is over, {before[what]} before")
    for operation in sorted(set(requests) | set(books.answers) | set(lines) - {"-"}):
        counted, got, left = requests[operation], books.answers[operation], books.left[operation]
        if not got <= counted <= got + left:
            faults.append(f"{operation or 'no operation'}: {got} answers and {left} clients that left, but {counted} requests in /metrics")
    if books.unanswered:
        faults.append(f"requests without an answer: {dict(books.unanswered)}")
    if (total := sum(requests.values())) != sum(lines.values()) + dropped:
        faults.append(f"{total} requests in /metrics, but {sum(lines.values())} lines of the log and {dropped} dropped")
    if panics:
        faults.append(f"{panics} panics")
    return faults


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=20)
    asked.add_argument("--workers", type=int, default=os.cpu_count())
    asked.add_argument("--json", type=pathlib.Path, metavar="FILE")
    asked = asked.parse_args()
    if missing := [tool for tool in ("h2load", "nginx") if not shutil.which(tool)]:
        sys.exit(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        backend, flaky = free_port(), free_port()
        binary = build(document(backend, flaky), work)
        # Bodies go through files of the folder, which is its maker's alone.
        user = "user root; " if os.geteuid() == 0 else ""
        (work / "nginx.conf").write_text(NGINX.format(work=work, host=HOST, port=backend, body="x" * 1000, user=user))
        nginx = subprocess.Popen(["nginx", "-p", work, "-e", work / "nginx.err", "-c", work / "nginx.conf"])
        gateway = None
        try:
            until(lambda: reachable(backend), "the back end serves")
            gateway = Gateway(binary, asked.workers)
            with urllib.request.urlopen(f"http://{HOST}:{gateway.port}/plain") as warm:
                warm.read()
            books = Books()
            books.answered("plain", 200)
            time.sleep(1)
            before = gateway.sample()
            samples, faults = soak(gateway, flaky, asked.minutes, books)
            calm = time.monotonic() + CALM
            while (after := gateway.sample())["descriptors"] > before["descriptors"] and time.monotonic() < calm:
                time.sleep(1)
            requests, dropped, panics = gateway.metrics()
        finally:
            if gateway:
                gateway.process.terminate()
                gateway.process.wait()
                gateway.log.join(10)
            nginx.terminate()
            nginx.wait()
    lines = gateway.log.lines
    faults += judge(books, samples, before, after, requests, lines, dropped, panics)
    print(f"{'operation':16}{'answers':>12}{'left':>9}{'/metrics':>12}{'log':>12}")
    for operation in sorted(set(requests) | set(books.answers)):
        print(f"{operation or '-':16}{books.answers[operation]:12}{books.left[operation]:9}{requests[operation]:12}{lines[operation or '-']:12}")
    print(f"{'in all':16}{sum(books.answers.values()):12}{sum(books.left.values()):9}{sum(requests.values()):12}{sum(lines.values()):12}, {dropped} lines dropped")
    print("statuses: " + ", ".join(f"{status} {count}" for status, count in sorted(books.statuses.items())))
    for name, sample in (("before", before), *((f"{s['second']} s", s) for s in samples[:: max(1, len(samples) // 8)]), ("after", after)):
        print(f"{name:>8}: {sample['kib'] / 1024:6.1f} MiB, {sample['descriptors']:5} descriptors, {sample['sockets']:5} sockets, {sample['threads']} threads")
    for fault in faults:
        print(f"fault: {fault}")
    if asked.json:
        asked.json.write_text(json.dumps({"minutes": asked.minutes, "workers": asked.workers, "before": before, "after": after, "samples": samples,
                                          "answers": books.answers, "left": books.left, "statuses": books.statuses, "requests": requests,
                                          "lines": lines, "dropped": dropped, "faults": faults}, indent=1) + "\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
