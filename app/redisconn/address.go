package redisconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The kinds of deployment that a scheme names, each also with TLS as rediss….
const (
	plain    = "redis"
	sentinel = "redis+sentinel"
	cluster  = "redis+cluster"
)

// maxHosts is how many seeds of a cluster or sentinels an address may name.
const maxHosts = 32

var errForm = errors.New("must be redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, " +
	"redis+sentinel://HOST,HOST/MASTER[/DB] or redis+cluster://HOST,HOST")

// Check tells what is wrong with an address, if anything. The error holds nothing of it.
func Check(address string) error {
	_, err := parse(address)
	return err
}

// parse reads an address. A port is 6379 where none is given, a sentinel's 26379.
// Several hosts without a kind are a cluster's. A sentinel's own password goes into
// the query, ?sentinel_password=, with ?sentinel_username= where it has users.
func parse(address string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	kind, secure := strings.CutPrefix(scheme, "rediss")
	kind = map[bool]string{true: plain + kind, false: scheme}[secure]
	if !ok || (kind != plain && kind != sentinel && kind != cluster) {
		return nil, errForm
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	o := &redis.UniversalOptions{IsClusterMode: kind == cluster}
	if secure {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // the name to expect is each host's own
	}
	hosts, err := readUser(o, authority)
	if err != nil {
		return nil, err
	}
	if o.Addrs, err = readHosts(hosts, map[bool]string{true: "26379", false: "6379"}[kind == sentinel]); err != nil {
		return nil, err
	}
	if len(o.Addrs) > 1 && kind == plain {
		o.IsClusterMode = true
	}
	if err := readPath(o, path, kind == sentinel); err != nil {
		return nil, err
	}
	return o, readQuery(o, query, kind == sentinel)
}

// readUser takes the user and the password off an authority.
func readUser(o *redis.UniversalOptions, authority string) (hosts string, err error) {
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return authority, nil
	}
	name, password, _ := strings.Cut(authority[:at], ":")
	var bad [2]error
	o.Username, bad[0] = url.PathUnescape(name)
	o.Password, bad[1] = url.PathUnescape(password)
	if errors.Join(bad[:]...) != nil {
		return "", errors.New("has a user or password that is not percent-encoded")
	}
	return authority[at+1:], nil
}

func readHosts(list, port string) ([]string, error) {
	var addresses []string
	for host := range strings.SplitSeq(list, ",") {
		address, err := readHost(strings.TrimSpace(host), port)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	if len(addresses) > maxHosts {
		return nil, fmt.Errorf("names more than %d hosts", maxHosts)
	}
	return addresses, nil
}

// readHost reads HOST, HOST:PORT, [IPv6] or [IPv6]:PORT.
func readHost(s, port string) (string, error) {
	if host, given, err := net.SplitHostPort(s); err == nil {
		s, port = host, given
	} else if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	} else if strings.Contains(s, ":") {
		return "", errForm
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("has an invalid port (1..65535)")
	}
	if s == "" || strings.ContainsAny(s, " \t\r\n\"'<>") {
		return "", errForm
	}
	return net.JoinHostPort(s, port), nil
}

// readPath reads DB, or MASTER and DB.
func readPath(o *redis.UniversalOptions, path string, named bool) error {
	if named {
		o.MasterName, path, _ = strings.Cut(path, "/")
		if o.MasterName == "" {
			return errors.New("must name the master that the sentinels watch: redis+sentinel://HOST,HOST/MASTER")
		}
	}
	if path = strings.TrimSuffix(path, "/"); path == "" {
		return nil
	}
	n, err := strconv.ParseUint(path, 10, 16)
	if err != nil {
		return errors.New("has a database that is not a number")
	}
	if o.IsClusterMode && n != 0 {
		return errors.New("has a database: a cluster has only number 0")
	}
	o.DB = int(n) //nolint:gosec // 16 bits
	return nil
}

func readQuery(o *redis.UniversalOptions, query string, named bool) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("has a query that cannot be read")
	}
	for key := range values {
		switch {
		case named && key == "sentinel_username":
			o.SentinelUsername = values.Get(key)
		case named && key == "sentinel_password":
			o.SentinelPassword = values.Get(key)
		default:
			return errors.New("has an option that is not known (only sentinel_username and sentinel_password, with redis+sentinel)")
		}
	}
	return nil
}
