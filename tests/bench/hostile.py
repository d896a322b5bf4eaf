#!/usr/bin/env python3
"""Measures what hostile and huge documents cost: seconds and MiB of `gateway-codegen` by document.

usage: hostile.py [--bin PROGRAM] [NAME]...

Makes each document in a temporary folder, runs `lint` (or `generate`) on it, and prints a table. Exits 1 if a document
took more than 10 s or 1 GiB, or if the program ended as it must not (a panic, a signal). Without --bin, a release build is
made first. NAMEs choose documents by a part of their names.
"""
import argparse, json, os, resource, subprocess, sys, tempfile, time

MiB = 1 << 20
FULL = 64 * MiB - 4096          # just below the largest document
MOST_SECONDS, MOST_MIB = 10.0, 1024
HEAD = 'openapi: 3.0.3\ninfo: { title: a, version: "1" }\nservers: [{ url: "http://b" }]\n'


def filled(begin, unit, end="", size=FULL):
    return begin + unit * ((size - len(begin) - len(end)) // len(unit)) + end


def levels(first, line, count):
    return HEAD + first + "".join(line(n) for n in range(1, count)) + "paths: {}\n"


def laughs():
    names = "abcdefghijklmnopqrstuvwxyz"
    return levels('x-a: &a [lol, lol]\n', lambda n: f"x-{names[n]}: &{names[n]} [{', '.join(['*' + names[n - 1]] * 10)}]\n", 20)


def merge_laughs():
    names = "abcdefghijklmnopqrstuvwxyz"
    first = "x-a: &a { " + ", ".join(f"k{n}: {n}" for n in range(100)) + " }\n"
    line = lambda n: f"x-{names[n]}: &{names[n]}\n  <<: [{', '.join(['*' + names[n - 1]] * 10)}]\n  n{n}: *{names[n - 1]}\n"
    return levels(first, line, 20)


def aliases(count):
    """One list of 1,000 values, named as often as it may be."""
    return HEAD + "x-a: &a [" + "1," * 999 + "1]\nx-b:\n" + "- *a\n" * count + "paths: {}\n"


def operations(count, body, root=""):
    paths = "".join(f'  /things/{n}/{{id}}:\n    get:\n      operationId: get{n}\n{body(n)}' for n in range(count))
    return HEAD + root + "paths:\n" + paths


FINE = """\
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: Fine. } }
"""
BROKEN = """\
      parameters: [{ name: other, in: path, required: true }, { $ref: "#/components/parameters/none%d" }]
      responses: { "200": { $ref: "#/components/responses/none%d" } }
      x-gateway:
        throtle: 1
        timeout: never
        throttle: [{ rate: 0, burst: 0, per: moon }, { rate: 0, burst: 0 }]
        cache: { ttl: 9000h, key: [query.a, query.b, query.c] }
        request: { set: { header.connection: "a\\r\\nb", header.x: "${path.none}", header.y: "${stageVariables.none}" } }
        integration: { type: proxy, upstream: none%d }
"""


def faulty(count):
    return operations(count, lambda n: BROKEN % (n, n, n))


def stages(count, names):
    """Every stage has every operation, and every operation names a variable that none has."""
    root = "x-gateway:\n  stages:\n" + "".join(f"    s{n}: {{}}\n" for n in range(names))
    unset = '      x-gateway: { request: { set: { header.x: "${stageVariables.none}" } } }\n'
    return operations(count, lambda n: FINE + unset, root)


def selectors(count, names):
    """Globs that all tie on all operations."""
    root = "x-gateway:\n  stages:\n    s:\n      operations:\n"
    root += "".join(f'        "tag:t{n}": {{ timeout: 1s }}\n' for n in range(names))
    tags = "      tags: [" + ", ".join(f"t{n}" for n in range(names)) + "]\n"
    return operations(count, lambda n: FINE + tags, root)


def idle(count, names):
    """Selectors that select nothing, each to be compared with every operation."""
    root = "x-gateway:\n  stages:\n    s:\n      operations:\n"
    root += "".join(f"        got{n}: {{ timeout: 1s }}\n" for n in range(names))
    return operations(count, lambda n: FINE, root)


def cached(count, names):
    """Stages that each have a policy of their own for every operation."""
    root = "x-gateway:\n  stages:\n"
    root += "".join(f"    s{n}: {{ cache: {{ enabled: true, ttl: {n + 1}s }} }}\n" for n in range(names))
    return operations(count, lambda n: FINE, root)


def globs(count, names):
    """Globs that are to be matched with every operation."""
    root = "x-gateway:\n  stages:\n    s:\n      operations:\n"
    root += "".join(f'        "GET /*/*/*/**/x{n}": {{ timeout: 1s }}\n' for n in range(names))
    return operations(count, lambda n: FINE, root)


def misspelt(count, names):
    """Upstreams that are not there, each to be compared with those that are."""
    root = "x-gateway:\n  upstreams:\n" + "".join(f"    upstream{n}: {{ url: 'http://a{n}' }}\n" for n in range(names))
    return operations(count, lambda n: FINE + f"      x-gateway: {{ integration: {{ type: proxy, upstream: upsteram{n} }} }}\n", root)


METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]


