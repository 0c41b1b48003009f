package views

// Word is a word that stands on a screen, with its sentence.
type Word struct{ Term, Sentence string }

// Words are the words of a screen, by its crumb. docs/vocabulary.md is made from them.
func Words(crumb string) []Word {
	switch crumb {
	case "timeline":
		return timelineWords()
	case "contributions":
		return contributionsWords()
	case "event":
		return eventWords()
	case "provenance":
		return provenanceWords()
	case "impact":
		return impactWords()
	case "what if":
		return whatIfWords()
	case "diff":
		return diffWords()
	case "findings":
		return findingsWords()
	case "messages":
		return messagesWords()
	case "brief", "answer", "debrief":
		return trainingWords(crumb)
	case "copy", "help":
		return nil
	}
	return recordWords()
}

// Crumbs are the screens that have words of their own, in the order of docs/vocabulary.md. The last stands for the
// records in full, each of which goes by its kind.
func Crumbs() []string {
	return []string{"timeline", "contributions", "event", "provenance", "impact", "what if", "diff", "findings", "messages", "brief", "answer", "debrief", "record"}
}

func timelineWords() []Word {
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
		{"BY THEN", "In place of NOW where a past moment is shown: what the same question was told by then."},
		{"THEN", "What happened in the world that says it was based on this answer."},
		{"LOOK AT", "The most severe finding of a query, and how many more; empty means nothing was found, not that it is right."},
		{"recomputed: same", "The question was put again to the records it saw, and the answer is the one that was recorded."},
		{"mark", "Something that happened: D deploy, A alert, R rollback, C decision, N note."},
		{"near in time", "Asked in the 10 minutes before an event by the same agent, or before an alert by any agent; nothing recorded says it was used."},
		{"T+", "Time since the incident began: the first event with an incident label, else the first alert, else the first deploy in sight."},
		{"as of opening", "While this is open it holds the directory, so nothing new arrives: what is recorded later shows after closing and opening it again."},
		{"AS IT WAS AT", "Everything is shown as of this time, by the records' own timestamps; what would need later records is left out."},
		{"FROZEN", "Held still: nothing that arrives is shown until the same key, or the last row."},
		{"n new", "Rows that came in below while the cursor stood elsewhere."},
		{"newer ones", "What arrived lies behind the end of the window, which stayed where it was; the key of the last row goes there."},
		{"*", "The open case keeps this row; the notes stand above the verdict."},
		{"masked", "Names of people and hosts, and what looks like a secret, have words in their place, as far as they are recognised."},
		{"all received shown", "Every record that was received has been taken into account."},
		{"last heard", "The newest time an agent has put on anything it sent; what came later may still be on its way."},
	}
}

func contributionsWords() []Word {
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
}

func eventWords() []Word {
	return []Word{
		{"based on", "The event itself names the query: whoever recorded it said so."},
		{"same trace", "Query and event carry the same trace id of an outside system."},
		{"near in time", "Asked in the 10 minutes before by the same agent, or before an alert by any agent; nothing recorded links them."},
	}
}

func provenanceWords() []Word {
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

func impactWords() []Word {
	return []Word{
		{"ahead of", "What followed from a record: whom it told something, and what was done on the strength of that."},
		{"STILL TOLD", "Queries whose answer now, asked again, rests on the record."},
		{"WOULD HAVE FLIPPED", "Queries that without the record would have been told another value."},
		{"TOLD, ANSWER WOULD NOT CHANGE", "Queries it contributed to, which without it would have been told the same value."},
		{"TOLD, NOT KNOWN", "Queries it contributed to that cannot be recomputed here."},
		{"THROUGH", "The way from the record to the query: assertions derived from it, up to the one that was weighed."},
		{"i widens", "From the assertion to all of its document, to everything its author wrote, and back."},
		{"searched n of m", "How many of the queries it reached were recomputed; the others are not in the list."},
	}
}

func whatIfWords() []Word {
	return []Word{
		{"RECORDED", "What was told, as the record has it. It never changes here."},
		{"RECOMPUTED", "What the same question says with the changes below, over the records it could see."},
		{"reproduced", "Put again with nothing changed, the question gave the recorded answer; only then is anything else said."},
		{"MARGIN", "How much more weight the recomputed answer has than the heaviest other value; under authority and recency it predicts nothing."},
		{"LEFT OUT", "How many records would have counted for this question and do not, because of what is left out."},
		{"FLIP", "The smallest set of contributions without which the recorded question says something else, and how far was searched."},
		{"AS IT WAS AT", "The question put for an earlier moment, over the records that were stored when it was asked."},
	}
}

func diffWords() []Word {
	return []Word{
		{"≠", "The two differ in this."},
		{"WHAT MOVED IT", "First the question, where it was another, then each record that counts for one of the two alone and moved the answer, step by step."},
		{"without", "The record counts for the left answer alone: its absence moved the answer."},
		{"count for one alone", "Records that one of the two questions could see and the other could not; most move nothing."},
		{"ONLY LEFT, ONLY RIGHT", "What contributed to one of the two answers and not to the other."},
	}
}

func findingsWords() []Word {
	return []Word{
		{"worst first", "By the most severe finding of each query; its sentence stands once above them."},
		{"+n", "How many findings more the query has; those of the selected one stand below, with the records that say so."},
		{"searched n of m", "What holds now is looked for query by query, the newest first, for a few seconds; of the rest only what was known when they were asked is listed."},
	}
}

func messagesWords() []Word {
	return []Word{
		{"said n times", "The same message came again and again with nothing between."},
	}
}

func recordWords() []Word {
	return []Word{
		{"hash of these bytes = recorded hash", "The bytes shown were hashed just now, and the hash is the record's name."},
		{"record n", "Its place in the journal, in the order in which records were taken in."},
		{"taken in", "When the journal took it, by its own clock; the time of the record is what its sender claims."},
	}
}
