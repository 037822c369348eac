"""The product's own settings on servers and keys of the tests; read before any conftest, so they start here."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.server import embedded_postgres, embedded_valkey

HOME = Path(tempfile.mkdtemp(prefix="countersign-tests-"))
SERVER = embedded_postgres(HOME)
atexit.register(SERVER.stop)
VALKEY, BELLS = embedded_valkey(HOME)
atexit.register(VALKEY.wait)
atexit.register(VALKEY.kill)  # before the wait: the last registered is the first called
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # because a run that is called off must clean up as well
for name in [name for name in os.environ if name.startswith("COUNTERSIGN_")]:
    del os.environ[name]  # because a developer's own environment must not decide a test
os.environ.update(
    DATABASE_URL=SERVER.url("countersign"),
    BROKER_URL=BELLS,
    COUNTERSIGN_DATA_DIR=str(HOME / "data"),
    COUNTERSIGN_SECRET_KEY="only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    COUNTERSIGN_AUDIT_KEY="test-audit-key",
    COUNTERSIGN_INBOUND_KEYS="c2lnbi1pbi10ZXN0cy1zaWduLWluLXRlc3RzLTAwMDE=",
    COUNTERSIGN_GATEWAY_KEY="test-gateway-key",
    COUNTERSIGN_VAULT_PUBLIC_KEY="t5W8RdqHanNNTdkqZ+Tbzvq0S7mejRWvtSrq6Awpagw=",
    COUNTERSIGN_VAULT_PRIVATE_KEY="XV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=",
    COUNTERSIGN_LEASE_S="5",
    COUNTERSIGN_HEARTBEAT_S="1",
    COUNTERSIGN_SWEEP_S="1",
    COUNTERSIGN_HOSTS="127.0.0.1,localhost,testserver",
)
(HOME / "data" / "static").mkdir(parents=True)

from app.settings import *  # noqa: E402, F403

# No manifest: it would need `collectstatic` before every run.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nobody's password is in a test
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
