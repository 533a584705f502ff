// Package mcp serves the Model Context Protocol: an assistant that a student already uses can search the student's
// notes and have study aids made from them. Each request is independent and is answered with plain JSON, so any worker
// can answer it, and there is no state between two requests.
package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"studysharper/app/study"
)

// Tool is what an assistant can call, for one user.
type Tool struct {
	Name        string
	Description string          // for the assistant's model
	Input       json.RawMessage // the JSON schema of its arguments, an object
	ReadOnly    bool            // it modifies nothing
	// Call gets the arguments as JSON. Its result is marshalled as a JSON object. The assistant gets an error's
	// *study.Error message, which contains no internals.
	Call func(ctx context.Context, arguments json.RawMessage) (any, error)
}

// instructions tell the assistant's model how to use the tools.
const instructions = "StudySharper keeps a student's notes and makes study aids from them. Search the notes before you answer a question about the student's subjects. " +
	"Study aids are kept in the student's library."

// Request is an HTTP request to the endpoint. Header returns a header's value; "" = none.
type Request struct {
	Header func(name string) string
	Body   []byte
}

// Response is the answer to a Request. Status is an HTTP status; a body has ContentType.
type Response struct {
	Status      int
	ContentType string
	Body        []byte
}

// forwarded are the headers that the protocol uses.
var forwarded = []string{"Content-Type", "Accept", "Mcp-Protocol-Version"}

// Serve answers one request. If the request calls a tool, Serve blocks until the tool returns; ctx is the tool's
// context.
func Serve(ctx context.Context, version string, tools []Tool, r Request) (Response, error) {
	server := mcp.NewServer(&mcp.Implementation{Name: "studysharper", Title: "StudySharper", Version: version}, &mcp.ServerOptions{Instructions: instructions})
	for _, t := range tools {
		server.AddTool(describe(t), handle(ctx, t))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "/mcp", bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, study.Wrap(err, study.CodeInternal, "the request cannot be read")
	}
	for _, name := range forwarded {
		if value := r.Header(name); value != "" {
			request.Header.Set(name, value)
		}
	}
	options := &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true, MaxRequestBodyBytes: int64(len(r.Body)) + 1}
	answer := recorder{header: http.Header{}}
	mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options).ServeHTTP(&answer, request)
	return answer.response()
}

func describe(t Tool) *mcp.Tool {
	closed := false
	return &mcp.Tool{Name: t.Name, Description: t.Description, InputSchema: t.Input,
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: t.ReadOnly, DestructiveHint: &closed, OpenWorldHint: &closed}}
}

// handle makes a handler of a tool. The tool gets the request's context, because the library's own context does not end
// when the client disconnects.
func handle(ctx context.Context, t Tool) mcp.ToolHandler {
	return func(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		arguments := r.Params.Arguments
		if len(arguments) == 0 {
			arguments = json.RawMessage("{}")
		}
		result, err := t.Call(ctx, arguments)
		if err != nil {
			return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: study.AsError(err).Message}}}, nil
		}
		text, err := json.Marshal(result)
		if err != nil {
			return nil, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}, StructuredContent: json.RawMessage(text)}, nil
	}
}

// recorder is an http.ResponseWriter that records the answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// Flush implements http.Flusher, which the library requires.
func (r *recorder) Flush() {}

// response returns the recorded answer; an HTTP error status becomes a *study.Error.
func (r *recorder) response() (Response, error) {
	r.WriteHeader(http.StatusOK)
	kind := r.header.Get("Content-Type")
	if r.status >= http.StatusBadRequest && kind != "application/json" {
		return Response{}, study.Errorf(study.CodeMalformed, "not a request of MCP: %s", bytes.TrimSpace(r.body.Bytes()))
	}
	return Response{Status: r.status, ContentType: kind, Body: r.body.Bytes()}, nil
}
