package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"studysharper/app/study"
)

// Limits on fetching keys.
const (
	maxKeyBytes = 256 << 10        // size of a key set
	fetchWait   = 5 * time.Second  // from the request to the last byte
	fetchPause  = 30 * time.Second // between two fetches, however many unknown key ids tokens have
	fetchSoon   = 2 * time.Second  // the same while there are no keys at all
	healthWait  = time.Second      // for the first answer, before the issuer is reported as healthy
	keysFresh   = 10 * time.Minute // older keys are fetched again, so that withdrawn ones are removed
)

// KeySetOptions describe where keys are published.
type KeySetOptions struct {
	URL string // of a JSON Web Key Set; redirects are not followed
	Log *slog.Logger
	// Store shares the keys with later workers; nil = each process fetches its own.
	Store *KeyStore
	// Transport sends the requests; nil = a new one.
	Transport http.RoundTripper
}

// keySet holds the keys last published at a URL. They remain valid while the URL is unreachable.
type keySet struct {
	url    string
	client *http.Client
	log    *slog.Logger
	store  *KeyStore

	mu        sync.Mutex
	keys      []publicKey
	fetched   time.Time     // when they were read; zero = never
	asked     time.Time     // when the last fetch began
	failed    bool          // the last fetch failed
	fetching  chan struct{} // not nil: closed when the fetch in progress ends
	storeRead bool          // the store has been read
}

func newKeySet(o KeySetOptions) *keySet {
	if o.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConns, own.IdleConnTimeout = 1, fetchPause
		own.MaxResponseHeaderBytes = 64 << 10
		o.Transport = own
	}
	return &keySet{url: o.URL, log: o.Log, store: o.Store, client: &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// find implements keys. An unknown key id causes a fetch, at most once every 30 s.
func (s *keySet) find(ctx context.Context, kid, alg string) ([]jwt.VerificationKey, error) {
	found, answered := s.lookUp(kid, alg)
	if len(found) == 0 && answered != nil {
		select {
		case <-answered:
			found, _ = s.lookUp(kid, alg)
		case <-ctx.Done():
		}
	}
	if len(found) == 0 {
		return nil, s.missing()
	}
	return found, nil
}

// healthy implements keys. It starts a fetch if one is due, so that an outage of the issuer is noticed before a user
// signs in, and its end without any user. It waits for the result, for up to a second, only if there has been none yet.
func (s *keySet) healthy() bool {
	s.mu.Lock()
	s.loadStored()
	if s.due(!s.failed) {
		s.beginFetch()
	}
	answered, first := s.fetching, s.fetched.IsZero() && !s.failed
	s.mu.Unlock()
	if first && answered != nil {
		over := time.NewTimer(healthWait)
		defer over.Stop()
		select {
		case <-answered:
		case <-over.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.failed
}

// beginFetch starts a fetch unless one is in progress. The caller holds the lock.
func (s *keySet) beginFetch() {
	if s.fetching == nil {
		s.asked, s.fetching = time.Now(), make(chan struct{})
		go s.fetch()
	}
}

// lookUp searches the known keys, and starts a fetch if one is due. answered is closed when the fetch in progress ends;
// nil = none is in progress.
func (s *keySet) lookUp(kid, alg string) (found []jwt.VerificationKey, answered <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loadStored()
	found = pick(s.keys, kid, alg)
	if s.due(len(found) > 0) {
		s.beginFetch()
	}
	return found, s.fetching
}

// loadStored loads the keys that another worker has stored, once. The caller holds the lock.
func (s *keySet) loadStored() {
	if s.storeRead || s.store == nil {
		return
	}
	s.storeRead = true
	body, at := s.store.get()
	if keys, err := parseKeys(body); err == nil {
		s.keys, s.fetched, s.asked = keys, at, at
	}
}

// due reports whether the keys should be fetched. The caller holds the lock.
func (s *keySet) due(known bool) bool {
	pause := fetchPause
	if s.fetched.IsZero() {
		pause = fetchSoon
	}
	stale := time.Since(s.fetched) > keysFresh
	return (!known || stale) && time.Since(s.asked) >= pause
}

// pick returns the keys with a kid, of which there may be several. Without a kid, the key must be the only one for its
// algorithm.
func pick(all []publicKey, kid, alg string) (found []jwt.VerificationKey) {
	for _, k := range all {
		if k.alg == alg && (kid == "" || k.kid == kid) {
			found = append(found, k.key)
		}
	}
	if kid == "" && len(found) > 1 {
		return nil
	}
	return found
}

// missing returns the reason why there is no key.
func (s *keySet) missing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetched.IsZero() {
		return &study.Error{Code: study.CodeUnavailable, Message: "the keys that tokens are verified with are unavailable", RetryAfter: fetchSoon}
	}
	return study.Errorf(study.CodeUnauthorized, "the token is signed with an unknown key")
}

// fetch replaces the keys if the answer is a key set.
func (s *keySet) fetch() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchWait)
	defer cancel()
	keys, err := s.refresh(ctx)
	s.mu.Lock()
	if s.failed = err != nil; err == nil {
		s.keys, s.fetched = keys, time.Now()
	}
	close(s.fetching)
	s.fetching = nil
	s.mu.Unlock()
	if err != nil {
		s.log.Warn("fetching the JSON Web Key Set failed", "error", err)
	}
}

// refresh downloads the keys and shares them with other workers.
func (s *keySet) refresh(ctx context.Context) ([]publicKey, error) {
	body, err := s.download(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := parseKeys(body)
	if err == nil && len(keys) == 0 {
		err = errNoKeys // not a withdrawal of all keys: nobody could sign in
	}
	if err != nil || s.store == nil {
		return keys, err
	}
	if err := s.store.put(body, time.Now()); err != nil {
		s.log.Warn("sharing the JSON Web Key Set with other workers failed", "error", err)
	}
	return keys, nil
}

func (s *keySet) download(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, errors.New("JWT_JWKS_URL is not a URL")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeyBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeyBytes {
		return nil, fmt.Errorf("the key set has more than %d bytes", maxKeyBytes)
	}
	return body, nil
}

// withoutURL removes the URL, which may contain a password, from an error.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
