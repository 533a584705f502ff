package openai

import (
	"net/url"
	"strings"
)

const apiVersionParam = "api-version"

// address is where an API is: a base URL without the resource that is called.
type address struct {
	base  url.URL
	azure bool // Azure OpenAI: the key is sent as api-key
}

// newAddress reads a base URL as people paste it: a slash or a resource at its end does not
// count. With apiVersion, or with an api-version in its query, it is Azure's. An address that
// cannot be read is kept as a path, and every call fails.
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

// of is the URL of a resource, e.g. "chat/completions". At Azure a model is a deployment, and
// part of the path where the base URL does not name one.
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
