package main

import (
	"fmt"
	"strings"
	"time"
)

// A clean-up job deletes four weeks of backups because the rule it was told had more voices behind it than people:
// the agent that proposed the rule takes its name from its pod, so each restart gave it another vote. As long as the
// rule of the year before stood, the people's votes for that one held the balance. The new year's rule began with none.

// scouts are the names under which one agent voted, in the order of its restarts.
var scouts = []struct{ name, since string }{
	{"cost-scout-58c7f6d9b-9kq2z", "2024-11-18 09:10:31"},
	{"cost-scout-58c7f6d9b-t4xwl", "2024-11-26 03:44:08"},
	{"cost-scout-58c7f6d9b-mc7hd", "2024-12-05 14:21:55"},
	{"cost-scout-6d44f8b7c5-zp2vr", "2024-12-12 11:02:17"},
	{"cost-scout-6d44f8b7c5-8xjnk", "2024-12-20 22:37:40"},
	{"cost-scout-6d44f8b7c5-wq5tg", "2025-01-03 05:13:26"},
	{"cost-scout-6d44f8b7c5-f9bls", "2025-01-14 17:50:02"},
	{"cost-scout-7b9c5d64f-kd6mx", "2025-01-23 08:29:33"},
	{"cost-scout-7b9c5d64f-2vhrz", "2025-02-04 01:15:59"},
	{"cost-scout-7b9c5d64f-ns8cq", "2025-02-13 19:06:44"},
	{"cost-scout-7b9c5d64f-j7plw", "2025-02-24 12:48:10"},
	{"cost-scout-7b9c5d64f-xb4ts", "2025-03-01 04:33:12"},
}

// policy is a row of the company's rules: what it said in 2024 and what it says in 2025. A nil now is a row that the
// new document does not have.
type policy struct {
	label, subject, predicate string
	was, now                  any
	doc                       string // data, access or change
}

var policies = []policy{
	{"ledger", "backup/ledger", "retention_days", 35, 35, "data"},
	{"offsite", "backup/offsite", "retention_days", 90, nil, "data"},
	{"media", "backup/media", "retention_days", 14, 14, "data"},
	{"searchbk", "backup/search", "retention_days", 3, 7, "data"},
	{"applogs", "logs/app", "retention_days", 30, 14, "data"},
	{"auditlogs", "logs/audit", "retention_days", 400, 400, "data"},
	{"accesslogs", "logs/access", "retention_days", 90, 180, "data"},
	{"rawmetrics", "metrics/raw", "retention_days", 15, 15, "data"},
	{"tickets", "support/tickets", "retention_days", 730, 730, "data"},
	{"prodhours", "access/prod", "session_hours", 8, 4, "access"},
	{"prodappr", "access/prod", "approvals_required", 1, 2, "access"},
	{"glass", "access/db", "break_glass_minutes", 60, 30, "access"},
	{"dbrot", "secrets/db", "rotation_days", 30, 30, "access"},
	{"apirot", "secrets/api", "rotation_days", 90, 60, "access"},
	{"patchday", "patch/window", "day", "Sunday", "Saturday", "change"},
	{"patchhours", "patch/window", "hours", "02:00-06:00 UTC", "02:00-06:00 UTC", "change"},
	{"canary", "deploy/canary", "percent", 5, 5, "change"},
	{"canarymin", "deploy/canary", "minutes", 20, 30, "change"},
}

// short says that the rule stands in the document alone: the file for machines has only what machines of the first
// hour asked for.
func (p policy) short() bool { return p.label == "ledger" || p.label == "offsite" }

// rulesFile is the policy as machines read it.
func rulesFile(value func(policy) any) string {
	var b strings.Builder
	for _, p := range policies {
		if !p.short() {
			fmt.Fprintf(&b, "%s: {%s: %v}\n", p.subject, p.predicate, value(p))
		}
	}
	return b.String()
}

func backupRetention() *scene {
	s := newScene(20250301)
	s.rulesOf2024()
	s.scoutAtWork()
	s.plantOfStorage()
	s.rulesOf2025()
	s.nightOfTheJanitor()
	s.morningAfter()
	s.usualBusiness()
	return s
}

