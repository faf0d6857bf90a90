module github.com/nabz/nabz/scripts

go 1.26.0
