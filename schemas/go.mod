module github.com/nabz/nabz/schemas

go 1.26.0