func (s *scene) rulesOf2024() {
	s.epoch("p24", "2024-01-01 00:00:00", "policy-loader", "policy-2024", "", "")
	s.source("data24", "2024-01-02 08:30:00", "docs-sync", "data-retention-policy-2024.md", 0.9, "markdown", `
# Data retention 2024
Owner: ines (compliance). Approved by the board 2023-12-14.
1.1 Snapshots of the ledger are kept 35 days. The auditors restore one month-end at random; 35 is a month and a bit.
1.2 Offsite copies: 90 days. Media 14 days. Search 3 days, it can be rebuilt.
2.1 Logs: application 30, access 90, audit 400 days. Raw metrics 15 days. Tickets two years (730).`, uri("https://docs.internal/policy/data-2024"))
	s.source("access24", "2024-01-02 08:31:00", "docs-sync", "access-policy-2024.md", 0.9, "markdown", `
# Access 2024
Production sessions end after 8 hours, one approval. Break-glass on databases: 60 minutes.
Database passwords every 30 days, API keys every 90.`, uri("https://docs.internal/policy/access-2024"))
	s.source("change24", "2024-01-02 08:32:00", "docs-sync", "change-policy-2024.md", 0.9, "markdown", `
# Changes 2024
Patches: Sunday, 02:00-06:00 UTC. Canary: 5 % for 20 minutes.`, uri("https://docs.internal/policy/change-2024"))
	s.source("rules24", "2024-01-02 08:38:00", "docs-sync", "policy/rules-2024.yaml", 0.7, "yaml", rulesFile(func(p policy) any { return p.was }), uri("git://policy/rules-2024.yaml"))
	for i, p := range policies {
		at := clock("2024-01-02 08:40:00").Add(time.Duration(7*i) * time.Second).Format(clockForm)
		s.claim(p.label+"24", at, "docs-sync", p.subject, p.predicate, p.was, 0.95, "Approved", "@"+p.doc+"24", epoch("@p24"))
		if !p.short() {
			s.claim(p.label+"24y", at, "docs-sync", p.subject, p.predicate, p.was, 0.9, "Approved", "@rules24", epoch("@p24"))
		}
	}
	voters := []string{"ines", "yuki", "priya", "tomas", "marek"}
	for i, p := range policies {
		// Everybody read the chapter on the ledger; of the rest, each what concerned them.
		for j, who := range voters {
			if p.label == "ledger" || p.label == "offsite" && j != 1 && j != 4 || (i+j)%3 == 0 {
				s.vote(clock("2024-01-09 10:00:00").Add(time.Duration(97*i+1201*j)*time.Second).Format(clockForm), who, "@"+p.label+"24", 1)
			}
		}
	}
}

