#!/usr/bin/env python3
"""Sends the cases of tests/wire/requests to other gateways as well, and tells where each lets something unsafe through.

usage: tests/wire/peers.py [--ours BINARY] [--out FILE]

BINARY is the emitted binary of tests/wire/spec.yaml (`cargo test -p gateway-tests --test wire` leaves it in target/debug/wire).
nginx and HAProxy are plain reverse proxies with their defaults, to a back end that reads strictly and writes down what it gets.
Python 3 with PyYAML, nginx and haproxy have to be there. Ports 18740 to 18759 are used.

What is judged is safety, not politeness: a peer may answer what we refuse, as long as what its back end receives means one thing.
"""
import argparse, datetime, glob, os, re, socket, subprocess, sys, tempfile, threading, time
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
OURS, NGINX, HAPROXY, ADMIN = 18740, 18741, 18742, 18743
# The back end of a peer is so many ports further.
BEHIND = 10
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
HOP = {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-authenticate", b"proxy-connection", b"te", b"upgrade", b"http2-settings"}
# Requests that our cases put behind what is broken. One that arrives was cut out of something else.
SMUGGLED = b"/smuggled"


class Broken(Exception):
    """Bytes that are no request of RFC 9112."""


def line(data, at):
    end = data.find(b"\n", at)
    if end < 0:
        return None
    if end == at or data[end - 1 : end] != b"\r":
        raise Broken("LF alone")
    text = data[at : end - 1]
    if b"\r" in text:
        raise Broken("CR alone")
    return text, end + 1


def fields(data, at):
    found = []
    while True:
        read = line(data, at)
        if read is None:
            return None
        text, at = read
        if not text:
            return found, at
        name, colon, value = text.partition(b":")
        if not colon or not TOKEN.fullmatch(name):
            raise Broken("field name")
        if re.search(rb"[\0-\x08\x0a-\x1f\x7f]", value):
            raise Broken("control character in a field")
        found.append((name, value.strip(b" \t")))


def request(data):
    """One request at the front of `data` and its length; None: it is not complete. An independent twin of the tests' reader."""
    read = line(data, 0)
    if read is None:
        return None
    first, at = read
    parts = first.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or parts[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise Broken("request line")
    if not parts[1] or re.search(rb"[\0-\x20\x7f]", parts[1]):
        raise Broken("target")
    read = fields(data, at)
    if read is None:
        return None
    head, at = read
    values = lambda name: [v for n, v in head if n.lower() == name]
    lengths, codings = values(b"content-length"), values(b"transfer-encoding")
    if lengths and codings:
        raise Broken("both a length and a coding")
    if len(lengths) > 1 or any(not re.fullmatch(rb"[0-9]+", v) for v in lengths):
        raise Broken("length")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or parts[2] == b"HTTP/1.0"):
        raise Broken("coding")
    body = b""
    if lengths:
        end = at + int(lengths[0])
        if len(data) < end:
            return None
        body, at = data[at:end], end
    elif codings:
        while True:
            read = line(data, at)
            if read is None:
                return None
            size, at = read
            size = re.fullmatch(rb"([0-9a-fA-F]{1,15})([ \t]*;[^\0-\x08\x0a-\x1f\x7f]*)?", size)
            if not size:
                raise Broken("chunk size")
            size = int(size[1], 16)
            if size == 0:
                break
            if len(data) < at + size + 2:
                return None
            if data[at + size : at + size + 2] != b"\r\n":
                raise Broken("end of a chunk")
            body, at = body + data[at : at + size], at + size + 2
        read = fields(data, at)
        if read is None:
            return None
        at = read[1]
    return (parts[0], parts[1], head, body), at


class BackEnd:
    """Answers every whole request, and writes down requests and what is none."""

    def __init__(self, port):
        self.lock, self.requests, self.broken = threading.Lock(), [], []
        listener = socket.create_server(("127.0.0.1", port), backlog=256)
        threading.Thread(target=self.listen, args=(listener,), daemon=True).start()

    def listen(self, listener):
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        data = b""
        try:
            while True:
                found = request(data)
                if found:
                    (method, *_), length = found
                    data = data[length:]
                    with self.lock:
                        self.requests.append(found[0])
                    stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + (b"" if method == b"HEAD" else b"whole"))
                    continue
                more = stream.recv(65536)
                if not more:
                    break
                data += more
        except Broken as why:
            with self.lock:
                self.broken.append((str(why), data))
        except OSError:
            pass
        stream.close()

    def take(self):
        with self.lock:
            found = self.requests, self.broken
            self.requests, self.broken = [], []
        return found


