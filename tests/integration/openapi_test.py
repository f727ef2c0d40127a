#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""/api/v1/openapi.json against the running program: each answer has a documented status, type and body."""
import json
import sys
from pathlib import Path

import jsonschema

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from api import JSON, NOWHERE, OFFER, equal, log_in  # noqa: E402
from harness import BASIC, PASSWORD, ROOT, Camera, Sluice, Suite, until  # noqa: E402
from socket_client import WebSocket  # noqa: E402

suite = Suite()
case = suite.case
S = DOCUMENT = None
SEEN = set()


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def ask(method, template, wanted, id_=None, **options):
    """The answer, after it was compared with the document."""
    status, headers, body = S.get(template.replace("{id}", id_ or "").replace("{camera}", id_ or ""), method=method, **options)
    what = f"{method} {template} as {id_}: {status} {body[:300]}"
    equal(status, wanted, what)
    operation = DOCUMENT["paths"][template][method.lower()]
    assert str(status) in operation["responses"], f"not documented: {what}"
    answer = resolve(operation["responses"][str(status)])
    if "content" in answer:
        kind = headers["Content-Type"].split(";")[0]
        assert kind in answer["content"], f"{kind} is not documented: {what}"
        value = json.loads(body) if kind.endswith("json") else body.decode("latin-1" if kind.startswith("image/") else "utf-8")
        conforms(value, answer["content"][kind]["schema"])
    else:
        equal(body, b"", what)
    for name in answer.get("headers", {}):
        assert headers[name] or name == "ETag", f"no {name}: {what}"
    SEEN.add((method, template, str(status)))
    return headers, body


@case
def the_document_is_served_and_well_formed():
    global S, DOCUMENT
    camera = suite.keep(Camera(suite.directory, "--gop", "1", "--width", "320", "--height", "180", "--fps", "15"))
    S = suite.keep(Sluice(suite.directory, {"front": {"main": camera.url()}}, name="openapi"))
    status, headers, body = S.get("/api/v1/openapi.json")
    equal(status, 200)
    equal(headers["Content-Type"], "application/json")
    DOCUMENT = json.loads(body)
    equal(DOCUMENT, json.loads((ROOT / "launcher/web/openapi.json").read_text()))
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [o["operationId"] for p in DOCUMENT["paths"].values() for m, o in p.items() if m != "parameters"]
    equal(len(names), len(set(names)))
    until(lambda: json.loads(S.get("/api/v1/cameras")[2])["cameras"][0]["state"] == "streaming", 20, "it streams")


# A route that takes signed addresses; without any in the document nothing can be signed.
SIGNABLE = "/api/v1/cameras/{camera}/snapshot.jpg"


def signed_urls_as_documented(stranger):
    path = "/api/v1/signed-urls"

    def sign(wanted, wish, headers=None, **options):
        return ask("POST", path, wanted, body=wish if isinstance(wish, bytes) else json.dumps(wish).encode(),
                   headers=JSON if headers is None else headers, **options)

    sign(401, {}, **stranger)
    sign(403, {}, {**JSON, **log_in(S), "Origin": "http://evil.example"}, **stranger)
    sign(415, {}, {})
    sign(413, b" " * 20000)
    for wish in ({}, {"path": "/api/v1/cameras"}, {"path": 1}, {"path": "/", "seconds": 0}, {"path": "/", "x": 1}, b"{"):
        sign(400, wish)
    sign(200, {"path": SIGNABLE.replace("{camera}", "front")})


def conforms(value, schema):
    jsonschema.validate(value, {"$schema": "https://json-schema.org/draft/2020-12/schema",
                                "components": DOCUMENT["components"], **schema}, cls=jsonschema.Draft202012Validator)


def events_as_documented(stranger):
    path = "/api/v1/events"
    ask("GET", path, 400)
    ask("GET", path, 401, **stranger)
    ask("GET", path, 403, auth=None, headers={**log_in(S), "Origin": "http://evil.example"})
    with WebSocket(S.port, path, "sluice.events.v1", BASIC) as socket:
        SEEN.add(("GET", path, "101"))
        for wanted in ("cameras", "camera", "removed"):
            conforms(socket.expect(wanted), {"$ref": "#/components/schemas/CameraEvent"})
            body = json.dumps(NOWHERE).encode() if wanted == "cameras" else None
            if wanted != "removed":
                S.get("/api/v1/cameras/passing", method="PUT" if body else "DELETE", body=body, headers=JSON)


