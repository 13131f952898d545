# paddock/control-plane: `paddock up` as PID 1. Built by scripts/images.sh and by docker-compose.yml.
# Base: python:3.x-slim, or paddock/base-debian-python where no registry answers (scripts/base-images.sh decides).
ARG PYTHON_BASE_IMAGE=python:3.13-slim

# A stage of its own, and so a layer of its own in the end: a change of our source neither fetches the dependencies
# again nor stores them again.
FROM ${PYTHON_BASE_IMAGE} AS dependencies
# scripts/uv.sh takes its version from this line.
ARG UV_VERSION=0.13.9
COPY runtime-images/build-ca/ /build/ca/
RUN . /build/ca/trust.sh \
    && python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --target /opt/uv "uv==${UV_VERSION}"
ENV UV_PROJECT_ENVIRONMENT=/opt/paddock \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /src
COPY pyproject.toml uv.lock ./
RUN . /build/ca/trust.sh && /opt/uv/bin/uv sync --frozen --no-dev --no-install-project

FROM dependencies AS build
COPY README.md ./
COPY orchestrator/ orchestrator/
RUN . /build/ca/trust.sh && /opt/uv/bin/uv build --quiet --wheel --out-dir /build/wheel

FROM ${PYTHON_BASE_IMAGE}
LABEL org.opencontainers.image.title="Paddock" \
      org.opencontainers.image.description="Your own AWS Lambda, on the Docker you already have." \
      org.opencontainers.image.licenses="Apache-2.0"
# python:3.x-slim comes without the standard library's .pyc files, and the root is read-only: every start, and every
# health check, would compile it again. (lib2to3's tests do not compile, on purpose.)
RUN stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))'); \
    python3 -m compileall -q "$stdlib" || true
COPY --from=dependencies /opt/paddock /opt/paddock
COPY --from=build /build/wheel/ /build/wheel/
RUN python3 -m pip --python /opt/paddock/bin/python install --quiet --no-deps --no-index --no-cache-dir \
        --disable-pip-version-check --root-user-action=ignore /build/wheel/*.whl
ENV PATH=/opt/paddock/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PADDOCK_DATA_DIR=/var/lib/paddock \
    PADDOCK_HOST=0.0.0.0
EXPOSE 4574
# A bare socket: no proxy setting is followed, and it starts in 20 ms.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-ISc", "import socket; s = socket.create_connection(('127.0.0.1', 4574), 4); s.sendall(b'GET /readyz HTTP/1.0\\r\\nHost: 127.0.0.1:4574\\r\\n\\r\\n'); raise SystemExit(b' 200 ' not in s.recv(64))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["paddock"]
CMD ["up"]
