#!/usr/bin/env python3
"""Times the generator on GitHub's document of the corpus: generate, generate --check, the crate's build, dev's first answer.

usage: tests/bench/generator.py [DOCUMENT]
"""
import os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
DOCUMENT = sys.argv[1] if len(sys.argv) > 1 else ROOT / "../shared/corpus/plain/oxidecomputer+progenitor/sample_openapi/api.github.com.json"
CODEGEN = TARGET / "release/gateway-codegen"


def timed(*command, **more):
    begun = time.time()
    subprocess.run([str(part) for part in command], check=True, capture_output=True, **more)
    return time.time() - begun


def first_answer():
    begun = time.time()
    serving = subprocess.Popen([CODEGEN, "dev", DOCUMENT, "--listen", "127.0.0.1:18095", "--mock"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.time() - begun < 30:
            try:
                with socket.create_connection(("127.0.0.1", 18095), 1) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                    if client.recv(100):
                        return time.time() - begun
            except OSError:
                time.sleep(0.005)
        sys.exit("dev does not answer")
    finally:
        serving.terminate()
        serving.wait()


subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "gateway-codegen", "--manifest-path", ROOT / "Cargo.toml"], check=True)
with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / "gateway"
    line = [CODEGEN, "generate", DOCUMENT, "--out", out, "--name", "timed", "--runtime", f"path={ROOT}/gateway-runtime", "--workspace", "own", "-q"]
    generate = []
    for _ in range(5):
        shutil.rmtree(out, ignore_errors=True)
        generate.append(timed(*line))
    check = statistics.median(timed(*line, "--check") for _ in range(5))
    shutil.copy(ROOT / "Cargo.lock", out / "Cargo.lock")
    build = ["cargo", "build", "--release", "--offline", "--manifest-path", out / "Cargo.toml"]
    around = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    timed(*build, env=around)
    (out / "src/lib.rs").touch()
    rebuild = timed(*build, env=around)
    answers = statistics.median(first_answer() for _ in range(5))
print(f"generate {statistics.median(generate):.2f} s, --check {check:.2f} s, its crate after dependencies {rebuild:.1f} s, dev's first answer {answers * 1000:.0f} ms")
