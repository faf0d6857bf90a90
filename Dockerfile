# One static binary on nothing: the image talks to a Kafka and a ClickHouse of
# their own, so it is built without the embedded engine (tag noengine), which
# alone needs a C library.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.work go.work.sum ./
COPY pkg/go.mod pkg/go.sum pkg/
COPY schemas/go.mod schemas/go.sum schemas/
COPY services/go.mod services/go.sum services/
COPY scripts/go.mod scripts/
RUN cd services && GOWORK=off go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -tags noengine -ldflags "-s -w -X main.version=${VERSION}" -o /nabz ./services/nabz

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /nabz /nabz
# Nobody: no shell, no package, no write access but to mounted volumes.
USER 65532:65532
ENTRYPOINT ["/nabz"]
CMD ["--help"]
