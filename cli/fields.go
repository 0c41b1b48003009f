package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// fields lists the members of a JSON object, one a line, in their order, strings unquoted.
func fields(object []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil
	}
	var lines []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return lines
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return lines
		}
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil && text != "null" {
			text = s
		}
		lines = append(lines, fmt.Sprintf("%-12v %s", name, text))
	}
	return lines
}
