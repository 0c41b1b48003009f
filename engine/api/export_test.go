package api

import "net/http"

// Handle answers one request without a connection, for fuzzing.
func (s *Server) Handle(w http.ResponseWriter, r *http.Request, trust Trust) { s.serve(w, r, trust) }