def shared(count, item, components=""):
    """Paths that all refer to one path item, which is read for each of them."""
    paths = "".join(f"  /things/{n}/{{id}}: {{ $ref: '#/components/x-item' }}\n" for n in range(count))
    return HEAD + "components:\n  x-item:\n" + item + components + "paths:\n" + paths


def shared_parameters(count):
    parameters = "".join(f"      - {{ name: p{n}, in: query, schema: {{ type: string }} }}\n" for n in range(999))
    operations = "".join(f"    {method}: {{ responses: {{}} }}\n" for method in METHODS)
    return shared(count, "    parameters:\n" + parameters + operations)


def shared_policy(count):
    sets = ", ".join(f"header.x-{n}: a" for n in range(2_000))
    operations = "".join(f"    {method}: {{ responses: {{}} }}\n" for method in METHODS)
    return shared(count, f"    x-gateway: {{ request: {{ set: {{ {sets} }} }} }}\n" + operations)


def defaults(count, fields):
    """What holds for all operations is kept for each of them."""
    sets = ", ".join(f"header.x-{n}: a" for n in range(fields))
    return operations(count, lambda n: FINE, f"x-gateway: {{ defaults: {{ request: {{ set: {{ {sets} }} }} }} }}\n")


def shared_responses(count):
    headers = "".join(f"        x-{n}: {{ schema: {{ type: string }} }}\n" for n in range(2_000))
    answers = " ".join(f"'{status}': {{ $ref: '#/components/responses/A' }}," for status in range(200, 260))
    operations = "".join(f"    {method}: {{ responses: {{ {answers} }} }}\n" for method in METHODS)
    return shared(count, operations, "  responses:\n    A:\n      description: a\n      headers:\n" + headers)


def shared_example(count):
    example = "[" + "1," * 100_000 + "1]"
    body = f"  responses: {{ A: {{ description: a, content: {{ application/json: {{ example: {example} }} }} }} }}\n"
    operations = "".join(f"    {method}: {{ responses: {{ '200': {{ $ref: '#/components/responses/A' }} }} }}\n" for method in METHODS)
    return shared(count, operations, body)


def wide(count):
    """As many of a schema's members as there may be, each a reference to the same place."""
    return HEAD + "paths: {}\ncomponents:\n  schemas:\n    A: { type: object }\n    B:\n      properties:\n" + "".join(
        f"        p{n}: {{ $ref: '#/components/schemas/A' }}\n" for n in range(count))


def dangling(count):
    return HEAD + "paths: {}\ncomponents:\n  schemas:\n" + "".join(
        f"    S{n}: {{ $ref: '#/components/schemas/none{n}' }}\n" for n in range(count))


def chain(count):
    return HEAD + "paths: {}\ncomponents:\n  schemas:\n" + "".join(
        f"    S{n}: {{ $ref: '#/components/schemas/S{n + 1}' }}\n" for n in range(count))


