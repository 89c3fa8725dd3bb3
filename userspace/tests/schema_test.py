#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What commands print as JSON, by the schemas in ../schema; TAP.

The unit tests write what they had printed into a file (run.c). It is checked here,
and so is the simulated host's answer to some commands as a process.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import schemas
from schemas import SCHEMAS, load, schema_of, validator

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("O", HERE.parent.parent / "build" / "userspace"))
PROGRAM = BUILD / "tests" / "queztl-fake"
SHARED = "common"
NAME = 'evil"\\\n{}#\x1b[31m x'      # what a tenant may call a VM
# Keys of which the simulated host has no value.
NEVER = {"monitor: new/other", "monitor: old/failure", "monitor: old/name", "monitor: old/other", "monitor: old/per-vcpu",
         "port add: comm", "port add: pid", "port add: state", "sched status: other", "sched status: pid",
         "top: vms/counts/throttled_ns", "top: vms/percent/throttled", "top: vms/rates/throttled_ns"}


def documents(text):
    """One, or several after each other."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def run(*words):
    done = subprocess.run([PROGRAM, *words, "--json", "--", "-name", NAME], capture_output=True, check=True, timeout=60)
    return documents(done.stdout.decode())


def commands():
    """Those of the tool itself that can print JSON."""
    return [found["name"] for found in run("help")[0] if found["json"]] + ["help"]


def unit_outputs():
    """{command: [value, ...]} of all that was printed in unit tests."""
    with tempfile.TemporaryDirectory() as directory:
        log = os.environ.get("QUEZTL_JSON_LOG")
        if not log:
            log = directory + "/log"
            for test in sorted(BUILD.glob("tests/*_test")):
                subprocess.run([test], env={**os.environ, "QUEZTL_JSON_LOG": log}, capture_output=True, check=False)
        found = {}
        for line in Path(log).read_text().splitlines():
            entry = json.loads(line)
            found.setdefault(entry["command"], []).extend(documents(entry["text"]))
        return found


def served():
    """What it says when it is ready."""
    with tempfile.TemporaryDirectory() as directory, subprocess.Popen(
            [PROGRAM, "window", "serve", "w0", "--slots", "2", "--socket", directory + "/socket", "--json"], stdout=subprocess.PIPE) as server:
        line = server.stdout.readline()
        server.terminate()
        return [json.loads(line)]


PRINTED = {}


def printed():
    if not PRINTED:
        PRINTED.update(unit_outputs())
        for words in (["help"], ["vms"], ["port", "list"], ["port", "show", "web0"], ["info"], ["sched", "status"],
                      ["monitor", "--initial", "--count", "8"], ["stats"], ["stats", "--watch", "0.1", "--count", "2"], ["top", "-n", "2", "-d", "0.1"]):
            name = " ".join(words[:2]) if words[0] in ("port", "sched") else words[0]
            PRINTED.setdefault(name, []).extend(run(*words))
        PRINTED.setdefault("window serve", []).extend(served())
    return PRINTED


def schemas_are_valid():
    for path in sorted(SCHEMAS.glob("*.json")):
        schemas.jsonschema.Draft202012Validator.check_schema(load(path))


def parts(schema, name=""):
    """Every schema in it, with the name of what it describes."""
    yield name, schema
    for key in ("properties", "patternProperties", "$defs"):
        for inner, part in schema.get(key, {}).items():
            yield from parts(part, inner)
    for part in schema.get("anyOf", []):
        yield from parts(part, name)
    for part in schema.get("allOf", []):
        yield from parts(part, "part_of_keys")
    for key in ("items", "then", "unevaluatedProperties", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from parts(schema[key], name)


def objects_are_closed_and_keys_are_always_there():
    """Definitions whose names end in _keys are parts of objects, which whoever refers to them closes."""
    for path in sorted(SCHEMAS.glob("*.json")):
        for name, schema in parts(load(path)):
            where = f"{path.name}: {name}"
            refers_to_keys = any(part.get("$ref", "").endswith("_keys") for part in [schema, *schema.get("allOf", [])])
            closed = False in (schema.get("additionalProperties"), schema.get("unevaluatedProperties"))
            if refers_to_keys:
                assert closed or name.endswith("_keys"), where
            if schema.get("type") == "object":
                assert closed or name.endswith("_keys") or isinstance(schema.get("additionalProperties"), dict), where
                assert set(schema["properties"]) == set(schema["required"]), where


def every_value_is_described():
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = load(path)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema", path.name
        assert schema.get("title"), path.name
        for _, part in parts(schema):
            for key, value in part.get("properties", {}).items() if "type" in part else ():
                assert value.get("description") or "$ref" in value, f"{path.name}: {key}"


def references_lead_somewhere():
    for path in sorted(SCHEMAS.glob("*.json")):
        for _, part in parts(load(path)):
            if "$ref" in part:
                file, pointer = part["$ref"].split("#/")
                at = load(SCHEMAS / file) if file else load(path)
                for step in pointer.split("/"):
                    assert step in at, f"{path.name}: {part['$ref']}"
                    at = at[step]


def every_command_has_a_schema():
    names = {schema_of(command).name for command in commands()}
    files = {path.name for path in SCHEMAS.glob("*.json")} - {SHARED + ".json"}
    assert not names - files, f"no schema: {names - files}"
    assert not files - names, f"no such command: {files - names}"


def every_command_is_tried():
    assert not set(commands()) - set(printed()), set(commands()) - set(printed())
    assert not set(printed()) - set(commands()), f"print JSON, but the tool's table says otherwise: {set(printed()) - set(commands())}"


def output_is_valid():
    for command, values in sorted(printed().items()):
        for value in values:
            complaint = schemas.complaint(command, value)
            assert not complaint, complaint


def spots(value, path=()):
    """The path of every member of an object in it."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield (*path, key)
            yield from spots(member, (*path, key))
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from spots(member, (*path, index))


