"""Routes of api_docs."""

from shared.http.descriptions import Answer
from shared.http.routes import PUBLIC, Route

DOCUMENT = Route(
    "GET",
    "/openapi.json",
    scope=PUBLIC,
    summary="This document",
    answers=(Answer(200, "An OpenAPI 3.1 document.", {"type": "object"}),),
    at_root=True,
)
PAGE = Route(
    "GET",
    "/docs",
    scope=PUBLIC,
    summary="A page to read this document and try its calls",
    answers=(Answer(200, "The page.", media_type="text/html"),),
    at_root=True,
)
ASSET = Route("GET", "/docs/<name>", scope=PUBLIC, at_root=True, documented=False)

ROUTES = (DOCUMENT, PAGE, ASSET)
