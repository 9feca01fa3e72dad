"""Only pushes from the platform's own subscriptions are accepted."""

import base64
import json
import time
from functools import partial

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from shared.http import push
from shared.http.push import PushMessage
from shared.http.responses import json_response
from shared.http.routes import PUSH, Context, Route
from shared.settings import Settings
from tests.support.problems import assert_problem
from tests.unit.http.conftest import ACCOUNT, AUDIENCE, ROWS, Signer


def answer(context: Context):
    return json_response({"by": context.sender})


@pytest.fixture
def signer(signer_and_url) -> Signer:
    return signer_and_url[0]


@pytest.fixture(scope="module")
def stranger() -> Signer:
    """Somebody else's key; to make one takes a second."""
    return Signer()


@pytest.fixture
def client_with(client_of, signer_and_url):
    """Makes clients of a function that takes pushes, with more settings."""
    return partial(
        client_of,
        Route("POST", "/", answer, scope=PUSH),
        Route("POST", "/timed", answer, scope="rows", scheduled=True),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url=signer_and_url[1],
    )


@pytest.fixture
def client(client_with):
    return client_with()


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


def test_a_token_signed_by_another_key_is_401(client, stranger):
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


@pytest.fixture
def on_cloud_run(client_with):
    """A client of a function behind Cloud Run, which removes signatures."""
    return client_with(push_checked_by_iam=True)


def unsigned(signer: Signer, **claims: object) -> dict[str, str]:
    return bearer(f"{signer.token(**claims).rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE")


def test_a_signature_removed_by_cloud_run_is_trusted_only_if_configured(
    on_cloud_run, signer, stranger
):
    client = on_cloud_run

    assert client.post("/", headers=unsigned(signer)).status_code == 200
    for claims in ({"aud": "x"}, {"exp": 1}, {"exp": None}, {"iat": None}, {"iss": "x"}):
        assert_problem(client.post("/", headers=unsigned(signer, **claims)), 401, "push-refused")
    assert_problem(client.post("/", headers=unsigned(signer, email="eve@x")), 403, "wrong-account")
    assert_problem(client.post("/", headers=bearer(stranger.token())), 401, "push-refused")


@pytest.mark.parametrize("path", ["/", "/timed"])
@pytest.mark.parametrize("identity", ["", "Bearer x", "Bearer a.b.SIGNATURE_REMOVED_BY_GOOGLE"])
def test_nobody_believes_authorization_beside_an_identity_that_cloud_run_checks(
    on_cloud_run, signer, stranger, path, identity
):
    forged = {**unsigned(stranger), "X-Serverless-Authorization": identity}

    assert on_cloud_run.post(path, headers=unsigned(signer)).get_json() == {"by": ACCOUNT}
    assert_problem(on_cloud_run.post(path, headers=forged), 401, "push-refused")


def test_a_token_beside_an_identity_that_cloud_run_checks_is_accepted(on_cloud_run):
    identity = {"X-Serverless-Authorization": "Bearer a.b.SIGNATURE_REMOVED_BY_GOOGLE"}

    for token in ({"X-Token": ROWS}, bearer(ROWS)):
        answered = on_cloud_run.post("/timed", headers={**identity, **token})
        assert answered.get_json() == {"by": "ann"}


def test_a_scheduled_route_accepts_tokens_that_api_gateway_has_moved(on_cloud_run, signer):
    gateway = unsigned(signer, email="gateway@example.iam")
    moved = {"X-Forwarded-Authorization": f"Bearer {ROWS}"}
    wrong = {"X-Forwarded-Authorization": "Bearer nonsense"}

    assert on_cloud_run.post("/timed", headers={**gateway, **moved}).get_json() == {"by": "ann"}
    assert_problem(on_cloud_run.post("/timed", headers={**gateway, **wrong}), 401, "token-refused")
    assert_problem(on_cloud_run.post("/timed", headers=gateway), 401, "token-missing")


