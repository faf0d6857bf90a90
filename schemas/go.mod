module github.com/nabz/nabz/schemas

go 1.26.0

require (
	github.com/bufbuild/protocompile v0.14.1
	github.com/nabz/nabz/pkg v0.0.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	go.yaml.in/yaml/v3 v3.0.6
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/sync v0.8.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)

replace github.com/nabz/nabz/pkg => ../pkg