func (s *scene) scoutAtWork() {
	first := scouts[0].name
	s.source("scoutyaml", "2024-11-15 10:20:00", "docs-sync", "finops/cost-scout/deployment.yaml", 0.7, "yaml", `
kind: Deployment
metadata: {name: cost-scout, namespace: finops}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: scout
        image: registry.internal/finops/cost-scout:0.4.1
        resources: {limits: {memory: 256Mi}}
        env:
        - name: EPISTEME_AGENT
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: ON_START
          value: "revote open recommendations"`, uri("git://deploy/finops/cost-scout/deployment.yaml"))
	s.claim("scoutreps", "2024-11-15 10:21:00", "docs-sync", "finops/cost-scout", "replicas", 1, 0.95, "Approved", "@scoutyaml")
	s.source("fin212", "2024-11-18 08:55:00", "marek", "FIN-212 Storage review Q4", 0.5, "plain", `
FIN-212 (open) reporter: marek
Storage is 41 % of the bill. Ideas, cheapest first:
a) ledger snapshots in STAGING: 7 days are plenty, nobody restores staging. About 1,900 EUR a month.
b) media backups to infrequent access: about 700 EUR a month, any environment.
c) search on three replicas instead of five.
Anything about production needs ines.`, uri("https://tickets.internal/FIN-212"))
	s.claim("seven", "2024-11-18 09:12:04", first, "backup/ledger", "retention_days", 7, 0.9, "Proposed", "@fin212", note("saves 1,900 EUR a month"))
	s.claim("mediaia", "2024-11-18 09:12:09", first, "backup/media", "storage_class", "infrequent access", 0.9, "Proposed", "@fin212", note("saves 700 EUR a month"))
	s.claim("searchrep", "2024-11-18 09:12:15", first, "cost/search", "replicas", 3, 0.7, "Proposed", "@fin212")
	s.move("t_seven", "2024-11-19 10:02:00", "marek", "@seven", "Approved", "ok for staging, FIN-212 a")
	s.move("t_mediaia", "2024-11-19 10:02:40", "marek", "@mediaia", "Approved", "FIN-212 b")
	s.vote("2024-12-04 15:20:00", "priya", "@seven", -1)
	s.vote("2024-12-04 15:31:00", "tomas", "@seven", -1)
	s.vote("2024-12-04 16:05:00", "ines", "@seven", -1)
	s.vote("2024-12-04 16:06:00", "ines", "@mediaia", 1)
	s.source("fin230", "2024-12-12 10:40:00", "marek", "FIN-230 Copies of short-lived data", 0.5, "plain", `
FIN-230 (open) reporter: marek
If a dataset is kept N days, its offsite copy need not be kept longer. Follow-up to FIN-212 a.`, uri("https://tickets.internal/FIN-230"))
	s.claim("off7", "2024-12-12 11:03:20", scouts[3].name, "backup/offsite", "retention_days", 7, 0.9, "Proposed", "@fin230", parents("@seven"), note("follows backup/ledger"))
	s.move("t_off7", "2024-12-13 09:15:00", "marek", "@off7", "Approved", "follows FIN-212")
	for i, scout := range scouts {
		start := clock(scout.since)
		at := func(seconds int) string { return start.Add(time.Duration(seconds) * time.Second).Format(clockForm) }
		s.vote(at(140), scout.name, "@seven", 1)
		s.vote(at(143), scout.name, "@mediaia", 1)
		s.vote(at(147), scout.name, "@searchrep", 1)
		if i >= 3 {
			s.vote(at(212), scout.name, "@off7", 1)
		}
	}
}

