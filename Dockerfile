FROM python:3.12-slim

# Bytecode is made by pip, once; the running process writes to /data only.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /build
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock
COPY . .
RUN DUIHUA_WEB=require pip install --no-deps . && rm -rf /build

RUN useradd --uid 10001 --create-home duihua && install --directory --owner duihua /data
USER duihua
WORKDIR /data
VOLUME /data
ENV DUIHUA_HOST=0.0.0.0 DUIHUA_PORT=8000 DUIHUA_DATA_DIR=/data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["duihua", "serve"]