def changed(value, path, change):
    other = copy.deepcopy(value)
    at = other
    for step in path[:-1]:
        at = at[step]
    change(at, path[-1])
    return other


def shape_of(path):
    return tuple(step for step in path if isinstance(step, str))


def shapes(schema, path, shape=()):
    """The names on the way to every key that a schema has."""
    if "$ref" in schema:
        file, pointer = schema["$ref"].split("#/")
        target = SCHEMAS / file if file else path
        part = load(target)
        for step in pointer.split("/"):
            part = part[step]
        yield from shapes(part, target, shape)
    for key, part in schema.get("properties", {}).items():
        yield (*shape, key)
        yield from shapes(part, path, (*shape, key))
    inner = [schema[key] for key in ("items", "then") if key in schema]
    for part in [*schema.get("anyOf", []), *schema.get("allOf", []), *inner]:
        yield from shapes(part, path, shape)


def value_at(value, shape):
    """Every value there, whatever lists are on the way."""
    if isinstance(value, list):
        for member in value:
            yield from value_at(member, shape)
    elif not shape:
        yield value
    elif isinstance(value, dict) and shape[0] in value:
        yield from value_at(value[shape[0]], shape[1:])


def every_key_is_tried():
    """With a value, except those of which the simulated host has none."""
    never = set()
    for command, values in sorted(printed().items()):
        for shape in set(shapes(load(schema_of(command)), schema_of(command))):
            if all(found is None for found in value_at(values, shape)):
                never.add(f"{command}: {'/'.join(shape)}")
    assert never <= NEVER, "without a value in every try: " + ", ".join(sorted(never - NEVER))
    assert NEVER <= never, "have a value now: " + ", ".join(sorted(NEVER - never))


def rename(holder, key):
    holder[key + "_x"] = holder.pop(key)


def retype(holder, key):
    holder[key] = {"of": ["another", "type"]}


def a_change_of_any_key_is_noticed():
    """Each key is left out, renamed and given a value of another type, once for each command."""
    for command, values in sorted(printed().items()):
        check, seen = validator(schema_of(command)), set()
        for value in values:
            for path in spots(value):
                shape = shape_of(path)
                if shape in seen:
                    continue
                seen.add(shape)
                for change in (dict.pop, rename, retype):
                    if change is dict.pop and shape[-1].startswith("reason_"):
                        continue
                    assert not check.is_valid(changed(value, path, change)), f"{command}: {shape}: {change.__name__}"


TESTS = [schemas_are_valid, objects_are_closed_and_keys_are_always_there, every_value_is_described,
         references_lead_somewhere, every_command_has_a_schema, every_command_is_tried, every_key_is_tried, output_is_valid,
         a_change_of_any_key_is_noticed]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        if not schemas.jsonschema:
            print(f"ok {number} - {test.__name__} # SKIP no python3-jsonschema")
            continue
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except (AssertionError, OSError, subprocess.SubprocessError, KeyError, ValueError, schemas.jsonschema.SchemaError) as error:
            failed += 1
            print("# " + f"{type(error).__name__}: {error}".replace("\n", "\n# "))
            print(f"not ok {number} - {test.__name__}")
    return 1 if failed else 0


sys.exit(main())
