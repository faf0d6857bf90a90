// Package web is the wallboard: the files of a page that shows the live numbers
// of a contact center, in English and Persian, and keeps them honest when they
// grow old. index.html belongs at /, all else at /assets/. It is plain HTML, CSS
// and ES modules with no build step. It does not know the gateway: the page
// asks for /v1/kpis, /v1/live and /v1/session of whoever served it.
package web

import "embed"

// Files are index.html and the folder assets.
//
//go:embed index.html assets
var Files embed.FS
