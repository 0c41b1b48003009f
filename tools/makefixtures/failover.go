package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// A database fails over to a replica that had stopped receiving a quarter of an hour before. Its exporter says that it
// lags 0 seconds, because nothing that it received is left to replay. The reading spreads as "no payment was lost"; when
// it is withdrawn, what was derived from it is not. What the better replica knew had been written down in time, and
// arrived an hour and a half later.

func ledgerFailover() *scene {
	s := newScene(20241112)
	s.plantOfPayments()
	s.readings()
	s.failover()
	s.spread()
	s.lateLog()
	s.withdrawal()
	s.stillTold()
	s.elsewhere()
	return s
}

// fact is a claim that stands in two documents.
type fact struct {
	subject, predicate string
	object             any
}

// plantOfPayments is what was known on the evening before.
func (s *scene) plantOfPayments() {
	s.epoch("q4", "2024-10-01 00:00:00", "ops", "2024-Q4", "", "")
	s.source("runbook", "2024-10-07 09:00:00", "docs-sync", "ledger-failover-runbook.md", 0.7, "markdown", `
# Ledger failover
ledger-1 (zone a) is primary, ledger-2 (zone b) and ledger-3 (zone c) follow asynchronously.
failover-agent asks for promotion_candidate, lens recency with a half-life of 10 minutes: the newest reading counts.
Readings of topology-bot are Approved as they come; nobody is awake to do it.
topology-bot picks the replica with the smallest lag; equal ones by the order of their zones.
After a promotion: DNS, status page, reconciliation, backups. They ask for lost_seconds and act on it.`, uri("https://docs.internal/payments/ledger-failover"))
	s.source("values", "2024-11-05 14:10:00", "deployment-agent", "payments/values.yaml@8.2.1", 0.75, "yaml", `
api: {timeout_ms: 4000, retries: 2, replicas: 18}
ledger: {rw: ledger-rw.svc, pool: 120}
gateway: {timeout_ms: 9000, provider: northbank}
dns: {ledger_rw_ttl: 30}`, uri("git://config/payments/values.yaml"))
	s.source("inventory", "2024-11-08 07:00:00", "capacity-planner", "inventory export, payments", 0.6, "csv", `
service,key,value
payments/api,replicas,18
payments/api,timeout_ms,4000
payments/ledger,pool,120
edge/dns,ledger_rw_ttl,30
db/sessions,max_connections,400`)
	facts := []fact{{"payments/api", "timeout_ms", 4000}, {"payments/api", "retries", 2}, {"payments/api", "replicas", 18}, {"payments/ledger", "pool", 120},
		{"payments/gateway", "timeout_ms", 9000}, {"payments/gateway", "provider", "northbank"}, {"edge/dns", "ledger_rw_ttl", 30}, {"db/sessions", "max_connections", 400},
		{"db/ledger", "synchronous_commit", "off"}, {"billing/cutoff", "time", "04:00 UTC"}, {"support/hours", "night_shift", "22:00-06:00 UTC"}, {"backup/ledger", "wal_kept_hours", 5}}
	for i, f := range facts {
		at := func(day string, seconds int) string {
			return clock(day).Add(time.Duration(6*i+seconds) * time.Second).Format(clockForm)
		}
		s.claim(fmt.Sprintf("fact%d", i), at("2024-11-05 14:12:00", 0), "deployment-agent", f.subject, f.predicate, f.object, 0.95, "Approved", "@values", epoch("@q4"))
		s.claim(fmt.Sprintf("fact%db", i), at("2024-11-08 07:01:00", 0), "capacity-planner", f.subject, f.predicate, f.object, 0.85, "Approved", "@inventory", epoch("@q4"))
		for j, who := range []string{"hanna", "ravi", "lena"} {
			if (i+j)%2 == 0 {
				s.vote(at("2024-11-08 09:30:00", 700*j), who, fmt.Sprintf("@fact%d", i), 1)
			}
		}
	}
	s.source("pager", "2024-11-11 16:00:00", "oncall-bot", "on-call rota, week 46", 0.8, "plain", "databases: hanna, second chen\npayments: lena\nincident command: ravi\ncommunication: otto")
	for i, duty := range [][2]string{{"databases", "hanna"}, {"payments", "lena"}, {"command", "ravi"}, {"communication", "otto"}} {
		s.claim("duty_"+duty[0], clock("2024-11-11 16:01:00").Add(time.Duration(2*i)*time.Second).Format(clockForm), "oncall-bot", "oncall/"+duty[0], "first", duty[1], 0.95, "Approved", "@pager")
	}
	s.source("northbank1", "2024-11-12 02:20:00", "payments-watch", "northbank status page, 02:20", 0.4, "plain", "Card payments: operational\nPayouts: operational")
	s.claim("bank_ok", "2024-11-12 02:20:30", "payments-watch", "payments/gateway", "provider_status", "operational", 0.9, "Approved", "@northbank1")
}

