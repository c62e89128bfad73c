# The app for others to visit. See docs/hosting.md.
#
#   docker build -t nsr-ecg .
#   docker run --rm --read-only --tmpfs /tmp --volume nsr-data:/data --publish 127.0.0.1:8501:8501 nsr-ecg

FROM python:3.11-slim AS environment
# Every file is one that the lock names by its SHA-256, or nothing is installed.
#
# An index with CPU builds of PyTorch, whose versions end in +cpu, makes the image gigabytes smaller:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
# PyTorch is then the one package that the lock does not vouch for, and what it needs for CUDA is left out.
ARG PIP_EXTRA_INDEX_URL=""
COPY requirements.lock /
RUN python -m venv /venv && export PATH=/venv/bin:$PATH PIP_NO_CACHE_DIR=1 \
    && if [ -z "$PIP_EXTRA_INDEX_URL" ]; then pip install --require-hashes --requirement /requirements.lock; \
    else awk '/^[a-z]/ {keep = !/^(torch|triton|nvidia-|cuda-)/} keep' /requirements.lock > /without-torch.lock \
        && pip install --no-deps --require-hashes --requirement /without-torch.lock \
        && pip install --no-deps "$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' /requirements.lock)"; fi

FROM python:3.11-slim
# Hugging Face runs a Space as user 1000. The user owns only the folder for data.
RUN useradd --uid 1000 --home-dir /data --no-create-home --shell /usr/sbin/nologin app \
    && install --directory --owner=app --group=app /data
COPY --from=environment /venv /venv
COPY . /app
# Now, since nobody can write there later.
RUN /venv/bin/python -m compileall -q /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    HOME=/data \
    MPLCONFIGDIR=/tmp/matplotlib \
    NSR_CACHE_DIR=/data/cache \
    NSR_RUNS_DIR=/data/runs \
    NSR_PUBLIC=1 \
    OMP_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1
USER 1000
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.maxUploadSize=20"]