def snapshots_as_documented(stranger):
    path = "/api/v1/cameras/{camera}/snapshot.jpg"
    tag = ask("GET", path, 200, "front")[0]["ETag"]
    until(lambda: ask_again(path, tag) == 304, 10, "the same key frame twice") # there is a new one each second
    status, _, _ = S.get("/api/v1/cameras/front/snapshot.jpg?width=15")
    equal(status, 400)
    SEEN.add(("GET", path, "400"))
    ask("GET", path, 401, "front", **stranger)
    ask("GET", path, 404, "none")
    S.get("/api/v1/cameras/dark", method="PUT", body=json.dumps(NOWHERE).encode(), headers=JSON)
    ask("GET", path, 503, "dark")
    S.get("/api/v1/cameras/dark", method="DELETE")


def ask_again(path, tag):
    status, headers, _ = S.get(path.replace("{camera}", "front"), headers={"If-None-Match": tag})
    if status == 200:
        status, _, body = S.get(path.replace("{camera}", "front"), headers={"If-None-Match": headers["ETag"]})
        equal(body if status == 304 else b"", b"")
    SEEN.add(("GET", path, str(status)))
    return status


def viewers_as_documented(viewer, stranger):
    path = "/api/v1/viewers/{id}"
    _, body = ask("GET", path, 200, viewer)
    equal(json.loads(body)["quality"], "auto")
    ask("GET", path, 401, viewer, **stranger)
    ask("GET", path, 404, "none")

    def choose(wanted, quality, id_=viewer, headers=None, **options):
        body = quality if isinstance(quality, bytes) else json.dumps({"quality": quality}).encode()
        ask("PATCH", path, wanted, id_, body=body, headers=JSON if headers is None else headers, **options)

    choose(204, "main")
    choose(404, "main", "none")
    choose(401, "main", **stranger)
    choose(403, "main", headers={**JSON, **log_in(S), "Origin": "http://evil.example"}, **stranger)
    choose(413, b" " * 20000)
    choose(415, "main", headers={"Content-Type": "text/plain"})
    for wrong in ("third", "", 7, b"{", b"[]", b'{"stream": "main"}', b'{"quality": "main", "x": 1}'):
        choose(400, wrong)
    equal(json.loads(ask("GET", path, 200, viewer)[1])["quality"], "main")


