package intake

import (
	"math/bits"
	"regexp"
	"strings"
)

// secret is a shape that keys, tokens and passwords have. A text is searched for mark first, which costs next to
// nothing; only where it stands is the pattern tried.
type secret struct {
	kind    string
	mark    string
	pattern *regexp.Regexp // what is removed is its first group, or all of it where it has none
}

// secretKinds are what we recognise, most telling first. A shape is here when its owner documents it; words that merely
// are long and random are not, because ids of traces and documents look the same.
var secretKinds = []secret{
	secretOf("private key", "-----BEGIN ", `-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)`),
	secretOf("password in a URL", "://", `[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@"'\\]{0,128}:([^\s/@"'\\]{1,256})@`),
	secretOf("API key", "sk-", `\bsk-[A-Za-z0-9_-]{20,}`),
	secretOf("AWS access key", "AKIA", `\bAKIA[A-Z0-9]{16}\b`),
	secretOf("AWS access key", "ASIA", `\bASIA[A-Z0-9]{16}\b`),
	secretOf("Google API key", "AIza", `\bAIza[A-Za-z0-9_-]{35}`),
	secretOf("GitHub token", "ghp_", `\bghp_[A-Za-z0-9]{36,}`),
	secretOf("GitHub token", "gho_", `\bgho_[A-Za-z0-9]{36,}`),
	secretOf("GitHub token", "ghu_", `\bghu_[A-Za-z0-9]{36,}`),
	secretOf("GitHub token", "ghs_", `\bghs_[A-Za-z0-9]{36,}`),
	secretOf("GitHub token", "ghr_", `\bghr_[A-Za-z0-9]{36,}`),
	secretOf("GitHub token", "github_pat_", `\bgithub_pat_[A-Za-z0-9_]{22,}`),
	secretOf("GitLab token", "glpat-", `\bglpat-[A-Za-z0-9_-]{20,}`),
	secretOf("Slack token", "xox", `\bxox[abeoprs]-[A-Za-z0-9-]{10,}`),
	secretOf("Stripe key", "_live_", `\b[rsp]k_live_[A-Za-z0-9]{16,}`),
	secretOf("npm token", "npm_", `\bnpm_[A-Za-z0-9]{36}\b`),
	secretOf("JSON web token", "eyJ", `\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`),
	secretOf("bearer token", "earer ", `\b[Bb]earer ([A-Za-z0-9._~+/-]{16,}=*)`),
	secretOf("password", "assword", `(?i)\b\w{0,32}password\\*["']?\s{0,4}[:=]\s{0,4}\\*["']?([^\s"'\\,;&}\[\]]{4,256})`),
	secretOf("API key", "pi_key", `(?i)\bx?-?api[_-]key\\*["']?\s{0,4}[:=]\s{0,4}\\*["']?([A-Za-z0-9._~+/=-]{16,256})`),
	secretOf("secret", "secret", `(?i)\b\w{0,32}secret(?:_access)?(?:_key)?\\*["']?\s{0,4}[:=]\s{0,4}\\*["']?([A-Za-z0-9._~+/=-]{16,256})`),
}

func secretOf(kind, mark, pattern string) secret {
	return secret{kind, mark, regexp.MustCompile(pattern)}
}

// scrub replaces what looks like a secret by [removed: kind], and counts it. Text without any is returned as it is.
func (d *door) scrub(text string) string {
	if len(text) < shortestSecret {
		return text
	}
	marked := marksIn(text)
	for k, s := range secretKinds {
		if marked&(1<<k) != 0 {
			text = d.remove(text, s)
		}
	}
	return text
}

// markHeads are the kinds, as bits, by the first three bytes of their marks: those bytes, hashed into 12 bits. All
// content passes here and hardly any has a mark, so one look at each byte is what this costs; searching for 22 marks one
// after the other took four times as long (BenchmarkScrub).
var markHeads = func() (heads [1 << 12]uint32) {
	for k, s := range secretKinds {
		heads[headOf(s.mark, 0)] |= 1 << k
	}
	return heads
}()

func headOf(s string, i int) uint32 {
	return (uint32(s[i]) ^ uint32(s[i+1])<<3 ^ uint32(s[i+2])<<5) & (1<<12 - 1)
}

// marksIn is which marks are in text, as bits.
func marksIn(text string) (marked uint32) {
	for i := 0; i+2 < len(text); i++ {
		heads := markHeads[headOf(text, i)] &^ marked
		for heads != 0 {
			k := bits.TrailingZeros32(heads)
			heads &^= 1 << k
			if strings.HasPrefix(text[i:], secretKinds[k].mark) {
				marked |= 1 << k
			}
		}
	}
	return marked
}

// shortestSecret is below the shortest text in which any kind can be found: a URL with a password of one letter.
const shortestSecret = len("db://u:p@")

// remove replaces all secrets of one kind.
func (d *door) remove(text string, s secret) string {
	var b strings.Builder
	last := 0
	for _, m := range s.pattern.FindAllStringSubmatchIndex(text, -1) {
		from, to := m[0], m[1]
		if len(m) > 2 && m[2] >= 0 {
			from, to = m[2], m[3]
		}
		if strings.HasPrefix(text[from:to], "[removed: ") {
			continue
		}
		b.WriteString(text[last:from])
		b.WriteString("[removed: " + s.kind + "]")
		last = to
		d.removed[s.kind]++
	}
	if last == 0 {
		return text
	}
	b.WriteString(text[last:])
	return b.String()
}
