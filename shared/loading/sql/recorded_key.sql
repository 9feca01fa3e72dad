-- Select what a key was first sent with, and when.
select body_sha256, created_at
from batch_keys
where batch_id = cast(:batch_id as uuid)
