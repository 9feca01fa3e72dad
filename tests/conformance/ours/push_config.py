"""The configuration of a push subscription, for several tests."""

ACCOUNT = "push@tablegate-local.iam.gserviceaccount.com"


def pushing(endpoint, minimum: float = 0.2, maximum: float = 10.0, **more):
    """The configuration of a push subscription with a short backoff."""
    backoffs = {"minimum_backoff": minimum, "maximum_backoff": maximum}
    retry = {name: {"nanos": int(s % 1 * 1e9), "seconds": int(s)} for name, s in backoffs.items()}
    return {"push_config": {"push_endpoint": endpoint.url}, "retry_policy": retry} | more