// plantOfStorage is what is known of the machines; it belongs to no year.
func (s *scene) plantOfStorage() {
	s.source("runbook", "2024-06-11 13:00:00", "docs-sync", "backup-runbook.md", 0.7, "markdown", `
# Backups
backup-janitor runs at 02:10 UTC. It asks for the retention of each dataset (lens consensus, Approved only), sets the
bucket's lifecycle rule and deletes what is older. offsite-sync does the same for the copies, at 06:00 on Saturdays.
A deleted snapshot is gone. Offsite copies are complete and can be restored in about four hours.
The restore drill picks a snapshot between 15 and 30 days old, Saturdays 02:55.`, uri("https://docs.internal/storage/backup-runbook"))
	facts := []struct {
		label, subject, predicate string
		object                    any
		confidence                float64
	}{
		{"jansched", "backup/janitor", "schedule", "02:10 UTC daily", 0.95},
		{"offsched", "backup/offsite", "schedule", "06:00 UTC Saturdays", 0.95},
		{"drillday", "restore/drill", "day", "Saturday", 0.95},
		{"drillage", "restore/drill", "sample_age_days", "15 to 30", 0.9},
		{"rto", "backup/offsite", "restore_hours", 4, 0.8},
	}
	for i, f := range facts {
		at := clock("2024-06-11 13:02:00").Add(time.Duration(5*i) * time.Second).Format(clockForm)
		s.claim(f.label, at, "docs-sync", f.subject, f.predicate, f.object, f.confidence, "Approved", "@runbook")
	}
	s.source("pools", "2025-02-28 18:00:00", "capacity-planner", "zpool list, storage nodes", 0.8, "plain", `
NAME          SIZE   ALLOC   FREE   CAP
ledger-vol-1  6.2T   4.1T    2.1T   66%
ledger-vol-2  6.2T   4.8T    1.4T   77%
media-vol-1   22T    13T     9T     59%
offsite-vol   48T    31T     17T    64%`)
	for i, v := range []struct {
		label, volume string
		used          int
	}{{"vol1", "ledger-vol-1", 66}, {"vol2", "ledger-vol-2", 77}, {"volm", "media-vol-1", 59}, {"volo", "offsite-vol", 64}} {
		at := clock("2025-02-28 18:01:00").Add(time.Duration(3*i) * time.Second).Format(clockForm)
		s.claim(v.label, at, "capacity-planner", "storage/"+v.volume, "used_percent", v.used, 0.95, "Approved", "@pools")
	}
	s.source("bill", "2025-02-28 06:00:00", "finops-export", "storage bill, February to date", 0.75, "csv", `
item,eur
ledger snapshots,4810
offsite copies,6120
media backups,1350
egress,880`)
	for i, c := range []struct {
		label, item string
		eur         int
	}{{"bill1", "ledger-snapshots", 4810}, {"bill2", "offsite-copies", 6120}, {"bill3", "media-backups", 1350}, {"bill4", "egress", 880}} {
		at := clock("2025-02-28 06:01:00").Add(time.Duration(2*i) * time.Second).Format(clockForm)
		s.claim(c.label, at, "finops-export", "cost/"+c.item, "eur_month", c.eur, 0.9, "Approved", "@bill")
	}
	s.source("pg", "2025-02-28 17:30:00", "capacity-planner", "psql ledger-1: size and replication", 0.8, "plain", `
 pg_size_pretty | 3811 GB
 application_name |   state   | replay_lag
 ledger-2         | streaming | 00:00:00.2`)
	s.claim("size", "2025-02-28 17:31:00", "capacity-planner", "db/ledger", "size_gb", 3811, 0.95, "Approved", "@pg")
	s.claim("primary", "2025-02-28 17:31:04", "capacity-planner", "db/ledger", "primary", "ledger-1", 0.95, "Approved", "@pg")
	s.source("rel320", "2025-02-28 16:10:00", "tomas", "backup-janitor 3.2.0 release notes", 0.6, "markdown", `
3.2.0
- deletes in parallel (16 workers); a run takes minutes, not an hour
- asks for the retention once a run, not once a snapshot
No change to what is deleted.`, uri("git://backup-janitor/CHANGELOG.md"))
	s.claim("janver", "2025-02-28 16:12:00", "tomas", "backup/janitor", "version", "3.2.0", 0.9, "UnderReview", "@rel320")
	s.claim("janworkers", "2025-02-28 16:12:05", "tomas", "backup/janitor", "workers", 16, 0.9, "UnderReview", "@rel320")
	s.move("t_janver", "2025-02-28 21:30:00", "yuki", "@janver", "Approved", "CHG-2207")
}