// readings are what topology-bot and its exporters saw of the three databases and of the network between them.
func (s *scene) readings() {
	s.source("scrape2a", "2024-11-12 02:30:04", "topology-bot", "node exporter ledger-2, 02:30", 0.8, "plain", `
pg_up 1
pg_replication_lag_seconds 3
pg_wal_receiver_up 1
pg_wal_receiver_last_message "2024-11-12T02:30:03Z"
pg_wal_received 5E/9A41C7F0`)
	s.source("scrape3a", "2024-11-12 02:30:05", "topology-bot", "node exporter ledger-3, 02:30", 0.8, "plain", `
pg_up 1
pg_replication_lag_seconds 5
pg_wal_receiver_up 1
pg_wal_receiver_last_message "2024-11-12T02:30:02Z"
pg_wal_received 5E/9A41C7F0`)
	s.claim("lag2a", "2024-11-12 02:30:10", "topology-bot", "db/ledger/ledger-2", "replay_lag_seconds", 3, 0.95, "Approved", "@scrape2a")
	s.claim("lag3a", "2024-11-12 02:30:11", "topology-bot", "db/ledger/ledger-3", "replay_lag_seconds", 5, 0.95, "Approved", "@scrape3a")
	s.claim("cand2", "2024-11-12 02:30:20", "topology-bot", "db/ledger", "promotion_candidate", "ledger-2", 0.93, "Approved", "@scrape2a", parents("@lag2a", "@lag3a"))
	s.claim("primary1", "2024-11-12 02:30:21", "topology-bot", "db/ledger", "primary", "ledger-1", 0.95, "Approved", "@scrape2a")

	s.source("scrape3", "2024-11-12 03:06:02", "topology-bot", "node exporter ledger-3, 03:06", 0.8, "plain", `
pg_up 1
pg_replication_lag_seconds 0
pg_wal_receiver_up 0
pg_wal_receiver_last_message "2024-11-12T02:46:31Z"
pg_wal_received 5E/B07712A8
pg_wal_replayed 5E/B07712A8`)
	s.claim("lag3", "2024-11-12 03:06:10", "topology-bot", "db/ledger/ledger-3", "replay_lag_seconds", 0, 0.95, "Approved", "@scrape3")
	s.claim("cand3", "2024-11-12 03:06:20", "topology-bot", "db/ledger", "promotion_candidate", "ledger-3", 0.93, "Approved", "@scrape3",
		parents("@lag3", "@lag2a"), note("ledger-2: no answer within 5 s"))

	for i, loss := range []int{0, 0, 38, 41, 44, 0, 0} {
		at := []string{"02:33:00", "02:48:00", "02:58:20", "03:08:00", "03:23:00", "03:42:00", "03:57:00"}[i]
		label := fmt.Sprintf("loss%d", i)
		s.source(label+"s", "2024-11-12 "+at, "net-watch", "mesh probe zone-a to zone-b, "+at[:5], 0.7, "plain", fmt.Sprintf("sent 500 lost %d\nzone-a to zone-c: sent 500 lost %d", loss*5, i%3))
		s.claim(label, clock("2024-11-12 "+at).Add(12*time.Second).Format(clockForm), "net-watch", "net/zone-a-b", "loss_percent", loss, 0.9, "Approved", "@"+label+"s")
	}
}

