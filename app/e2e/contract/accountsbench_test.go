package contract_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
)

const (
	benchAccounts = "BENCH_ACCOUNTS" // enables TestBenchAccounts
	benchStudents = 50
	benchPairs    = 12
	benchWindow   = 2 * time.Second
)

// TestBenchAccounts measures what accounts cost: chat answers per second and processor time per answer, with a model
// that answers at once, with AUTH_MODE=account (cookies and study codes) and with none, in alternating windows. `make
// bench-accounts` runs it.
func TestBenchAccounts(t *testing.T) {
	if os.Getenv(benchAccounts) == "" {
		t.Skip("run it with make bench-accounts")
	}
	model := fakellm.New(fakellm.Options{Answer: fakellm.EchoAnswer})
	url := "LLM_BASE_URL=" + testkit.HTTPServer(t, model.ServeHTTP) + "/v1"
	var services []*benched
	for _, mode := range []string{"none", "account"} {
		s := &benched{mode: mode, Service: servicetest.Start(t, "AUTH_MODE="+mode, "LLM_API_KEY=k", url, "ACCOUNT_LIMIT_PER_HOUR=0")}
		s.address = netip.MustParseAddrPort(s.Address())
		for i := range benchStudents {
			s.students = append(s.students, s.enrol(t, i))
		}
		s.window(t) // warms up
		services = append(services, s)
	}
	for i := range benchPairs {
		for j := range services {
			s := services[(i+j)%2]
			s.window(t)
		}
	}
	none, account := services[0], services[1]
	var ratios, times []float64
	for i := range benchPairs {
		ratios = append(ratios, account.rates[i+1]/none.rates[i+1])
		times = append(times, account.costs[i+1]/none.costs[i+1])
	}
	for _, s := range services {
		t.Logf("%s: %.0f answers a second (%.0f to %.0f), %.0f µs of processor time each", s.mode, median(s.rates), slices.Min(s.rates), slices.Max(s.rates), median(s.costs))
	}
	t.Logf("account in %% of none, median of %d pairs: %.1f answers a second (%.1f to %.1f), %.1f processor time (%.1f to %.1f)", benchPairs,
		100*median(ratios), 100*slices.Min(ratios), 100*slices.Max(ratios), 100*median(times), 100*slices.Min(times), 100*slices.Max(times))
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// benched is a service under load.
type benched struct {
	*servicetest.Service
	mode         string
	address      netip.AddrPort
	students     []benchStudent
	rates, costs []float64 // answers per second; microseconds of processor time per answer
	asked        int
}

// benchStudent identifies the student: by a header or, without accounts, by a user_id.
type benchStudent struct{ header, user string }

func (s *benched) enrol(t *testing.T, i int) benchStudent {
	t.Helper()
	if s.mode == "none" {
		return benchStudent{user: fmt.Sprintf(`"user_id":"student-%d",`, i)}
	}
	made := askAs(t, s.URL, "POST", "/api/account", "")
	if i%2 == 0 {
		return benchStudent{header: "Cookie: " + made.cookie + "\r\n"}
	}
	return benchStudent{header: fmt.Sprintf("Authorization: Bearer %s\r\n", made.body["study_code"])}
}

// window makes all students ask for a while.
func (s *benched) window(t *testing.T) {
	t.Helper()
	before, began := s.processorTime(t), time.Now()
	answers := make([]int, benchStudents)
	var group sync.WaitGroup
	for i, who := range s.students {
		group.Go(func() { answers[i] = s.ask(t, who, began.Add(benchWindow), s.asked+i*1_000_000) })
	}
	group.Wait()
	n := 0
	for _, of := range answers {
		n += of
	}
	s.asked += 100_000
	s.rates = append(s.rates, float64(n)/time.Since(began).Seconds())
	s.costs = append(s.costs, float64((s.processorTime(t)-before).Microseconds())/float64(n))
}

// ask asks new questions over one connection for as long as the service keeps it open.
func (s *benched) ask(t *testing.T, who benchStudent, until time.Time, from int) (answers int) {
	var conn *client.Conn
	for time.Now().Before(until) {
		var err error
		if conn == nil {
			if conn, err = client.Dial(context.Background(), s.address, netip.Addr{}, time.Minute); err != nil {
				t.Error(err)
				return answers
			}
		}
		body := fmt.Sprintf(`{"type":"chat",%s"message":"What is light, question %d?"}`, who.user, from+answers)
		request := fmt.Appendf(nil, "POST /api/ai/agent-test HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", who.header, len(body), body)
		if _, err = conn.Do(request, ""); err != nil {
			t.Error(err)
			return answers
		}
		answers++
		if !conn.Usable() {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
	return answers
}

// processorTime returns the processor time of the supervisor and its workers, including those that have ended.
func (s *benched) processorTime(t *testing.T) (sum time.Duration) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	const tick, parent, user, system, usersOfEnded, systemOfEnded = 10 * time.Millisecond, 1, 11, 12, 13, 14 // indices of the fields after the name
	own := strconv.Itoa(s.Cmd.Process.Pid)
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		counted := []int{user, system}
		switch pid := filepath.Base(filepath.Dir(path)); {
		case pid == own:
			counted = append(counted, usersOfEnded, systemOfEnded)
		case fields[parent] != own:
			continue
		}
		for _, i := range counted {
			ticks, err := strconv.Atoi(fields[i])
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(ticks) * tick
		}
	}
	return sum
}
