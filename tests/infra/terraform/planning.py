"""Makes up what Google would answer: a value for every computed attribute.

With these values a plan is complete: every reference is resolved and every loop unrolled, so rules
can check the planned resources instead of the text of the files.
"""

from typing import Any

_SIMPLE: dict[str, Any] = {"number": 0, "bool": False}
# Attributes that may hold a resource's name, the most specific first.
_NAMES = ("account_id", "secret_id", "dataset_id", "repository_id", "api_id", "name", "service")


def completed(kind: str, block: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The given values, with all computed attributes filled in."""
    name = next((given[key] for key in _NAMES if isinstance(given.get(key), str)), "the")
    return _filled(f"{kind}/{name}", _special(kind, name), block, given)


def _filled(
    path: str, special: dict[str, Any], block: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    found = dict(given)
    for name, attribute in block["attributes"].items():
        if attribute.get("computed") and found.get(name) is None:
            made = special.get(name) or _SIMPLE.get(str(attribute["type"]), f"{path}/{name}")
            found[name] = made if isinstance(attribute["type"], str) else None
    for name, nested in block["blocks"].items():
        inside = found.get(name)
        if isinstance(inside, list):
            found[name] = [_filled(f"{path}/{name}", special, nested, item) for item in inside]
    return found


def _special(kind: str, name: str) -> dict[str, Any]:
    email = f"{name}@example.iam.gserviceaccount.com"
    if kind == "google_project_service_identity":
        email = f"agent-{name}".replace(".", "-") + "@example.iam.gserviceaccount.com"
    if kind == "google_cloudfunctions2_function":
        return {"uri": f"https://{name}.example.run.app"}
    if kind == "google_project":
        return {"number": "123456789012"}
    if kind == "google_sql_database_instance":
        return {"connection_name": f"example:region:{name}"}
    return {"email": email, "email_address": email, "member": f"serviceAccount:{email}"}