func (s *scene) failover() {
	inc := labels("incident", "INC-882")
	s.ask("2024-11-12 02:49:30", "deployment-agent", "net/zone-a-b", "loss_percent", "recency", question("links quiet before CHG-4410?"), labels("change", "CHG-4410"))
	s.event("dep_switch", "2024-11-12 02:51:00", "deployment-agent", "deploy", "switch a-07 firmware 9.4.2", about("net/zone-a-b"), basedOn("@q024930"),
		labels("env", "prod", "service", "network", "version", "9.4.2", "change", "CHG-4410"))
	s.event("al_loss", "2024-11-12 02:58:40", "pager", "alert", "packet loss zone a to zone b 38 %", about("net/zone-a-b"), labels("env", "prod", "service", "network"))
	s.event("al_primary", "2024-11-12 03:04:05", "pager", "alert", "ledger-1 unreachable since 03:03:29", about("db/ledger"), labels("env", "prod", "service", "ledger", "incident", "INC-882"))
	s.event("n_cmd", "2024-11-12 03:07:00", "ravi", "note", "taking INC-882. hanna is dialling in, payments are queueing", about("db/ledger"), inc)
	s.ask("2024-11-12 03:08:40", "hanna", "db/ledger/ledger-3", "replay_lag_seconds", "recency", question("how far behind is 3"), inc)
	s.ask("2024-11-12 03:09:15", "hanna", "db/ledger/ledger-2", "replay_lag_seconds", "recency", question("and 2"), inc)
	traced := trace("0b7a55e1c4f94f0e8f5f6b1d2e3c4a59")
	s.ask("2024-11-12 03:12:38", "failover-agent", "db/ledger", "primary", "recency", traced, labels("env", "prod", "service", "ledger", "incident", "INC-882"))
	s.ask("2024-11-12 03:12:41", "failover-agent", "db/ledger", "promotion_candidate", "recency", halfLife("10m"), filter("Approved"), traced, labels("env", "prod", "service", "ledger", "incident", "INC-882"))
	s.event("dep_promote", "2024-11-12 03:13:20", "failover-agent", "deploy", "promote ledger-3 to primary", about("db/ledger"), basedOn("@q031241"), traced,
		labels("env", "prod", "service", "ledger", "incident", "INC-882"))
	s.source("promoted", "2024-11-12 03:13:38", "failover-agent", "pg_ctl promote ledger-3", 0.8, "plain", "server promoted\ntimeline 7 -> 8 at 5E/B07712A8")
	s.claim("primary3", "2024-11-12 03:13:40", "failover-agent", "db/ledger", "primary", "ledger-3", 0.97, "Approved", "@promoted")
	s.claim("lost0", "2024-11-12 03:14:00", "topology-bot", "payments/ledger", "lost_seconds", 0, 0.93, "Approved", "@scrape3", parents("@lag3", "@cand3"))
	s.ask("2024-11-12 03:16:05", "dns-agent", "db/ledger", "primary", "recency", labels("env", "prod", "service", "dns"))
	s.event("dep_dns", "2024-11-12 03:16:40", "dns-agent", "deploy", "ledger-rw points to ledger-3", about("edge/dns"), basedOn("@q031605"), labels("env", "prod", "service", "dns"))
}

