package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
)

func (a *app) eventCommand() *cobra.Command {
	var (
		f               writeFlags
		basedOn, labels []string
		ev              record.Event
	)
	c := &cobra.Command{
		Use:   "event TYPE TITLE --agent NAME",
		Short: "Write down what happened in the world",
		Long: `Write down something that happened in the world, and the queries or assertions it was based on.

Types: deploy, alert, rollback, decision, note.` + writeHelp,
		Example: `  episteme event deploy "auth-service config 41" --agent deployment-agent --based-on q_7f3a2b91
  episteme event note "INC-4127: clients reject tokens" --agent alice --label incident=INC-4127 --timestamp "21:10"`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: offerAt(0, names(eventTypes())),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if ev.Type, err = oneOf("TYPE", args[0], record.ParseEventType, eventTypes()); err != nil {
				return err
			}
			if ev.Timestamp, err = a.timestamp(&f); err != nil {
				return err
			}
			pairs, err := parseLabels(labels)
			if err != nil {
				return err
			}
			if len(pairs) < len(labels) {
				return usage(fmt.Errorf("--label: found a name a second time in %s, expected each once", strings.Join(labels, ", ")))
			}
			ev.Title, ev.Agent, ev.Labels = args[1], f.agent, record.SortedLabels(pairs)
			return a.write(cmd, &f, draft{
				needsEvidence: len(basedOn) > 0,
				build: func(ctx context.Context, e evidence) ([]record.Record, error) {
					var err error
					ev.BasedOn, err = namedAll(ctx, e, "--based-on", basedOn)
					return []record.Record{&ev}, err
				},
				typed: map[string]string{"type": "TYPE", "title": "TITLE", "labels": "--label", "conversation_id": "--conversation"},
			})
		},
	}
	a.addWriteFlags(c, &f)
	fl := c.Flags()
	fl.StringVar(&ev.Subject, "subject", "", "what it is about")
	fl.StringArrayVar(&basedOn, "based-on", nil, "a query or assertion it was based on, may be repeated")
	fl.StringArrayVar(&labels, "label", nil, "K=V, may be repeated")
	fl.StringVar(&ev.TraceID, "trace-id", "", "the id of the trace it is part of")
	fl.StringVar(&ev.SpanID, "span-id", "", "the id of the span it is part of")
	fl.StringVar(&ev.ConversationID, "conversation", "", "the id of the conversation it is part of")
	return c
}