def big_json(count):
    one = {"type": "object", "properties": {"a": {"type": "string", "description": "x" * 60}, "b": {"type": "integer"}}}
    schemas = ",".join(f'"S{n}":{json.dumps(one)}' for n in range(count))
    return '{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{},"components":{"schemas":{' + schemas + "}}}"


def one_line(count):
    """Everything on one line, so that every place is far behind the start of its line."""
    paths = ",".join(f'"/p{n}":{{"get":{{"responses":{{}},"x-gateway":{{"timeout":"never","a{n}":1}}}}}}' for n in range(count))
    return '{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{' + paths + "}}"


def unknown(count):
    """Members of `x-gateway` that do not exist, each to be compared with those that do."""
    return HEAD + "paths: {}\nx-gateway:\n" + "".join(f"  member{n}: 1\n" for n in range(count))


def statuses(count):
    """A list of the language whose every element is at fault."""
    return operations(1, lambda n: FINE + "      x-gateway: { cache: { statuses: [" + "a," * count + "1] } }\n")


NEW_HEAD = HEAD.replace("3.0.3", "3.1.0")
OLD_HEAD = 'swagger: "2.0"\ninfo: { title: a, version: "1" }\n'


def consumed(types, count):
    """Every operation has a body of every media type."""
    list_of = ",".join(f"a/b{n}" for n in range(types))
    return OLD_HEAD + f"consumes: [{list_of}]\npaths:\n" + "".join(
        f"  /p{n}: {{ post: {{ parameters: [{{ name: b, in: body, schema: {{}} }}], responses: {{}} }} }}\n" for n in range(count))


def named(count):
    """Every schema has an address and an anchor, and refers to others by theirs."""
    return NEW_HEAD + "paths: {}\ncomponents:\n  schemas:\n" + "".join(
        f"    S{n}: {{ $id: 'https://a.example/s{n}', $anchor: a{n}, properties: {{ a: {{ $ref: 's{n // 2}' }}, b: {{ $ref: '#a{n}' }} }} }}\n"
        for n in range(count))


def nested_names(levels, count):
    """Addresses inside addresses, and many references at their end."""
    begin = "".join(f"{{ $id: '{'x' * 500}{n}/', properties: {{ a: " for n in range(levels))
    references = "".join(f"p{n}: {{ $ref: '#/p{n}' }}, " for n in range(count))
    return NEW_HEAD + "paths: {}\ncomponents: { schemas: { A: " + begin + "{ properties: { " + references + "} }" + " } }" * levels + " } }\n"


def unknown_members(members, count):
    """A path item of many members that nobody knows, for many paths."""
    item = "".join(f"m{n}: 1, " for n in range(members))
    return NEW_HEAD + f"components: {{ pathItems: {{ A: {{ {item} }} }} }}\npaths:\n" + "".join(
        f"  /p{n}: {{ $ref: '#/components/pathItems/A' }}\n" for n in range(count))


JSON_HEAD = '{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{},"x-a":'