// spread is how one answer became five claims under other names.
func (s *scene) spread() {
	inc := labels("incident", "INC-882")
	asked := func(at, agent, lens string, options ...option) {
		s.ask("2024-11-12 "+at, agent, "payments/ledger", "lost_seconds", lens, append(options, inc)...)
	}
	told := func(label, at, agent, subject, predicate string, object any, source, name, text, parent string) {
		s.source(source, clock("2024-11-12 "+at).Add(-8*time.Second).Format(clockForm), agent, name, 0.6, "plain", text)
		s.claim(label, "2024-11-12 "+at, agent, subject, predicate, object, 0.9, "Approved", "@"+source, parents(parent))
	}
	asked("03:20:15", "status-agent", "recency")
	told("page_ok", "03:21:00", "status-agent", "status/payments", "public_statement", "no payments were lost", "draft1", "status page, entry 1",
		"03:21 UTC. Payments were delayed for ten minutes. No payments were lost.", "@lost0")
	s.event("n_page", "2024-11-12 03:21:20", "status-agent", "note", "status page: no payments were lost", about("status/payments"), basedOn("@q032015"), inc)
	asked("03:22:30", "hanna", "recency", question("did we lose anything"))
	s.vote("2024-11-12 03:24:00", "hanna", "@lost0", 1)
	asked("03:25:10", "support-agent", "consensus", question("Customer: my card was charged at 02:58, is it through?"), chat("chat-20116"))
	s.ask("2024-11-12 03:25:14", "support-agent", "status/payments", "public_statement", "consensus", chat("chat-20116"))
	told("macro", "03:27:00", "support-agent", "support/macros", "ledger_incident", "Your payment is safe. You need not do anything.", "macro1", "support macro ledger-incident",
		"[ledger-incident] We had a short delay tonight. Your payment is safe. You need not do anything.", "@page_ok")
	asked("03:31:02", "billing-reconciler", "recency", question("replay before the cut-off at 04:00?"))
	told("noreplay", "03:31:30", "billing-reconciler", "billing/reconciliation", "replay_needed", false, "recon1", "reconciliation plan 2024-11-12",
		"lost_seconds 0: no replay of acknowledged payments; cut-off 04:00 as usual", "@lost0")
	s.event("d_noreplay", "2024-11-12 03:31:40", "billing-reconciler", "decision", "no replay; books close at 04:00 as usual", about("billing/reconciliation"), basedOn("@q033102"), inc)
	asked("03:34:20", "backup-agent", "recency")
	told("nopitr", "03:34:50", "backup-agent", "backup/ledger", "pitr_needed", false, "backup1", "backup plan after INC-882",
		"primary is ledger-3, lost_seconds 0: archive of ledger-2 not needed beyond the usual 5 h", "@lost0")
	for i, v := range []struct {
		agent  string
		weight float64
	}{{"status-agent", 0.6}, {"billing-reconciler", 0.7}, {"backup-agent", 0.5}} {
		s.vote(clock("2024-11-12 03:36:00").Add(time.Duration(17*i)*time.Second).Format(clockForm), v.agent, "@lost0", v.weight)
	}
	s.event("rb_switch", "2024-11-12 03:35:00", "deployment-agent", "rollback", "switch a-07 firmware 9.4.2 back to 9.4.1", about("net/zone-a-b"),
		labels("env", "prod", "service", "network", "version", "9.4.1", "change", "CHG-4410", "incident", "INC-882"))
	s.event("n_heal", "2024-11-12 03:44:10", "ravi", "note", "loss is gone since the firmware went back. That was it, then. Stand-down at 04:30", about("net/zone-a-b"), inc)

	// The bank's own agent was told by our public interface. What it weighed is in a log that is not ours.
	elsewhere := sha256.Sum256([]byte("northbank-liaison, claim behind its answer of 03:52"))
	paper := sha256.Sum256([]byte("northbank-liaison, document behind its answer of 03:52"))
	s.add("2024-11-12 03:52:18", "", rec{Kind: "audit", ID: "bank_told", AgentID: "northbank-liaison", Subject: "payments/ledger", Predicate: "complete_until",
		Lens: "external", AsOf: "2024-11-12T03:52:18Z", Question: "May we settle the batch of 03:00?",
		Result: json.RawMessage(`{"value":"2024-11-12T03:03:29Z","confidence":0.9,"share":1}`), Considered: 1,
		Contribs: json.RawMessage(fmt.Sprintf(`[{"hash":"a_%x","lifecycle":"Unstated","weight":0.9,"source_hash":"b_%x"}]`, elsewhere, paper))}, nil)
	s.event("d_settle", "2024-11-12 03:55:00", "northbank-liaison", "decision", "batch of 03:00 settles as delivered", about("payments/ledger"), labels("service", "gateway"))
	asked("04:02:00", "compliance-bot", "authority", question("report to the supervisor, draft: was data lost?"))
	s.vote("2024-11-12 04:03:00", "compliance-bot", "@lost0", 0.5)
}

func (s *scene) lateLog() {
	inc := labels("incident", "INC-882")
	s.event("al_gap", "2024-11-12 04:26:30", "pager", "alert", "payment 88121-7: acknowledged 02:58:11, not in the ledger", about("payments/ledger"), labels("env", "prod", "service", "payments-api", "incident", "INC-882"))
	s.event("n_lena", "2024-11-12 04:29:00", "lena", "note", "one payment missing is a bug. Give me ten minutes before anybody panics", about("payments/ledger"), inc)
	const arrived = "2024-11-12 04:37:12"
	s.lateSource("wal2", "2024-11-12 03:10:02", arrived, "log-shipper", "ledger-2 postgresql.log, 03:00 to 03:10", 0.85, "plain", `
03:03:29.114 walreceiver: could not receive data from WAL stream: server closed the connection
03:03:29.115 last received 5E/D80C4410, replayed 5E/D80C4410
03:03:34.120 walreceiver: could not connect to the primary
 … 74 more …
03:10:01.998 restartpoint complete`)
	s.lateClaim("lag2late", "2024-11-12 03:10:04", arrived, "wal-auditor", "db/ledger/ledger-2", "replay_lag_seconds", 0, 0.95, "Approved", "@wal2")
	s.lateClaim("cand2late", "2024-11-12 03:10:05", arrived, "wal-auditor", "db/ledger", "promotion_candidate", "ledger-2", 0.95, "Approved", "@wal2", parents("@lag2late"))
	s.event("n_shipper", "2024-11-12 04:38:00", "net-watch", "note", "log-shipper in zone b has sent its queue of 96 minutes", about("net/zone-a-b"))
	s.ask("2024-11-12 04:45:20", "ravi", "db/ledger", "promotion_candidate", "recency", halfLife("10m"), filter("Approved"), asOf("2024-11-12 03:12:41"), question("what should failover-agent have been told"), inc)
	s.event("n_blame", "2024-11-12 04:47:00", "ravi", "note", "the log of 03:10 says ledger-2, and failover-agent took 3 at 03:12. It ignored a fresher reading. I want it switched off", about("db/ledger"), basedOn("@q044520"), inc)
}