def acts(script):
    for part in [script] if isinstance(script, str) else script:
        if isinstance(part, str):
            yield part.encode("latin-1")
        elif "repeat" in part:
            yield part["repeat"].encode("latin-1") * part["times"]
        elif "await" in part:
            yield part["await"]
        else:
            yield None


def text(script):
    return b"".join(act for act in acts(script) if isinstance(act, bytes))


def ask(port, case):
    """Sends a case and returns all that comes back until nothing comes for a while."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=5)
    got = b""
    try:
        for act in acts(case["send"]):
            if act is None:
                stream.shutdown(socket.SHUT_WR)
            elif isinstance(act, int):
                stream.settimeout(1)
                while b"HTTP/1.1 %d" % act not in got:
                    more = stream.recv(65536)
                    if not more:
                        break
                    got += more
            else:
                stream.sendall(act)
        stream.settimeout(0.25)
        while True:
            more = stream.recv(65536)
            if not more:
                break
            got += more
    except OSError:
        pass
    stream.close()
    return got


HOST = re.compile(rb"([0-9A-Za-z_~-][0-9A-Za-z._~-]{0,254}|\[[0-9A-Fa-f:.]+\])(:(?!0+$)[0-9]{1,5})?")
PATHS = [
    (rb"(^|/)\.\.?(;[^/]*)?(/|$)", "a dot segment in the path"),
    (rb"%2e", "an encoded dot in the path"),
    (rb"%2f|%5c|\\", "an encoded slash or a backslash in the path"),
    (rb"%0[0-9a-f]|%1[0-9a-f]|%7f", "an encoded control character in the path"),
    (rb"%25(25)*(2e|2f|5c|00)", "a path encoded twice"),
    (rb"%c0%a[ef]", "an overlong character in the path"),
    (rb"%(?![0-9a-f]{2})", "an escape that is none in the path"),
]
# What we refuse because two readers can differ, although one peer's reading of it may read well.
AMBIGUOUS = {"bad_length", "bad_transfer_encoding", "bad_body", "bad_field", "bad_head", "bad_method", "bad_target"}


def judge(case, requests, broken, got):
    """What was unsafe about a case; empty: nothing."""
    unsafe = [f"the back end gets what is no HTTP ({why})" for why, _ in broken]
    expected = {text(one["line"]): one for one in case.get("received", [])}
    sent = text(case["send"])
    harmless = case.get("reason") == "bad_method" and re.match(rb"[A-Z]+ /", sent) or case.get("reason") == "bad_target" and SMUGGLED not in sent
    smuggled = any(SMUGGLED in target for _, target, *_ in requests)
    refused = not expected and case.get("reason") in AMBIGUOUS and not harmless
    if refused and requests:
        unsafe.append("repaired" + (", and what stands behind taken for a request" if smuggled else ""))
    elif smuggled and SMUGGLED not in sent.split(b"\r\n\r\n", 1)[-1]:
        unsafe.append("a request that nobody sent")
    for method, target, head, body in requests:
        names = [name.lower() for name, _ in head]
        hosts = [value for name, value in head if name.lower() == b"host"]
        if len(hosts) != 1 or not HOST.fullmatch(hosts[0]) or int((hosts[0].rpartition(b":")[2] if hosts[0][-1:].isdigit() and b":" in hosts[0].rpartition(b"]")[2] else b"0")) > 65535:
            unsafe.append("no host, or none that is valid")
        path = target.split(b"?")[0].lower()
        unsafe += [what for pattern, what in PATHS if re.search(pattern, path)][:1]
        if path.startswith((b"ftp:", b"file:")):
            unsafe.append("a scheme that the back end may follow")
        leaked = HOP.intersection(names)
        if all(value.lower() in (b"close", b"keep-alive", b"") for name, value in head if name.lower() == b"connection"):
            leaked -= {b"connection"}
        one = expected.get(method + b" " + target, {})
        leaked -= {name.encode() for name, value in one.get("fields", {}).items() if value}
        leaked |= {name.encode() for name, value in one.get("fields", {}).items() if value is None and name.encode() in names and name != "transfer-encoding"}
        if one and text(one.get("body", "")) != body and len(expected) == 1:
            unsafe.append("another body than was sent")
        if leaked:
            unsafe.append("fields of the client's connection: " + ", ".join(sorted(name.decode() for name in leaked)))
    if re.search(rb"(^|\n)HTTP/1\.[01] 101", got):
        unsafe.append("the connection is turned into another protocol")
    return list(dict.fromkeys(unsafe))


def start(work, ours):
    nginx = f"""
