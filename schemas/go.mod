module github.com/nabz/nabz/schemas

go 1.26.0

require github.com/nabz/nabz/pkg v0.0.0

require (
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/nabz/nabz/pkg => ../pkg
