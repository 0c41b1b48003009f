package export

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// writeProv writes PROV-JSON, the W3C member submission of 24 April 2013. Queries are activities that used assertions
// and generated an answer; events are activities that used answers; everything else that was recorded is an entity.
func writeProv(w io.Writer, c *Contents) error {
	p := &prov{c: c, relations: map[string]map[string]map[string]any{}, doc: map[string]any{}}
	p.doc["prefix"] = map[string]string{"ep": "urn:episteme:", "agent": "urn:episteme:agent:"}
	for _, r := range c.Records {
		p.record(r)
	}
	for _, a := range c.Absent {
		kind := "entity"
		if a.ID.Kind == record.KindAudit || a.ID.Kind == record.KindEvent {
			kind = "activity"
		}
		p.node(kind, p.name(a.ID), map[string]any{"prov:type": qualified("ep:" + a.ID.Kind.String()), "ep:absent": text(a.Why)})
	}
	for name, relation := range p.relations {
		p.doc[name] = relation
	}
	out, err := compactJSON(p.doc)
	if err != nil {
		return err
	}
	_, err = w.Write(append(out, '\n'))
	return err
}

type prov struct {
	c         *Contents
	doc       map[string]any
	relations map[string]map[string]map[string]any // kind of node or relation → id → attributes
	n         int                                  // relations written, for their blank ids
}

func qualified(name string) map[string]string {
	return map[string]string{"$": name, "type": "prov:QUALIFIED_NAME"}
}

// number is a weight or a share, in the shortest form that reads back as the same binary32.
func number(f float32) map[string]string {
	return map[string]string{"$": fmt.Sprint(f), "type": "xsd:float"}
}

func instant(t record.Time) map[string]string {
	return map[string]string{"$": t.String(), "type": "xsd:dateTime"}
}

// name is the qualified name of a record. A token has characters that no local name may have.
func (p *prov) name(id record.ID) string {
	if !p.c.redacted(id) {
		return "ep:" + id.String()
	}
	return "ep:redacted_" + strings.NewReplacer("[", "", "]", "", " ", "_").Replace(p.c.full(id))
}

func (p *prov) answerName(id record.ID) string {
	return "ep:answer_" + strings.TrimPrefix(p.name(id), "ep:")
}

func (p *prov) node(kind, name string, attributes map[string]any) {
	if p.relations[kind] == nil {
		p.relations[kind] = map[string]map[string]any{}
	}
	p.relations[kind][name] = attributes
}

func (p *prov) relate(kind string, attributes map[string]any) {
	p.n++
	p.node(kind, fmt.Sprintf("_:r%d", p.n), attributes)
}

// agent is the name of an agent, which is made known.
func (p *prov) agent(name string) string {
	q := "agent:" + url.PathEscape(name)
	p.node("agent", q, map[string]any{"prov:label": text(record.Clean(name))})
	return q
}

// record adds a record as an activity or an entity, and what it names.
func (p *prov) record(r ask.Record) {
	name := p.name(r.ID)
	attributes := map[string]any{
		"prov:type": qualified("ep:" + r.ID.Kind.String()), "prov:label": text(p.c.title(r)),
		"ep:lsn": uint64(r.LSN), "ep:recorded_at": instant(r.RecordedAt),
	}
	switch x := r.Record.(type) {
	case *record.Audit:
		p.audit(r.ID, x, attributes)
		return
	case *record.Event:
		p.event(name, x, attributes)
		return
	case *record.Assertion:
		p.assertion(name, x, attributes)
	case *record.Source:
		attributes["ep:authority"] = number(x.Authority)
		p.attributed(name, x.Agent)
		p.relate("specializationOf", map[string]any{"prov:specificEntity": name, "prov:generalEntity": p.name(evidence(x.Digest))})
	case *record.Vote:
		attributes["ep:weight"] = number(x.Weight)
		p.attributed(name, x.Agent)
		p.influenced(assertion(x.Assertion), name)
	case *record.Transition:
		attributes["ep:to"] = x.To.String()
		p.attributed(name, x.Agent)
		p.influenced(assertion(x.Assertion), name)
	case *record.Epoch:
		attributes["prov:type"] = []any{qualified("ep:epoch"), qualified("prov:Collection")} // of assertions
		p.attributed(name, x.Agent)
		if !x.Supersedes.IsZero() {
			p.influenced(record.ID{Kind: record.KindEpoch, Hash: x.Supersedes}, name)
		}
	}
	p.node("entity", name, attributes)
}

