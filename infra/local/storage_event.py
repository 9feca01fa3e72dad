"""The CloudEvent `object.v1.finalized` that Eventarc sends for a storage notification.

Google's notification has the object's whole resource. The storage stand-in leaves some fields
out; they are added here, so that a function sees no difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TYPE = "google.cloud.storage.object.v1.finalized"
# The HTTP binding of CloudEvents encodes all but printable ASCII, and also space, " and %.
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@dataclass(frozen=True)
class CloudEvent:
    """A CloudEvent in binary mode: headers and a JSON body."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]


def from_notification(
    message_id: str, published: str, attributes: Mapping[str, str], resource: Mapping[str, Any]
) -> CloudEvent:
    """Build the event for a notification.

    Args:
        message_id: the Pub/Sub message's id, which becomes the event's.
        published: when the message was published, in RFC 3339.
        attributes: bucketId, objectId, objectGeneration, eventType and eventTime.
        resource: the message's data, the object resource of the storage JSON API.
    """
    bucket, name = attributes["bucketId"], attributes["objectId"]
    body = _completed(resource, bucket, name, attributes["objectGeneration"], published)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": message_id,
        "ce-type": TYPE,
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        "ce-subject": encoded(f"objects/{name}"),
        "ce-time": str(body["timeCreated"]),
        "ce-bucket": bucket,
        "content-type": "application/json",
    }
    return CloudEvent(headers, body)


def encoded(value: str) -> str:
    """Encode a header's value as the HTTP binding of CloudEvents does."""
    return quote(value, safe=_PRINTABLE)


def _completed(
    resource: Mapping[str, Any], bucket: str, name: str, generation: str, published: str
) -> dict[str, Any]:
    created = resource.get("timeCreated", published)
    path = f"https://www.googleapis.com/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
    download = path.replace("/storage/v1/", "/download/storage/v1/")
    defaults = {
        "kind": "storage#object",
        "selfLink": path,
        "mediaLink": f"{download}?generation={generation}&alt=media",
        "contentType": "application/octet-stream",
        "timeCreated": created,
        "updated": created,
        "timeStorageClassUpdated": created,
        "storageClass": "STANDARD",
        "metageneration": "1",
    }
    fixed = {
        "id": f"{bucket}/{name}/{generation}",
        "name": name,
        "bucket": bucket,
        "generation": str(generation),
    }
    given = {field: value for field, value in resource.items() if value not in (None, "")}
    whole = {**defaults, **given, **fixed}
    for number in ("size", "metageneration"):
        if number in whole:
            whole[number] = str(whole[number])
    return whole
