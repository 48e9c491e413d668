# docker build -t framebuffer .
# docker run --rm -p 8080:8080 -v frames:/data framebuffer

# Both stages are of one Debian, whose libraries the executable is linked with.
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libjemalloc-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The dependencies first: they change seldom, and this layer is kept then.
COPY Package.* ./
RUN swift package --scratch-path .build-release resolve
COPY scripts/build scripts/build
COPY Sources Sources
COPY Tests Tests
RUN scripts/build && strip --strip-debug -o /framebuffer .build-release/release/framebuffer

FROM debian:bookworm-slim
# redis-server is for the embedded mode; with REDIS_URL it is never started. ca-certificates is for a receiver of traces at
# an https address.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libjemalloc2 libstdc++6 redis-server zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /framebuffer /usr/local/bin/framebuffer
# A number, so that an orchestrator can see that it isn't root. Any other user with a writable /data will do.
USER 10001:10001
ENV FRAMEBUFFER_HOST=0.0.0.0 FRAMEBUFFER_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
# By bash alone: an HTTP client in the image would be there for nothing else.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${FRAMEBUFFER_PORT:-8080} && printf 'GET /health/live HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 2 _ status _ <&3 && [ \"$status\" = 200 ]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["framebuffer"]
CMD ["serve"]
