-- Select what a key was first sent with, when, and by whom (null for one of before version 0002).
select sender, body_sha256, created_at
from batch_keys
where batch_id = cast(:batch_id as uuid)