def test_the_identity_of_api_gateway_is_no_token(client_of):
    client = client_of(Route("GET", "/", answer, scope="rows"))

    answered = client.get("/", headers=bearer("a.b.SIGNATURE_REMOVED_BY_GOOGLE"))

    assert_problem(answered, 401, "token-missing")


def test_a_scheduled_route_accepts_the_schedulers_identity_and_tokens(client, signer):
    assert client.post("/timed", headers=bearer(signer.token())).get_json() == {"by": ACCOUNT}
    assert client.post("/timed", headers={"X-Token": ROWS}).get_json() == {"by": "ann"}
    assert_problem(client.post("/timed", headers=bearer("a.b.c")), 401, "push-refused")
    assert_problem(client.post("/timed"), 401, "token-missing")


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


# Who may push, to the second and to the letter


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
def test_both_of_googles_names_for_itself_open(client, signer, issuer):
    assert client.post("/", headers=bearer(signer.token(iss=issuer))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": ""},
        {"iss": "http://accounts.google.com"},
        {"iss": "https://accounts.google.com.evil.example"},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"aud": ["another"]},
        {"aud": AUDIENCE.upper()},
    ],
)
def test_a_claim_that_only_looks_right_is_401(client, signer, claims):
    assert_problem(client.post("/", headers=bearer(signer.token(**claims))), 401, "push-refused")


@pytest.mark.parametrize("email", [None, "", ACCOUNT.upper(), f"{ACCOUNT}.evil.example"])
def test_an_account_that_only_looks_right_is_403(client, signer, email):
    assert_problem(
        client.post("/", headers=bearer(signer.token(email=email))), 403, "wrong-account"
    )


@pytest.mark.parametrize(
    ("begun", "ends", "status"),
    [
        (0, 1, 200),
        (5, 3600, 200),
        (-3600, -2, 200),
        (25, 3600, 401),
        (-3600, -25, 401),
    ],
)
@pytest.mark.parametrize("stripped", [False, True])
def test_clocks_may_differ_by_ten_seconds(client_of, signer_and_url, begun, ends, status, stripped):
    signer, url = signer_and_url
    client = client_of(
        Route("POST", "/", answer, scope=PUSH),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url=url,
        push_checked_by_iam=True,
    )
    # Fetches the certificates, so that no time passes between the two next lines.
    assert client.post("/", headers=bearer(signer.token())).status_code == 200
    now = int(time.time())
    token = signer.token(iat=now + begun, exp=now + ends)
    if stripped:
        token = f"{token.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"

    assert client.post("/", headers=bearer(token)).status_code == status


@pytest.mark.parametrize(
    "form", ["{}", "Basic {}", "Token {}", "Bearer", "Bearer {}.more", "Bearer x{}"]
)
def test_a_token_sent_in_another_form_is_401(client, signer, form):
    header = {"Authorization": form.format(signer.token())}

    assert_problem(client.post("/", headers=header), 401, "push-refused")


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", " Bearer {} "])
def test_the_scheme_may_be_written_in_any_case(client, signer, form):
    header = {"Authorization": form.format(signer.token())}

    assert client.post("/", headers=header).status_code == 200


@pytest.mark.parametrize("missing", ["push_audience", "push_account"])
def test_one_setting_of_two_is_not_enough(client_of, signer_and_url, missing):
    signer, url = signer_and_url
    told = {"push_audience": AUDIENCE, "push_account": ACCOUNT, "push_certs_url": url}
    client = client_of(Route("POST", "/", answer, scope=PUSH), **{**told, missing: ""})

    response = client.post("/", headers=bearer(signer.token()))

    assert_problem(response, 401, "push-refused")


@pytest.fixture
def event_client(signer_and_url):
    """Makes a client of a function that takes events, which has no FunctionApp."""

    def make(url: str = signer_and_url[1]) -> FlaskClient:
        settings = Settings(push_audience=AUDIENCE, push_account=ACCOUNT, push_certs_url=url)
        app = Flask("events")
        app.add_url_rule(
            "/", view_func=lambda: push.admit(request, settings) or "admitted", endpoint="take"
        )
        return app.test_client()

    return make


