package faults

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"

	_ "modernc.org/sqlite" // the driver

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	// dataBack is the time after which a database is used again once it is back; a second on an idle machine.
	dataBack         = 5 * time.Second
	dataMedian       = 2 * time.Second // of chats; a chat that waits for a frozen database takes 5 s
	postgresPassword = "canary-of-postgresql"
	containerKills   = 3
)

// dataFaults are faults of the database.
var dataFaults = []fault{
	{id: "D1", what: "another process holds the lock of the SQLite file", sees: "503 for writes, after 5 s; reads are served", lost: "nothing acknowledged", well: dataBack, test: sqliteLocked},
	{id: "D2", what: "the container is killed while notes are written", sees: "connections refused until it is started again", lost: "nothing acknowledged", well: harness.ReadyWithin, test: containerKilled},
	{id: "D3a", what: "the disk of the SQLite file is full, with `DISK_RESERVE_MB=0`", sees: "503 for writes; reads are served", lost: "nothing acknowledged", well: dataBack, test: diskFull},
	{id: "D3c", what: "less than `DISK_RESERVE_MB` is free", sees: "507 for writes; reads are served", lost: "nothing acknowledged", well: dataBack, test: reserveReached},
	{id: "D3b", what: "the SQLite file's volume is read-only", sees: "nothing: the start is refused, exit status 3", lost: "nothing", test: volumeReadOnly},
	{id: "D4", what: "the SQLite file is damaged", sees: "nothing: the start is refused, exit status 3, and the file is not changed", lost: "nothing more", test: fileDamaged},
	{id: "D5", what: "a reader keeps SQLite from truncating its log", sees: "nothing; the log of the service warns", lost: "nothing", held: "app/store.TestTheLogIsEmptiedOnceItsReaderEnds"},
	{id: "D6a", what: "PostgreSQL is down at the start", sees: "nothing: the start is refused, exit status 3, and the password is not shown", lost: "nothing", test: postgresAbsent},
	{id: "D6b", what: "PostgreSQL is killed under load and restarted", sees: "503 for requests that need it; chats without their context", lost: "nothing acknowledged", well: dataBack, test: postgresKilled},
	{id: "D6c", what: "PostgreSQL is frozen", sees: "503 for requests that need it, within seconds; chats without their context", lost: "nothing acknowledged", well: dataBack, test: postgresFrozen},
	{id: "D7", what: "two processes migrate the database at once", sees: "nothing", lost: "nothing", held: "app/store.TestMigrateMayBeRunAtOnceAndAgain"},
	{id: "D8", what: "PostgreSQL ends a deadlock, cuts connections or has too few", sees: "nothing, or one 503", lost: "nothing acknowledged", held: "app/store.TestPostgreSQLFaults"},
}

// onFolder starts a service with its data in a folder of this machine.
func (i *incident) onFolder(dir string) *harness.Service {
	i.Helper()
	return i.startOnHostNetwork(withFolder(dir), asMe())
}

// withFolder mounts a folder of this machine as a container's data.
func withFolder(dir string) func(*container.HostConfig) {
	return func(host *container.HostConfig) { host.Binds = []string{dir + ":/data"} }
}

// sqliteFile opens the database file that the service is using.
func (i *incident) sqliteFile(dir string) *sql.DB {
	i.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "studysharper.db")+"?mode=rw")
	if err != nil {
		i.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	i.Cleanup(func() { db.Close() })
	return db
}

// wantWhole checks the integrity of the file.
func (i *incident) wantWhole(dir string) {
	i.Helper()
	var said string
	if err := i.sqliteFile(dir).QueryRowContext(i.Context(), "PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		i.Errorf("the file's integrity check: %q, %v", said, err)
	}
}

// wantWriteRefused checks that a note is refused, and returns how long that took.
func (i *incident) wantWriteRefused(d *noteWriter) time.Duration {
	i.Helper()
	began := time.Now()
	got, err := d.write(-1)
	if err != nil {
		i.Fatal(err)
	}
	wantProblem(i.T, got, http.StatusServiceUnavailable)
	if problemCode(got) != "unavailable" || got.Header.Get("Retry-After") == "" {
		i.Errorf("code %q, Retry-After %q", problemCode(got), got.Header.Get("Retry-After"))
	}
	return time.Since(began)
}

// wantReads checks that notes can be listed and read.
func (i *incident) wantReads(d *noteWriter) {
	i.Helper()
	for _, path := range []string{"/api/notes?user_id=" + harness.UserID, "/api/notes/" + d.acked[0]} {
		if got, err := askOnce(d.Service, http.MethodGet, path, nil); err != nil || got.Status != http.StatusOK {
			i.Errorf("%s: %v, status %d: %.300s", path, err, got.Status, got.Body)
		}
	}
}

// written returns a noteWriter that has written some notes.
func (i *incident) written(s *harness.Service) *noteWriter {
	i.Helper()
	d := &noteWriter{Service: s}
	for n := range 20 {
		if got, err := d.write(n); err != nil || got.Status != http.StatusCreated {
			i.Fatalf("a note: %v, status %d: %s", err, got.Status, got.Body)
		}
	}
	return d
}

func sqliteLocked(i *incident) {
	dir := i.TempDir()
	d := i.written(i.onFolder(dir))
	locker := i.sqliteFile(dir)
	if _, err := locker.ExecContext(i.Context(), "BEGIN IMMEDIATE"); err != nil {
		i.Fatal(err)
	}
	i.note("a write is refused after %s", harness.Short(i.wantWriteRefused(d)))
	i.wantReads(d)
	if _, err := locker.ExecContext(i.Context(), "ROLLBACK"); err != nil {
		i.Fatal(err)
	}
	free := time.Now()
	i.recoveredAfter(i.awaitHealthy(d.write).Sub(free))
	i.wantAll(d)
}