@case
def every_operation_answers_as_documented():
    one, stranger = "/api/v1/cameras/{camera}", {"auth": None}
    ask("GET", "/healthz", 200, auth=None)
    ask("GET", "/readyz", 200, auth=None)
    tag = ask("GET", "/api/v1/openapi.json", 200)[0]["ETag"]
    ask("GET", "/api/v1/openapi.json", 304, headers={"If-None-Match": tag})
    for body, headers, wanted in [(b"{}", JSON, 400), (b"{}", {}, 415), (b"x" * 20000, JSON, 413),
                                  (b'{"user": "admin", "password": "wrong"}', JSON, 401),
                                  (b"{}", {**JSON, "Origin": "http://evil.example"}, 403),
                                  (json.dumps({"user": "admin", "password": PASSWORD}).encode(), JSON, 200)]:
        ask("POST", "/api/v1/login", wanted, auth=None, body=body, headers=headers)
    mine = log_in(S)
    ask("POST", "/api/v1/logout", 401, **stranger)
    ask("POST", "/api/v1/logout", 403, auth=None, headers={**mine, "Origin": "http://evil.example"})
    ask("POST", "/api/v1/logout", 204, auth=None, headers=mine)
    for path in ("/api/v1/cameras", "/api/v1/viewers", "/api/v1/openapi.json"):
        ask("GET", path, 401, **stranger)
    ask("GET", "/api/v1/cameras", 200)
    ask("GET", one, 200, "front")
    ask("GET", one, 401, "front", **stranger)
    ask("GET", one, 404, "none")

    def put(wanted, name, description, headers=None, **options):
        body = description if isinstance(description, bytes) else json.dumps(description).encode()
        return ask("PUT", one, wanted, name, body=body, headers={**JSON, **(headers or {})}, **options)

    put(401, "yard", NOWHERE, **stranger)
    put(403, "yard", NOWHERE, {**log_in(S), "Origin": "http://evil.example"}, **stranger)
    put(422, "yard", {"streams": {"main": {"url": 1}}})
    put(422, "yard", b"{")
    put(415, "yard", NOWHERE, {"Content-Type": "text/plain"})
    put(413, "yard", b" " * 20000)
    put(409, "front", NOWHERE)
    put(201, "yard", NOWHERE)
    put(200, "yard", NOWHERE)
    put(412, "yard", NOWHERE, {"If-Match": '"other"'})
    _, body = ask("GET", one, 200, "yard")
    schema = json.loads((ROOT / "pipelines/schema/config.schema.json").read_text())
    jsonschema.validate(json.loads(body)["description"], {**schema, "$ref": "#/$defs/camera"})
    ask("DELETE", one, 401, "yard", **stranger)
    ask("DELETE", one, 409, "front")
    ask("DELETE", one, 412, "yard", headers={"If-Match": '"other"'})
    (S.state / "cameras.json").unlink()
    (S.state / "cameras.json").mkdir()
    (S.state / "cameras.json/full").touch()
    put(500, "other", NOWHERE)
    ask("DELETE", one, 500, "yard")
    (S.state / "cameras.json/full").unlink()
    (S.state / "cameras.json").rmdir()
    ask("DELETE", one, 204, "yard")
    ask("DELETE", one, 404, "yard")
    events_as_documented(stranger)
    signed_urls_as_documented(stranger)
    snapshots_as_documented(stranger)
    status, fields, body = S.get("/whep/front", method="POST", body=OFFER, headers={"Content-Type": "application/sdp"})
    equal(status, 201, body)
    _, body = ask("GET", "/api/v1/viewers", 200)
    viewer = json.loads(body)["viewers"][0]["id"]
    assert fields["Location"].endswith(viewer)
    viewers_as_documented(viewer, stranger)
    ask("DELETE", "/api/v1/viewers/{id}", 401, viewer, **stranger)
    ask("DELETE", "/api/v1/viewers/{id}", 204, viewer)
    ask("DELETE", "/api/v1/viewers/{id}", 404, viewer)
    guest = S.state / "accounts"
    admin = guest.read_text()
    guest.write_text(admin + admin.replace("admin:", "guest:").replace("admin@*", "view,snapshot,playback@*"))
    who = {"auth": ("guest", PASSWORD)}
    until(lambda: S.get("/api/v1/cameras", **who)[0] == 200, 5, "the guest is known")
    for method, path in (("PUT", one), ("DELETE", one), ("GET", "/api/v1/viewers/{id}"), ("PATCH", "/api/v1/viewers/{id}"),
                         ("DELETE", "/api/v1/viewers/{id}")):
        ask(method, path, 403, "x", body=b"{}" if method == "PUT" else None, headers=JSON, **who)
    guest.write_text(guest.read_text().replace("view,snapshot,playback@*", "view@front"))
    until(lambda: S.get("/api/v1/cameras/yard", **who)[0] == 403, 5, "the guest sees one camera only")
    ask("GET", one, 403, "yard", **who)
    ask("GET", one, 200, "front", **who)
    ask("GET", one + "/snapshot.jpg", 403, "front", **who)
    guess = {"auth": ("admin", "wrong")}

    def shut():
        """For longer than a request takes."""
        status, fields, _ = S.get("/api/v1/cameras", **guess)
        return status == 429 and int(fields["Retry-After"]) >= 3

    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if method != "parameters" and "429" in operation["responses"]:
                if "/login" in path:
                    continue  # the same door, at another handle
                until(shut, 60, "the door is closed")
                ask(method.upper(), path, 429, "x", body=b"{}" if method in ("put", "patch") else None, headers=JSON, **guess)


@case
def every_documented_status_was_seen():
    documented = {(m.upper(), p, s) for p, o in DOCUMENT["paths"].items() for m, v in o.items() if m != "parameters"
                  for s in v["responses"]}
    # While it ends: tests/integration/service_test.py.
    elsewhere = {("POST", "/api/v1/login", "429"), ("GET", "/readyz", "503"),
                 ("PATCH", "/api/v1/viewers/{id}", "406")}  # tests/integration/viewers_test.py
    equal(documented - SEEN, elsewhere, "never answered")


if __name__ == "__main__":
    sys.exit(suite.main())
