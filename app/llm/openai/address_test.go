package openai

import "testing"

func TestABaseURLIsTakenAsItIsPasted(t *testing.T) {
	for base, want := range map[string]string{
		"https://openrouter.ai/api/v1":                                  "https://openrouter.ai/api/v1/chat/completions",
		"https://openrouter.ai/api/v1//":                                "https://openrouter.ai/api/v1/chat/completions",
		"https://api.openai.com/v1/chat/completions":                    "https://api.openai.com/v1/chat/completions",
		"https://api.openai.com/v1/chat/completions/":                   "https://api.openai.com/v1/chat/completions",
		"http://localhost:11434/v1/completions":                         "http://localhost:11434/v1/chat/completions",
		"http://localhost:11434/v1/models":                              "http://localhost:11434/v1/chat/completions",
		"https://user:pass@example.com/v1?key=k":                        "https://user:pass@example.com/v1/chat/completions?key=k",
		"https://generativelanguage.googleapis.com/v1beta/openai/":      "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
		"https://r.openai.azure.com/openai/deployments/d?api-version=1": "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
		"https://r.openai.azure.com?api-version=1":                      "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1",
		"https://r.openai.azure.com/openai/v1?api-version=preview":      "https://r.openai.azure.com/openai/v1/chat/completions?api-version=preview",
	} {
		if got := newAddress(base, "").of("gpt", "chat/completions"); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
	if got := newAddress("https://r.openai.azure.com/openai/", "2024-10-21").of("gpt", "models"); got != "https://r.openai.azure.com/openai/models?api-version=2024-10-21" {
		t.Errorf("Azure's models: %s", got)
	}
}
