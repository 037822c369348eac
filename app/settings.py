"""The one settings file. Every value that differs between places is read from the environment (README, operate)."""

from __future__ import annotations

from pathlib import Path

import environ

from app.env import env_bool, env_int, env_list, env_secret, env_str

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env_str("COUNTERSIGN_DATA_DIR", str(BASE_DIR / ".countersign")))

# --- production profile: on unless COUNTERSIGN_DEBUG=1 ---------------------------------------------------------
DEBUG = env_bool("COUNTERSIGN_DEBUG", default=False)
SECRET_KEY = env_secret("COUNTERSIGN_SECRET_KEY", "insecure-only-for-commands-before-up" + "-" * 20)
URL = env_str("COUNTERSIGN_URL", "http://127.0.0.1:8000")
STREAM_URL = env_str("COUNTERSIGN_STREAM_URL", "")  # where browsers reach the event stream; empty: pages poll
HTTPS = URL.startswith("https://")
ALLOWED_HOSTS = env_list("COUNTERSIGN_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and env_bool("COUNTERSIGN_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0  # one year
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = env_bool("COUNTERSIGN_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "app.core.sessions"  # rows that know their person
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # seconds: one shift

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "ninja",  # its own copy of the API page, because the policy refuses a CDN
    "pgtrigger",
    "app.core",
    "integrations",
    "knowledge",
    "incidents",
    "approvals",
    "app",
]
MIDDLEWARE = [
    "app.core.http.CallerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "app.core.http.ErrorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "app.urls"
WSGI_APPLICATION = "app.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "app.context.console",
            ],
            "libraries": {"console": "app.templatetags.console"},
            "builtins": [
                "app.templatetags.console",
                "app.templatetags.entries",
                "django_htmx.templatetags.django_htmx",
            ],
        },
    }
]

# --- database --------------------------------------------------------------------------------------------------
_owner = env_str("COUNTERSIGN_OWNER_DATABASE_URL")  # set for migrate alone
DATABASES = {"default": environ.Env.db_url_config(_owner or env_str("DATABASE_URL", "postgresql:///countersign"))}
DATABASES["default"].update(CONN_MAX_AGE=0, ATOMIC_REQUESTS=False)
if env_bool("COUNTERSIGN_DB_POOL", default=False):  # web processes only: pool children of Celery open their own
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 2, "max_size": 10, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "incidents"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

SETUP_TOKEN = env_secret("COUNTERSIGN_SETUP_TOKEN", "")  # lets the first administrator in, printed by `up`
DECIDE_BY_TOKEN = env_bool("COUNTERSIGN_DECIDE_BY_TOKEN", default=False)  # DESIGN section 3: on in the demo alone

OIDC_ISSUER = env_str("COUNTERSIGN_OIDC_ISSUER")  # the organisation's own sign-in, as it names itself
OIDC_CLIENT_ID = env_str("COUNTERSIGN_OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env_secret("COUNTERSIGN_OIDC_CLIENT_SECRET", "")
OIDC_LABEL = env_str("COUNTERSIGN_OIDC_LABEL", "your organisation")
OIDC_DOMAINS = env_list("COUNTERSIGN_OIDC_DOMAINS")  # of e-mail addresses by which an invited person is known there

# --- words and time --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files and content security policy ------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "app" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "connect-src": ["'self'", *([STREAM_URL] if STREAM_URL else [])],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
}

# --- keys of our own -------------------------------------------------------------------------------------------
INBOUND_KEYS = env_list("COUNTERSIGN_INBOUND_KEYS")  # Fernet, the first encrypts: secrets that web may read
AUDIT_KEY = env_secret("COUNTERSIGN_AUDIT_KEY", "")  # marks each audit record as written by us
VAULT_PUBLIC_KEY = env_str("COUNTERSIGN_VAULT_PUBLIC_KEY")
VAULT_PRIVATE_KEY = env_secret("COUNTERSIGN_VAULT_PRIVATE_KEY", "")  # gateway and worker-act only
GATEWAY_URL = env_str("COUNTERSIGN_GATEWAY_URL", "http://127.0.0.1:8002")
GATEWAY_KEY = env_secret("COUNTERSIGN_GATEWAY_KEY", "")  # signs grants

MODEL = env_str("COUNTERSIGN_MODEL")  # provider:name, in place of the model under Settings › Models
SANDBOX = env_str("COUNTERSIGN_SANDBOX", "bubblewrap")  # or off: an administrator's own choice, on every diagnosis

# --- work ------------------------------------------------------------------------------------------------------
BROKER_URL = env_str("BROKER_URL", "redis://127.0.0.1:6379/0")
LEASE_S = env_int("COUNTERSIGN_LEASE_S", 20, least=1)
HEARTBEAT_S = env_int("COUNTERSIGN_HEARTBEAT_S", 5, least=1)
SWEEP_S = env_int("COUNTERSIGN_SWEEP_S", 5, least=1)

# --- messages to people ----------------------------------------------------------------------------------------
EMAIL_HOST = env_str("COUNTERSIGN_SMTP_HOST")
EMAIL_FILE_PATH = DATA_DIR / "mail"  # until a server is named, mail is written here, one file each
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_PORT = env_int("COUNTERSIGN_SMTP_PORT", 25)
EMAIL_HOST_USER = env_str("COUNTERSIGN_SMTP_USER")
EMAIL_HOST_PASSWORD = env_secret("COUNTERSIGN_SMTP_PASSWORD", "")
EMAIL_USE_TLS = env_bool("COUNTERSIGN_SMTP_TLS", default=False)
DEFAULT_FROM_EMAIL = env_str("COUNTERSIGN_MAIL_FROM", "countersign@localhost")
EMAIL_TIMEOUT = 10  # seconds
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024  # bytes: a large dbt manifest; doors have caps of their own

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env_str("COUNTERSIGN_LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}},  # a line for each request says nothing to an operator
}
