# The whole service is one static binary. The image contains no shell and no libc.
# This file uses plain instructions only, so that every builder since Docker 17.09 can read it.

FROM golang:1.26-bookworm AS build
LABEL studysharper.stage=build
ENV CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath"
WORKDIR /src

# A scratch image cannot create a user, nor folders owned by that user.
RUN mkdir -p /rootfs/etc/ssl/certs /rootfs/data /rootfs/folders/tmp \
    && cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
    && echo 'studysharper:x:10001:10001:StudySharper:/data:/sbin/nologin' > /rootfs/etc/passwd \
    && echo 'studysharper:x:10001:' > /rootfs/etc/group \
    && chmod 0700 /rootfs/data \
    && chmod 1777 /rootfs/folders/tmp \
    && chown 10001:10001 /rootfs/data

# The heavy dependencies have a layer of their own, which is rebuilt when go.mod changes, not with every edit. The list
# only saves time: a package that is not in it is compiled below, but one that is removed from go.mod must be removed here.
# (`go mod download` would also fetch the modules of the tests and tools.)
COPY go.mod go.sum ./
RUN go build \
    github.com/JohannesKaufmann/html-to-markdown/v2 \
    github.com/allegro/bigcache/v3 \
    github.com/caarlos0/env/v11 \
    github.com/gofiber/fiber/v2 \
    github.com/jackc/pgx/v5/pgxpool \
    github.com/jackc/pgx/v5/stdlib \
    github.com/klauspost/compress/s2 \
    github.com/klippa-app/go-pdfium/webassembly \
    github.com/pressly/goose/v3 \
    github.com/redis/go-redis/v9 \
    github.com/spf13/cobra \
    modernc.org/sqlite

COPY app ./app
ARG VERSION=1.0.0
ARG COMMIT=unknown
# Go build tags: none for the service; the fault suite builds with faulttest, which adds failures on demand.
ARG TAGS=""
# One step, because some storage drivers copy all layers for each. The PDF reader is compiled here, because compiling it
# needs more than a 512 MB container has. The notices are the licences of the modules in the program.
RUN go build -tags "$TAGS" -ldflags="-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /rootfs/studysharper ./app \
    && /rootfs/studysharper extract --fill /rootfs/pdf-reader \
    && chmod -R a+rX /rootfs/pdf-reader \
    && go version -m /rootfs/studysharper | awk '$1 == "dep" { print $2 "@" $3 }' | while read -r module; do \
        folder="$(go env GOMODCACHE)/$(echo "${module}" | sed 's/[A-Z]/!\L&/g')"; \
        for file in "${folder}"/LICENSE* "${folder}"/LICENCE* "${folder}"/COPYING* "${folder}"/NOTICE*; do \
            if [ -f "${file}" ]; then printf '\n==== %s: %s\n\n' "${module}" "${file##*/}"; cat "${file}"; fi; \
        done; \
    done > /rootfs/THIRD-PARTY-NOTICES


FROM scratch
COPY --from=build /rootfs/etc /etc
# A folder that COPY names gets the mode 0755; the folders inside it keep their modes.
COPY --from=build /rootfs/folders /
COPY --from=build --chown=10001:10001 /rootfs/data /data
COPY --from=build /rootfs/pdf-reader /pdf-reader
COPY --from=build /rootfs/THIRD-PARTY-NOTICES /THIRD-PARTY-NOTICES
COPY --from=build /rootfs/studysharper /studysharper

ARG VERSION=1.0.0
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="StudySharper" \
      org.opencontainers.image.description="Study aids from notes: flashcards, quizzes, exams, summaries and chat over HTTP" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"

USER 10001:10001
WORKDIR /data
# `docker stop` kills after 10 s, so a drain must end before that. Raise this together with --stop-timeout.
ENV DATABASE_URL=sqlite:/data/studysharper.db GRACEFUL_TIMEOUT=8
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 CMD ["/studysharper", "healthcheck"]
ENTRYPOINT ["/studysharper"]
CMD ["serve"]
