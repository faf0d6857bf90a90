module github.com/nabz/nabz/pkg

go 1.26.0

require (
	go.yaml.in/yaml/v3 v3.0.6
	google.golang.org/protobuf v1.36.12
)
