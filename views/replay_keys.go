package views

// Actions of a replay and of a training.
const (
	StepBack  Action = "step back"
	StepOn    Action = "step on"
	MarkBack  Action = "clock to mark before"
	MarkOn    Action = "clock to next mark"
	Slower    Action = "slower"
	Faster    Action = "faster"
	BriefKey  Action = "brief"
	NextHint  Action = "hint"
	NameIt    Action = "name in the answer"
	AnswerKey Action = "answer"
)

// replayKeys are the keys that do something in a replay alone.
func replayKeys() Keymap {
	return Keymap{
		bind(StepBack, ",", "step back", "In a replay: the clock back to when something arrived before. (space stops the clock and starts it.)", ","),
		bind(StepOn, ".", "step on", "In a replay: the clock on to when something arrives next; a number before it steps that often.", "."),
		bind(MarkBack, "(", "clock to mark", "In a replay: the clock back to the deploy, alert, rollback, decision or note before.", "("),
		bind(MarkOn, ")", "clock to mark", "In a replay: the clock on to the next deploy, alert, rollback, decision or note.", ")"),
		bind(Slower, "-", "slower", "In a replay: its clock runs slower.", "-"),
		bind(Faster, "+", "faster", "In a replay: its clock runs faster.", "+", "="),
		bind(BriefKey, "b", "brief", "In a training: the scene, the tasks and the hints so far.", "b"),
		bind(NextHint, "u", "hint", "In a training: to the hints; there it takes the next one, which is counted.", "u"),
		bind(NameIt, "a", "name it", "In a training: name the selected assertion as the root, or the selected query as one that flipped; once more takes it back.", "a"),
		bind(AnswerKey, "A", "answer", "In a training: the answer so far; there it is handed in. Afterwards: the debrief.", "A"),
	}
}
