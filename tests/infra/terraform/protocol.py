"""Terraform's plugin protocol, version 5: the parts that a provider with only a schema needs.

Source of the names and numbers: hashicorp/terraform, docs/plugin-protocol/tfplugin5.proto.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "tfplugin5"
_TYPES = {"bytes": 12, "string": 9, "bool": 8, "int64": 3}

# The fields of each message by number. `*` is a list, `%` a map, a capitalised type a message.
_MESSAGES: dict[str, dict[int, str]] = {
    "DynamicValue": {1: "bytes msgpack", 2: "bytes json"},
    "Diagnostic": {
        1: "int64 severity",
        2: "string summary",
        3: "string detail",
        4: "Path attribute",
    },
    "Path": {1: "*Step steps"},
    "Step": {
        1: "string attribute_name",
        2: "string element_key_string",
        3: "int64 element_key_int",
    },
    "Attribute": {
        1: "string name",
        2: "bytes type",
        3: "string description",
        4: "bool required",
        5: "bool optional",
        6: "bool computed",
        7: "bool sensitive",
    },
    "NestedBlock": {
        1: "string type_name",
        2: "Block block",
        3: "int64 nesting",
        4: "int64 min_items",
        5: "int64 max_items",
    },
    "Block": {1: "int64 version", 2: "*Attribute attributes", 3: "*NestedBlock block_types"},
    "Schema": {1: "int64 version", 2: "Block block"},
    "Empty": {},
    "SchemaAnswer": {
        1: "Schema provider",
        2: "%Schema resource_schemas",
        3: "%Schema data_source_schemas",
        4: "*Diagnostic diagnostics",
    },
    "Prepare": {1: "DynamicValue config"},
    "PrepareAnswer": {1: "DynamicValue prepared_config", 2: "*Diagnostic diagnostics"},
    "Validate": {1: "string type_name", 2: "DynamicValue config"},
    "Diagnostics": {1: "*Diagnostic diagnostics"},
    "Configure": {1: "string terraform_version", 2: "DynamicValue config"},
    "Read": {1: "string type_name", 2: "DynamicValue config"},
    "ReadAnswer": {1: "DynamicValue state", 2: "*Diagnostic diagnostics"},
    "Plan": {1: "string type_name", 2: "DynamicValue prior_state", 3: "DynamicValue proposed"},
    "PlanAnswer": {
        1: "DynamicValue planned_state",
        4: "*Diagnostic diagnostics",
        5: "bool legacy_type_system",
    },
    "StopAnswer": {1: "string Error"},
}

METHODS = {
    "GetSchema": ("Empty", "SchemaAnswer"),
    "PrepareProviderConfig": ("Prepare", "PrepareAnswer"),
    "ValidateResourceTypeConfig": ("Validate", "Diagnostics"),
    "ValidateDataSourceConfig": ("Validate", "Diagnostics"),
    "Configure": ("Configure", "Diagnostics"),
    "ReadDataSource": ("Read", "ReadAnswer"),
    "PlanResourceChange": ("Plan", "PlanAnswer"),
    "Stop": ("Empty", "StopAnswer"),
}


def messages() -> dict[str, Any]:
    """A class for each message."""
    file = descriptor_pb2.FileDescriptorProto(name="tfplugin5.proto", package=_PACKAGE)
    file.syntax = "proto3"
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, words in fields.items():
            _add_field(message, number, words)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add_field(message: Any, number: int, words: str) -> None:
    kind, name = words.split()
    field = message.field.add(name=name, number=number, label=3 if kind[0] in "*%" else 1)
    bare = kind.lstrip("*%")
    if kind.startswith("%"):
        bare = f"{message.name}.{_add_entry(message, name, bare)}"
    if bare in _TYPES:
        field.type = _TYPES[bare]
    else:
        field.type, field.type_name = 11, f".{_PACKAGE}.{bare}"


def _add_entry(message: Any, name: str, value: str) -> str:
    """The message for an entry of a map: its key and value."""
    title = "".join(word.capitalize() for word in name.split("_")) + "Entry"
    entry = message.nested_type.add(name=title)
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=1, type=9)
    entry.field.add(name="value", number=2, label=1, type=11, type_name=f".{_PACKAGE}.{value}")
    return title
