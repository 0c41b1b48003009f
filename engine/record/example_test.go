package record_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"episteme/engine/record"
)

// A reader goes on behind a line that it refuses, and says what is wrong with it.
func ExampleReader() {
	file := strings.NewReader(`{"kind":"epoch","id":"y23","name":"2023","agent":"ops","timestamp":"2023-01-01T00:00:00Z"}
{"kind":"epoch","name":"2024","agent":"ops","timestamp":"2024-01-01","supersedes":"@y23","supersession":"Temporal"}
{"kind":"query","agent":"ops","subject":"auth/jwt","predicate":"owner","timestamp":"2024-01-15T21:03:47Z"}
`)
	r := record.NewReader(file, "events.jsonl", nil)
	for {
		line, err := r.Next()
		var reject *record.Reject
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &reject):
			fmt.Println(reject)
		case err != nil:
			fmt.Println(err) // the file can't be read on
			return
		case line.Query != nil:
			fmt.Println(line.Number, "asks", line.Query.Subject, line.Query.Predicate)
		default:
			for _, rec := range line.Records {
				id, _ := record.IDOf(rec)
				fmt.Println(line.Number, line.Label, id.Short())
			}
		}
	}
	// Output:
	// 1 y23 e_36491bd7
	// events.jsonl:2:57: timestamp: found "2024-01-01", expected a time such as 2024-01-15T21:03:47Z
	// 3 asks auth/jwt owner
}

func ExampleClean() {
	fmt.Println(record.Clean("disk\tfull\x1b[2J"))
	// Output: disk full\u001b[2J
}
