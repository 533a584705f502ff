package harness

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"studysharper/loadtest/fakellm"
)

// StartModel runs a language model that answers at once, until the test ends, and returns its address.
func StartModel(t *testing.T, answer func(fakellm.Request) string) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: fakellm.New(fakellm.Options{Answer: answer}), ReadHeaderTimeout: AskTimeout}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// ModelSettings returns the settings of a service that uses a model.
func ModelSettings(model netip.AddrPort) map[string]string {
	return map[string]string{"LLM_PROVIDER": "openai", "LLM_API_KEY": "none", "LLM_BASE_URL": "http://" + model.String() + "/v1"}
}
