# The tap with the locked versions of requirements/runtime.txt. It writes Singer messages to standard output, and reads
# settings from the environment (--config=ENV) or from mounted files.
#
#   docker build --build-arg VERSION=1.2.3 --tag tap-smokeball .
# Dependabot updates the digest.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /build \
    && /build/bin/pip install --no-deps --require-hashes --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/tap-smokeball \
    && /build/bin/pip --python /opt/tap-smokeball/bin/python install --no-deps --only-binary :all: --require-hashes \
        --requirement requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY tap_smokeball tap_smokeball
# The build context has no git history, so the version is an argument.
ARG VERSION=0.0.0
RUN SETUPTOOLS_SCM_PRETEND_VERSION="$VERSION" /build/bin/python -m hatchling build --target wheel --directory /dist \
    && /build/bin/pip --python /opt/tap-smokeball/bin/python install --no-deps /dist/*.whl

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="tap-smokeball" \
    org.opencontainers.image.description="Singer tap for Smokeball" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="$VERSION"

# This user owns nothing in the image. It can write to /tmp and to mounted folders only.
RUN groupadd --system --gid 10001 tap && useradd --system --uid 10001 --gid tap --no-create-home --home-dir /tmp tap
COPY --from=build /opt/tap-smokeball /opt/tap-smokeball
ENV PATH=/opt/tap-smokeball/bin:$PATH PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /tmp
# The tap is process 1 and handles this signal: it exits with a state from which the next run resumes.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tap-smokeball"]
CMD ["--help"]
