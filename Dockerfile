# Pinned by tag, for want of a digest that somebody has checked: pin it (…@sha256:…) in your registry.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/purgebot

# Each wheel's hash is checked here, and below nothing is installed but these wheels.
COPY requirements/run.txt requirements/
RUN /build/bin/pip wheel -q --require-hashes --only-binary :all: -w /wheels -r requirements/run.txt \
    && /build/bin/pip install -q --no-index --find-links /wheels hatchling

# --build-arg EXTRAS=credentials: RAM roles, OIDC and profiles in place of keys.  One of the packages
# that it takes comes as source alone.
ARG EXTRAS=""
COPY requirements/credentials.txt requirements/setuptools.txt requirements/
RUN case "$EXTRAS" in "") ;; \
    credentials) /build/bin/pip install -q --require-hashes --only-binary :all: \
            -r requirements/setuptools.txt \
        && /build/bin/pip wheel -q --require-hashes --only-binary :all: --no-binary alibabacloud-tea \
            --no-build-isolation -w /wheels -r requirements/credentials.txt ;; \
    *) echo "EXTRAS may be credentials, not $EXTRAS" >&2; exit 1 ;; \
    esac

COPY pyproject.toml README.md LICENSE compose.yaml manifest.json manifest.yml ./
COPY .slack .slack
COPY assets assets
COPY bot bot
COPY deploy deploy
COPY examples examples
COPY handlers handlers
# The root is read-only later, so what Python would compile and keep is compiled now.  Unchecked:
# nothing here changes, and a copied file's time could make Python think that it did.
RUN /build/bin/pip wheel -q --no-index --no-deps --no-build-isolation -w /wheels . \
    && /build/bin/pip --python /opt/purgebot/bin/python install -q --no-compile --no-index \
        --find-links /wheels "purgebot${EXTRAS:+[$EXTRAS]}" \
    && /opt/purgebot/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/purgebot


FROM ${BASE}
LABEL org.opencontainers.image.title="Purgebot" \
    org.opencontainers.image.licenses="Apache-2.0"
# The base image comes without its compiled standard library, which costs a third
# of the time to start.
RUN python3 -c 'import compileall, os; \
        compileall.compile_dir(os.path.dirname(os.__file__), quiet=1, invalidation_mode= \
            compileall.py_compile.PycInvalidationMode.UNCHECKED_HASH)' \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/purgebot
COPY --from=build /opt/purgebot /opt/purgebot
# HOME: Slack's library asks for it when it is imported, and this user has no entry that tells.
ENV PATH=/opt/purgebot/bin:$PATH \
    HOME=/var/lib/purgebot \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PURGEBOT_DATABASE_URL=sqlite:////var/lib/purgebot/purgebot.sqlite3 \
    PURGEBOT_POLICY=/etc/purgebot/policy.yaml \
    PURGEBOT_HTTP_BIND=0.0.0.0:3000 \
    PURGEBOT_STATUS_BIND=0.0.0.0:9090
USER 10001:10001
EXPOSE 3000 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-ISc", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 9090, timeout=3); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["purgebot"]
CMD ["run"]
