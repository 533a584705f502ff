package config

import (
	"strings"
	"testing"
)

func TestAddressesNameEveryKindOfDeployment(t *testing.T) {
	type read struct {
		addrs, master, user, password string
		db                            int
		tls, cluster                  bool
	}
	for address, want := range map[string]read{
		"redis://localhost":                 {addrs: "localhost:6379"},
		"redis://:p%40ss@r.example:6380/2":  {addrs: "r.example:6380", password: "p@ss", db: 2},
		"rediss://me:a@b@[::1]:7000/":       {addrs: "[::1]:7000", user: "me", password: "a@b", tls: true},
		"redis://[fe80::1]":                 {addrs: "[fe80::1]:6379"},
		"redis+sentinel://u:p@a,b:1/main/3": {addrs: "a:26379 b:1", master: "main", user: "u", password: "p", db: 3},
		"rediss+sentinel://a/main":          {addrs: "a:26379", master: "main", tls: true},
		"redis+cluster://a,b:7001,c":        {addrs: "a:6379 b:7001 c:6379", cluster: true},
		"rediss+cluster://one.example":      {addrs: "one.example:6379", cluster: true, tls: true},
		"redis://a,b":                       {addrs: "a:6379 b:6379", cluster: true},
		"redis+cluster://a/0":               {addrs: "a:6379", cluster: true},
	} {
		a, err := ParseRedis(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		got := read{strings.Join(a.Hosts, " "), a.Master, a.User, a.Password, a.DB, a.TLS, a.Cluster}
		if got != want {
			t.Errorf("%s is %+v, want %+v", address, got, want)
		}
	}
	a, err := ParseRedis("redis+sentinel://a/m?sentinel_username=w&sentinel_password=s%26")
	if err != nil || a.SentinelUser != "w" || a.SentinelPassword != "s&" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestWrongAddressesAreRefusedWithoutShowingThem(t *testing.T) {
	for _, address := range []string{
		"", "localhost:6379", "http://SECRET@a", "redis:/SECRET@a", "redis://", "redis://:SECRET@", "redis://a:0", "redis://SECRET@a:65536",
		"redis://a:b", "redis://::1", "redis://a b", "redis://:SECRET@a/x", "redis://a/-1", "redis://:%zzSECRET@a", "redis+sentinel://:SECRET@a",
		"redis+sentinel://a/m/x", "redis+cluster://:SECRET@a/1", "redis://a,b/1", "redis://a?password=SECRET", "redis://a?sentinel_password=SECRET",
		"redis://a,,b", "redis://a?%zz", "redis+nonsense://a", "rediss+://a", "memcached://a", "redis://" + strings.Repeat("a,", maxHosts) + "a",
	} {
		_, err := ParseRedis(address)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := ParseRedis("redis://" + strings.Repeat("a,", maxHosts-1) + "a"); err != nil {
		t.Errorf("%d hosts: %v", maxHosts, err)
	}
}