def test_an_event_of_the_push_service_is_admitted(event_client, signer, capfd):
    response = event_client().get("/", headers=bearer(signer.token()))

    assert response.text == "admitted"
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize(
    ("claims", "status", "slug", "refused"),
    [
        ({"iss": "https://evil.example"}, 401, "push-refused", "push: issuer"),
        ({"email": "eve@example.iam"}, 403, "wrong-account", "wrong account"),
    ],
)
def test_an_event_of_another_sender_is_answered_like_a_push_and_logged(
    event_client, signer, capfd, claims, status, slug, refused
):
    response = event_client().get("/", headers=bearer(signer.token(**claims)))

    assert_problem(response, status, slug)
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    line = json.loads(capfd.readouterr().out)
    assert (line["severity"], line["status"]) == ("WARNING", status)
    assert line["refused"].startswith(refused)


def test_an_event_is_to_be_sent_again_if_certificates_are_unreachable(event_client, signer):
    client = event_client("http://127.0.0.1:9/certs")

    response = client.get("/", headers=bearer(signer.token()))

    assert_problem(response, 503, "try-again")
    assert int(response.headers["Retry-After"]) > 0


def test_a_token_of_the_platform_goes_before_the_identity_next_to_it(client, signer):
    """Behind IAM, Authorization carries the caller's identity token; X-Token says who calls."""
    both = {"X-Token": ROWS, **bearer(signer.token())}

    assert client.post("/timed", headers=both).get_json() == {"by": "ann"}
    assert client.post("/timed", headers={**both, "X-Token": "wrong"}).status_code == 401
    assert client.post("/", headers=both).get_json() == {"by": ACCOUNT}


@pytest.mark.parametrize("given", [ROWS, "one.dot", "three.dots.are.many", ""])
def test_what_is_no_identity_is_taken_for_a_token_of_the_platform(client, given):
    response = client.post("/timed", headers=bearer(given))

    if given == ROWS:
        assert response.get_json() == {"by": "ann"}
    else:
        assert_problem(response, 401, "token-refused" if given else "token-missing")


def test_a_route_without_schedule_takes_no_identity(client_of, signer):
    client = client_of(
        Route("POST", "/", answer, scope="rows"), push_audience=AUDIENCE, push_account=ACCOUNT
    )

    response = client.post("/", headers=bearer(signer.token()))

    assert_problem(response, 401, "token-refused")


@pytest.mark.parametrize("told", [True, False])
def test_only_a_signature_that_cloud_run_took_away_may_be_missing(client_of, signer_and_url, told):
    signer, url = signer_and_url
    client = client_of(
        Route("POST", "/", answer, scope=PUSH),
        push_audience=AUDIENCE,
        push_account=ACCOUNT,
        push_certs_url=url,
        push_checked_by_iam=told,
    )
    kept, _, signature = signer.token().rpartition(".")

    def status(end):
        return client.post("/", headers=bearer(f"{kept}.{end}")).status_code

    assert status("SIGNATURE_REMOVED_BY_GOOGLE") == (200 if told else 401)
    assert status(signature) == 200
    for end in (
        "",
        "x",
        "SIGNATURE_REMOVED",
        "SIGNATURE_REMOVED_BY_GOOGLE.",
        "signature_removed_by_google",
    ):
        assert status(end) == 401


def test_a_refusal_is_challenged_and_says_nothing_of_the_reason(client, signer):
    refused = client.post("/", headers=bearer(signer.token(aud="another")))
    stranger = client.post("/", headers=bearer(signer.token(email="eve@example.iam")))

    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="tablegate push", error="invalid_token"'
    )
    assert stranger.headers["WWW-Authenticate"] == (
        'Bearer realm="tablegate push", error="insufficient_scope"'
    )
    assert "aud" not in refused.get_data(as_text=True)