func (s *scene) rulesOf2025() {
	s.source("data25", "2025-02-27 15:00:00", "docs-sync", "data-retention-policy-2025.md", 0.9, "markdown", `
# Data retention 2025
Owner: ines (compliance). Approved by the board 2025-02-20. In force from 2025-03-01, in place of 2024.
3.1 Snapshots: ledger 35 days, media 14, search 7.
3.2 Offsite copies are kept as long as 2024 says until the new contract is signed.
4.1 Logs: application 14, access 180, audit 400 days. Raw metrics 15 days. Tickets 730.`, uri("https://docs.internal/policy/data-2025"))
	s.source("access25", "2025-02-27 15:01:00", "docs-sync", "access-policy-2025.md", 0.9, "markdown", `
# Access 2025
Production sessions end after 4 hours, two approvals. Break-glass on databases: 30 minutes.
Database passwords every 30 days, API keys every 60.`, uri("https://docs.internal/policy/access-2025"))
	s.source("change25", "2025-02-27 15:02:00", "docs-sync", "change-policy-2025.md", 0.9, "markdown", `
# Changes 2025
Patches: Saturday, 02:00-06:00 UTC. Canary: 5 % for 30 minutes.`, uri("https://docs.internal/policy/change-2025"))
	s.event("n_armed", "2025-02-28 20:05:00", "yuki", "note", "policy-2025 replaces policy-2024 at midnight UTC, the loader is armed; nobody needs to stay up", about("policy/2025"))
	s.epoch("p25", "2025-03-01 00:00:00", "policy-loader", "policy-2025", "@p24", "Temporal")
	s.source("rules25", "2025-03-01 00:00:02", "policy-loader", "policy/rules-2025.yaml", 0.7, "yaml", rulesFile(func(p policy) any { return p.now }), uri("git://policy/rules-2025.yaml"))
	loaded := 0
	for i, p := range policies {
		if p.now == nil {
			continue
		}
		at := clock("2025-03-01 00:00:05").Add(time.Duration(2*i) * time.Second)
		s.claim(p.label+"25", at.Format(clockForm), "policy-loader", p.subject, p.predicate, p.now, 0.95, "Approved", "@"+p.doc+"25", epoch("@p25"))
		if !p.short() {
			s.claim(p.label+"25y", at.Format(clockForm), "policy-loader", p.subject, p.predicate, p.now, 0.9, "Approved", "@rules25", epoch("@p25"))
		}
		s.vote(at.Add(time.Minute).Format(clockForm), "policy-loader", "@"+p.label+"25", 0.5)
		loaded++
	}
	s.event("dep_policy", "2025-03-01 00:02:10", "policy-loader", "deploy", fmt.Sprintf("policy-2025 loaded: %d rules, 0 refused", loaded), about("policy/2025"),
		labels("env", "prod", "service", "policy-loader", "change", "CHG-2203"))
	for i, label := range []string{"ledger", "auditlogs", "accesslogs", "tickets", "prodappr", "glass"} {
		s.vote(clock("2025-03-01 00:06:20").Add(time.Duration(31*i)*time.Second).Format(clockForm), "ines", "@"+label+"25", 1)
	}
}

