module github.com/nabz/nabz/services

go 1.26.0

require (
	github.com/nabz/nabz/pkg v0.0.0
	github.com/nabz/nabz/schemas v0.0.0
)

replace (
	github.com/nabz/nabz/pkg => ../pkg
	github.com/nabz/nabz/schemas => ../schemas
)
