# Two images of the server: `docker build --target cpu -t sluice:0.1.0-cpu .`, and `--target gpu` with CUDA and TensorRT.
# Both run as user 10001 and write nowhere but /tmp and /cache: mount these and make the root read-only. ONNX Runtime would
# report its use to its makers.
ARG NODE_IMAGE=node:20-bookworm-slim
# TensorRT 10 with its headers and nvcc. The GPU image is made from it too: a plan needs the same TensorRT to run as to
# be built, and building plans takes all of it.
ARG TENSORRT_IMAGE=nvcr.io/nvidia/tensorrt:25.08-py3

# What the server is compiled with, and what it runs with.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /sluice
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error

# The compiled server with the packages that it needs to run.
FROM dependencies AS server
COPY tsconfig.json ./
COPY proto proto
COPY server server
COPY clients/typescript clients/typescript
RUN npx buf generate proto --template proto/buf.gen.yaml && npx tsc -p . && npx tsc -p server/http/page && \
    cp server/http/page/*.html server/http/page/*.css server/http/page/*.svg dist/server/http/page/
# ONNX Runtime brings its libraries for other systems along.
RUN npm prune --omit=dev --no-audit --no-fund --loglevel=error && \
    rm -rf node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32

# The native operators for the CPU.
FROM dependencies AS native-cpu
# The compiler is the distribution's, and so of one version with the base image.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends g++ make cmake && rm -rf /var/lib/apt/lists/*
COPY native native
RUN npx cmake-js compile -d native --out build/native --log-level error

# The native operators for the CPU and for GPUs. The build fails where CUDA or TensorRT is not found.
FROM ${TENSORRT_IMAGE} AS native-gpu
WORKDIR /sluice
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends g++ make cmake && rm -rf /var/lib/apt/lists/*
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /sluice ./
COPY native native
RUN node node_modules/cmake-js/bin/cmake-js compile -d native --out build/native --log-level error && \
    test -f build/native/Release/sluice_gpu.node

FROM ${TENSORRT_IMAGE} AS gpu
WORKDIR /sluice
ENV NODE_ENV=production \
    SLUICE_MODEL_REPOSITORY=/models \
    SLUICE_GRPC_ADDRESS=0.0.0.0:8001 \
    SLUICE_HTTP_ADDRESS=0.0.0.0:8000 \
    SLUICE_ENGINE_CACHE=/cache/engines
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
COPY --from=server /sluice/package.json ./
COPY --from=server /sluice/node_modules node_modules
COPY --from=server /sluice/proto proto
COPY --from=server /sluice/dist dist
COPY --from=native-gpu /sluice/build/native/Release/sluice.node /sluice/build/native/Release/sluice_gpu.node \
  build/native/Release/
COPY LICENSE ./
RUN install -d -o 10001 -g 10001 /cache
USER 10001:10001
EXPOSE 8001 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the first process: it takes SIGTERM and drains.
ENTRYPOINT ["node", "/sluice/dist/server/main.js"]
CMD ["serve"]

FROM ${NODE_IMAGE} AS cpu
WORKDIR /sluice
ENV NODE_ENV=production \
    SLUICE_MODEL_REPOSITORY=/models \
    SLUICE_GRPC_ADDRESS=0.0.0.0:8001 \
    SLUICE_HTTP_ADDRESS=0.0.0.0:8000 \
    SLUICE_ENGINE_CACHE=/cache/engines
COPY --from=server /sluice/package.json ./
COPY --from=server /sluice/node_modules node_modules
COPY --from=server /sluice/proto proto
COPY --from=server /sluice/dist dist
COPY --from=native-cpu /sluice/build/native/Release/sluice.node build/native/Release/
COPY LICENSE ./
USER 10001:10001
EXPOSE 8001 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/sluice/dist/server/main.js"]
CMD ["serve"]