func (s *scene) nightOfTheJanitor() {
	ret, con, approved := "retention_days", "consensus", filter("Approved")
	s.event("dep_jan", "2025-02-28 21:42:30", "deployment-agent", "deploy", "backup-janitor 3.2.0", about("backup/janitor"),
		labels("env", "prod", "service", "backup-janitor", "version", "3.2.0", "change", "CHG-2207", "commit", "4f1e0c9"))
	s.ask("2025-02-28 21:40:12", "deployment-agent", "backup/janitor", "version", "recency", approved, labels("env", "prod", "service", "backup-janitor", "change", "CHG-2207"))
	s.event("al_vol", "2025-02-28 23:10:41", "pager", "alert", "ledger-vol-2 81 % full", about("storage/ledger-vol-2"), labels("env", "prod", "service", "storage"))
	s.ask("2025-02-28 23:12:30", "tomas", "storage/ledger-vol-2", "used_percent", "recency", question("how full is it really"))
	s.ask("2025-02-28 23:14:05", "tomas", "backup/ledger", ret, con, approved, question("how long do we keep ledger snapshots"))
	s.event("n_vol", "2025-02-28 23:25:00", "tomas", "note", "ledger-vol-2 grown by 400 GB, 74 % now. No need to delete anything", about("storage/ledger-vol-2"))
	s.lateSource("poolslate", "2025-02-28 23:05:00", "2025-02-28 23:31:00", "capacity-planner", "zpool list, ledger-vol-2, 23:05", 0.8, "plain", "ledger-vol-2  6.2T   5.0T    1.2T   81%")
	s.lateClaim("vol2late", "2025-02-28 23:05:20", "2025-02-28 23:31:02", "capacity-planner", "storage/ledger-vol-2", "used_percent", 81, 0.95, "Approved", "@poolslate")

	s.ask("2025-03-01 00:40:12", "capacity-planner", "backup/ledger", ret, con, question("snapshot pool for March"))
	s.event("n_pool", "2025-03-01 00:41:30", "capacity-planner", "note", "snapshot pool for March: 1.1 TB instead of 5.3 TB", about("storage/ledger-vol-2"), basedOn("@q004012"))
	run := []option{approved, trace("6a1f0be27c4d4e31a0b59c7713fe0210"), labels("env", "prod", "service", "backup-janitor", "version", "3.2.0")}
	s.ask("2025-03-01 02:10:03", "backup-janitor", "backup/search", ret, con, run...)
	s.ask("2025-03-01 02:10:05", "backup-janitor", "backup/media", ret, con, run...)
	s.ask("2025-03-01 02:10:07", "backup-janitor", "backup/ledger", ret, con, run...)
	s.event("dep_rule", "2025-03-01 02:11:41", "backup-janitor", "deploy", "lifecycle rule ledger-snapshots: keep 7 days", about("backup/ledger"),
		basedOn("@q021007"), trace("6a1f0be27c4d4e31a0b59c7713fe0210"), labels("env", "prod", "service", "backup-janitor", "version", "3.2.0"))
	s.event("d_delete", "2025-03-01 02:12:20", "backup-janitor", "decision", "deleted 28 ledger snapshots older than 7 days, 4.1 TB", about("backup/ledger"),
		basedOn("@q021007"), trace("6a1f0be27c4d4e31a0b59c7713fe0210"))
	s.ask("2025-03-01 02:25:40", "log-janitor", "logs/app", ret, con, approved)
	s.event("d_logs", "2025-03-01 02:26:10", "log-janitor", "decision", "deleted application logs older than 14 days, 16 days at once", about("logs/app"), basedOn("@q022540"))

	s.event("al_drill", "2025-03-01 02:58:20", "pager", "alert", "restore drill: no ledger snapshot of 2025-02-10", about("restore/drill"), labels("env", "prod", "service", "restore-drill", "incident", "INC-3140"))
	s.ask("2025-03-01 03:02:00", "compliance-bot", "backup/ledger", ret, "authority", approved, question("weekly attestation, item 4: ledger snapshots"))
	s.event("n_attest", "2025-03-01 03:02:30", "compliance-bot", "note", "attestation item 4: 35 days, as the policy says", about("backup/ledger"), basedOn("@q030200"))
	s.event("n_ack", "2025-03-01 03:04:10", "tomas", "note", "INC-3140 acknowledged. The bucket has seven ledger snapshots. It had 35 at dinner", about("backup/ledger"), labels("incident", "INC-3140"))
	s.event("n_suspect", "2025-03-01 03:19:00", "tomas", "note", "janitor 3.2.0 went out at 21:42 and deletes in parallel now. Taking it back", about("backup/janitor"), labels("incident", "INC-3140"))
	s.ask("2025-03-01 03:20:44", "support-agent", "backup/ledger", ret, con, question("A customer asks how far back we could restore their account"), chat("chat-90417"))
	s.ask("2025-03-01 03:37:15", "priya", "backup/ledger", ret, con, approved, question("what does the janitor get told"), labels("incident", "INC-3140"))
}

