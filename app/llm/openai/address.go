package openai

import (
	"net/url"
	"strings"
)

const apiVersionParam = "api-version"

// address is the base URL of an API, without the resource.
type address struct {
	base  url.URL
	azure bool // Azure OpenAI: the key is sent as api-key
}

// newAddress parses a base URL as people paste it: a slash or a resource at its end is ignored. With apiVersion, or
// with an api-version in its query, it is an Azure address. An address that cannot be parsed is kept as a path, and
// every call fails.
func newAddress(base, apiVersion string) address {
	u, err := url.Parse(base)
	if err != nil {
		return address{base: url.URL{Path: base}}
	}
	path := strings.TrimRight(u.Path, "/")
	for _, resource := range []string{"/chat/completions", "/completions", "/models"} {
		path = strings.TrimSuffix(path, resource)
	}
	u.Path, u.RawPath = strings.TrimRight(path, "/"), ""
	query := u.Query()
	if apiVersion != "" {
		query.Set(apiVersionParam, apiVersion)
		u.RawQuery = query.Encode()
	}
	return address{base: *u, azure: query.Has(apiVersionParam)}
}

// of returns the URL of a resource, e.g. "chat/completions". At Azure, a model is a deployment, which is added to the
// path unless the base URL contains it.
func (a address) of(model, resource string) string {
	u := a.base
	if a.azure && (u.Path == "" || u.Path == "/openai") {
		u.Path = "/openai"
		if resource != "models" {
			u.Path += "/deployments/" + model
		}
	}
	u.Path += "/" + resource
	return u.String()
}
