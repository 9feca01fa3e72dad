"""Only pushes from the platform's own subscriptions are accepted."""

import base64
import json

import pytest

from shared.http import push
from shared.http.push import PushMessage
from shared.http.responses import json_response
from shared.http.routes import PUSH, Context, Route
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ACCOUNT, AUDIENCE, ROWS, Signer


def answer(context: Context):
    return json_response({"by": context.sender})


@pytest.fixture
def signer(signer_and_url) -> Signer:
    return signer_and_url[0]


@pytest.fixture
def client(client_of, signer_and_url):
    return client_of(
        Route("POST", "/", answer, scope=PUSH),
        Route("POST", "/timed", answer, scope="rows", scheduled=True),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url=signer_and_url[1],
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_push_services_token_is_accepted(client, signer):
    response = client.post("/", headers=bearer(signer.token()))

    assert response.status_code == 200
    assert response.get_json() == {"by": ACCOUNT}


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"email_verified": False},
        {"email_verified": None},
        {"exp": 1_600_000_000, "iat": 1_599_996_400},
        {"iat": 4_000_000_000, "exp": 4_000_003_600},
        {"exp": None},
        {"iat": "soon"},
    ],
)
def test_a_token_with_a_wrong_claim_is_401(client, signer, claims):
    assert_problem(client.post("/", headers=bearer(signer.token(**claims))), 401, "push-refused")


def test_a_token_of_another_account_is_403(client, signer):
    response = client.post("/", headers=bearer(signer.token(email="eve@example.iam")))

    assert_problem(response, 403, "wrong-account")


def test_a_token_signed_by_another_key_is_401(client, signer):
    stranger = Signer()

    assert_problem(client.post("/", headers=bearer(stranger.token())), 401, "push-refused")


def test_a_token_without_signature_is_401(client, signer):
    head, claims, _ = signer.token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")

    for token in (
        f"{head}.{claims}.",
        f"{none}.{claims}.",
        f"{head}.{claims}.SIGNATURE_REMOVED_BY_GOOGLE",
        "a.b.c",
        "..",
    ):
        assert_problem(client.post("/", headers=bearer(token)), 401, "push-refused")


@pytest.mark.parametrize("headers", [{}, {"X-Token": ROWS}, {"Authorization": f"Bearer {ROWS}"}])
def test_an_api_token_does_not_authenticate_a_push(client, headers):
    assert_problem(client.post("/", headers=headers), 401, "push-refused")


def test_without_push_settings_a_push_is_refused_and_the_log_names_them(client_of, signer, capfd):
    client = client_of(Route("POST", "/", answer, scope=PUSH))

    response = client.post("/", headers=bearer(signer.token()))

    assert_problem(response, 401, "push-refused")
    assert "PUSH_AUDIENCE" in capfd.readouterr().err


def test_a_signature_removed_by_cloud_run_is_trusted_only_if_configured(client_of, signer_and_url):
    signer, url = signer_and_url
    client = client_of(
        Route("POST", "/", answer, scope=PUSH),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url=url,
        push_checked_by_iam=True,
    )

    def stripped(**claims: object) -> dict[str, str]:
        unsigned = signer.token(**claims).rpartition(".")[0]
        return bearer(f"{unsigned}.SIGNATURE_REMOVED_BY_GOOGLE")

    assert client.post("/", headers=stripped()).status_code == 200
    for claims in ({"aud": "x"}, {"exp": 1}, {"exp": None}, {"iat": None}, {"iss": "x"}):
        assert_problem(client.post("/", headers=stripped(**claims)), 401, "push-refused")
    assert_problem(client.post("/", headers=stripped(email="eve@x")), 403, "wrong-account")
    forged = Signer().token()
    assert_problem(client.post("/", headers=bearer(forged)), 401, "push-refused")


def test_a_scheduled_route_accepts_the_schedulers_identity_and_tokens(client, signer):
    assert client.post("/timed", headers=bearer(signer.token())).get_json() == {"by": ACCOUNT}
    assert client.post("/timed", headers={"X-Token": ROWS}).get_json() == {"by": "ann"}
    assert_problem(client.post("/timed", headers=bearer("a.b.c")), 401, "push-refused")
    assert_problem(client.post("/timed"), 401, "token-missing")


def test_certificates_are_cached_and_an_unknown_key_does_not_refetch_at_once(signer_and_url):
    signer, url = signer_and_url
    certificates = push.Certificates()
    before = signer.fetched

    for _ in range(3):
        assert "first" in certificates.having("first", url)
    once = signer.fetched - before
    certificates.having("unheard-of", url)

    assert once == 1
    assert signer.fetched - before == 1  # too soon after the last fetch to look for an unknown key


def test_a_push_is_to_be_retried_if_certificates_are_unreachable(client_of, signer, monkeypatch):
    monkeypatch.setattr(push, "_CERTIFICATES", push.Certificates())
    client = client_of(
        Route("POST", "/", answer, scope=PUSH),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url="http://127.0.0.1:9/certs",
    )

    response = client.post("/", headers=bearer(signer.token()))

    assert_problem(response, 503, "try-again")


def test_certificates_are_fetched_only_over_https_or_from_localhost():
    with pytest.raises(ValueError, match="https"):
        push.fetch_certificates("http://example.com/certs")
    with pytest.raises(ValueError, match="https"):
        push.fetch_certificates("file:///etc/passwd")


def received(client_of, body: bytes):
    found: list[PushMessage] = []

    def receive(context: Context):
        found.append(PushMessage.read(context.request))
        return json_response({})

    client = client_of(Route("POST", "/", receive, scope="rows"))
    response = client.post("/", data=body, headers={"X-Token": ROWS})
    return response, found


def test_a_wrapped_message_is_parsed(client_of):
    body = {
        "message": {
            "attributes": {"table": "jobs"},
            "data": base64.b64encode(b"\x00rows").decode(),
            "messageId": "17",
            "message_id": "17",
            "publishTime": "2026-01-02T03:04:05.678Z",
            "publish_time": "2026-01-02T03:04:05.678Z",
        },
        "deliveryAttempt": 3,
        "subscription": "projects/p/subscriptions/s",
    }

    _, found = received(client_of, json.dumps(body).encode())

    assert found == [
        PushMessage(b"\x00rows", {"table": "jobs"}, "17", "2026-01-02T03:04:05.678Z", 3)
    ]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"message": {"data": "%%"}}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_not_a_wrapped_message_is_400(client_of, body):
    response, found = received(client_of, body)

    assert_problem(response, 400, "not-a-push")
    assert found == []