func containerKilled(i *incident) {
	dir := i.TempDir()
	var acked []string
	s := i.onFolder(dir)
	for range containerKills {
		d := &noteWriter{Service: s}
		writers := i.startClients(4, d.write)
		testkit.Pause(700 * time.Millisecond)
		harness.Docker(i.T, "kill", s.GetContainerID())
		killed := time.Now()
		writers.end()
		acked = append(acked, d.acked...)
		i.wantWhole(dir)
		s = i.onFolder(dir)
		i.recoveredAfter(time.Since(killed))
	}
	i.wantAllOf(s, acked)
}

func diskFull(i *incident) {
	volume := i.volumeOf(4)
	d := i.written(i.startOnHostNetwork(func(host *container.HostConfig) { host.Binds = []string{volume + ":/data"} },
		testcontainers.WithEnv(map[string]string{"DISK_RESERVE_MB": "0"})))
	shared := []string{"--volume", volume + ":/data", "--user", "10001:10001"}
	i.runSidecar("head -c 2M /dev/zero > /data/ballast", shared...)
	full := false
	for n := 0; n < 5_000 && !full; n++ {
		got, err := d.write(100 + n)
		if err != nil {
			i.Fatal(err)
		}
		full = got.Status != http.StatusCreated
	}
	if !full {
		i.Fatal("the disk does not become full")
	}
	i.wantWriteRefused(d)
	i.wantReads(d)
	i.runSidecar("rm /data/ballast", shared...)
	freed := time.Now()
	i.recoveredAfter(i.awaitHealthy(d.write).Sub(freed))
	i.wantAll(d)
}

func reserveReached(i *incident) {
	volume := i.volumeOf(128)
	d := i.written(i.startOnHostNetwork(func(host *container.HostConfig) { host.Binds = []string{volume + ":/data"} },
		testcontainers.WithEnv(map[string]string{"DISK_RESERVE_MB": "64"})))
	shared := []string{"--volume", volume + ":/data", "--user", "10001:10001"}
	i.runSidecar("head -c 80M /dev/zero > /data/ballast", shared...)
	refused := func() bool {
		got, err := d.write(-1)
		return err == nil && got.Status == http.StatusInsufficientStorage
	}
	testkit.Eventually(i.T, "writes are refused", refused)
	i.wantReads(d)
	i.runSidecar("rm /data/ballast", shared...)
	freed := time.Now()
	i.recoveredAfter(i.awaitHealthy(d.write).Sub(freed))
	i.wantAll(d)
}

func volumeReadOnly(i *incident) {
	status, log := i.startRefused(nil, func(host *container.HostConfig) { host.Binds = []string{i.TempDir() + ":/data:ro"} }, asMe())
	if status != 3 {
		i.Errorf("exit status %d, want 3", status)
	}
	wantWords(i.T, log, "studysharper: ", "database")
}

func fileDamaged(i *incident) {
	dir := i.TempDir()
	path := filepath.Join(dir, "studysharper.db")
	damaged := []byte(strings.Repeat("no database at all. ", 1_000))
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		i.Fatal(err)
	}
	status, log := i.startRefused(nil, withFolder(dir), asMe())
	if status != 3 {
		i.Errorf("exit status %d, want 3", status)
	}
	wantWords(i.T, log, "studysharper: ", "database")
	if left, err := os.ReadFile(path); err != nil || string(left) != string(damaged) {
		i.Errorf("the file was changed: %v, %d bytes", err, len(left))
	}
}

func postgresAbsent(i *incident) {
	url := fmt.Sprintf("postgres://studysharper:%s@127.0.0.1:%d/studysharper", postgresPassword, harness.FreePort(i.T))
	status, log := i.startRefused(map[string]string{"DATABASE_URL": url}, nil)
	if status != 3 {
		i.Errorf("exit status %d, want 3", status)
	}
	wantWords(i.T, log, "the database cannot be reached")
	i.wantAbsent("the log", log, postgresPassword)
}

// withoutPostgres takes PostgreSQL away from a service that is being written to, and gives it back. Only what needs it
// may be refused.
func (i *incident) withoutPostgres(take, give func(*engine)) {
	i.Helper()
	server, url := i.postgres()
	h := i.startInstance(map[string]string{"DATABASE_URL": url})
	d := i.written(h.Service)
	writers, chats := i.startClients(2, d.write), i.startClients(2, func(n int) (harness.Answer, error) { return askChat(h.Service, n) })
	testkit.Pause(500 * time.Millisecond)
	take(server)
	i.note("a write is refused after %s", harness.Short(i.wantWriteRefused(d)))
	testkit.Eventually(i.T, "it is not ready", func() bool {
		got, err := askOnce(h.Service, http.MethodGet, "/readyz", nil)
		return err == nil && got.Status == http.StatusServiceUnavailable
	})
	give(server)
	back := time.Now()
	i.recoveredAfter(i.awaitHealthy(d.write).Sub(back))
	testkit.Pause(500 * time.Millisecond)
	writers.end()
	for told := range writers.told() {
		if told != "503 unavailable" {
			i.Errorf("a writer got %q", told)
		}
	}
	i.note("%d writes refused", len(writers.wrong))
	i.wantNoneRefused(chats, dataMedian)
	i.wantAll(d)
	i.wantAbsent("the log", harness.LogsOf(h.DockerContainer), postgresPassword)
}

func postgresKilled(i *incident) { i.withoutPostgres((*engine).kill, (*engine).back) }

func postgresFrozen(i *incident) { i.withoutPostgres((*engine).freeze, (*engine).thaw) }
