package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// production are the settings of a production service with accounts.
var production = []string{"ENVIRONMENT=production", "ADMIN_TOKEN=" + servicetest.AdminToken}

// asked is the answer to a request.
type asked struct {
	status int
	body   map[string]any
	cookie string // the cookie that was set, to send back
}

func askAs(t *testing.T, url, method, path, body string, header ...string) asked {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // any worker
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := asked{status: res.StatusCode}
	_ = json.Unmarshal(text, &a.body)
	for _, c := range res.Cookies() {
		a.cookie = c.Name + "=" + c.Value
	}
	return a
}

func TestInProductionAccountsHoldOnEveryWorker(t *testing.T) {
	s := servicetest.Start(t, production...)
	if got := askAs(t, s.URL, "GET", "/api/notes?user_id=ann", ""); got.status != 401 {
		t.Fatalf("a stranger's request: %d", got.status)
	}
	made := askAs(t, s.URL, "POST", "/api/account", "")
	if made.status != 201 {
		t.Fatalf("an account: %d %v", made.status, made.body)
	}
	code := made.body["study_code"].(string)
	other := askAs(t, s.URL, "POST", "/api/account/session", `{"study_code":"`+code+`"}`)
	every := func(what string, want int, header ...string) {
		t.Helper()
		for range 20 { // each on a new connection
			if got := askAs(t, s.URL, "GET", "/api/account", "", header...); got.status != want {
				t.Fatalf("%s: %d, want %d", what, got.status, want)
			}
		}
	}
	every("the cookie", 200, "Cookie", made.cookie)
	every("the other's cookie", 200, "Cookie", other.cookie)
	every("the code", 200, "Authorization", "Bearer "+code)
	if got := askAs(t, s.URL, "DELETE", "/api/account/sessions?others=true", "", "Cookie", other.cookie); got.status != 204 {
		t.Fatalf("ending the others: %d", got.status)
	}
	every("an ended session", 401, "Cookie", made.cookie)
	every("the session that ended it", 200, "Cookie", other.cookie)
	renewed := askAs(t, s.URL, "POST", "/api/account/code", "", "Cookie", other.cookie)
	every("the new code", 200, "Authorization", "Bearer "+renewed.body["study_code"].(string))
	if got := askAs(t, s.URL, "GET", "/api/account", "", "Authorization", "Bearer "+code); got.status != 401 {
		t.Errorf("the old code: %d", got.status)
	}
	_ = s.Stop()
	_, value, _ := strings.Cut(made.cookie, "=")
	for _, secret := range []string{code, value, renewed.body["study_code"].(string)} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log has a secret:\n%s", s.Log)
		}
	}
}

func TestTheOperatorGivesTheDataOfAUserIDToAnAccount(t *testing.T) {
	database := "DATABASE_URL=sqlite:" + t.TempDir() + "/x.db"
	before := servicetest.Start(t, database)
	before.Ask("POST", "/api/notes", `{"user_id":"ann","title":"Leaves","content":"Chlorophyll absorbs light."}`)
	_ = before.Stop()
	s := servicetest.Start(t, append([]string{database}, production...)...)
	out, err := servicetest.Program(t, []string{database}, "claim", "ann").Output()
	if err != nil {
		t.Fatal(err)
	}
	code := strings.TrimSpace(string(out))
	got := askAs(t, s.URL, "GET", "/api/notes", "", "Authorization", "Bearer "+code)
	if notes, _ := got.body["notes"].([]any); got.status != 200 || len(notes) != 1 {
		t.Errorf("her notes: %d %v", got.status, got.body)
	}
	for _, tt := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"claim", "ann"}, 1, "has an account already"},
		{[]string{"claim", "bob"}, 1, "nothing is kept of this user_id"},
		{[]string{"claim"}, 2, "claim USER_ID"},
	} {
		cmd := servicetest.Program(t, []string{database}, tt.args...)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != tt.exit || !strings.Contains(string(out), tt.says) {
			t.Errorf("%v: exit %d: %s", tt.args, cmd.ProcessState.ExitCode(), out)
		}
	}
}

func TestUsersAreToldApartAsTheSettingsSay(t *testing.T) {
	for mode, env := range map[string][]string{
		"none":    nil,
		"account": {"AUTH_MODE=account"},
		"jwt":     {"JWT_SECRET=" + servicetest.JWTSecret},
	} {
		s := servicetest.Start(t, env...)
		if got := askAs(t, s.URL, "GET", "/health", ""); got.body["auth_mode"] != mode {
			t.Errorf("%v: %v", env, got.body["auth_mode"])
		}
	}
	for _, env := range [][]string{{"AUTH_MODE=jwt"}, {"AUTH_MODE=account", "JWT_SECRET=" + servicetest.JWTSecret}, {"AUTH_MODE=none", "JWT_SECRET=" + servicetest.JWTSecret}, {"AUTH_MODE=open"}} {
		cmd := servicetest.Program(t, env, "check-config")
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "AUTH_MODE") {
			t.Errorf("%v: %s", env, out)
		}
	}
}

func TestInProductionWithoutUsersThePageAndTheLogWarn(t *testing.T) {
	s := servicetest.Start(t, append([]string{"AUTH_MODE=none"}, production...)...)
	if got := askAs(t, s.URL, "GET", "/api/account?user_id=ann", ""); got.body["warning"] == nil || got.body["auth_mode"] != "none" {
		t.Errorf("the page is told %v", got.body)
	}
	if !strings.Contains(s.Log.String(), "AUTH_MODE=none") {
		t.Errorf("the log:\n%s", s.Log)
	}
}
