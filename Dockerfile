# syntax=docker/dockerfile:1

# What installs stays behind in this stage: pip, its cache, the build tool.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/parley
WORKDIR /build
# The libraries first, as they change seldom: exactly the files whose hashes the lock names.
COPY requirements-runtime.lock .
RUN pip --python /opt/parley install --only-binary :all: --require-hashes -r requirements-runtime.lock
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY gateway gateway
COPY queries queries
COPY migrations migrations
# The build tool in the locked version, too. (pip takes a constraint's hash for a
# demand that the checkout itself have one, so it gets the version alone.)
RUN sed -n 's/^\([a-z0-9.-]*==[^ ]*\).*/\1/p' requirements.lock > constraints.txt \
 && PIP_CONSTRAINT=constraints.txt pip wheel --no-deps --wheel-dir wheels . \
 && pip --python /opt/parley install --no-deps wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --no-create-home --uid 10001 parley
COPY --from=build /opt/parley /opt/parley
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000
USER parley
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=5 \
    CMD ["python", "-c", "import os, urllib.request as http; http.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=4)"]

CMD ["gateway", "serve"]