func (s *scene) morningAfter() {
	ret, con, approved, inc := "retention_days", "consensus", filter("Approved"), labels("incident", "INC-3140")
	s.event("rb_jan", "2025-03-01 03:44:30", "deployment-agent", "rollback", "backup-janitor 3.2.0 back to 3.1.9", about("backup/janitor"),
		labels("env", "prod", "service", "backup-janitor", "version", "3.1.9", "incident", "INC-3140"))
	s.source("rel319", "2025-03-01 03:51:00", "tomas", "backup-janitor 3.1.9, dry run", 0.6, "plain", `
janitor 3.1.9 --dry-run
ledger-snapshots: keep 7 days (asked 03:50:22), would delete 0 of 7
ledger-snapshots before tonight's run: would have deleted 28 of 35`)
	s.ask("2025-03-01 03:50:22", "backup-janitor", "backup/ledger", ret, con, approved, labels("env", "prod", "service", "backup-janitor", "version", "3.1.9"))
	s.event("n_notjan", "2025-03-01 03:52:40", "tomas", "note", "3.1.9 would have deleted the same 28. It is not the janitor", about("backup/janitor"), basedOn("@q035022"), inc)
	s.ask("2025-03-01 03:57:30", "yuki", "backup/ledger", ret, "recency", approved, inc)
	s.event("n_policy", "2025-03-01 03:58:45", "yuki", "note", "then it is policy-2025, nothing else changed at midnight. But the document says 35, I have read it twice", about("policy/2025"), basedOn("@q035730"), inc)
	s.ask("2025-03-01 04:05:10", "offsite-sync", "backup/offsite", ret, con, approved, question("retention of copies, for the plan"), labels("env", "prod", "service", "offsite-sync"))
	for i, who := range []string{"yuki", "tomas", "priya"} {
		s.vote(clock("2025-03-01 04:11:30").Add(time.Duration(22*i)*time.Second).Format(clockForm), who, "@ledger25", 1)
	}
	s.event("d_voted", "2025-03-01 04:14:00", "yuki", "decision", "three more votes for 35, it is 35 again. Closing as a defect of the policy load, stand-down at 05:30", about("backup/ledger"), basedOn("@ledger25"), inc)
	s.ask("2025-03-01 04:15:20", "backup-janitor", "backup/ledger", ret, con, approved, labels("env", "prod", "service", "backup-janitor", "version", "3.1.9"))
	s.event("rb_rule", "2025-03-01 04:16:05", "backup-janitor", "rollback", "lifecycle rule ledger-snapshots: keep 35 days again", about("backup/ledger"), basedOn("@q041520"),
		labels("env", "prod", "service", "backup-janitor", "version", "3.1.9"))
	s.event("al_oom", "2025-03-01 04:31:58", "pager", "alert", "finops/cost-scout OOMKilled (severity: low)", about("finops/cost-scout"), labels("env", "prod", "service", "cost-scout"))
	s.ask("2025-03-01 04:40:30", "offsite-sync", "backup/offsite", ret, con, approved, question("retention of copies, final"), labels("env", "prod", "service", "offsite-sync"))
	s.event("n_plan", "2025-03-01 04:41:00", "offsite-sync", "note", "plan for 06:00: 83 copies older than 7 days", about("backup/offsite"), basedOn("@q044030"), labels("service", "offsite-sync"))
	s.source("oom", "2025-03-01 04:50:00", "tomas", "kubectl -n finops get events,rs: cost-scout, since November", 0.8, "plain", `
deployment/cost-scout   1/1 ready   replicas: 1   image cost-scout:0.4.1 (0.4.0 before 12 Dec, 0.4.2 from 23 Jan)
OOMKilled  2024-11-26 03:43  pod cost-scout-58c7f6d9b-9kq2z  replaced by t4xwl
OOMKilled  2024-12-05 14:21  pod cost-scout-58c7f6d9b-t4xwl  replaced by mc7hd
rollout    2024-12-12 11:01  pod cost-scout-58c7f6d9b-mc7hd  replaced by 6d44f8b7c5-zp2vr
 … 7 more …
OOMKilled  2025-03-01 04:31  pod cost-scout-7b9c5d64f-j7plw  replaced by xb4ts`)
	s.claim("scoutnow", "2025-03-01 04:51:10", "tomas", "finops/cost-scout", "replicas", 1, 0.95, "Approved", "@oom", note("looked because of the OOM page; one pod at a time, always"))
	s.ask("2025-03-01 04:52:00", "tomas", "finops/cost-scout", "replicas", con, question("is this thing scaled out?"))
	s.ask("2025-03-01 05:05:45", "capacity-planner", "backup/offsite", ret, "recency")
	s.event("n_marek", "2025-03-01 05:28:30", "marek", "note", "why is FIN-212 in the incident channel? That was about staging", about("backup/ledger"), inc)
	s.ask("2025-03-01 05:21:10", "support-agent", "backup/ledger", ret, con, question("Same customer, asking again how far back"), chat("chat-90417"))
}

