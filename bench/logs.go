package main

import (
	"context"
	"path/filepath"

	"episteme/engine/vfs"
	ours "episteme/engine/wal"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	tidwall "github.com/tidwall/wal"
)

// appender is a journal as all three have it: a batch is durable when append returns. Only ours takes several callers
// at once; the others are given one after the other by a lock (see locked).
type appender interface {
	append(batch [][]byte) error
	close() error
}

// peer is a journal that takes part.
type peer struct {
	name   string
	groups bool // takes several callers at once
	open   func(dir string) (appender, error)
}

// peers are in the order of the tables; the first is what the others are compared with.
var peers = []peer{
	{"episteme", true, openOurs},
	{"raft-wal 0.4.0", false, openRaft},
	{"tidwall/wal 1.2.1", false, openTidwall},
}

type oursLog struct{ log *ours.Log }

func openOurs(dir string) (appender, error) {
	l, _, err := ours.Open(vfs.OS(), filepath.Join(dir, "wal"), ours.Options{})
	return &oursLog{l}, err
}

func (l *oursLog) append(batch [][]byte) error {
	var few [64]ours.Entry
	entries := few[:0]
	for _, p := range batch {
		entries = append(entries, ours.Entry{Kind: 1, Payload: p})
	}
	_, err := l.log.Append(context.Background(), entries...)
	return err
}

func (l *oursLog) close() error { return l.log.Close() }

type raftLog struct {
	log  *raftwal.WAL
	next uint64
}

func openRaft(dir string) (appender, error) {
	l, err := raftwal.Open(dir)
	return &raftLog{l, 1}, err
}

func (l *raftLog) append(batch [][]byte) error {
	logs := make([]*raft.Log, len(batch))
	for i, p := range batch {
		logs[i] = &raft.Log{Index: l.next + uint64(i), Data: p}
	}
	l.next += uint64(len(batch))
	return l.log.StoreLogs(logs)
}

func (l *raftLog) close() error { return l.log.Close() }

type tidwallLog struct {
	log   *tidwall.Log
	batch tidwall.Batch
	next  uint64
}

func openTidwall(dir string) (appender, error) {
	l, err := tidwall.Open(filepath.Join(dir, "wal"), nil) // nil: a sync per write, segments of 20 MB
	return &tidwallLog{log: l, next: 1}, err
}

func (l *tidwallLog) append(batch [][]byte) error {
	if len(batch) == 1 {
		l.next++
		return l.log.Write(l.next-1, batch[0])
	}
	l.batch.Clear()
	for _, p := range batch {
		l.batch.Write(l.next, p)
		l.next++
	}
	return l.log.WriteBatch(&l.batch)
}

func (l *tidwallLog) close() error { return l.log.Close() }
