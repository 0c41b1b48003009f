package views

// Word is a word that stands on a screen, with its sentence.
type Word struct{ Term, Sentence string }

// Words are the words of a screen, by its crumb. docs/vocabulary.md is made from them.
func Words(crumb string) []Word {
	switch crumb {
	case "timeline":
		return []Word{
			{"TOLD", "The value an agent was given when it asked."},
			{"CONF", "The support of that value, 0 to 1: how sure its own sources were, not how contested it was."},
			{"held n %", "The value's share of all that was weighed; the rest spoke for other values."},
			{"BECAUSE", "The assertions that made the answer, the heaviest first."},
			{"AGAINST", "The assertions that were weighed and lost."},
			{"LENS", "The rule by which competing assertions became one answer."},
			{"approval not required", "Claims counted whether or not anybody had approved them."},
			{"WITHOUT", "What would have been told if one record, or every unapproved claim, had been left out."},
			{"NOW", "What the same question is told now."},
			{"THEN", "What happened in the world that says it was based on this answer."},
			{"LOOK AT", "The most severe finding of a query, and how many more; empty means nothing was found, not that it is right."},
			{"recomputed: same", "The question was put again to the records it saw, and the answer is the one that was recorded."},
			{"mark", "Something that happened: D deploy, A alert, R rollback, C decision, N note."},
			{"near in time", "Asked in the 10 minutes before an event by the same agent, or before an alert by any agent; nothing recorded says it was used."},
			{"T+", "Time since the incident began: the first event with an incident label, else the first alert, else the first deploy in sight."},
			{"as of opening", "While this is open it holds the directory, so nothing new arrives: what is recorded later shows after closing and opening it again."},
			{"all received shown", "Every record that was received has been taken into account."},
			{"last heard", "The newest time an agent has put on anything it sent; what came later may still be on its way."},
		}
	case "contributions":
		return []Word{
			{"contribution", "An assertion's part in an answer."},
			{"then → now", "The stage an assertion had for this answer, and the one it has now."},
			{"Proposed", "Stated, and looked at by nobody yet."},
			{"UnderReview", "Somebody is looking at it."},
			{"Approved", "Somebody has said that it holds."},
			{"Deprecated", "It held once, and should no longer be used."},
			{"Rejected", "Somebody has said that it does not hold."},
			{"NOT ADMITTED", "Assertions on the question that were not weighed, with the rule that kept them out."},
			{"WEIGHT", "How the lens came to this assertion's weight, in numbers."},
			{"saw records 1–n", "The records that were stored when the question was asked; later ones it could not see."},
			{"authority", "How far a document is trusted, 0 to 1, as its descriptor says."},
		}
	case "event":
		return []Word{
			{"based on", "The event itself names the query: whoever recorded it said so."},
			{"same trace", "Query and event carry the same trace id of an outside system."},
			{"near in time", "Asked in the 10 minutes before by the same agent, or before an alert by any agent; nothing recorded links them."},
		}
	case "provenance":
		return []Word{
			{"link", "A record of the chain."},
			{"verified", "Its bytes are here, and their hash is the record's name."},
			{"bytes not kept", "Its name is known and its bytes are not here: nothing can be proved of them."},
			{"broken", "Its bytes are here and hash to something else: do not trust them."},
			{"erased", "Its bytes were removed for a stated reason."},
			{"contributed", "The assertion made the answer, with this weight."},
			{"from", "The descriptor of the document that the assertion rests on."},
			{"bytes", "The document itself."},
			{"after the answer", "The answer could not see it: it came later."},
			{"above", "The record stands further up in the tree, with what is behind it."},
		}
	}
	if crumb == "copy" || crumb == "help" {
		return nil
	}
	return []Word{
		{"hash of these bytes = recorded hash", "The bytes shown were hashed just now, and the hash is the record's name."},
		{"record n", "Its place in the journal, in the order in which records were taken in."},
		{"taken in", "When the journal took it, by its own clock; the time of the record is what its sender claims."},
	}
}

// Crumbs are the screens that have words of their own, in the order of docs/vocabulary.md. The last stands for the
// records in full, each of which goes by its kind.
func Crumbs() []string { return []string{"timeline", "contributions", "event", "provenance", "record"} }
