package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// RedisAddress names a Redis deployment: a single server, a master watched by sentinels, or a cluster. Hosts are
// HOST:PORT: the server, the sentinels, or seeds of the cluster.
type RedisAddress struct {
	Hosts                          []string
	Master                         string // its name at the sentinels; "" = no sentinels
	Cluster, TLS                   bool
	DB                             int
	User, Password                 string
	SentinelUser, SentinelPassword string
}

// The kinds of deployment that a scheme can name. Each also exists with TLS, as rediss….
const (
	plainRedis    = "redis"
	sentinelRedis = "redis+sentinel"
	clusterRedis  = "redis+cluster"
)

// maxHosts is the maximum number of cluster seeds or sentinels in an address.
const maxHosts = 32

var errForm = errors.New("must be redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, " +
	"redis+sentinel://HOST,HOST/MASTER[/DB] or redis+cluster://HOST,HOST")

// ParseRedis parses a REDIS_URL. The default port is 6379, or 26379 for a sentinel. Several hosts without a kind are a
// cluster's. The sentinels' own password is in the query, as ?sentinel_password=, with ?sentinel_username= if they have
// users. The error describes the fault and contains nothing of the address.
func ParseRedis(address string) (a RedisAddress, err error) {
	scheme, rest, ok := strings.Cut(address, "://")
	kind, secure := strings.CutPrefix(scheme, "rediss")
	kind = map[bool]string{true: plainRedis + kind, false: scheme}[secure]
	if !ok || (kind != plainRedis && kind != sentinelRedis && kind != clusterRedis) {
		return a, errForm
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	a.TLS, a.Cluster = secure, kind == clusterRedis
	hosts, err := a.readUser(authority)
	if err != nil {
		return a, err
	}
	if a.Hosts, err = readHosts(hosts, map[bool]string{true: "26379", false: "6379"}[kind == sentinelRedis]); err != nil {
		return a, err
	}
	a.Cluster = a.Cluster || (len(a.Hosts) > 1 && kind == plainRedis)
	if err := a.readPath(path, kind == sentinelRedis); err != nil {
		return a, err
	}
	return a, a.readQuery(query, kind == sentinelRedis)
}

// readUser removes the user and the password from an authority.
func (a *RedisAddress) readUser(authority string) (hosts string, err error) {
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return authority, nil
	}
	name, password, _ := strings.Cut(authority[:at], ":")
	var bad [2]error
	a.User, bad[0] = url.PathUnescape(name)
	a.Password, bad[1] = url.PathUnescape(password)
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

// readHost parses HOST, HOST:PORT, [IPv6] or [IPv6]:PORT.
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

// readPath parses DB, or MASTER and DB.
func (a *RedisAddress) readPath(path string, named bool) error {
	if named {
		a.Master, path, _ = strings.Cut(path, "/")
		if a.Master == "" {
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
	if a.Cluster && n != 0 {
		return errors.New("has a database: a cluster has only number 0")
	}
	a.DB = int(n) //nolint:gosec // 16 bits
	return nil
}

func (a *RedisAddress) readQuery(query string, named bool) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("has a query that cannot be read")
	}
	for key := range values {
		switch {
		case named && key == "sentinel_username":
			a.SentinelUser = values.Get(key)
		case named && key == "sentinel_password":
			a.SentinelPassword = values.Get(key)
		default:
			return errors.New("has an option that is not known (only sentinel_username and sentinel_password, with redis+sentinel)")
		}
	}
	return nil
}
