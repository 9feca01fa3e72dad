"""Writes the schema for the tests' provider: the arguments and blocks of the types in infra/gcp.

Google's provider needs the network, but we can get its schema without it: CDK for Terraform
generates its classes from the schema. If infra/gcp uses a new type, update `schema.json.gz`:

    pip download --no-deps cdktf-cdktf-provider-google{,-beta}==16.12.1
    python -m tests.infra.terraform.extract *.whl

The classes don't say which arguments are computed if they are not given, which ones exclude each
other, or the maximum number of blocks if that is more than one.
"""

import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GCP = Path(__file__).resolve().parents[3] / "infra" / "gcp"
SCHEMA = Path(__file__).with_name("schema.json.gz")

# Types that our rules forbid, and that a test adds to check this.
REFUSED = {("resource", "google_service_account_key")}
# In every resource: optional arguments that are computed if they are not given.
_ALWAYS_KNOWN = {"id", "project"}
_SIMPLE = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
}
_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_GETTER = re.compile(
    r"^    get (\w+)\(\) \{\n(?:        //[^\n]*\n)*        return ([^\n]*)\n", re.MULTILINE
)
_ATTRIBUTE = re.compile(r"this\.get(\w+)Attribute\('(\w+)'\)")
_NESTED = re.compile(r'this\._(\w+) = new (cdktf\.)?(\w+)\(this, "(\w+)"(?:, (true|false))?\)')
_ENUM = re.compile(r"Possible values: \[([^\]]*)\].*?\*/\s*readonly (\w+)\??:", re.DOTALL)
_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_KIND = re.compile(
    r'(\w+): \{\n\s+value: [^\n]*\n\s+isBlock: (\w+),\n[^\n]*\n\s+storageClassType: "(\w+)"'
)
_WRITTEN = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringMap": ["map", "string"],
    "stringList": ["list", "string"],
}


def main(wheels: list[str]) -> None:
    """Read the wheels and write the schema."""
    wanted = used(GCP) | REFUSED
    found: dict[str, Any] = {}
    for wheel in wheels:
        name = "google-beta" if "google_beta" in wheel else "google"
        # If both providers have a type, google's counts.
        wanted -= {(kind, type_) for of in found.values() for kind in of for type_ in of[kind]}
        found[name] = {"provider": {}, "resource": {}, "data": {}}
        for folder, files in _folders(Path(wheel)):
            kind = "data" if folder.startswith("data-google") else "resource"
            type_ = _type(files["index.js"])
            if folder == "provider":
                own = _of_provider(files["index.js"])
                found[name]["provider"] = {"attributes": own, "blocks": {}}
            elif (kind, type_) in wanted:
                found[name][kind][type_] = _read(files["index.js"], files["index.d.ts"])
    text = json.dumps(found, sort_keys=True, separators=(",", ":")).encode()
    SCHEMA.write_bytes(gzip.compress(text, mtime=0))
    print(f"{SCHEMA.name}: {len(SCHEMA.read_bytes())} bytes")


def used(folder: Path) -> set[tuple[str, str]]:
    """The kinds and types of all blocks in the files of a folder."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.tf")))
    return set(re.findall(r'^(resource|data) "(\w+)"', text, re.MULTILINE))


def _folders(wheel: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = [name for name in archive.namelist() if name.endswith(".tgz")]
        packed = io.BytesIO(archive.read(inner))
    files: dict[str, dict[str, str]] = {}
    with tarfile.open(fileobj=packed) as package:
        for member in package:
            parts = Path(member.name).parts
            if len(parts) == 4 and parts[1] == "lib" and parts[3] in ("index.js", "index.d.ts"):
                handle = package.extractfile(member)
                assert handle is not None
                pair = files.setdefault(parts[2], {})
                pair[parts[3]] = handle.read().decode().split("\n//# sourceMappingURL")[0]
                if len(pair) == 2:
                    yield parts[2], files.pop(parts[2])


def _type(code: str) -> str:
    found = re.search(r'tfResourceType = "(\w+)"', code)
    return found[1] if found else ""


def _read(code: str, declared: str) -> dict[str, Any]:
    classes = {name: (base, body) for name, base, body in _CLASS.findall(code)}
    (top,) = [
        name
        for name, (base, _) in classes.items()
        if base in ("TerraformResource", "TerraformDataSource")
    ]
    values = {name: dict(_enums(body)) for name, body in _INTERFACE.findall(declared)}
    return _block(top, classes, values, values.get(f"{top}Config", {}))


def _enums(body: str) -> Iterator[tuple[str, list[str]]]:
    for comment in re.finditer(r"/\*\*(?:(?!\*/).)*\*/\s*readonly \w+\??:", body, re.DOTALL):
        if found := _ENUM.search(comment[0]):
            yield found[2], re.findall(r'"([^"]+)"', found[1])


def _block(name: str, classes: Any, values: Any, enums: dict[str, list[str]]) -> dict[str, Any]:
    _, body = classes[name]
    nested = {field: rest for field, *rest in _NESTED.findall(body)}
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for getter, returned in _GETTER.findall(body):
        use = _use(body, getter)
        if simple := _ATTRIBUTE.search(returned):
            attributes[simple[2]] = _attribute(simple[1], returned, simple[2], use)
            if getter in enums:
                attributes[simple[2]]["values"] = enums[getter]
        elif returned.startswith("this._") and (given := nested.get(returned[6:-1])):
            _nested(given, use, attributes, blocks, classes, values)
    return {"attributes": attributes, "blocks": blocks}


def _use(body: str, getter: str) -> str:
    capital = getter[0].upper() + getter[1:]
    if f"    set {getter}(" not in body and f"    put{capital}(" not in body:
        return "computed"
    return "optional" if f"    reset{capital}(" in body else "required"


def _of_provider(code: str) -> dict[str, Any]:
    """A provider's own arguments, all optional, without the addresses of services."""
    written = code[code.index("synthesizeHclAttributes() {") :]
    return {
        name: {"type": _WRITTEN[kind], "optional": True}
        for name, is_block, kind in _KIND.findall(written)
        if is_block == "false" and name != "alias" and not name.endswith("_endpoint")
    }


def _attribute(kind: str, returned: str, name: str, use: str) -> dict[str, Any]:
    found: Any = _SIMPLE[kind]
    if kind == "List" and "Fn.tolist" in returned:
        found = ["set", "string"]
    attribute: dict[str, Any] = {"type": found, use: True}
    if name in _ALWAYS_KNOWN and use == "optional":
        attribute["computed"] = True
    return attribute


def _nested(
    given: list[str], use: str, attributes: Any, blocks: Any, classes: Any, values: Any
) -> None:
    of_cdktf, kind, name, is_set = given
    if of_cdktf:
        attributes[name] = {"type": _SIMPLE.get(kind, ["map", "string"]), use: True}
        return
    element, single = kind, classes[kind][0] == "ComplexObject"
    if not single:
        element = re.search(r"return new (\w+)\(", classes[kind][1])[1]  # type: ignore[index]
    inner = _block(
        element, classes, values, values.get(element.removesuffix("OutputReference"), {})
    )
    if use == "computed":
        attributes[name] = {"type": ["list", _object(inner)], use: True}
        return
    blocks[name] = {
        **inner,
        "nesting": "single" if name == "timeouts" else "set" if is_set == "true" else "list",
        "min": int(use == "required"),
        "max": int(single and name != "timeouts"),
    }


def _object(inner: Any) -> Any:
    return ["object", {name: one["type"] for name, one in inner["attributes"].items()}]


if __name__ == "__main__":
    main(sys.argv[1:])
