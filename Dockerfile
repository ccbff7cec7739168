# Ringfall in a small image that runs as nobody, with a read-only root and one volume.
#
#   docker build --tag ringfall .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     --publish 8080:8080 --volume ringfall-data:/data \
#     --volume ./routing-rules:/etc/ringfall/routing-rules:ro \
#     --env TWILIO_ACCOUNT_SID --env TWILIO_AUTH_TOKEN --env RINGFALL_PUBLIC_URL \
#     ringfall
#
# docs/deploy.md tells the rest.

ARG RUST=1.95
ARG DEBIAN=bookworm

FROM rust:${RUST}-slim-${DEBIAN} AS build
# SQLite, the cryptography and the allocator are C: the compiler that the linker needs anyway builds them.
WORKDIR /src
COPY . .
# The caches of cargo stay on the building machine, so a change to the source does not build everything again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist --bin ringfall \
    && install -D -m 0755 target/dist/ringfall /image/usr/local/bin/ringfall
# Folders that a volume takes its owner from; a read-only root cannot make them later.
RUN install -d -m 0700 /image/data \
    && install -d -m 0755 /image/etc/ringfall/routing-rules /image/etc/ringfall/twiml-templates

# The C library, and the certificates that outgoing requests are checked with.
FROM debian:${DEBIAN}-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build --chown=root:root /image/usr /usr
COPY --from=build --chown=root:root /image/etc/ringfall /etc/ringfall
COPY --from=build --chown=65532:65532 /image/data /data

# Here `ringfall.yaml` is looked for.
WORKDIR /etc/ringfall
ENV PORT=8080 \
    RINGFALL_ENV=production \
    RINGFALL_LOG_FORMAT=json \
    RINGFALL_DATA=/data \
    RINGFALL_RULES=/etc/ringfall/routing-rules \
    RINGFALL_TEMPLATES=/etc/ringfall/twiml-templates
USER 65532:65532
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/usr/local/bin/ringfall", "health"]
ENTRYPOINT ["/usr/local/bin/ringfall"]
CMD ["serve"]
