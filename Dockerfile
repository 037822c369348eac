# Countersign in one image: `up` runs every process; DATABASE_URL and BROKER_URL point it at servers of yours.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap git tini util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /srv/countersign countersign

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY app app
COPY approvals approvals
COPY incidents incidents
COPY integrations integrations
COPY knowledge knowledge
COPY templates templates
COPY manage.py pyproject.toml ./

USER countersign
ENV COUNTERSIGN_DATA_DIR=/srv/countersign/data PYTHONUNBUFFERED=1
VOLUME /srv/countersign
EXPOSE 8000 8001
# an init must reap: a killed database server would otherwise keep its number
ENTRYPOINT ["tini", "--", "python", "manage.py"]
CMD ["up", "--host", "0.0.0.0"]
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import os, sys; from app.launcher.ports import healthy; sys.exit(not healthy('127.0.0.1', 8000, os.environ.get('COUNTERSIGN_URL', '')))"]
