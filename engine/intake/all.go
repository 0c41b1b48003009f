package intake

// DetectBytes is how much of a file's start Detect wants to see.
const DetectBytes = 4 << 10

// All lists the formats, in the order the help shows them. No file is of two of them.
func All() []Format {
	return []Format{
		jsonlFormat(),
		otlpFormat(),
		langfuseFormat(),
		chatFormat(),
	}
}

// ByName finds a format by the name --format takes.
func ByName(name string) (Format, bool) {
	for _, f := range All() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Detect finds the format of a file by its first DetectBytes bytes.
func Detect(head []byte) (Format, bool) {
	for _, f := range All() {
		if f.Detect(head) {
			return f, true
		}
	}
	return Format{}, false
}