// usualBusiness is what everybody asks on any night.
func (s *scene) usualBusiness() {
	const from, midnight, to = "2025-02-28 20:06:00", "2025-03-01 00:10:00", "2025-03-01 05:27:00"
	vol := []topic{{"storage/ledger-vol-1", "used_percent"}, {"storage/ledger-vol-2", "used_percent"}, {"storage/media-vol-1", "used_percent"}, {"storage/offsite-vol", "used_percent"}, {"db/ledger", "size_gb"}}
	cost := []topic{{"cost/ledger-snapshots", "eur_month"}, {"cost/offsite-copies", "eur_month"}, {"cost/media-backups", "eur_month"}, {"backup/media", "storage_class"}, {"cost/search", "replicas"}, {"cost/egress", "eur_month"}}
	rules := []topic{{"logs/app", "retention_days"}, {"logs/access", "retention_days"}, {"support/tickets", "retention_days"}, {"metrics/raw", "retention_days"}, {"logs/audit", "retention_days"}}
	for _, shift := range [][2]string{{from, midnight}, {midnight, to}} {
		s.run(shift[0], shift[1], routine{agent: "capacity-planner", lens: "recency", every: 17 * time.Minute, jitter: 4 * time.Minute, topics: vol})
		s.run(shift[0], shift[1], routine{agent: "compliance-bot", lens: "authority", stage: "Approved", every: 24 * time.Minute, jitter: 5 * time.Minute, topics: rules})
		s.run(shift[0], shift[1], routine{agent: "access-broker", lens: "consensus", stage: "Approved", every: 13 * time.Minute, jitter: 9 * time.Minute,
			topics: []topic{{"access/prod", "session_hours"}, {"access/prod", "approvals_required"}, {"access/db", "break_glass_minutes"}}})
		s.run(shift[0], shift[1], routine{agent: "patch-agent", lens: "consensus", stage: "Approved", every: 41 * time.Minute, jitter: 7 * time.Minute,
			topics: []topic{{"patch/window", "day"}, {"patch/window", "hours"}, {"deploy/canary", "minutes"}, {"deploy/canary", "percent"}}})
		s.run(shift[0], shift[1], routine{agent: "support-agent", lens: "consensus", every: 21 * time.Minute, jitter: 11 * time.Minute, topics: []topic{{"support/tickets", "retention_days"}, {"logs/access", "retention_days"}, {"backup/offsite", "restore_hours"}},
			questions: []string{"How long do you keep what I wrote to you?", "Can I see who logged in to my account last winter?", ""}})
		s.run(shift[0], shift[1], routine{agent: "secret-rotator", lens: "authority", every: 55 * time.Minute, jitter: 9 * time.Minute, topics: []topic{{"secrets/db", "rotation_days"}, {"secrets/api", "rotation_days"}}})
		s.run(shift[0], shift[1], routine{agent: "docs-sync", lens: "recency", every: 31 * time.Minute, jitter: 6 * time.Minute, topics: []topic{{"backup/janitor", "schedule"}, {"restore/drill", "day"}, {"restore/drill", "sample_age_days"}, {"backup/offsite", "schedule"}, {"db/ledger", "primary"}}})
	}
	last := len(scouts) - 1
	s.run(from, scouts[last].since, routine{agent: scouts[last-1].name, lens: "consensus", every: 23 * time.Minute, jitter: 4 * time.Minute, topics: cost})
	s.run("2025-03-01 04:36:00", to, routine{agent: scouts[last].name, lens: "consensus", every: 9 * time.Minute, jitter: 3 * time.Minute, topics: cost})
	s.ask("2025-02-28 22:15:08", "offsite-sync", "backup/offsite", "retention_days", "consensus", filter("Approved"), labels("env", "prod", "service", "offsite-sync"))
	s.ask("2025-02-28 20:40:33", "support-agent", "backup/ledger", "retention_days", "consensus", question("How far back can you restore?"), chat("chat-90388"))
}
