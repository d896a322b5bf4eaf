#!/usr/bin/env python3
"""Prints the document the benchmark measures: 1,000 routes, `/v1/resN/{id}/items/{item}`, to one back end.

usage: spec.py proxy|logged|throttled|cached|h2|tls BACKEND
"""
import json, sys

mode, backend = sys.argv[1], sys.argv[2]
parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("id", "item")]
policy = {}
if mode == "throttled":
    policy["throttle"] = {"rate": 1_000_000, "burst": 1_000_000, "per": "ip"}
if mode == "cached":
    policy["cache"] = {"ttl": "300s"}
paths = {
    f"/v1/res{n}/{{id}}/items/{{item}}": {
        "parameters": parameters,
        "get": {"operationId": f"getItem{n}", "tags": [f"group{n // 100}"], "security": [{"login": []}] if mode != "cached" else [],
                "responses": {"200": {"description": "an item"}}},
    }
    for n in range(1000)
}
json.dump({
    "openapi": "3.0.3",
    "info": {"title": f"Bench {mode}", "version": "1"},
    "servers": [{"url": f"http://{backend}"}],
    "components": {"securitySchemes": {"login": {"type": "http", "scheme": "bearer"}}},
    "x-gateway": {
        "limits": {"requestsPerConnection": 1_000_000_000, "idleTimeout": "10m"},
        "defaults": policy,
        "stages": {"default": {"mount": {"path": "/"}, **({} if mode == "logged" else {"accessLog": False})}},
    },
    "paths": paths,
}, sys.stdout, indent=1)
