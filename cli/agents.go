package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/trace/ask"
)

func (a *app) agentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "agents",
		Short: "Who asks: queries, when last heard, lines refused",
		Example: `  episteme agents
  episteme agents -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			list := []ask.Agent{}
			err = a.withEvidence(cmd.Context(), func(e evidence) error {
				list, err = e.Agents(cmd.Context())
				return err
			})
			var nothing *nothingError
			if errors.As(err, &nothing) && !nothing.refused() {
				fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(nothing.Error()))
				err = nil
			}
			if err != nil {
				return err
			}
			return a.printAgents(list, format)
		},
	}
}

// printAgent prints one agent, who must have asked something or had a line refused.
func (a *app) printAgent(ctx context.Context, e evidence, name, format string) error {
	list, err := e.Agents(ctx)
	if err != nil {
		return err
	}
	for _, agent := range list {
		if agent.Name == name {
			return a.printAgents([]ask.Agent{agent}, format)
		}
	}
	return &ask.NotFoundError{What: "agent:" + name}
}

func (a *app) printAgents(list []ask.Agent, format string) error {
	switch format {
	case asJSON:
		return a.writeJSON(struct {
			Agents []ask.Agent `json:"agents"`
		}{list})
	case asNDJSON:
		for _, agent := range list {
			if err := a.writeJSON(agent); err != nil {
				return err
			}
		}
		return nil
	}
	t := &table{head: []string{"AGENT", "QUERIES", "NEWEST (UTC)", "RECORDED", "REFUSED"}, gives: 0}
	for _, agent := range list {
		newest, recorded := "—", "—"
		if agent.NewestTimestamp != nil {
			newest, recorded = seconds(*agent.NewestTimestamp), seconds(*agent.NewestRecordedAt)
		}
		t.rows = append(t.rows, []string{agent.Name, strconv.FormatUint(agent.Queries, 10), newest, recorded, strconv.FormatUint(agent.Rejects, 10)})
	}
	text := strings.Join(t.lines(a.width()), "\n") + "\n"
	if format == asMD {
		text = t.markdown()
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}
