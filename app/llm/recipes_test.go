package llm

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"studysharper/app/config"
	"studysharper/app/llm/openai"
	"studysharper/app/study"
)

// imitation is a server as documented by its provider, or as seen in bug reports.
type imitation struct {
	path   string // of chat completions
	key    string // the header with the key; "" = no key is required
	models string // answer to GET /models; "" = 401
	refuse func(r request) (status int, body string)

	offered bool   // expected results of a probe: the model is in the list
	context int    // its context size
	without string // what it does not accept

	mu    sync.Mutex
	calls int
	t     *testing.T
}

type request struct {
	Stream              bool             `json:"stream"`
	MaxTokens           int              `json:"max_tokens"`
	MaxCompletionTokens int              `json:"max_completion_tokens"`
	ReasoningEffort     string           `json:"reasoning_effort"`
	StreamOptions       *json.RawMessage `json:"stream_options"`
	ResponseFormat      struct{ Type string }
}

// UnmarshalJSON reads the fields by their names on the wire.
func (r *request) UnmarshalJSON(body []byte) error {
	type plain request
	var format struct {
		ResponseFormat struct{ Type string } `json:"response_format"`
	}
	if err := json.Unmarshal(body, &format); err != nil {
		return err
	}
	err := json.Unmarshal(body, (*plain)(r))
	r.ResponseFormat = format.ResponseFormat
	return err
}

var imitations = map[string]*imitation{
	"OpenRouter": {path: "/api/v1/chat/completions", key: "Authorization", models: `{"data":[{"id":"anthropic/claude-haiku-4.5","context_length":200000}]}`, offered: true, context: 200000},
	"OpenAI": {path: "/v1/chat/completions", key: "Authorization", models: `{"object":"list","data":[{"id":"gpt-5-mini","object":"model"}]}`, offered: true, without: "max_completion_tokens",
		refuse: func(r request) (int, string) {
			switch {
			case r.MaxTokens > 0:
				return 400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`
			case r.MaxCompletionTokens > 0 && r.MaxCompletionTokens < 16:
				return 400, `{"error":{"message":"Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.","type":"invalid_request_error"}}`
			}
			return 0, ""
		}},
	"Anthropic": {path: "/v1/chat/completions", key: "Authorization"},
	"Gemini":    {path: "/v1beta/openai/chat/completions", key: "Authorization", models: `{"object":"list","data":[{"id":"models/gemini-2.5-flash","object":"model"}]}`, offered: true},
	"Mistral": {path: "/v1/chat/completions", key: "Authorization", models: `{"data":[{"id":"mistral-small-latest","max_context_length":131072}]}`, offered: true, context: 131072, without: "no stream_options",
		refuse: func(r request) (int, string) {
			if r.StreamOptions != nil {
				return 422, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]},"type":"invalid_request_error"}`
			}
			return 0, ""
		}},
	"Groq": {path: "/openai/v1/chat/completions", key: "Authorization", models: `{"data":[{"id":"llama-3.3-70b-versatile","context_window":131072}]}`, offered: true, context: 131072, without: "no json_schema",
		refuse: func(r request) (int, string) {
			if r.ResponseFormat.Type == "json_schema" {
				return 400, "{\"error\":{\"message\":\"This model does not support response format `json_schema`. See supported models at https://console.groq.com/docs\",\"type\":\"invalid_request_error\",\"param\":\"response_format\"}}"
			}
			return 0, ""
		}},
	"Azure OpenAI": {path: "/openai/deployments/DEPLOYMENT/chat/completions", key: "Api-Key", models: `{"data":[{"id":"gpt-4o-mini-2024-07-18"}]}`},
	"Ollama":       {path: "/v1/chat/completions", models: `{"object":"list","data":[{"id":"llama3.2:3b"}]}`, offered: true},
	"LM Studio": {path: "/v1/chat/completions", models: `{"data":[{"id":"qwen2.5-7b-instruct"}]}`, offered: true,
		refuse: func(r request) (int, string) {
			if r.ResponseFormat.Type == "json_object" {
				return 400, `{"error":"'response_format.type' must be 'json_schema' or 'text'"}`
			}
			return 0, ""
		}},
	"vLLM":      {path: "/v1/chat/completions", models: `{"object":"list","data":[{"id":"Qwen/Qwen2.5-7B-Instruct","max_model_len":32768}]}`, offered: true, context: 32768},
	"llama.cpp": {path: "/v1/chat/completions", models: `{"models":[{"name":"local"}],"object":"list","data":[{"id":"local","meta":{"n_ctx_train":32768}}]}`, offered: true, context: 32768},
}

