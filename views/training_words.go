package views

// trainingWords are the words of the screens of a training, by their crumb.
func trainingWords(crumb string) []Word {
	switch crumb {
	case "brief":
		return []Word{
			{"sealed ending", "The solution and what a reader must find. It is told by its hash alone until the answer is handed in."},
			{"root", "The assertion without which it would not have happened."},
			{"flipped", "Of a query: without the root it would have been told something else."},
			{"hint", "A nudge, from the first to the last in order; how many were taken stands in the debrief."},
			{"n of 10:00", "The stopwatch, against the time that somebody who knows the tool should need; it decides nothing."},
		}
	case "answer":
		return []Word{
			{"hand it in", "Ends the training: the stopwatch stops, the answer stands, and the ending opens."},
		}
	case "debrief":
		return []Word{
			{"missed", "It flipped, and the answer does not name it."},
			{"wrong", "The answer names it, and it is not known to have flipped."},
			{"at n:n", "When your cursor first rested on what the step finds, for a second or longer."},
			{"not stood on", "Your cursor never rested on it; you may have read of it beside something else."},
			{"what looked guilty", "What many follow first, and why it is not the cause."},
		}
	}
	return nil
}
