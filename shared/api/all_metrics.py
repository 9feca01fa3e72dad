"""The calls of all metrics, for the OpenAPI document; a metric's function imports only its own."""

from shared.api import metrics
from shared.metrics import all_metrics

ROUTES = {
    name: routes
    for metric in all_metrics().values()
    for name, routes in metrics.routes(metric).items()
}
