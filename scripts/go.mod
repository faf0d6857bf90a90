module github.com/nabz/nabz/scripts

go 1.26.0

require (
	github.com/nabz/nabz/pkg v0.0.0
	github.com/nabz/nabz/schemas v0.0.0
	github.com/twmb/franz-go v1.22.2
	github.com/twmb/franz-go/pkg/kadm v1.19.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.15.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/nabz/nabz/pkg => ../pkg
	github.com/nabz/nabz/schemas => ../schemas
)
