//go:build tools

// Package jaeger pins the trace store that the tests read, so that `go build` finds it by this folder's go.sum.
package jaeger

import _ "github.com/jaegertracing/jaeger/cmd/all-in-one"
