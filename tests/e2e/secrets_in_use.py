"""The secrets and the account number of these tests; none of them may appear where it does not belong."""

from __future__ import annotations

CLIENT_SECRET = "sampleclient/9f3b2a7c"
REFRESH = "samplerefresh+51d0c4e8"
SMTP_PASSWORD = 'samplemail"77\\aa\u00e9'
DATABASE_PASSWORD, REDIS_PASSWORD = "sampledatabase31", "sampleredis42"
DATABASE = f"postgresql+asyncpg://me:{DATABASE_PASSWORD}@db.example.com/senex"
REDIS = f"redis://:{REDIS_PASSWORD}@cache.example.com/0"
PHONE_KEY = "samplephone8d20e7"
PHONE = f"ntfy://{PHONE_KEY}/?priority=high"
ACCOUNT = "5WT98765"
