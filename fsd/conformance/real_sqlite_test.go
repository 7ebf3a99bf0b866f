package conformance

import (
	"database/sql"
	"fmt"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

const sqliteCommand = "do-sqlite"

// SQLite with a write-ahead log needs shared mappings, locks on ranges of bytes and fsync to be what they promise,
// between processes. One is killed in the middle: what it had committed stays, and nothing is damaged.
func TestRealSQLite(t *testing.T) {
	const writers, rows = 3, 60
	onEachPlace(t, inputs{"dir/input": {content: "x"}}, func(t *testing.T, p *place) {
		for _, journal := range []string{"wal", "delete", "truncate"} {
			t.Run(journal, func(t *testing.T) { sqliteSession(t, p.path("dir/"+journal+".db"), journal, writers, rows) })
		}
	})
}

func sqliteSession(t *testing.T, path, journal string, writers, rows int) {
	source := "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(30000)&_pragma=journal_mode(" + journal + ")"
	db, err := sql.Open("sqlite", source)
	must(t, err)
	defer db.Close()
	_, err = db.Exec("create table rows (writer integer, n integer, filler blob, primary key (writer, n))")
	must(t, err)
	var mode string
	must(t, db.QueryRow("pragma journal_mode").Scan(&mode))
	if mode != journal {
		t.Fatalf("journal mode %s", mode)
	}
	victim := exec.Command("/proc/self/exe", sqliteCommand, source, "99", "1000000")
	must(t, victim.Start())
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			cmd := exec.Command("/proc/self/exe", sqliteCommand, source, strconv.Itoa(w), strconv.Itoa(rows))
			cmd.Env = childEnvironment()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %d: %v\n%s", w, err, out)
			}
		})
	}
	for n, until := 0, time.Now().Add(time.Minute); n < 3 && time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		must(t, db.QueryRow("select count(*) from rows where writer = 99").Scan(&n))
	}
	must(t, victim.Process.Kill())
	_ = victim.Wait()
	all.Wait()
	var count, gaps, killed int
	must(t, db.QueryRow("select count(*) from rows where writer < 99").Scan(&count))
	must(t, db.QueryRow("select coalesce(max(n) + 1, 0) - count(*) from rows where writer = 99").Scan(&gaps))
	must(t, db.QueryRow("select count(*) from rows where writer = 99").Scan(&killed))
	if count != writers*rows || gaps != 0 || killed < 3 {
		t.Errorf("%d rows, expected %d; of %d rows of the killed writer %d are missing", count, writers*rows, killed, gaps)
	}
	var check string
	must(t, db.QueryRow("pragma integrity_check").Scan(&check))
	if check != "ok" {
		t.Errorf("integrity check: %s", check)
	}
	_, err = db.Exec("vacuum")
	must(t, err)
}

// sqliteWrite inserts rows, one transaction for each.
func sqliteWrite(args []string) error {
	db, err := sql.Open("sqlite", args[0])
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	for n := range rows {
		if _, err := db.Exec("insert into rows values (?, ?, randomblob(?))", args[1], n, 100+n%3000); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
	return nil
}
