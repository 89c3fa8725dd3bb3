# SPDX-License-Identifier: GPL-2.0
"""JSON of the tool by the schemas in ../schema, for tests here and in selftests. Needs python3-jsonschema."""
import functools
import json
import warnings
from pathlib import Path

try:
    warnings.simplefilter("ignore", DeprecationWarning)
    import jsonschema
except ImportError:
    jsonschema = None
try:
    import referencing      # which jsonschema needs from 4.18 on
    from referencing.jsonschema import DRAFT202012
except ImportError:
    referencing = None

SCHEMAS = Path(__file__).resolve().parent.parent / "schema"


def schema_of(command):
    return SCHEMAS / (command.replace(" ", "-") + ".json")


def load(path):
    return json.loads(path.read_text())


@functools.lru_cache(None)
def validator(path):
    """References are relative to the file, as for any program that reads it."""
    if not referencing:
        schema = load(path)
        resolver = jsonschema.RefResolver(path.as_uri(), schema)
        return jsonschema.Draft202012Validator(schema, resolver=resolver)
    registry = referencing.Registry().with_resources(
        (file.as_uri(), DRAFT202012.create_resource(load(file))) for file in SCHEMAS.glob("*.json"))
    return jsonschema.Draft202012Validator({"$ref": path.as_uri()}, registry=registry)


def complaint(command, value):
    """What is wrong with the JSON of a command, or None."""
    error = jsonschema.exceptions.best_match(validator(schema_of(command)).iter_errors(value))
    if not error:
        return None
    where = "/".join(str(step) for step in error.absolute_path)
    return f"{command}: at /{where}: {error.message}"


def complaint_about_words(words, value):
    """The same for a command with its arguments, if that can be checked on this host."""
    names = [" ".join(words[:n]) for n in (2, 1) if schema_of(" ".join(words[:n])).exists()]
    return complaint(names[0], value) if jsonschema and names else None