daemon off; worker_processes 1; error_log {work}/error.log; pid {work}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  upstream back {{ server 127.0.0.1:{NGINX + BEHIND}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{NGINX};
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
    haproxy = f"""
defaults
  mode http
  timeout connect 3s
  timeout client 3s
  timeout server 3s
frontend front
  bind 127.0.0.1:{HAPROXY}
  default_backend back
backend back
  http-reuse safe
  server one 127.0.0.1:{HAPROXY + BEHIND}
"""
    for name, config in [("nginx.conf", nginx), ("haproxy.cfg", haproxy)]:
        with open(f"{work}/{name}", "w") as file:
            file.write(config)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        ("nginx", NGINX, subprocess.Popen(["nginx", "-p", work, "-c", f"{work}/nginx.conf"], **quiet)),
        ("HAProxy", HAPROXY, subprocess.Popen(["haproxy", "-f", f"{work}/haproxy.cfg"], **quiet)),
    ]
    if ours:
        command = [ours, "--listen", f"127.0.0.1:{OURS}", "--admin", f"127.0.0.1:{ADMIN}", "--workers", "1", "--upstream", f"http://127.0.0.1:{OURS + BEHIND}"]
        started.insert(0, ("gateway", OURS, subprocess.Popen(command, **quiet)))
    for name, port, process in started:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(f"{name} does not serve; it ended with {process.poll()}")
    return started


def version(command):
    said = subprocess.run(command, capture_output=True, text=True)
    return re.search(r"[0-9]+\.[0-9]+[0-9.a-z+-]*", said.stdout + said.stderr)[0]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--ours", help="the emitted binary of tests/wire/spec.yaml")
    options.add_argument("--out", help="where the table goes, in Markdown")
    options = options.parse_args()
    cases = []
    for path in sorted(glob.glob(f"{HERE}/requests/*.yaml")):
        with open(path) as file:
            subject = os.path.basename(path)[:-5]
            cases += [(subject, case) for case in yaml.safe_load(file)]
    work = tempfile.mkdtemp()
    started = start(work, options.ours)
    names = [name for name, *_ in started]
    found = {}

    def take_all(name, port):
        back_end = BackEnd(port + BEHIND)
        for at, (_, case) in enumerate(cases):
            got = ask(port, case)
            # What is still on its way belongs to this case.
            time.sleep(0.05)
            found[name, at] = judge(case, *back_end.take(), got)

    try:
        threads = [threading.Thread(target=take_all, args=(name, port)) for name, port, _ in started]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for *_, process in started:
            process.terminate()
            process.wait()
    report = []
    say = report.append
    say("# The wire suite, beside nginx and HAProxy\n")
    say(f"`tests/wire/peers.py`, {datetime.date.today().isoformat()}: the {len(cases)} cases of `tests/wire/requests`, sent whole to each as a plain reverse proxy with its")
    say(f"defaults, before a back end that reads strictly. nginx {version(['nginx', '-v'])}, HAProxy {version(['haproxy', '-v'])}.\n")
    say("Counted is what reaches a back end although two readers could take it for two things. *Repaired* is what RFC 9112 lets a proxy do")
    say("with some of it and this gateway refuses: it is harmless where every hop repairs in the same way. nginx puts a host of its own")
    say("before the client's, so that a bad one does no harm; it and HAProxy pass paths on as they are by design, and leave them to the back")
    say("end.\n")
    say("| Subject | Cases | " + " | ".join(names) + " |")
    say("|---|---:|" + "---:|" * len(names))
    subjects = list(dict.fromkeys(subject for subject, _ in cases))
    count = lambda name, wanted: sum(bool(found[name, at]) for at, (subject, _) in enumerate(cases) if wanted in (None, subject))
    for wanted in subjects:
        say(f"| {wanted} | {sum(s == wanted for s, _ in cases)} | " + " | ".join(str(count(name, wanted)) for name in names) + " |")
    say(f"| **all** | {len(cases)} | " + " | ".join(f"**{count(name, None)}**" for name in names) + " |")
    say("\n## Line by line\n")
    say("| Subject | Case | " + " | ".join(names) + " |")
    say("|---|---|" + "---|" * len(names))
    for at, (subject, case) in enumerate(cases):
        if any(found[name, at] for name in names):
            say(f"| {subject} | {case['name']} | " + " | ".join("; ".join(found[name, at]) or "–" for name in names) + " |")
    out = "\n".join(report) + "\n"
    if options.out:
        with open(options.out, "w") as file:
            file.write(out)
    else:
        print(out)
    worse = [case["name"] for at, (_, case) in enumerate(cases) if names[0] == "gateway" and found["gateway", at]]
    if worse:
        sys.exit("the gateway lets something through: " + ", ".join(worse))


main()