func assertion(h record.Hash) record.ID { return record.ID{Kind: record.KindAssertion, Hash: h} }
func evidence(h record.Hash) record.ID  { return record.ID{Kind: record.KindEvidence, Hash: h} }

func (p *prov) attributed(entity, agent string) {
	p.relate("wasAttributedTo", map[string]any{"prov:entity": entity, "prov:agent": p.agent(agent)})
}

// influenced says that a record about another one bears on it: a vote, a transition, a later epoch.
func (p *prov) influenced(what record.ID, by string) {
	p.relate("wasInfluencedBy", map[string]any{"prov:influencee": p.name(what), "prov:influencer": by})
}

func (p *prov) audit(id record.ID, a *record.Audit, attributes map[string]any) {
	name, answer := p.name(id), p.answerName(id)
	attributes["prov:startTime"], attributes["prov:endTime"] = a.Timestamp.String(), a.Timestamp.String()
	attributes["ep:lens"], attributes["ep:as_of"] = text(record.Clean(a.Lens)), instant(a.AsOf)
	p.node("activity", name, attributes)
	p.relate("wasAssociatedWith", map[string]any{"prov:activity": name, "prov:agent": p.agent(a.Agent)})
	for _, c := range a.Contributions {
		p.relate("used", map[string]any{"prov:activity": name, "prov:entity": p.name(assertion(c.Assertion)),
			"ep:weight": number(c.Weight), "ep:lifecycle": c.Lifecycle.String()})
	}
	told := map[string]any{
		"prov:type": qualified("ep:answer"), "ep:confidence": number(a.Confidence), "ep:share": number(a.Share),
		"ep:result_hash": p.c.hashText(a.ResultHash),
	}
	if a.Value.Type != record.NoValue {
		told["prov:value"] = text(p.c.said(a.Value.String()))
	}
	p.node("entity", answer, told)
	p.relate("wasGeneratedBy", map[string]any{"prov:entity": answer, "prov:activity": name, "prov:time": a.Timestamp.String()})
}

func (p *prov) event(name string, e *record.Event, attributes map[string]any) {
	attributes["prov:startTime"], attributes["prov:endTime"] = e.Timestamp.String(), e.Timestamp.String()
	p.node("activity", name, attributes)
	p.relate("wasAssociatedWith", map[string]any{"prov:activity": name, "prov:agent": p.agent(e.Agent)})
	for _, id := range e.BasedOn {
		p.relate("used", map[string]any{"prov:activity": name, "prov:entity": p.entity(id)})
	}
}

// entity is the entity that stands for what somebody rested on: of a query, its answer.
func (p *prov) entity(id record.ID) string {
	if id.Kind == record.KindAudit {
		return p.answerName(id)
	}
	return p.name(id)
}

func (p *prov) assertion(name string, a *record.Assertion, attributes map[string]any) {
	attributes["prov:value"], attributes["ep:confidence"] = text(p.c.said(a.Object.String())), number(a.Confidence)
	attributes["ep:lifecycle"], attributes["ep:timestamp"] = a.Lifecycle.String(), instant(a.Timestamp)
	p.attributed(name, a.Agent)
	p.relate("wasDerivedFrom", map[string]any{"prov:generatedEntity": name, "prov:usedEntity": p.name(evidence(a.Source)), "prov:type": qualified("prov:PrimarySource")})
	for _, parent := range a.Parents {
		p.relate("wasDerivedFrom", map[string]any{"prov:generatedEntity": name, "prov:usedEntity": p.entity(parent)})
	}
	if !a.Epoch.IsZero() {
		p.relate("hadMember", map[string]any{"prov:collection": p.name(record.ID{Kind: record.KindEpoch, Hash: a.Epoch}), "prov:entity": name})
	}
}