func (s *imitation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	authorized := s.key == "" && r.Header.Get("Authorization") == "" || s.key != "" && strings.HasSuffix(r.Header.Get(s.key), "test-key")
	switch {
	case !authorized, s.key == "Api-Key" && (r.Header.Get("Authorization") != "" || r.URL.Query().Get("api-version") != "2024-10-21"):
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasSuffix(r.URL.Path, "/models") && s.models == "":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"}}`)
	case strings.HasSuffix(r.URL.Path, "/models"):
		_, _ = io.WriteString(w, s.models)
	case r.URL.Path != s.path:
		s.t.Errorf("%s was called", r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
	default:
		s.answer(w, r)
	}
}

func (s *imitation) answer(w http.ResponseWriter, r *http.Request) {
	s.calls++
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.t.Error(err)
	}
	if s.refuse != nil {
		if status, body := s.refuse(asked); status != 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return
		}
	}
	if asked.Stream {
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"{}\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		return
	}
	_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"{}"},"finish_reason":"stop"}]}`)
}

var (
	recipeBlock = regexp.MustCompile("(?s)\n## ([^\n]+)\n.*?```env\n(.*?)```")
	setting     = regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`)
)

// recipes are the settings that docs/models.md gives for each server.
func recipes(t *testing.T) map[string]map[string]string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]string)
	for _, block := range recipeBlock.FindAllStringSubmatch(string(doc), -1) {
		all[block[1]] = make(map[string]string)
		for _, line := range setting.FindAllStringSubmatch(block[2], -1) {
			if strings.HasSuffix(line[1], "_API_KEY") {
				line[2] = "test-key"
			}
			all[block[1]][line[1]] = line[2]
		}
	}
	return all
}

func TestEachRecipeWorksWithAnImitationOfItsServer(t *testing.T) {
	all := recipes(t)
	if len(all) != len(imitations) {
		t.Errorf("%d recipes for %d servers", len(all), len(imitations))
	}
	for name, settings := range all {
		t.Run(name, func(t *testing.T) {
			server := imitations[name]
			if server == nil {
				t.Fatal("has no imitation")
			}
			server.t = t
			c := recipeClient(t, settings, server)
			d := c.Probe(t.Context())
			if d.Call != nil || d.Offered != server.offered || d.Context != server.context || d.Without != server.without || (d.Listed > 0) != (server.models != "") {
				t.Errorf("the probe found %+v", d)
			}
			ask(t, c)
			server.calls = 0
			ask(t, c)
			if server.calls != 2 {
				t.Errorf("%d calls for two answers, although the model's dialect is known", server.calls)
			}
		})
	}
}

var readmeBlock = regexp.MustCompile("(?s)```env\n# ([A-Za-z ]+?)(?: on this machine)?\n(.*?)```")

// TestTheReadmesRecipesAreThoseOfTheGuide ignores the host, because this machine has another name in a container.
func TestTheReadmesRecipesAreThoseOfTheGuide(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := recipes(t)
	found := readmeBlock.FindAllStringSubmatch(string(readme), -1)
	if len(found) < 3 {
		t.Errorf("only %d recipes are found", len(found))
	}
	for _, block := range found {
		for _, line := range setting.FindAllStringSubmatch(strings.ReplaceAll(block[2], "//host.docker.internal:", "//localhost:"), -1) {
			if is := all[block[1]][line[1]]; is != line[2] && !strings.HasSuffix(line[1], "_API_KEY") {
				t.Errorf("%s: the README says %s, the guide %q", block[1], line[0], is)
			}
		}
	}
}

// recipeClient returns a client with the settings of a recipe, but with the imitation's address.
func recipeClient(t *testing.T, settings map[string]string, server http.Handler) *openai.Client {
	t.Helper()
	c, err := config.Load(settings)
	if err != nil || c.LLMProvider != "openai" {
		t.Fatalf("the settings are not usable: %v", err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	o := Options(c)
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	o.BaseURL = web.URL + base.Path
	client := openai.New(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// ask requires a plain and a streamed answer to typical requests.
func ask(t *testing.T, c *openai.Client) {
	t.Helper()
	p := study.Prompt{
		Turns: []study.Turn{{Role: study.RoleSystem, Text: "Answer in JSON."}, {Role: study.RoleUser, Text: "What is a cell?"}}, JSON: true, MaxTokens: 4000,
		Schema: &study.Schema{Name: "answer", Body: json.RawMessage(`{"type":"object"}`)},
	}
	for _, onText := range []func(string){nil, func(string) {}} {
		if answer, err := c.Generate(t.Context(), p, onText); err != nil || answer.Text != "{}" {
			t.Errorf("%+v, %v", answer, err)
		}
	}
}
