package posix

import (
	"database/sql"
	"fmt"
	"os"
	"sync"
	"testing"

	_ "modernc.org/sqlite"
)

// SQLite in WAL mode needs shared mappings, byte-range locks and fsync to be what they promise.
func TestSQLiteWAL(t *testing.T) {
	mkdir(t, "sqlite")
	const source = "file:db.sqlite?_pragma=journal_mode(wal)&_pragma=busy_timeout(20000)"
	db, err := sql.Open("sqlite", source)
	must(t, err)
	_, err = db.Exec("create table rows (writer integer, n integer)")
	must(t, err)
	var mode string
	must(t, db.QueryRow("pragma journal_mode").Scan(&mode))
	if mode != "wal" {
		t.Fatalf("journal mode %s", mode)
	}
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			if err := insertRows(source, w); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	var rows int
	must(t, db.QueryRow("select count(*) from rows").Scan(&rows))
	if rows != 3*SQLiteRows {
		t.Errorf("%d rows", rows)
	}
	if _, err := os.Stat("db.sqlite-wal"); err != nil {
		t.Errorf("no write-ahead log: %v", err)
	}
	var check string
	must(t, db.QueryRow("pragma integrity_check").Scan(&check))
	if check != "ok" {
		t.Errorf("integrity check: %s", check)
	}
	must(t, db.Close())
}

// insertRows writes with a connection of its own.
func insertRows(source string, writer int) error {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return err
	}
	defer db.Close()
	for i := range SQLiteRows {
		if _, err := db.Exec("insert into rows values (?, ?)", writer, i); err != nil {
			return fmt.Errorf("writer %d: %w", writer, err)
		}
	}
	return nil
}
