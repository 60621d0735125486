"""Makes kuberay_crds.json from KubeRay's custom resource definitions (Apache-2.0), for a new version of them:

    python tests/deploy/reduce_kuberay_crds.py RAY_OPERATOR_CRD_FOLDER VERSION tests/deploy/kuberay_crds.json

Descriptions are left out and equal parts stand once, as `$defs`; an unknown field is an error, as for `kubectl apply
--validate=strict`.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import yaml

KINDS = ("rayclusters", "rayjobs", "rayservices")
MIN_SHARED = 200
"""Characters of a part from which on it stands once."""


def reduced(schema: Any, defs: dict[str, Any]) -> Any:
    """A schema without descriptions, its parts in `defs`."""
    kept = {name: value for name, value in schema.items() if name in ("type", "enum", "required", "pattern", "format")}
    if "properties" in schema:
        kept["properties"] = {name: reduced(value, defs) for name, value in schema["properties"].items()}
        kept["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields", False))
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = reduced(schema["additionalProperties"], defs)
    if "items" in schema:
        kept["items"] = reduced(schema["items"], defs)
    if schema.get("x-kubernetes-int-or-string"):
        kept["type"] = ["integer", "string"]
    text = json.dumps(kept, sort_keys=True)
    if len(text) < MIN_SHARED:
        return kept
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    defs[name] = kept
    return {"$ref": f"#/$defs/{name}"}


def main(folder: str, version: str, out: str) -> None:
    """Write the reduced schemas of all kinds."""
    defs: dict[str, Any] = {}
    kinds = {}
    for name in KINDS:
        crd = yaml.safe_load((Path(folder) / f"ray.io_{name}.yaml").read_text(encoding="utf-8"))
        served = next(each for each in crd["spec"]["versions"] if each["name"] == "v1")
        kinds[crd["spec"]["names"]["kind"]] = whole = dict(served["schema"]["openAPIV3Schema"])
        whole["properties"] = {k: v for k, v in whole["properties"].items() if k != "status"}
    content = {
        "source": f"ray-project/kuberay {version}, ray-operator/config/crd/bases, reduced",
        "licence": "Apache-2.0, Copyright the KubeRay authors",
        "kinds": {
            kind: {name: reduced(value, defs) for name, value in whole["properties"].items()}
            for kind, whole in kinds.items()
        },
        "$defs": defs,
    }
    Path(out).write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
