# Meltano with the tap and the loader for Postgres. deploy/compose.yml runs it.
# Dependabot updates the digest.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /project
COPY requirements/demo.txt requirements/target-postgres.txt requirements/
RUN python -m venv /opt/meltano \
    && /opt/meltano/bin/pip install --no-deps --only-binary :all: --require-hashes --requirement requirements/demo.txt
ENV PATH=/opt/meltano/bin:$PATH PYTHONUNBUFFERED=1

COPY meltano.yml pyproject.toml README.md LICENSE ./
COPY tap_smokeball tap_smokeball
COPY deploy/run-every.sh /usr/local/bin/run-every
# The build context has no git history, so the version is an argument.
ARG VERSION=0.0.0
RUN SETUPTOOLS_SCM_PRETEND_VERSION="$VERSION" meltano install tap-smokeball target-postgres \
    && groupadd --system --gid 10001 tap && useradd --system --uid 10001 --gid tap --no-create-home --home-dir /tmp tap \
    && mkdir /state && chown -R tap:tap .meltano /state

USER 10001:10001
# Meltano stores what ran here, and the configuration during a run.
VOLUME /state
ENV MELTANO_STATE_BACKEND_URI=file:///state
STOPSIGNAL SIGTERM
ENTRYPOINT ["run-every"]
CMD ["meltano", "--env-file", "/dev/null", "run", "--no-install", "tap-smokeball", "target-postgres"]