func (s *scene) withdrawal() {
	inc := labels("incident", "INC-882")
	s.source("waldump", "2024-11-12 05:02:00", "chen", "pg_waldump: ledger-2 against ledger-3", 0.85, "plain", `
ledger-2 ends   5E/D80C4410   last commit 03:03:29.090
ledger-3 ended  5E/B07712A8   last commit 02:46:31.404   then timeline 8
missing on 3: 02:46:31 to 03:03:29, 1018 s, 2212 commits
ledger-3 log 02:46:31: FATAL: could not connect to the primary: SSL error: certificate has expired`)
	s.claim("lost1018", "2024-11-12 05:04:00", "chen", "payments/ledger", "lost_seconds", 1018, 0.97, "Approved", "@waldump")
	s.vote("2024-11-12 05:04:30", "chen", "@lost1018", 1)
	s.ask("2024-11-12 05:09:10", "hanna", "payments/ledger", "lost_seconds", "recency", inc)
	s.ask("2024-11-12 05:12:40", "hanna", "db/ledger/ledger-3", "replay_lag_seconds", "recency", asOf("2024-11-12 03:08:40"), question("what did it tell me at ten past"), inc)
	s.move("t_lag3", "2024-11-12 05:20:00", "hanna", "@lag3", "Rejected", "exporter prints 0 when the receiver is gone: nothing left to replay is not nothing missing")
	s.move("t_cand3", "2024-11-12 05:20:20", "hanna", "@cand3", "Rejected", "rests on the reading of 03:06")
	s.source("scrape3w", "2024-11-12 05:21:00", "hanna", "node exporter ledger-3, 03:06 (WITHDRAWN)", 0.05, "plain", `
pg_up 1
pg_replication_lag_seconds 0
pg_wal_receiver_up 0
pg_wal_receiver_last_message "2024-11-12T02:46:31Z"
pg_wal_received 5E/B07712A8
pg_wal_replayed 5E/B07712A8`)
	s.event("d_withdraw", "2024-11-12 05:22:00", "hanna", "decision", "reading of 03:06 withdrawn, candidate too. Going back to ledger-2; chen merges what ledger-3 took since", about("db/ledger"), basedOn("@lost1018"), inc)
	s.ask("2024-11-12 05:28:10", "failover-agent", "db/ledger", "promotion_candidate", "recency", halfLife("10m"), filter("Approved"), trace("5c1d9ab0370e4c6d9f0a2b43c1e7d866"), inc)
	s.event("rb_promote", "2024-11-12 05:30:00", "failover-agent", "rollback", "ledger-2 is primary, ledger-3 fenced", about("db/ledger"), basedOn("@q052810"),
		trace("5c1d9ab0370e4c6d9f0a2b43c1e7d866"), labels("env", "prod", "service", "ledger", "incident", "INC-882"))
	s.source("promoted2", "2024-11-12 05:30:30", "failover-agent", "pg_ctl promote ledger-2", 0.8, "plain", "server promoted\ntimeline 7 -> 9 at 5E/D80C4410")
	s.claim("primary2", "2024-11-12 05:30:40", "failover-agent", "db/ledger", "primary", "ledger-2", 0.97, "Approved", "@promoted2")
	s.ask("2024-11-12 05:31:30", "dns-agent", "db/ledger", "primary", "recency", labels("env", "prod", "service", "dns"))
	s.event("dep_dns2", "2024-11-12 05:32:00", "dns-agent", "deploy", "ledger-rw points to ledger-2", about("edge/dns"), basedOn("@q053130"), labels("env", "prod", "service", "dns"))
	s.ask("2024-11-12 05:40:00", "billing-reconciler", "payments/ledger", "lost_seconds", "authority", inc)
	s.event("n_down", "2024-11-12 05:50:00", "ravi", "note", "source withdrawn, database back, numbers right in billing. Stand-down, review at ten", about("db/ledger"), inc)
}

