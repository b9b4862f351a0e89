# alflow in one image: `alflow up` by itself, or its parts one by one as in compose.yaml.
ARG PYTHON=3.12-slim-trixie

FROM python:${PYTHON} AS build
# PyPI's torch for Linux brings gigabytes of CUDA; this index has it for CPUs alone. Empty: the one with CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=postgres,s3,http,oidc,heif
RUN python -m venv /opt/alflow
WORKDIR /build
COPY constraints.txt .
RUN /opt/alflow/bin/pip install --no-cache-dir --no-deps --constraint constraints.txt \
    ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY . .
RUN /opt/alflow/bin/pip install --no-cache-dir --constraint constraints.txt ".[$EXTRAS]"

FROM python:${PYTHON}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --home-dir /data --no-create-home alflow && install --directory --owner alflow --mode 700 /data
COPY --from=build /opt/alflow /opt/alflow
ENV PATH=/opt/alflow/bin:$PATH \
    HOME=/data \
    ALFLOW_HOME=/data \
    ALFLOW_HOST=0.0.0.0 \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["alflow"]
CMD ["up"]
