"""The protobuf classes of google.pubsub.v1, as google-cloud-pubsub carries them."""

from typing import Any

from google.protobuf import empty_pb2
from google.pubsub_v1 import types

# A protobuf message: the classes behind the proto-plus types are made at run time, untyped.
Pb = Any

Empty: Pb = empty_pb2.Empty
Topic: Pb = types.Topic.pb()
GetTopicRequest: Pb = types.GetTopicRequest.pb()
UpdateTopicRequest: Pb = types.UpdateTopicRequest.pb()
PublishRequest: Pb = types.PublishRequest.pb()
PublishResponse: Pb = types.PublishResponse.pb()
ListTopicsRequest: Pb = types.ListTopicsRequest.pb()
ListTopicsResponse: Pb = types.ListTopicsResponse.pb()
ListTopicSubscriptionsRequest: Pb = types.ListTopicSubscriptionsRequest.pb()
ListTopicSubscriptionsResponse: Pb = types.ListTopicSubscriptionsResponse.pb()
DeleteTopicRequest: Pb = types.DeleteTopicRequest.pb()
DetachSubscriptionRequest: Pb = types.DetachSubscriptionRequest.pb()
DetachSubscriptionResponse: Pb = types.DetachSubscriptionResponse.pb()
Subscription: Pb = types.Subscription.pb()
GetSubscriptionRequest: Pb = types.GetSubscriptionRequest.pb()
UpdateSubscriptionRequest: Pb = types.UpdateSubscriptionRequest.pb()
ListSubscriptionsRequest: Pb = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse: Pb = types.ListSubscriptionsResponse.pb()
DeleteSubscriptionRequest: Pb = types.DeleteSubscriptionRequest.pb()
ModifyPushConfigRequest: Pb = types.ModifyPushConfigRequest.pb()
ModifyAckDeadlineRequest: Pb = types.ModifyAckDeadlineRequest.pb()
AcknowledgeRequest: Pb = types.AcknowledgeRequest.pb()
PullRequest: Pb = types.PullRequest.pb()
PullResponse: Pb = types.PullResponse.pb()
StreamingPullRequest: Pb = types.StreamingPullRequest.pb()
StreamingPullResponse: Pb = types.StreamingPullResponse.pb()
SeekRequest: Pb = types.SeekRequest.pb()
SeekResponse: Pb = types.SeekResponse.pb()
PubsubMessage: Pb = types.PubsubMessage.pb()
ReceivedMessage: Pb = types.ReceivedMessage.pb()


def seconds(duration: Pb) -> float:
    """A google.protobuf.Duration as seconds."""
    return float(duration.seconds) + float(duration.nanos) / 1e9