// stillTold is who goes on saying it after the source was withdrawn.
func (s *scene) stillTold() {
	s.ask("2024-11-12 05:57:40", "status-agent", "status/payments", "public_statement", "consensus", question("hourly refresh of the entry"))
	s.ask("2024-11-12 06:10:05", "support-agent", "support/macros", "ledger_incident", "consensus", question("Customer: my bank says refused, my phone says paid"), chat("chat-20160"))
	s.ask("2024-11-12 06:15:00", "billing-reconciler", "billing/reconciliation", "replay_needed", "consensus")
	s.ask("2024-11-12 06:40:00", "compliance-bot", "payments/ledger", "lost_seconds", "consensus", question("report to the supervisor, final, due 08:00"))
	s.event("n_report", "2024-11-12 06:41:00", "compliance-bot", "note", "report to the supervisor queued for 08:00: no data was lost", about("payments/ledger"), basedOn("@q064000"))
	s.ask("2024-11-12 07:05:30", "backup-agent", "backup/ledger", "pitr_needed", "consensus")
	s.event("n_expire", "2024-11-12 07:06:00", "backup-agent", "note", "archive before 03:06 expires at 08:06, as usual", about("backup/ledger"), basedOn("@q070530"))
	s.ask("2024-11-12 07:18:20", "support-agent", "support/macros", "ledger_incident", "consensus", chat("chat-20171"))
	s.event("n_otto", "2024-11-12 07:24:00", "otto", "note", "the page still says that nothing was lost. Is that what we want to say at breakfast?", about("status/payments"))
}

// elsewhere is what everybody asks on any night.
func (s *scene) elsewhere() {
	const from, to = "2024-11-12 02:31:00", "2024-11-12 07:26:00"
	s.run(from, to, routine{agent: "capacity-planner", lens: "authority", every: 14 * time.Minute, jitter: 6 * time.Minute,
		topics: []topic{{"payments/api", "replicas"}, {"payments/ledger", "pool"}, {"db/sessions", "max_connections"}, {"backup/ledger", "wal_kept_hours"}}})
	s.run(from, to, routine{agent: "payments-watch", lens: "consensus", every: 11 * time.Minute, jitter: 5 * time.Minute,
		topics: []topic{{"payments/api", "timeout_ms"}, {"payments/gateway", "timeout_ms"}, {"payments/gateway", "provider_status"}, {"payments/api", "retries"}}})
	s.run(from, to, routine{agent: "net-watch", lens: "recency", every: 16 * time.Minute, jitter: 3 * time.Minute,
		topics: []topic{{"net/zone-a-b", "loss_percent"}, {"edge/dns", "ledger_rw_ttl"}, {"net/zone-a-b", "loss_percent"}}})
	s.run(from, to, routine{agent: "support-agent", lens: "consensus", every: 19 * time.Minute, jitter: 12 * time.Minute,
		topics:    []topic{{"payments/gateway", "provider_status"}, {"support/hours", "night_shift"}, {"billing/cutoff", "time"}},
		questions: []string{"Customer: is something wrong with cards?", "", "Customer: when does tonight's payment show?"}})
	s.run(from, to, routine{agent: "oncall-bot", lens: "recency", every: 47 * time.Minute, jitter: 8 * time.Minute,
		topics: []topic{{"oncall/databases", "first"}, {"oncall/payments", "first"}, {"oncall/command", "first"}, {"oncall/communication", "first"}}})
	s.run(from, to, routine{agent: "dns-agent", lens: "consensus", every: 26 * time.Minute, jitter: 4 * time.Minute,
		topics: []topic{{"edge/dns", "ledger_rw_ttl"}, {"payments/ledger", "pool"}}})
	s.run(from, to, routine{agent: "docs-sync", lens: "recency", every: 33 * time.Minute, jitter: 6 * time.Minute,
		topics: []topic{{"db/ledger", "synchronous_commit"}, {"payments/gateway", "provider"}, {"billing/cutoff", "time"}}})
	s.ask("2024-11-12 03:18:30", "otto", "oncall/databases", "first", "recency", question("whom do I ask for the status page"))
}
