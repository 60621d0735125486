"""`/docs`: the OpenAPI description as one page that needs no other server, since the service may have no way out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATE: Final = "route_guide.html"


@dataclass(frozen=True)
class ParameterGuide:
    """One row of a route's table."""

    name: str
    place: str
    choices: str
    default: str
    description: str


@dataclass(frozen=True)
class RouteGuide:
    """One route; body: media types that it takes; example: a shell command; answers: (status, description)."""

    method: str
    path: str
    text: str
    group: str
    parameters: tuple[ParameterGuide, ...]
    body: tuple[str, ...]
    example: str
    answers: tuple[tuple[str, str], ...]


def render_guide(openapi: dict[str, Any]) -> str:
    """HTML of an OpenAPI 3.1 description; everything in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    groups: dict[str, list[RouteGuide]] = {}
    for route in read_routes(openapi):
        groups.setdefault(route.group, []).append(route)
    return environment.get_template(TEMPLATE).render(info=openapi["info"], groups=groups)


def read_routes(openapi: dict[str, Any]) -> Iterator[RouteGuide]:
    """Every operation, in the order of the description."""
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            samples = operation.get("x-codeSamples", [])
            yield RouteGuide(
                method=method.upper(),
                path=path,
                text=operation.get("description", operation.get("summary", "")),
                group=next(iter(operation.get("tags", [])), "other"),
                parameters=tuple(_parameter(parameter) for parameter in operation.get("parameters", [])),
                body=tuple(operation.get("requestBody", {}).get("content", {})),
                example=samples[0]["source"] if samples else "",
                answers=tuple((code, answer["description"]) for code, answer in operation["responses"].items()),
            )


def _parameter(parameter: dict[str, Any]) -> ParameterGuide:
    schema = parameter.get("schema", {})
    return ParameterGuide(
        name=parameter["name"],
        place=parameter["in"],
        choices=_choices(schema),
        default="" if schema.get("default") in (None, "") else str(schema["default"]),
        description=parameter.get("description", schema.get("description", "")),
    )


def _choices(schema: dict[str, Any]) -> str:
    """`joint, clicks` for closed choices, `integer 1..10000` for numbers, else the type."""
    for option in (schema, *schema.get("anyOf", [])):
        if "enum" in option:
            return ", ".join(map(str, option["enum"]))
        if "minimum" in option:
            return f"{option['type']} {option['minimum']:g}..{option.get('maximum', '')}"
    return next((str(o["type"]) for o in (schema, *schema.get("anyOf", [])) if "type" in o), "")
