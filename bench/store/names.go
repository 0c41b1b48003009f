package store

import (
	"fmt"
	"strings"
)

// objectCount is how many values exist; a claim takes one of a few for its subject and predicate.
const objectCount = 514

func predicates() []string {
	return []string{"signing_algorithm", "token_lifetime", "owner", "rate_limit", "rotation_policy", "status"}
}

func agentName(i uint64) string { return fmt.Sprintf("agent-%03d", i) }

// The hot subjects are auth/jwt and its likes; the others are spread over domains of one word.
const (
	domainWords = "auth billing search deploy infra network storage models docs legal people sales support crm inventory shipping fraud risk ledger tax " +
		"mobile web edge cdn dns queue cache metrics alerts oncall ci build release vendor privacy consent identity catalog pricing forecast"
	nounWords = "jwt session gateway policy runtime worker token invoice tenant schema"
	valueText = "RS256 HS256 ES256 EdDSA 3600s 900s team-platform team-security 1000/s 250/s 90d 30d active deprecated"
)

// hotDomain is what a glob over subjects asks for: hot subjects and a fortieth of the others.
const hotDomain = "auth"

func domainOf(subject int) int {
	if subject < hotSubjects {
		return 0
	}
	return subject % len(strings.Fields(domainWords))
}

func subjectName(i int) string {
	domains, nouns := strings.Fields(domainWords), strings.Fields(nounWords)
	if i < hotSubjects {
		return hotDomain + "/" + nouns[i]
	}
	return fmt.Sprintf("%s/%s-%04d", domains[i%len(domains)], nouns[i/len(domains)%len(nouns)], i/len(domains))
}

// objectName is a value: a word, or, for most of them, a sentence such as people write.
func objectName(i uint16) string {
	words := strings.Fields(valueText)
	word := words[int(i)%len(words)]
	if int(i) < len(words) {
		return word
	}
	return fmt.Sprintf("%s; see change request %05d, approved by the board", word, int(i)*37)
}
