// Package lens decides what the answer to a question is when assertions compete.
//
// It is pure: a History of records and a Cut come in, candidates come out (Admit); a Lens and candidates come in, an
// Answer comes out (Resolve). The same input gives the same bits on every machine and in every order of arrival,
// because an answer of last month has to be reproduced today: sums run in a stated order, nothing is left to fused
// multiply-add, and exp is our own (exp.go).
//
// Not promised: loading. Which records bear on a question, and what derives from an excluded assertion, is the
// caller's to find. Nothing here touches a store, a disk, a clock or a network, and nothing changes its input.
//
//	History ── Admit ──▶ candidates ── Resolve ──▶ Answer
//	            │  what counts at AsOf and Pin,      score each (s), group equal objects, weigh the groups
//	            │  stage, epoch, repetitions         (mass = Σ s·c), let the lens name the winner
//	            └─▶ dropped, each with its reason
//
// # Words
//
// A record counts when its timestamp is not after Cut.AsOf, its LSN is not above Cut.Pin, and it is not excluded.
// Newest always means the greatest (timestamp, LSN). The score s of a candidate is its weight in the answer, 0 to 1;
// c is its confidence. Scores, confidences, masses, supports and shares are float32; the arithmetic between them is
// float64.
//
// # Rules
//
// Comments and tests name rules by number:
//
//	 8  candidates: of one agent's assertions with the same object and source the newest
//	 9  stage: the newest transition decides, else birth; without a filter Deprecated and Rejected stay out
//	10  epochs: an assertion stays out whose epoch was directly superseded as Temporal or Invalidated
//	11  score: what a lens computes for a candidate
//	12  groups: candidates with equal objects; mass, support and share
//	13  winner: the group that a lens chooses
//	14  answer: the winner's object; its support is the confidence
//	15  contributions: the winner's members with s > 0, by weight falling, then hash rising
//	17  reproduction: an answer comes out again from its own cut, whatever arrived since
//	20  margin: how far the first group is ahead
package lens
