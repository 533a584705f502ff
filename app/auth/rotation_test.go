package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func TestAWithdrawnKeyIsGoneWithinTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened(ecJWK("e"))
		token := func() string { return signed(head("ES256", "e"), good(), es256) }
		if _, err := v.User(t.Context(), token()); err != nil {
			t.Fatal(err)
		}
		i.publish(rsaJWK("new"))
		time.Sleep(keysFresh + time.Nanosecond)
		if _, err := v.User(t.Context(), token()); err != nil {
			t.Errorf("while it is asked: %v", err)
		}
		synctest.Wait()
		refuses(t, v, token(), "unknown key")
	})
}

func TestAnEmptyKeySetReplacesNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened(ecJWK("e"))
		token := func() string { return signed(head("ES256", "e"), good(), es256) }
		if _, err := v.User(t.Context(), token()); err != nil || !v.Healthy() {
			t.Fatalf("%v, healthy %v", err, v.Healthy())
		}
		for _, set := range [][]object{{}, {{"kty": "oct", "k": "Y2FuYXJ5"}}} {
			i.publish(set...)
			time.Sleep(keysFresh + time.Second)
			for range 2 {
				if _, err := v.User(t.Context(), token()); err != nil {
					t.Errorf("%v: %v", set, err)
				}
				synctest.Wait()
			}
			if v.Healthy() {
				t.Errorf("%v: the issuer is healthy", set)
			}
		}
		i.publish(ecJWK("e"))
		time.Sleep(keysFresh + time.Second)
		if _, err := v.User(t.Context(), token()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !v.Healthy() {
			t.Error("the issuer is back and not healthy")
		}
	})
}

func TestAnIssuerThatIsAwayIsNoticedBeforeAUserComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened()
		if v.Healthy() {
			t.Error("an issuer that was never reached is healthy")
		}
		for range 10 { // as often as health probes come
			v.Healthy()
		}
		if n := i.times(); n != 1 {
			t.Errorf("asked %d times at once", n)
		}
		i.publish(ecJWK("e"))
		time.Sleep(fetchSoon)
		v.Healthy()
		synctest.Wait()
		if !v.Healthy() || i.times() != 2 {
			t.Errorf("back, and not healthy, asked %d times", i.times())
		}
		time.Sleep(fetchPause)
		if v.Healthy(); i.times() != 2 {
			t.Errorf("asked for keys that are new: %d times", i.times())
		}
		other, slow, _ := opened(ecJWK("e"))
		other.slow = time.Minute
		began := time.Now()
		if slow.Healthy(); time.Since(began) != healthWait {
			t.Errorf("a probe waits for %v", time.Since(began))
		}
		time.Sleep(fetchWait)
	})
}

func TestEveryKeyOfAKidIsTried(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(other.PublicKey.Bytes())
	wrong := ecJWK("same")
	wrong["x"], wrong["y"] = b64(point[1:33]), b64(point[33:])
	for name, set := range map[string][]object{"the right one last": {wrong, ecJWK("same")}, "the right one first": {ecJWK("same"), wrong}} {
		_, v, _ := opened(set...)
		if user, err := v.User(t.Context(), signed(head("ES256", "same"), good(), es256)); err != nil || user != "ann" {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
	_, v, _ := opened(wrong, wrong)
	refuses(t, v, signed(head("ES256", "same"), good(), es256), "signature")
}

func TestARedirectOfTheIssuerIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, v, _ := opened(ecJWK("e"))
		i.status, i.header = http.StatusFound, http.Header{"Location": {"http://169.254.169.254/canary"}}
		_, err := v.User(t.Context(), signed(head("ES256", "e"), good(), es256))
		if e := study.AsError(err); e.Code != study.CodeUnavailable || i.times() != 1 {
			t.Errorf("got %v, asked %d times", err, i.times())
		}
	})
}