# name, extension, text, exit code; `generate` is run where the code is 0 and the name says so
DOCUMENTS = [
    ("brackets.yaml", lambda: "[" * FULL, 1),
    ("flow-maps.yaml", lambda: filled("", "{a: "), 1),
    ("block-maps.yaml", lambda: "".join(" " * n + "a:\n" for n in range(10_000)), 1),
    ("dashes.yaml", lambda: "- " * (FULL // 2), 1),
    ("brackets.json", lambda: "[" * FULL, 1),
    ("objects.json", lambda: filled("", '{"a":'), 1),
    ("items-5M.yaml", lambda: "- a\n" * 5_000_000, 1),
    ("items-4.9M.yaml", lambda: "- a\n" * 4_900_000, 1),
    ("items-4.9M.json", lambda: "[" + "1," * 4_900_000 + "1]", 1),
    ("empty-objects.json", lambda: JSON_HEAD + "[" + "{}," * 4_900_000 + "{}]}", 0),
    ("small-objects.json", lambda: JSON_HEAD + "[" + '{"a":1},' * 1_600_000 + "{}]}", 0),
    ("small-maps.yaml", lambda: HEAD + "paths: {}\nx-a:\n" + "- a: 1\n" * 1_600_000, 0),
    ("members-2M.yaml", lambda: HEAD + "paths: {}\nx-a:\n" + "".join(f"  k{n}: 1\n" for n in range(2_000_000)), 0),
    ("members-2M.json", lambda: JSON_HEAD + "{" + ",".join(f'"k{n}":1' for n in range(2_000_000)) + "}}", 0),
    ("duplicates-2M.yaml", lambda: "a: 1\n" * 2_000_000, 1),
    ("duplicates-2M.json", lambda: "{" + '"a":1,' * 2_000_000 + '"a":1}', 1),
    ("text-64MiB.yaml", lambda: filled(HEAD + 'paths: {}\nx-a: "', "a", '"\n'), 0),
    ("text-plain-64MiB.yaml", lambda: filled(HEAD + "paths: {}\nx-a: ", "ab ", "\n"), 0),
    ("text-folded-64MiB.yaml", lambda: filled(HEAD + "paths: {}\nx-a: >\n", "  word word\n"), 0),
    ("text-64MiB.json", lambda: filled(JSON_HEAD + '"', "a", '"}'), 0),
    ("escapes-64MiB.json", lambda: filled(JSON_HEAD + '"', "\\u00e4", '"}'), 0),
    ("name-64MiB.yaml", lambda: filled('"', "a", '": 1\n'), 1),
    ("title-64MiB.yaml", lambda: filled('openapi: 3.0.3\npaths: {}\ninfo:\n  version: "1"\n  title: "', "a", '"\n'), None),
    ("no-openapi-64MiB.yaml", lambda: filled('openapi: "', "a", '"\n'), 1),
    ("comment-64MiB.yaml", lambda: filled(HEAD + "paths: {}\n#", "a"), 0),
    ("comments-64MiB.yaml", lambda: filled(HEAD + "paths: {}\n", "#\n"), 0),
    ("blank-64MiB.yaml", lambda: filled(HEAD + "paths: {}\n", "\n"), 0),
    ("spaces-64MiB.yaml", lambda: filled(HEAD + "paths: {}\nx-a:", " ", "1\n"), 0),
    ("ref-64MiB.yaml", lambda: filled(HEAD + "paths: { /a: { $ref: 'a", "a", "' } }\n"), 1),
    ("tag-64MiB.yaml", lambda: filled(HEAD + "paths: {}\nx-a: !", "a", " 1\n"), None),
    ("anchor-64MiB.yaml", lambda: filled(HEAD + "paths: {}\nx-a: &", "a", " 1\n"), None),
    ("unknown-1M.yaml", lambda: unknown(1_000_000), 1),
    ("statuses-2M.yaml", lambda: statuses(2_000_000), 1),
    ("documents.yaml", lambda: "---\n" * (FULL // 4), 1),
    ("tabs.yaml", lambda: filled("a:\n", "\t"), 1),
    ("nul.yaml", lambda: "\0" * FULL, 1),
    ("too-large.yaml", lambda: "#" * (64 * MiB + 1), 1),
    ("laughs.yaml", laughs, 1),
    ("merge-laughs.yaml", merge_laughs, 1),
    ("aliases-4.9M.yaml", lambda: aliases(4_890), 0),
    ("anchors.yaml", lambda: HEAD + "paths: {}\nx-a:\n" + "".join(f"- &a{n} 1\n" for n in range(2_000_000)), 0),
    ("tags.yaml", lambda: "- !a 1\n" * 1_000_000, 1),
    ("references-500k.yaml", lambda: wide(500_000), 0),
    ("dangling-500k.yaml", lambda: dangling(500_000), 1),
    ("chain-500k.yaml", lambda: chain(500_000), 1),
    ("schemas.json", lambda: big_json(300_000), 0),
    ("one-line.json", lambda: one_line(200_000), 1),
    ("faulty-10k.yaml", lambda: faulty(10_000), 1),
    ("faulty-50k.yaml", lambda: faulty(50_000), 1),
    ("stages-100x10k.yaml", lambda: stages(10_000, 100), 1),
    ("selectors-100x5k.yaml", lambda: selectors(5_000, 100), 1),
    ("stages-1000x500.yaml", lambda: stages(500, 999), 1),
    ("idle-100x5k.yaml", lambda: idle(5_000, 99), 0),
    ("idle-20kx20.yaml", lambda: idle(20, 20_000), 0),
    ("globs-100x5k.yaml", lambda: globs(5_000, 99), 0),
    ("globs-2000x5k.yaml", lambda: globs(5_000, 2_000), 1),
    ("misspelt-50kx5k.yaml", lambda: misspelt(50_000, 5_000), 1),
    ("policies.yaml", lambda: operations(20_000, lambda n: FINE + "      x-gateway: { request: { set: { " + ", ".join(f"header.x-{m}: a" for m in range(33)) + " } } }\n"), 0),
    ("cached-50x5k.yaml", lambda: cached(5_000, 50), 0),
    ("shared-parameters.yaml", lambda: shared_parameters(2_000), 1),
    ("shared-policy.yaml", lambda: shared_policy(2_000), 1),
    ("defaults.yaml", lambda: defaults(10_000, 2_000), 1),
    ("shared-responses.yaml", lambda: shared_responses(2_000), 1),
    ("shared-example.yaml", lambda: shared_example(2_000), None),
    ("statuses-4.9M.yaml", lambda: statuses(4_900_000), 1),
    ("faulty-100k.yaml", lambda: faulty(100_000), 1),
    ("operations-300k.yaml", lambda: operations(300_000, lambda n: FINE), 1),
    ("operations-10k.yaml", lambda: operations(10_000, lambda n: FINE), 0),
    ("consumed-1Mx20k.yaml", lambda: consumed(1_000_000, 20_000), 1),
    ("named-200k.yaml", lambda: named(200_000), 0),
    ("named-500k.yaml", lambda: named(500_000), 1),
    ("nested-names.yaml", lambda: nested_names(50, 500_000), 1),
    ("unknown-members.yaml", lambda: unknown_members(500_000, 500_000), 1),
    ("utf-16.yaml", lambda: (HEAD + "paths: {}\nx-a: " + "a" * 20_000_000 + "\n").encode("utf-16"), 0),
    ("generate-10k.yaml", lambda: operations(10_000, lambda n: FINE), 0),
    ("generate-1k.yaml", lambda: operations(1_000, lambda n: FINE), 0),
]


def run(program, folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    size = os.path.getsize(path)
    command = [program, "lint", path]
    if name.startswith("generate"):
        command = [program, "generate", path, "--out", os.path.join(folder, name + ".out"), "--name", "big"]
    with open(os.path.join(folder, "said"), "wb") as said:
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=limit)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begun
    os.remove(path)
    with open(os.path.join(folder, "said"), "rb") as said:
        head = said.read(200).decode(errors="replace").splitlines()
    cpu = usage.ru_utime + usage.ru_stime
    return size, seconds, cpu, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), os.path.getsize(os.path.join(folder, "said")), head[:1]


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--bin")
    options.add_argument("names", nargs="*")
    options = options.parse_args()
    program = options.bin
    if program is None:
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "gateway-codegen"], cwd=root, check=True)
        program = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target")), "release", "gateway-codegen")
    bad = 0
    print(f"{'document':24} {'MiB':>6} {'s':>6} {'CPU s':>6} {'peak MiB':>8} {'exit':>4} {'said KiB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make, expected in DOCUMENTS:
            if options.names and not any(part in name for part in options.names):
                continue
            size, seconds, cpu, peak, code, said, head = run(program, folder, name, make())
            over = cpu > MOST_SECONDS or peak > MOST_MIB
            wrong = code not in (0, 1) or expected is not None and code != expected
            bad += over or wrong
            mark = "  OVER" if over else ""
            if wrong:
                mark += f"  WRONG: {head}"
            print(f"{name:24} {size / MiB:6.1f} {seconds:6.2f} {cpu:6.2f} {peak:8.0f} {code:4} {said / 1024:8.0f}{mark}", flush=True)
    sys.exit(1 if bad else 0)


main()
